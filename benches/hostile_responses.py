"""Replies of hostile or broken servers in the form of Responses; see `hostile.py`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from hostile import COUNT, SMALL, Shape
from loopback import stream, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

API = "responses"
#: The end of a stream that repeats nothing.
END = {"type": "response.completed", "response": {"status": "completed", "output": []}}
OPEN = {"type": "message", "id": "m", "role": "assistant", "content": []}

# A name, what an item is at the number i, and how many make a cost that can be measured.
ITEMS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("messages", lambda i: message(f"m{i}", "a")),
    ("messages without an id", lambda _: message(None, "a")),
    ("empty messages", lambda i: {**OPEN, "id": f"m{i}"}),
    ("refusals of items", lambda _: {
        "type": "message", "content": [{"type": "refusal", "refusal": "a"}]}),
    ("reasoning items", lambda i: {"type": "reasoning", "id": f"r{i}", "summary": []}),
    ("signed reasoning items", lambda i: {
        "type": "reasoning", "id": f"r{i}", "encrypted_content": "s"}),
    ("function calls of items", lambda i: called(i, "{}")),
    ("open calls of items", lambda i: {**called(i, "{"), "status": "incomplete"}),
    ("custom calls of items", lambda i: {
        "type": "custom_tool_call", "id": f"c{i}", "call_id": f"c{i}", "name": "f", "input": "x"}),
    ("unknown items", lambda i: {"type": f"t{i}", "id": f"x{i}"}),
    ("empty items", lambda _: {}),
)  # fmt: skip


def in_block(inside: str) -> str:
    return '{"type":"message","content":[{"type":"output_text",' + inside + "}]}"


# A name, an item with @ where the repetitions are, and one of them.
INSIDE: tuple[tuple[str, str, Callable[[int], str], int], ...] = (
    ("blocks of a message", '{"type":"message","content":[@]}',
     lambda _: '{"type":"output_text","text":"a"}', COUNT),
    ("unknown blocks of a message", '{"type":"message","content":[@]}',
     lambda _: '{"type":"x"}', COUNT),
    ("text and unknown blocks of a message in turn", '{"type":"message","content":[@]}',
     lambda i: ('{"type":"x"}', '{"type":"output_text","text":"a"}')[i % 2], COUNT),
    ("blocks of a summary", '{"type":"reasoning","summary":[@]}',
     lambda _: '{"type":"summary_text","text":"a"}', COUNT),
    ("members of an item", '{"type":"message","content":"a",@}', lambda i: f'"k{i}":"x"', COUNT),
    ("members of an unknown item", '{"type":"x",@}', lambda i: f'"k{i}":"x"', COUNT),
    ("annotations of a text", in_block('"text":"a","annotations":[@]'),
     lambda i: f'{{"type":"url_citation","url":"u{i}","start_index":0,"end_index":1}}', COUNT),
    ("members of a text block", in_block('"text":"a",@'),
     lambda i: f'"k{i}":"x"', COUNT),
    ("logprobs of a text block", in_block('"text":"a","logprobs":[@]'),
     lambda _: '{"token":"a","logprob":-1.5,"bytes":[97],"top_logprobs":[]}', COUNT),
    ("letters of a text block", in_block('"text":"~"'), lambda _: "a", SMALL),
    ("escapes of a text block", in_block('"text":"~"'), lambda _: "\\n", SMALL),
    ("escapes of arguments", '{"type":"function_call","name":"f","arguments":"~"}',
     lambda _: "\\n", SMALL),
    ("ids of an item", '{"type":"message","content":"a",@}', lambda i: f'"id":"i{i}"', COUNT),
)  # fmt: skip

# A name, an event at the number i, and how many.
EVENTS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("texts of one block", lambda i: text(0, 0, f"a{i % 7}")),
    ("texts of one block, numbered", lambda i: {**text(0, 0, "a"), "sequence_number": i}),
    ("texts with one number", lambda _: {**text(0, 0, "a"), "sequence_number": 0}),
    ("texts of two blocks in turn", lambda i: text(0, i % 2, "a")),
    ("texts of two items in turn", lambda i: text(i % 2, 0, "a")),
    ("texts of many items, falling", lambda i: text(10**6 - i, 0, "a")),
    ("texts by id alone", lambda i: {
        "type": "response.output_text.delta", "item_id": f"i{i}", "delta": "a"}),
    ("texts with escapes", lambda _: text(0, 0, "\n")),
    ("copies of a text", lambda _: {
        **text(0, 0, ""), "type": "response.output_text.done", "text": "a" * 200}),
    ("copies of a block", lambda _: {
        "type": "response.content_part.done", "output_index": 0, "content_index": 0,
        "part": {"type": "output_text", "text": "a" * 200, "annotations": [1, 2, 3]}}),
    ("an item that begins again", lambda i: {
        "type": "response.output_item.added", "output_index": 0, "item": {**OPEN, "id": f"m{i}"}}),
    ("an item that ends again", lambda _: {
        "type": "response.output_item.done", "output_index": 0, "item": message("m", "a" * 200)}),
    ("annotations of one block", lambda i: {
        "type": "response.output_text.annotation.added", "output_index": 0, "content_index": 0,
        "annotation": {"type": "file_citation", "index": 1, "file_id": f"f{i}"}}),
    ("fragments of arguments", lambda _: {
        "type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a'}),
    ("fragments of two calls in turn", lambda i: {
        "type": "response.function_call_arguments.delta", "output_index": i % 2, "delta": "a"}),
    ("summaries", lambda i: {
        "type": "response.reasoning_summary_text.delta",
        "output_index": 0, "summary_index": i, "delta": "a"}),
    ("beginnings of a reply", lambda i: {
        "type": "response.created", "response": {"id": f"r{i}", "status": f"s{i}"}}),
    ("unknown events", lambda i: {"type": "response.x.delta", "output_index": i, "delta": "a"}),
)  # fmt: skip


def message(key: str | None, text: str) -> dict[str, Any]:
    item = {
        "type": "message",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    return item if key is None else {**item, "id": key}


def called(number: int, arguments: str) -> dict[str, Any]:
    key = f"c{number}"
    return {"type": "function_call", "id": key, "call_id": key, "name": "f", "arguments": arguments}


def text(item: int, block: int, piece: str) -> dict[str, Any]:
    return {
        "type": "response.output_text.delta",
        "output_index": item,
        "content_index": block,
        "delta": piece,
    }


def shapes() -> Iterator[Shape]:
    """Yield all shapes."""
    for name, item in ITEMS:
        yield shape(name, "whole", partial(of_items, item))
        yield shape(name, "document", partial(of_items, item))
        yield shape(f"{name} that only end", "events", partial(ended, item, repeats=False))
        yield shape(f"{name} that the end repeats", "events", partial(ended, item, repeats=True))
        yield shape(f"{name} that only the end has", "event", partial(at_the_end, item))
        yield shape(f"{name}, the last one first", "events", partial(backwards, item))
    for name, item_text, unit, count in INSIDE:
        yield shape(name, "whole", partial(of_inside, item_text, unit), count)
        yield shape(name, "event", partial(inside_event, item_text, unit), count)
    for name, one in EVENTS:
        for form in ("events", "unasked"):
            yield shape(name, form, partial(of_events, one))


def shape(name: str, form: str, response: Callable[[int], bytes], count: int = COUNT) -> Shape:
    return Shape(f"Responses: {name}", form, response, count, api=API)


def reply(output: str) -> str:
    return f'{{"object":"response","status":"completed","output":[{output}]}}'


def of_items(item: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return whole(reply(",".join(json.dumps(item(i)) for i in range(n))))


def inside(item: str, unit: Callable[[int], str], n: int) -> str:
    place, comma = ("~", "") if "~" in item else ("@", ",")
    return item.replace(place, comma.join(unit(i) for i in range(n)), 1)


def of_inside(item: str, unit: Callable[[int], str], n: int) -> bytes:
    return whole(reply(inside(item, unit, n)))


def inside_event(item: str, unit: Callable[[int], str], n: int) -> bytes:
    done = (
        '{"type":"response.output_item.done","output_index":0,"item":' + inside(item, unit, n) + "}"
    )
    return stream(f"data: {done}\n\ndata: {json.dumps(END)}\n\n".encode())


def of_stream(events: list[dict[str, Any]]) -> bytes:
    return stream("".join(f"data: {json.dumps(event)}\n\n" for event in events).encode())


def of_events(one: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([*(one(i) for i in range(n)), END])


def done(place: int, item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": place, "item": item}


def at_the_end(item: Callable[[int], dict[str, Any]], n: int) -> bytes:
    response = {"status": "completed", "output": [item(i) for i in range(n)]}
    return of_stream([{"type": "response.completed", "response": response}])


def ended(item: Callable[[int], dict[str, Any]], n: int, *, repeats: bool) -> bytes:
    items = [item(i) for i in range(n)]
    response = {"status": "completed", "output": items if repeats else []}
    end = {"type": "response.completed", "response": response}
    return of_stream([*(done(i, one) for i, one in enumerate(items)), end])


def backwards(item: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([*(done(n - i, item(i)) for i in range(n)), END])
