"""Bodies of event streams as no server should send them, for hypothesis."""

from __future__ import annotations

import json

from hypothesis import strategies as st

# Values as they are written in JSON, some of which only Python reads.
_VALUES = st.sampled_from(
    [
        *("null", "true", "false", "0", "-0", "1", "1.0", "-0.0", "1e2", "1e999", "0.1", "NaN"),
        *("Infinity", "-Infinity", "9" * 30, "9" * 5000, "[" * 300 + "]" * 300, "[]", "{}"),
        *('""', '"x"', '"stop"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', '"é😀"', '"a\tb"'),
        *("[null]", "[1, [2]]", '{"a":1,"a":2}', '{"message":"m","code":"c","type":1,"param":[]}'),
        *('{"message":""}', '{"message":1}', '[{"index":0,"delta":{}}]', '{"a":NaN}', "01", "'x'"),
        '[{"index":0,"delta":{"content":"b"},"finish_reason":"stop"}]',
    ]
)
_NAMES = st.sampled_from(
    [
        *("id", "object", "created", "model", "choices", "usage", "error", "x", "type", "delta"),
        *("_fields", "model_config", "sequence_number", "logprobs", "service_tier", "response"),
    ]
)


def _members(value: dict[str, object]) -> list[tuple[str, str]]:
    return [(name, json.dumps(inner)) for name, inner in value.items()]


_CHUNK: dict[str, object] = {
    "id": "c",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": None}],
}
_END = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
_TEXT: dict[str, object] = {
    "id": "c",
    "object": "text_completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "text": "a", "finish_reason": "stop", "logprobs": None}],
}
_DELTA: dict[str, object] = {
    "type": "response.output_text.delta",
    "sequence_number": 1,
    "item_id": "i",
    "output_index": 0,
    "content_index": 0,
    "delta": "a",
    "logprobs": [],
}
_RESPONSE: dict[str, object] = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "status": "completed",
}
BASES: dict[str, list[dict[str, object]]] = {
    "chat.completions": [_CHUNK, {**_CHUNK, "choices": _END}, {**_CHUNK, "choices": []}],
    "completions": [_TEXT],
    "responses": [
        _DELTA,
        {"type": "response.completed", "sequence_number": 2, "response": _RESPONSE},
        {"type": "response.created", "sequence_number": 0, "response": _RESPONSE},
        {"type": "error", "code": "c", "message": "m", "param": None, "sequence_number": 3},
        {"type": "response.unknown", "sequence_number": 1},
        {"sequence_number": 1, **_DELTA},
    ],
}


@st.composite
def _changed(draw: st.DrawFn, api: str) -> str:
    """An object of the API with members added, doubled or left out."""
    members = _members(draw(st.sampled_from(BASES[api])))
    for name, value in draw(st.lists(st.tuples(_NAMES, _VALUES), max_size=2)):
        members.insert(draw(st.integers(0, len(members))), (name, value))
    if draw(st.integers(0, 5)) == 0:
        del members[draw(st.integers(0, len(members) - 1))]
    colon = draw(st.sampled_from([":", ": ", " :\t"]))
    return "{" + ",".join(f"{json.dumps(name)}{colon}{value}" for name, value in members) + "}"


_ODD_DATA = st.sampled_from(
    ["", " ", "{", "{}", "{} {}", "[]", "[DONE", "[done]", "\ufeff{}", "null", '"[DONE]"', "\u2028"]
)
_DONE = st.sampled_from(["[DONE]", "[DONE]x", "[DONE] ", "[DONE]\t{}"])
_EVENT_NAMES = st.sampled_from(
    [
        *("", "error", "ping", "message", "thread.", "thread.run.created", "thread", "Thread.x"),
        *("response.completed", "response.output_text.delta", "response.created", "é"),
    ]
)
_OTHER = st.one_of(
    st.sampled_from([":", ": ping", ":data: x", "id", "id: 1", "id:", "id: a\0b", "foo: bar"]),
    st.sampled_from(["retry: 1", "retry:", "retry: x", "retry: -1_0", "retry: 1.5", "retry:  7 "]),
    st.sampled_from(["Data: x", " data: x", "dat: x", "data ", "event ", "\0", "=", "é", "event"]),
    _EVENT_NAMES.map("event: ".__add__),
    _EVENT_NAMES.map("event:".__add__),
)


@st.composite
def _event(draw: st.DrawFn, api: str) -> list[str]:
    data = draw(st.one_of(_changed(api), _changed(api), _changed(api), _ODD_DATA, _DONE))
    if draw(st.integers(0, 8)) == 0:
        # In two lines; JSON may be, where its white space is.
        at = draw(st.integers(0, len(data)))
        data = f"{data[:at]}\n{data[at:]}"
    field = draw(st.sampled_from(["data: ", "data: ", "data: ", "data:", "data:  "]))
    lines = [field + line for line in data.split("\n")]
    for other in draw(st.lists(_OTHER, max_size=2)):
        lines.insert(draw(st.integers(0, len(lines))), other)
    return [*lines, *draw(st.sampled_from([[""], [""], [""], [""], ["", ""], []]))]


@st.composite
def bodies(draw: st.DrawFn, api: str) -> bytes:
    """The body of a stream of an API."""
    events = draw(st.lists(_event(api), max_size=5))
    if draw(st.booleans()):
        events.append(["data: [DONE]", ""])
    lines = [line for event in events for line in event]
    ends = st.sampled_from(draw(st.sampled_from([["\n"], ["\n"], ["\r\n"], ["\r", "\n", "\r\n"]])))
    text = "".join(line + draw(ends) for line in lines)
    if draw(st.integers(0, 9)) == 0:
        text = "\ufeff" + text
    body = text.encode()
    if body and draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(body) - 1))
        body = draw(st.sampled_from([body[:at], body[:at] + b"\xff" + body[at:]]))
    return body
