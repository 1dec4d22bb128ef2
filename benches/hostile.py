"""Replies of hostile or broken servers: each repeats one thing as often as you like.

A `Shape` makes the bytes of a response with n repetitions, in one of these forms:

- `whole`: a JSON body, in reply to a call;
- `event`: the same in one event of a stream;
- `events`: an event for each repetition;
- `document`: the JSON body in reply to a call that asked for a stream;
- `unasked`: the events in reply to a call that did not ask for a stream.

`hostile_responses.py`, `hostile_messages.py` and `hostile_gemini.py` have those of these APIs.
`callgrind.py` and `memory.py` measure what reading them costs.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from loopback import stream, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STOP = ',"finish_reason":"stop"'
DONE = b"data: [DONE]\n\n"
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
OK = '{"choices":[{"index":0,"message":{"content":"ok"},"finish_reason":"stop"}]}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


@dataclass(frozen=True)
class Shape:
    """One thing that a server may repeat."""

    name: str
    #: The form, see the module's description.
    form: str
    #: Makes the response with this many repetitions.
    response: Callable[[int], bytes]
    #: How many repetitions are enough to see whether the cost is linear.
    count: int
    #: The API that is spoken.
    api: str = "chat"

    @property
    def streams(self) -> bool:
        """Whether the call asks for a stream."""
        return self.form not in {"whole", "unasked"}

    def of_size(self, size: int) -> bytes:
        """Make a response of about `size` bytes."""
        one, two = (len(self.response(count)) for count in (1000, 2000))
        return self.response(max(1, size * 1000 // max(1, two - one)))


def in_message(inside: str) -> str:
    """Return a reply whose message has this inside, and `delta` for a stream."""
    return in_choice(f'"M":{{"content":"a",{inside}}}')


def in_content(inside: str) -> str:
    return in_choice(f'"M":{{"content":{inside}}}')


def in_choice(inside: str) -> str:
    return in_reply(f'"choices":[{{"index":0,{inside}F}}]')


def in_reply(inside: str) -> str:
    return "{" + inside + "}"


def in_call(inside: str) -> str:
    call = f'{{"index":0,"id":"c","function":{{"name":"f","arguments":"{{}}"}}{inside}}}'
    return in_message(f'"tool_calls":[{call}]')


def in_logprobs(inside: str) -> str:
    return in_choice(f'"M":{{"content":"a"}},"logprobs":{{{inside}}}')


# How often a thing is repeated, and how often one of a few bytes.
COUNT = 3000
SMALL = 60_000
# A name, a reply, what is repeated (i is its number), and how often. In a reply, M is `message` or
# `delta`, F the finish reason, and the repetitions are at @, or at ~ without commas.
Row = tuple[str, str, "Callable[[int], str]", int]


def rows() -> Iterator[Row]:
    """Yield everything that a JSON reply may repeat."""
    calls = in_message('"tool_calls":[@]')
    choices = in_reply('"choices":[@]')
    content = in_content("[@]")
    details = in_message('"reasoning_details":[@]')
    for name, reply, unit in (
        ("members of a message", in_message("@"), lambda i: f'"k{i}":"x"'),
        ("one member of a message", in_message("@"), lambda _: '"k":"x"'),
        ("objects in a message", in_message("@"), lambda i: f'"k{i}":{{"a":"x"}}'),
        ("one object in a message", in_message("@"), lambda i: f'"audio":{{"k{i}":"x"}}'),
        ("keys with escapes", in_message("@"), lambda i: f'"\\u006b{i}":"x"'),
        ("members of an object", in_message('"extra":{@}'), lambda i: f'"k{i}":"x"'),
        ("members of a choice", in_choice('"M":{"content":"a"},@'), lambda i: f'"k{i}":"x"'),
        ("finish reasons", in_choice('"M":{"content":"a"},@'), lambda _: '"finish_reason":"stop"'),
        ("members of a reply", in_reply('@,"choices":[{"M":{"content":"a"}F}]'),
         lambda i: f'"k{i}":"x"'),
        ("usage objects", in_reply('@,"choices":[{"M":{"content":"a"}F}]'),
         lambda i: f'"usage":{{"total_tokens":{i}}}'),
        ("members of usage", in_reply('"choices":[{"M":{"content":"a"}F}],"usage":{@}'),
         lambda i: f'"k{i}":{i}'),
        ("texts", in_message("@"), lambda _: '"content":"a"'),
        ("reasoning", in_message("@"), lambda _: '"reasoning_content":"a"'),
        ("reasoning under all names", in_message("@"),
         lambda i: f'"{("reasoning", "reasoning_content", "thinking")[i % 3]}":"a"'),
        ("refusals", in_message("@"), lambda _: '"refusal":"a"'),
        ("reasoning and text in turn", in_message("@"),
         lambda i: f'"{("reasoning", "content")[i % 2]}":"a"'),
        ("reasoning and audio in turn", in_message("@"),
         lambda i: ('"reasoning":"a"', '"audio":{"data":"x"}')[i % 2]),
        ("details", details, lambda i: f'{{"type":"reasoning.text","text":"a","index":{i}}}'),
        ("details, falling", details,
         lambda i: f'{{"type":"reasoning.text","text":"a","index":{10**6 - i}}}'),
        ("details without an index", details, lambda _: '{"type":"reasoning.text","text":"a"}'),
        ("details of one index", details,
         lambda _: '{"type":"reasoning.text","text":"a","index":0}'),
        ("details with ids", details, lambda i: f'{{"type":"x","id":"i{i}","data":"a"}}'),
        ("empty details", details, lambda _: "{}"),
        ("annotations", in_message('"annotations":[@]'), lambda i: f'{{"url":"u{i}"}}'),
        ("calls", calls, lambda i: call(i, f"c{i}", "f", "{}")),
        ("calls, falling", calls, lambda i: call(10**6 - i, f"c{i}", "f", "{}")),
        ("calls at one index", calls, lambda i: call(0, f"c{i}", f"f{i}", "{}")),
        ("calls without an index", calls, lambda i: call(None, f"c{i}", "f", "{}")),
        ("calls without an id", calls, lambda i: call(i, None, "f", "{}")),
        ("calls that stay open", calls, lambda i: call(i, f"c{i}", "f", "{")),
        ("calls with only an index", calls, lambda i: f'{{"index":{i}}}'),
        ("empty calls", calls, lambda _: "{}"),
        ("fragments of a call", calls, lambda _: call(0, None, None, "a")),
        ("fragments without an index", calls, lambda _: call(None, None, None, "a")),
        ("fragments with an id", calls, lambda _: call(None, "c", None, "a")),
        ("fragments of two calls", calls, lambda i: call(i % 2, None, None, "a")),
        ("pieces of a name", calls, lambda i: call(0, None, f"n{i}", "")),
        ("ids of a call", calls, lambda i: call(0, f"i{i}", None, "")),
        ("members of a call", in_call(",@"), lambda i: f'"k{i}":"x"'),
        ("objects in a call", in_call(',"extra_content":{@}'), lambda i: f'"k{i}":{{}}'),
        ("members of a function",
         in_message('"tool_calls":[{"index":0,"function":{"name":"f",@}}]'),
         lambda i: f'"k{i}":"x"'),
        ("arguments as an object",
         in_message('"tool_calls":[{"index":0,"function":{"name":"f","arguments":{@}}}]'),
         lambda i: f'"k{i}":"x"'),
        ("function calls", in_message("@"),
         lambda i: f'"function_call":{{"name":"f{i}","arguments":"a"}}'),
        ("choices", choices, lambda i: f'{{"index":{i},"M":{{"content":"a"}}F}}'),
        ("choices, falling", choices, lambda i: f'{{"index":{10**6 - i},"M":{{"content":"a"}}F}}'),
        ("choices at one index", choices, lambda _: '{"index":0,"M":{"content":"a"}F}'),
        ("choices without an index", choices, lambda _: '{"M":{"content":"a"}F}'),
        ("empty choices", choices, lambda _: "{}"),
        ("open choices", choices, lambda i: f'{{"index":{i},"M":{{"content":"a"}}}}'),
        ("logprobs", in_logprobs('"content":[@]'),
         lambda _: '{"token":"a","logprob":-1.5,"bytes":[97],"top_logprobs":[]}'),
        ("empty logprobs", in_logprobs('"content":[@]'), lambda _: "{}"),
        ("logprobs of a refusal", in_logprobs('"refusal":[@]'), lambda _: '{"token":"a"}'),
        ("lists of logprobs", in_logprobs("@"), lambda _: '"content":[{"token":"a"}]'),
        ("top logprobs", in_logprobs('"content":[{"token":"a","top_logprobs":[@]}]'),
         lambda _: '{"token":"a","logprob":-1}'),
        ("tokens of completions", in_logprobs('"tokens":[@]'), lambda _: '"a"'),
        ("top logprobs of completions", in_logprobs('"tokens":["a"],"top_logprobs":[{@}]'),
         lambda i: f'"k{i}":-1'),
        ("rows of top logprobs", in_logprobs('"tokens":["a"],"top_logprobs":[@]'),
         lambda _: '{"a":-1}'),
        ("blocks of text", content, lambda _: '{"type":"text","text":"a"}'),
        ("blocks of an unknown kind", content, lambda _: '{"type":"x"}'),
        ("blocks of a refusal", content, lambda _: '{"type":"refusal","refusal":"a"}'),
        ("strings as blocks", content, lambda _: '"a"'),
        ("blocks of thinking", content, lambda _: '{"type":"thinking","thinking":"a"}'),
        ("signed blocks of thinking", content,
         lambda _: '{"type":"thinking","thinking":"a","signature":"s"}'),
        ("thinking and text in turn", content,
         lambda i: ('{"type":"thinking","thinking":"a"}', '{"type":"text","text":"a"}')[i % 2]),
        ("text and unknown blocks in turn", content,
         lambda i: ('{"type":"x"}', '{"type":"text","text":"a"}')[i % 2]),
        ("pieces of a block", in_content('[{"type":"thinking","thinking":[@]}]'),
         lambda _: '{"type":"text","text":"a"}'),
        ("members of a block", in_content('[{"type":"x",@}]'), lambda i: f'"k{i}":"x"'),
        ("nested lists", in_message('"extra":[@]'), lambda _: "[" * 90 + "]" * 90),
    ):  # fmt: skip
        yield name, reply, unit, COUNT
    yield "bytes of a logprob", in_logprobs('"content":[{"bytes":[@]}]'), lambda _: "97", SMALL
    for place, reply in (
        ("content", in_content('"~"')),
        ("reasoning", in_message('"reasoning_content":"~"')),
        ("a refusal", in_message('"refusal":"~"')),
        ("an unknown member", in_message('"k":"~"')),
        ("arguments",
         in_message('"tool_calls":[{"index":0,"function":{"name":"f","arguments":"~"}}]')),
        ("a model", in_reply('"model":"~","choices":[{"M":{"content":"a"}F}]')),
    ):  # fmt: skip
        yield f"letters in {place}", reply, lambda _: "a", SMALL
        yield f"escapes in {place}", reply, lambda _: "\\n", SMALL
        yield f"halves of characters in {place}", reply, lambda _: "\\ud800", SMALL
        yield f"pairs of halves in {place}", reply, lambda _: "\\ud83d\\ude00", SMALL
    yield (
        "digits",
        in_reply('"created":1~,"choices":[{"M":{"content":"a"}F}]'),
        lambda _: "0",
        SMALL,
    )
    yield "white space", in_reply('"choices":~[{"M":{"content":"a"}F}]'), lambda _: " ", SMALL
    yield "nesting", in_message('"extra":[~]'), lambda _: "[", 8 * SMALL


def call(index: int | None, key: str | None, name: str | None, arguments: str) -> str:
    fields: dict[str, object] = {"index": index, "id": key}
    function = {"name": name, "arguments": arguments}
    fields["function"] = {k: value for k, value in function.items() if value is not None}
    return json.dumps({k: value for k, value in fields.items() if value is not None})


def filled(reply: str, units: list[str], message: str, finish: str) -> str:
    place, comma = ("~", "") if "~" in reply else ("@", ",")
    text = reply.replace(place, comma.join(units), 1)
    return text.replace('"M":', f'"{message}":').replace("F}", finish + "}")


def of_rows() -> Iterator[Shape]:
    for row in rows():
        name, _, _, count = row
        for form in ("whole", "event", "document"):
            yield Shape(name, form, partial(of_row, row, form), count)
        # The others belong together in one value.
        if name not in {"white space", "digits", "nesting"}:
            for form in ("events", "unasked"):
                yield Shape(name, form, partial(of_row, row, form), min(count, COUNT))


def of_row(row: Row, form: str, n: int) -> bytes:
    _, reply, unit, _ = row
    units = [unit(i) for i in range(n)]
    if form in {"whole", "document"}:
        return whole(filled(reply, units, "message", STOP))
    if form == "event":
        return stream(event(filled(reply, units, "delta", STOP)) + DONE)
    events = (event(filled(reply, [one], "delta", "")) for one in units)
    return stream(b"".join(events) + END + DONE)


def event(data: str) -> bytes:
    return b"data: " + data.encode() + b"\n\n"


# What a stream may repeat outside of its replies: a name, lines, and how often.
LINES = (
    ("comments", b": x\n\n", SMALL),
    ("blank lines", b"\n", SMALL),
    ("blank lines with CR", b"\r\n", SMALL),
    ("unknown fields", b"foo: bar\n", SMALL),
    ("names of events", b"event: x\n", SMALL),
    ("ids", b"id: 1\n", SMALL),
    ("empty data", b"data:\n\n", SMALL),
    ("events without choices", b'data: {"choices":[]}\n\n', COUNT),
    ("events without anything", b"data: {}\n\n", COUNT),
    ("choices without content", b'data: {"choices":[{"index":0,"delta":{}}]}\n\n', COUNT),
    ("events with usage", b'data: {"choices":[],"usage":{"total_tokens":1}}\n\n', COUNT),
    ("pings", b"event: ping\ndata: {}\n\n", COUNT),
    ("ends of a choice", END, COUNT),
    ("messages that catch up",
     b'data: {"choices":[{"index":0,"message":{"content":"aaaa"}}]}\n\n', COUNT),
    ("text of another choice",
     b'data: {"choices":[{"index":7,"delta":{"content":"a"}}]}\n\n', COUNT),
)  # fmt: skip

# The same between other lines.
BETWEEN = (
    ("lines of an event", b'data: {"choices":[\n', b"data: {},\n", b"data: {}]}\n\n"),
    ("empty lines of an event", b"", b"data:\n", b"\n"),
    ("lines of JSON without data", b'{"a":1,\n', b'"b":1,\n', b""),
    ("one line", b": ", b"a" * 50, b"\n\n"),
)


def of_streams() -> Iterator[Shape]:
    """Yield what a stream may repeat outside of its replies."""
    for name, line, count in LINES:
        for form in ("events", "unasked"):
            yield Shape(name, form, partial(lines, b"", line, b""), count)
    for name, *parts in BETWEEN:
        yield Shape(name, "events", partial(lines, *parts), 20_000)
    yield Shape("new calls after long open arguments", "events", open_arguments, COUNT)
    yield Shape("calls, then a fragment of each", "events", fragments_of_each, COUNT)
    yield Shape("choices, then a text of each", "events", texts_of_each, COUNT)
    yield Shape("reasoning in two fields in turn", "events", two_reasoning_fields, COUNT)
    yield Shape("chunks of a byte", "events", partial(chunked, b""), 9000)
    yield Shape("chunks with extensions", "events", partial(chunked, b";a=b"), 9000)


def lines(first: bytes, line: bytes, last: bytes, n: int) -> bytes:
    return stream(TEXT + first + line * n + last + END + DONE)


def open_arguments(n: int) -> bytes:
    parts = [call(0, "c", "f", '{"a":"' + "x" * 40 * n)]
    parts += [call(i, f"c{i}", "f", '{"a":"') for i in range(1, n)]
    return calls_stream(parts)


def fragments_of_each(n: int) -> bytes:
    parts = [call(i, f"c{i}", "f", "{") for i in range(n)]
    return calls_stream(parts + [call(i, None, None, "}") for i in range(n)])


def calls_stream(parts: list[str]) -> bytes:
    reply = in_message('"tool_calls":[@]')
    events = "".join(f"data: {filled(reply, [part], 'delta', '')}\n\n" for part in parts)
    return stream(events.encode() + END + DONE)


def texts_of_each(n: int) -> bytes:
    events = [f'data: {{"choices":[{{"index":{i},"delta":{{"content":"a"}}}}]}}\n\n'
              for i in (*range(n), *range(n))]  # fmt: skip
    return stream("".join(events).encode() + DONE)


def two_reasoning_fields(n: int) -> bytes:
    reply = in_message("@")
    units = [f'"{("reasoning", "reasoning_content")[i % 2]}":"a"' for i in range(n)]
    events = (event(filled(reply, [one], "delta", "")) for one in units)
    return stream(b"".join(events) + END + DONE)


def chunked(extension: bytes, n: int) -> bytes:
    """Return a stream of about n bytes, with a chunk of HTTP for each byte."""
    body = TEXT * (n // len(TEXT)) + END + DONE
    chunks = (b"1%s\r\n%c\r\n" % (extension, byte) for byte in body)
    return CHUNKED + b"".join(chunks) + b"0\r\n\r\n"


# What a response head may repeat: a name, a field, and how often.
FIELDS = (
    ("header fields", "x-%d: y\r\n", 400),
    ("too many header fields", "x-%d: y\r\n", COUNT),
    ("one header field", "x-a: %d\r\n", 40),
    ("cookies", "set-cookie: a=%d\r\n", 400),
)

# What the body of an error may repeat.
ERRORS = (
    ("details of an error", '{"detail":[@]}', '{"msg":"m%d","loc":["a"]}'),
    ("members of an error", '{"error":{"message":"m",@}}', '"k%d":"x"'),
    ("objects in an error", '{"error":{"message":"m","x":[@]}}', '{"%d":{}}'),
    ("messages of an error", '{"error":{"message":[@]}}', '"m%d"'),
    ("a raw error", '{"error":{"message":"m","metadata":{"raw":[@]}}}', '{"msg":"m%d"}'),
    ("fields of an error", '{"errors":{@}}', '"k%d":["m"]'),
    ("quotation marks in an error", '{"error":{"message":"~"}}', " 'a%d"),
    ("waits in an error", '{"error":{"message":"~","type":"api_error"}}', "retry in %ds "),
    ("names of waits", '{"error":{"message":"~","type":"api_error"}}', "retryDelay%.0s"),
    ("JSON in an error", '{"error":{"message":"{\\"msg\\":[@]}"}}', '\\"m%d\\"'),
)


def of_heads() -> Iterator[Shape]:
    """Yield what a response head may repeat, and the body of an error."""
    for name, field, count in FIELDS:
        yield Shape(name, "whole", partial(head_fields, field), count)
    yield Shape("a long header field", "whole", long_field, 7 * COUNT)
    yield Shape("interim heads", "whole", interim_heads, COUNT)
    for name, body, unit in ERRORS:
        for status in ("400 Bad Request", "200 OK"):
            of_error = partial(error_body, body, unit, status)
            yield Shape(f"{name}, {status[:3]}", "whole", of_error, COUNT)


def head_fields(field: str, n: int) -> bytes:
    return whole(OK, fields="".join(field % i for i in range(n)))


def long_field(n: int) -> bytes:
    return whole(OK, fields=f"x: {'y' * n}\r\n")


def interim_heads(n: int) -> bytes:
    return b"HTTP/1.1 103 Early Hints\r\n\r\n" * n + whole(OK)


def error_body(body: str, unit: str, status: str, n: int) -> bytes:
    return whole(filled(body, [unit % i for i in range(n)], "", ""), status=status)


def shapes() -> list[Shape]:
    """Return all shapes."""
    return [*of_rows(), *of_streams(), *of_heads()]
