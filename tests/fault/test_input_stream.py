"""B15 to B26: what a server may send in a reply, and how it is read."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
from typing import Any

import pytest
from tests.fault.scenes import READERS, chat

from tokenwire import Limits, LlmDecodeError, LlmError, LlmStreamIncompleteError

FINISH = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
DONE = "data: [DONE]\n\n"


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


def delta(index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "choices": [{"index": index, "delta": fields}]}


def event(data: Any) -> str:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


def replay(sim, *events: Any, end: str = DONE, headers: dict[str, str] | None = None) -> None:
    body = "".join(event(data) for data in events) + end
    given = headers or {"content-type": "text/event-stream"}
    sim.set_script({"default": {"replay": {"text": body, "headers": given}}})


def replay_bytes(sim, body: bytes) -> None:
    encoded = base64.b64encode(body).decode()
    headers = {"content-type": "text/event-stream"}
    sim.set_script({"default": {"replay": {"base64": encoded, "headers": headers}}})


def good(read, client):
    chunks, error, response = read(client)
    assert error is None, error
    return chunks, response


def test_b15_a_mark_of_byte_order_at_the_beginning_is_passed_over(sim, read):
    body = "\ufeff" + event(delta(content="a")) + event(FINISH) + DONE
    replay_bytes(sim, body.encode())
    assert good(read, chat(sim))[1].text == "a"


@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
def test_b15_invalid_utf8_never_passes_as_something_else(sim, read, bad):
    start = event(delta(content="a")).encode()
    broken = event(delta(content="MARK")).encode().replace(b"MARK", b"b" + bad)
    replay_bytes(sim, start + broken + (event(FINISH) + DONE).encode())
    chunks, error, response = read(chat(sim))
    if error is None:
        assert response.text.startswith("ab\ufffd")
    else:
        assert (type(error), error.partial.text) == (LlmDecodeError, "a")
        assert len(chunks) == 1


ENDS = {
    "CRLF": lambda body: body.replace("\n", "\r\n"),
    "CR": lambda body: body.replace("\n", "\r"),
    "no space": lambda body: body.replace("data: ", "data:"),
    "comments": lambda body: ": hi\n\n" + body.replace("data:", ": x\ndata:"),
    "unknown fields": lambda body: body.replace("data:", "id: 7\nretry: 5\nfoo: bar\ndata:"),
    "names": lambda body: body.replace("data:", "event: message\ndata:"),
    "empty events": lambda body: "\n\n\n" + body.replace("data:", "event: ping\n\nid: 1\n\ndata:"),
    "a retry first": lambda body: "retry: 1000\n\n" + body,
}


@pytest.mark.parametrize("name", ENDS)
def test_b16_b17_every_form_of_an_event_stream_is_read(sim, read, name):
    body = event(delta(content="a")) + event(delta(content="b")) + event(FINISH) + DONE
    replay_bytes(sim, ENDS[name](body).encode())
    chunks, response = good(read, chat(sim))
    assert ([chunk.text for chunk in chunks], response.text) == (["a", "b", ""], "ab")


def test_b18_a_last_event_without_its_blank_line_counts_when_it_is_whole(sim, read):
    replay(sim, delta(content="a"), end=f"data: {json.dumps(FINISH)}")
    assert good(read, chat(sim))[1].finish_reason == "stop"
    replay(sim, delta(content="a"), end="data: [DONE]")
    assert good(read, chat(sim))[1].text == "a"


@pytest.mark.parametrize("mark", ["data:[DONE]\n\n", "data: [DONE] \n\n", "data: [DONE]\n\n"])
def test_b20_the_mark_is_read_with_and_without_blanks(sim, read, mark):
    replay(sim, delta(content="a"), end=mark)
    assert good(read, chat(sim))[1].text == "a"


@pytest.mark.parametrize("mark", ["[done]", "[DONE]{}", "DONE", "[DONE", "{"])
def test_b20_what_is_no_mark_and_no_json_is_a_decode_error(sim, read, mark):
    replay(sim, delta(content="a"), mark)
    chunks, error, _ = read(chat(sim))
    assert (len(chunks), type(error), error.partial.text) == (1, LlmDecodeError, "a")


HOSTILE = {
    "a depth of 100,000": '{"a":' + "[" * 100_000 + "]" * 100_000 + "}",
    "an open depth": '{"a":' + "[" * 100_000,
    "a million digits": '{"choices":[],"a":' + "9" * 1_000_000 + "}",
    "a huge exponent": '{"choices":[],"a":1e400}',
    "minus zero": '{"choices":[],"a":-0}',
    "NaN": '{"choices":[],"a":NaN}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_b21_hostile_json_is_read_or_refused_in_linear_time(sim, read, name):
    replay(sim, delta(content="a"), HOSTILE[name], FINISH)
    began = time.monotonic()
    _, error, response = read(chat(sim))
    assert time.monotonic() - began < 5
    if error is None:
        assert response.text == "a"
    else:
        assert (type(error), error.partial.text) == (LlmDecodeError, "a")
    replay(sim, end=HOSTILE[name], headers={"content-type": "application/json"})
    with pytest.raises(LlmError):
        chat(sim).run("hi")


def test_b22_halves_of_a_surrogate_in_two_deltas_are_joined(sim, read):
    first = '{"choices":[{"index":0,"delta":{"content":"a\\ud83e"}}]}'
    second = '{"choices":[{"index":0,"delta":{"content":"\\udd80b"}}]}'
    replay(sim, first, second, FINISH)
    chunks, response = good(read, chat(sim))
    assert (response.text, "".join(chunk.text for chunk in chunks)) == ("a🦀b", "a🦀b")


def test_b22_a_half_that_stays_alone_is_replaced(sim, read):
    replay(sim, '{"choices":[{"index":0,"delta":{"content":"a\\ud83e"}}]}', FINISH)
    chunks, response = good(read, chat(sim))
    assert (response.text, "".join(chunk.text for chunk in chunks)) == ("a\ufffd", "a\ufffd")


ODD = {
    "a key twice": '{"choices":[{"index":0,"delta":{"content":"x","content":"a"}}]}',
    "null fields": '{"id":null,"usage":null,"choices":[{"index":0,"delta":{"content":"a",'
    '"role":null,"tool_calls":null,"refusal":null},"logprobs":null,"finish_reason":null}]}',
    "unknown fields": '{"choices":[{"index":0,"delta":{"content":"a","new":{"x":[1]}}}],"z":3}',
    "null choices before": '{"choices":null}\n\ndata: '
    '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
    "no delta before": '{"choices":[{"index":0}]}\n\ndata: '
    '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
    "a null delta before": '{"choices":[{"index":0,"delta":null}]}\n\ndata: '
    '{"choices":[{"index":0,"delta":{"content":"a"}}]}',
}


@pytest.mark.parametrize("name", ODD)
def test_b23_odd_but_usable_events_are_used(sim, read, name):
    replay(sim, ODD[name], FINISH)
    assert good(read, chat(sim))[1].text == "a"


def call(index: Any, call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"index": index, **({"id": call_id} if call_id else {}), "function": function}


@pytest.mark.parametrize("indices", [(0, 1), (1, 0), (4_294_967_295, 7), (3, 1_000_000)])
def test_b24_odd_indices_of_tool_calls_are_ordered_and_cost_nothing(sim, read, indices):
    first, second = indices
    replay(
        sim,
        delta(tool_calls=[call(first, "a", "f", '{"x":')]),
        delta(tool_calls=[call(second, "b", "g", "{")]),
        delta(tool_calls=[call(first, None, None, "1}")]),
        delta(tool_calls=[call(second, None, None, "}")]),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    )
    _, response = good(read, chat(sim))
    assert sorted((one.id, one.name, one.arguments) for one in response.tool_calls) == [
        ("a", "f", '{"x":1}'),
        ("b", "g", "{}"),
    ]


@pytest.mark.parametrize("index", [-1, 1.5, "0", None, 2**64])
def test_b24_an_index_that_is_none_is_read_or_refused(sim, read, index):
    replay(sim, delta(tool_calls=[call(index, "a", "f", "{}")]), FINISH)
    _, error, response = read(chat(sim))
    if error is None:
        assert [(one.id, one.arguments) for one in response.tool_calls] == [("a", "{}")]
    else:
        assert type(error) is LlmDecodeError


def test_b25_interleaved_choices_are_told_apart(sim, read):
    replay(
        sim,
        delta(0, content="a"),
        delta(1, content="x"),
        delta(0, content="b"),
        delta(1, content="y"),
        {"choices": [{"index": index, "delta": {}, "finish_reason": "stop"} for index in (1, 0)]},
    )
    _, response = good(read, chat(sim))
    assert [choice.text for choice in response.choices] == ["ab", "xy"]


def test_b26_an_unknown_finish_is_other_and_keeps_its_word(sim, read):
    replay(
        sim,
        delta(content="a"),
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "cosmic_ray"}]},
    )
    _, response = good(read, chat(sim))
    assert (response.finish_reason, response.provider_finish_reason) == ("other", "cosmic_ray")


def test_b19_an_event_just_below_its_cap_is_read(sim, read):
    replay(sim, delta(content="x" * 1_000_000), FINISH)
    client = chat(sim, limits=Limits(max_event_bytes=1_100_000))
    assert len(good(read, client)[1].text) == 1_000_000


def zipped(sim, encoding):
    reply = {"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}
    raw = base64.b64encode(gzip.compress(json.dumps(reply).encode(), mtime=0)).decode()
    headers = {"content-type": "application/json", "content-encoding": encoding}
    sim.set_script({"default": {"replay": {"base64": raw, "headers": headers}}})
    client = chat(sim)
    return (
        lambda: client.run("hi"),
        lambda: asyncio.run(client.run_async("hi", stream=True)),
    )


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "identity, GZIP"])
def test_b29_a_body_in_an_encoding_that_was_not_asked_for_is_unpacked(sim, encoding):
    assert [ask() for ask in zipped(sim, encoding)] == ["a", "a"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "identity, x"])
def test_b29_a_body_that_is_not_what_its_encoding_says_is_an_error(sim, encoding):
    for ask in zipped(sim, encoding):
        with pytest.raises(LlmDecodeError, match="`content-encoding: ") as caught:
            ask()
        assert str(caught.value).isprintable()


def test_b25_nothing_but_a_role_is_an_incomplete_stream(sim, read):
    replay(sim, delta(role="assistant"), end="")
    _, error, _ = read(chat(sim))
    assert type(error) is LlmStreamIncompleteError
