"""Replies of hostile or broken servers in the form of Gemini; see `hostile.py`."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from hostile import COUNT, SMALL, Shape
from loopback import http, stream, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

API = "gemini"
END = {"candidates": [{"finishReason": "STOP"}]}

# A name, and a part at the number i.
PARTS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("texts", lambda _: {"text": "a"}),
    ("texts with escapes", lambda _: {"text": "\n"}),
    ("empty texts", lambda _: {"text": ""}),
    ("signed texts", lambda i: {"text": "a", "thoughtSignature": f"s{i}"}),
    ("signatures alone", lambda i: {"text": "", "thoughtSignature": f"s{i}"}),
    ("thoughts", lambda _: {"text": "a", "thought": True}),
    ("thoughts and texts in turn", lambda i: {"text": "a", "thought": i % 2 == 0}),
    ("texts with members", lambda i: {"text": "a", f"k{i}": 1}),
    ("calls", lambda i: {"functionCall": {"name": "f", "args": {"a": i}}}),
    ("signed calls", lambda i: {
        "functionCall": {"name": "f", "id": f"c{i}"}, "thoughtSignature": "s"}),
    ("calls that do not end", lambda i: {
        "functionCall": {"name": "f", "id": f"c{i}", "willContinue": True}}),
    ("calls without a name", lambda _: {"functionCall": {}}),
    ("steps of the server", lambda i: {"executableCode": {"code": f"{i}", "language": "PYTHON"}}),
    ("images", lambda _: {"inlineData": {"mimeType": "image/png", "data": "QUFB"}}),
    ("unknown parts", lambda i: {f"k{i}": {"x": 1}}),
    ("empty parts", lambda _: {}),
)  # fmt: skip

# A name, and a piece of the arguments of one call at the number i.
PIECES: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("of one text", lambda _: text("$.a")),
    ("of ever new texts", lambda i: text(f"$.a{i}")),
    ("of two texts in turn", lambda i: text(f"$.a{i % 2}")),
    ("of a growing list", lambda i: text(f"$.l[{i}]")),
    ("of a growing list of objects", lambda i: text(f"$.l[{i}].x")),
    ("of a list with holes", lambda i: text(f"$.l[{2 * i}]")),
    ("of numbers", lambda i: {"jsonPath": f"$.n{i}", "numberValue": i}),
    ("without a path", lambda _: {"stringValue": "a", "willContinue": True}),
)

# A name, and an event at the number i.
EVENTS: tuple[tuple[str, Callable[[int], dict[str, Any]]], ...] = (
    ("heads", lambda i: {"responseId": f"r{i}", "modelVersion": f"v{i}"}),
    ("counts with ever new keys", lambda i: {"usageMetadata": {f"k{i}": i}}),
    ("counts that grow", lambda i: {"usageMetadata": {"candidatesTokenCount": i}}),
    ("reasons for the end", lambda _: END),
    ("details of the end", lambda i: candidate(finishMessage=f"m{i}", safetyRatings=[{"x": i}])),
    ("candidates of any number", lambda i: {
        "candidates": [{"index": i, **of_parts({"text": "a"})}]}),
    ("candidates, falling", lambda i: {
        "candidates": [{"index": 10**6 - i, **of_parts({"text": "a"})}]}),
    ("two candidates in turn", lambda i: {
        "candidates": [{"index": i % 2, **of_parts({"text": "a"})}]}),
    ("sources", lambda i: candidate(groundingMetadata=grounded(i))),
    ("sources that grow", lambda i: candidate(groundingMetadata=grounded(i % 50))),
    ("citations", lambda i: candidate(citationMetadata={"citations": [{"uri": f"u{i}"}]})),
    ("logprobs", lambda _: candidate(logprobsResult={
        "chosenCandidates": [{"token": "a", "logProbability": -1}]})),
    ("feedback on the prompt", lambda i: {"promptFeedback": {"x": i}}),
    ("unknown members", lambda i: {f"k{i}": i}),
)  # fmt: skip

# A name, a whole reply with @ where the repetitions are, and one of them.
INSIDE: tuple[tuple[str, str, Callable[[int], str], int], ...] = (
    ("candidates", '"candidates":[@]', lambda _: '{"finishReason":"STOP"}', COUNT),
    ("members of a reply", "@", lambda i: f'"k{i}":"x"', COUNT),
    ("members of a candidate", '"candidates":[{"finishReason":"STOP",@}]',
     lambda i: f'"k{i}":"x"', COUNT),
    ("counts of a reply", '"usageMetadata":{@}', lambda i: f'"k{i}":{i}', COUNT),
    ("arguments of a call",
     '"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{@}}}]}}]',
     lambda i: f'"k{i}":"x"', COUNT),
    ("supports of sources", '"candidates":[{"groundingMetadata":{"groundingSupports":[@]}}]',
     lambda i: f'{{"segment":{{"startIndex":{i},"endIndex":{i + 1}}},"groundingChunkIndices":[0]}}',
     COUNT),
    ("letters of a text", '"candidates":[{"content":{"parts":[{"text":"~"}]}}]',
     lambda _: "a", SMALL),
    ("escapes of a text", '"candidates":[{"content":{"parts":[{"text":"~"}]}}]',
     lambda _: "\\n", SMALL),
)  # fmt: skip


def text(path: str) -> dict[str, Any]:
    return {"jsonPath": path, "stringValue": "a", "willContinue": True}


def of_parts(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}}


def candidate(**members: object) -> dict[str, Any]:
    return {"candidates": [{"index": 0, **members}]}


def grounded(number: int) -> dict[str, Any]:
    return {"groundingChunks": [{"web": {"uri": f"u{number}"}}], "webSearchQueries": [f"q{number}"]}


def shapes() -> Iterator[Shape]:
    """Yield all shapes."""
    for name, part in PARTS:
        yield shape(name, "whole", partial(of_many_parts, part))
        yield shape(name, "event", partial(in_one_event, part))
        yield shape(name, "events", partial(one_after_another, part))
        yield shape(f"{name} in a growing array", "events", partial(in_an_array, part))
    for name, piece in PIECES:
        yield shape(f"pieces of arguments {name}", "events", partial(of_pieces, piece))
        yield shape(f"pieces of arguments {name}", "event", partial(of_pieces_at_once, piece))
    for name, event in EVENTS:
        yield shape(name, "events", partial(of_events, event))
    for name, inside, unit, count in INSIDE:
        yield shape(name, "whole", partial(of_inside, inside, unit), count)
        yield shape(name, "document", partial(of_inside, inside, unit), count)


def shape(name: str, form: str, response: Callable[[int], bytes], count: int = COUNT) -> Shape:
    return Shape(f"Gemini: {name}", form, response, count, api=API)


def event(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [of_parts(*parts)]}


def of_many_parts(part: Callable[[int], dict[str, Any]], n: int) -> bytes:
    content = of_parts(*(part(i) for i in range(n)))
    return whole(json.dumps({"candidates": [{**content, "finishReason": "STOP"}]}))


def of_inside(inside: str, unit: Callable[[int], str], n: int) -> bytes:
    place, comma = ("~", "") if "~" in inside else ("@", ",")
    return whole("{" + inside.replace(place, comma.join(unit(i) for i in range(n)), 1) + "}")


def of_stream(events: list[dict[str, Any]]) -> bytes:
    lines = (f"data: {json.dumps(event)}\r\n\r\n" for event in (*events, END))
    return stream("".join(lines).encode())


def in_one_event(part: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([event(*(part(i) for i in range(n)))])


def one_after_another(part: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([event(part(i)) for i in range(n)])


def in_an_array(part: Callable[[int], dict[str, Any]], n: int) -> bytes:
    events = ",\r\n".join(json.dumps(one) for one in (*(event(part(i)) for i in range(n)), END))
    return http(f"[{events}]".encode(), "application/json")


def called(*pieces: dict[str, Any], **members: object) -> dict[str, Any]:
    return {"functionCall": {"partialArgs": list(pieces), "willContinue": True, **members}}


def of_pieces(piece: Callable[[int], dict[str, Any]], n: int) -> bytes:
    pieces = (event(called(piece(i))) for i in range(n))
    return of_stream([event(called(name="f")), *pieces, event({"functionCall": {}})])


def of_pieces_at_once(piece: Callable[[int], dict[str, Any]], n: int) -> bytes:
    pieces = called(*(piece(i) for i in range(n)), name="f")
    return of_stream([event(pieces), event({"functionCall": {}})])


def of_events(one: Callable[[int], dict[str, Any]], n: int) -> bytes:
    return of_stream([one(i) for i in range(n)])
