"""Replies of hostile or broken servers in the form of Messages; see `hostile.py`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from hostile import COUNT, SMALL, Shape
from loopback import stream, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

API = "messages"
ENDS = (
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
)
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
SEARCH = {**CALL, "type": "server_tool_use", "name": "web_search"}

# A name, and a block at the number i.
BLOCKS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("texts", lambda _: {"type": "text", "text": "a"}),
    ("empty texts", lambda _: {"type": "text", "text": ""}),
    ("cited texts", lambda i: {"type": "text", "text": "a", "citations": [
        {"type": "web_search_result_location", "url": f"u{i}", "cited_text": "a"}]}),
    ("signed thoughts", lambda _: {"type": "thinking", "thinking": "a", "signature": "s"}),
    ("hidden thoughts", lambda i: {"type": "redacted_thinking", "data": f"d{i}"}),
    ("calls", lambda i: {**CALL, "id": f"t{i}"}),
    ("calls with one id", lambda _: CALL),
    ("calls with arguments", lambda i: {**CALL, "id": f"t{i}", "input": {"a": i}}),
    ("steps of the server", lambda i: {**SEARCH, "id": f"s{i}"}),
    ("unknown blocks", lambda i: {"type": f"t{i}", "x": i}),
    ("blocks of no type", lambda _: {}),
    ("texts and calls in turn", lambda i: (
        {"type": "text", "text": "a"}, {**CALL, "id": f"t{i}"})[i % 2]),
)  # fmt: skip

# A name, the beginning of a block, and one of its deltas at the number i.
DELTAS: tuple[tuple[str, dict[str, Any], Callable[[int], dict[str, Any]]], ...] = (
    ("pieces of a text", {"type": "text", "text": ""},
     lambda i: {"type": "text_delta", "text": f"a{i % 7}"}),
    ("escapes of a text", {"type": "text", "text": ""},
     lambda _: {"type": "text_delta", "text": "\n"}),
    ("pieces of a thought", {"type": "thinking", "thinking": ""},
     lambda _: {"type": "thinking_delta", "thinking": "a"}),
    ("signatures of a thought", {"type": "thinking", "thinking": ""},
     lambda _: {"type": "signature_delta", "signature": "s" * 20}),
    ("fragments of arguments", CALL,
     lambda _: {"type": "input_json_delta", "partial_json": '{"a'}),
    ("fragments of open arguments", CALL,
     lambda _: {"type": "input_json_delta", "partial_json": "["}),
    ("fragments of a step of the server", SEARCH,
     lambda _: {"type": "input_json_delta", "partial_json": " "}),
    ("citations of a text", {"type": "text", "text": ""},
     lambda i: {"type": "citations_delta", "citation": {"type": "char_location", "n": i}}),
    ("changes of an unknown block", {"type": "x"},
     lambda i: {"type": "x_delta", f"k{i}": 1}),
    ("changes of one member", {"type": "x"},
     lambda i: {"type": "x_delta", "k": "a" * 20 + str(i)}),
)  # fmt: skip

# A name, and an event at the number i.
EVENTS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("beginnings of a reply", lambda i: {"type": "message_start", "message": {"id": f"m{i}"}}),
    ("a block that begins again", lambda i: started(0, {**CALL, "id": f"t{i}"})),
    ("ends of a block", lambda _: {"type": "content_block_stop", "index": 0}),
    ("texts of two blocks in turn", lambda i: piece(i % 2, {"type": "text_delta", "text": "a"})),
    ("texts of many blocks, falling", lambda i: piece(
        10**6 - i, {"type": "text_delta", "text": "a"})),
    ("calls in turn", lambda i: piece(
        i % 2, {"type": "input_json_delta", "partial_json": "a"})),
    ("counts with ever new keys", lambda i: {
        "type": "message_delta", "delta": {}, "usage": {f"k{i}": i}}),
    ("counts of one key", lambda i: {
        "type": "message_delta", "delta": {}, "usage": {"output_tokens": i}}),
    ("ends of the reply", lambda _: ENDS[0]),
    ("pings", lambda _: {"type": "ping"}),
    ("unknown events", lambda i: {"type": f"x{i}", "index": i}),
)  # fmt: skip

# A name, a whole reply with @ where the repetitions are, and one of them.
INSIDE: tuple[tuple[str, str, Callable[[int], str], int], ...] = (
    ("members of a reply", "@", lambda i: f'"k{i}":"x"', COUNT),
    ("counts of a reply", '"usage":{@}', lambda i: f'"k{i}":{i}', COUNT),
    ("nested counts of a reply", '"usage":{"x":{@}}', lambda i: f'"k{i}":{i}', COUNT),
    ("members of a text", '"content":[{"type":"text","text":"a",@}]',
     lambda i: f'"k{i}":"x"', COUNT),
    ("members of a call", '"content":[{"type":"tool_use","name":"f","input":{},@}]',
     lambda i: f'"k{i}":"x"', COUNT),
    ("arguments of a call", '"content":[{"type":"tool_use","name":"f","input":{@}}]',
     lambda i: f'"k{i}":"x"', COUNT),
    ("members of an unknown block", '"content":[{"type":"x",@}]', lambda i: f'"k{i}":"x"', COUNT),
    ("citations of a whole text", '"content":[{"type":"text","text":"a","citations":[@]}]',
     lambda i: f'{{"type":"char_location","n":{i}}}', COUNT),
    ("details of the end", '"stop_details":{@}', lambda i: f'"k{i}":"x"', COUNT),
    ("letters of a text", '"content":[{"type":"text","text":"~"}]', lambda _: "a", SMALL),
    ("escapes of a whole text", '"content":[{"type":"text","text":"~"}]', lambda _: "\\n", SMALL),
)  # fmt: skip


def started(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def shapes() -> Iterator[Shape]:
    """Yield all shapes."""
    for name, block in BLOCKS:
        yield shape(name, "whole", partial(of_blocks, block))
        yield shape(name, "document", partial(of_blocks, block))
        yield shape(name, "events", partial(one_after_another, block, 1))
        yield shape(f"{name}, the last one first", "events", partial(one_after_another, block, -1))
        yield shape(f"{name} that the beginning has", "event", partial(at_the_beginning, block))
    for name, block, delta in DELTAS:
        for form in ("events", "unasked"):
            yield shape(name, form, partial(of_deltas, block, delta))
    for name, event in EVENTS:
        yield shape(name, "events", partial(of_events, event))
    for name, inside, unit, count in INSIDE:
        yield shape(name, "whole", partial(of_inside, inside, unit), count)
        yield shape(name, "document", partial(of_inside, inside, unit), count)


def shape(name: str, form: str, response: Callable[[int], bytes], count: int = COUNT) -> Shape:
    return Shape(f"Messages: {name}", form, response, count, api=API)


def reply(inside: str) -> str:
    return f'{{"type":"message","role":"assistant","stop_reason":"end_turn",{inside}}}'


def of_blocks(block: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return whole(reply(f'"content":{json.dumps([block(i) for i in range(n)])}'))


def of_inside(inside: str, unit: Callable[[int], str], n: int) -> bytes:
    place, comma = ("~", "") if "~" in inside else ("@", ",")
    return whole(reply(inside.replace(place, comma.join(unit(i) for i in range(n)), 1)))


def of_stream(events: list[dict[str, Any]], **message: object) -> bytes:
    begin = {"type": "message_start", "message": {"type": "message", "id": "m", **message}}
    lines = (f"data: {json.dumps(event)}\n\n" for event in (begin, *events, *ENDS))
    return stream("".join(lines).encode())


def one_after_another(block: Callable[[int], dict[str, Any]], step: int, n: int) -> bytes:
    events = []
    for index in range(n)[::step]:
        stopped = {"type": "content_block_stop", "index": index}
        events += [started(index, block(index)), stopped]
    return of_stream(events)


def at_the_beginning(block: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([], content=[block(i) for i in range(n)])


def of_deltas(block: dict[str, Any], delta: Callable[[int], dict[str, Any]], n: int) -> bytes:
    deltas = (piece(0, delta(i)) for i in range(n))
    return of_stream([started(0, block), *deltas, {"type": "content_block_stop", "index": 0}])


def of_events(event: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([event(i) for i in range(n)])
