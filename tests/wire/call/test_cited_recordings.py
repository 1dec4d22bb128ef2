"""Every recorded citation, of chat and of Responses, with the real client over a socket.

What is expected is read from the JSON of the recording by a few lines of Python.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.wire.answering import Answering
from tests.wire.recorded import recorded_response, recorded_rows

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.wire.asking import Asking

# Recorded replies with annotations, and the citations in them.
CHAT, RESPONSES = (19, 21), (37, 119)


class Cited(NamedTuple):
    """What a citation says, and the annotation that it was read from."""

    start: int | None
    end: int | None
    text: str | None
    url: str | None
    title: str | None
    document: str | None
    raw: dict[str, Any]


def citation(annotation: dict[str, Any], text: str, begin: int) -> Cited:
    """Read an annotation of a block, which begins at this character of the whole text."""
    inner = annotation.get(annotation["type"], annotation)
    start, end = inner.get("start_index"), inner.get("end_index")
    if start is None or end is None or start >= end:
        span: tuple[Any, Any, Any] = (None, None, None)
    else:
        span = (begin + start, begin + end, text[start:end])
    document = inner.get("file_id") or inner.get("filename")
    # An empty title says nothing.
    return Cited(*span, inner.get("url"), inner.get("title") or None, document, annotation)


def of_chat(body: dict[str, Any]) -> list[Cited]:
    """The citations of a whole reply of chat."""
    message = body["choices"][0]["message"]
    found = message.get("annotations") or []
    return [
        citation(one, message["content"], 0) for one in found if one["type"].endswith("citation")
    ]


def of_responses(body: dict[str, Any]) -> list[Cited]:
    """The citations of a whole reply of Responses."""
    found, begin = [], 0
    for item in body.get("output") or []:
        for block in item.get("content") or [] if item["type"] == "message" else []:
            if block["type"] == "output_text":
                annotations = block.get("annotations") or []
                found += [citation(one, block["text"], begin) for one in annotations]
                begin += len(block["text"])
    return found


def events(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream up to its end."""
    for line in text.splitlines():
        if line.startswith("data: {"):
            event = json.loads(line[6:])
            yield event
            if event.get("type") in ("response.completed", "response.incomplete"):
                return


def expected(row: dict[str, Any]) -> list[Cited]:
    """Read the citations of a recorded reply."""
    text, is_chat = row["response_body_text"], row["api"] != "responses"
    if not row["is_sse"]:
        return of_chat(json.loads(text)) if is_chat else of_responses(json.loads(text))
    if not is_chat:
        *_, last = events(text)
        return of_responses(last["response"])
    choices = [choice for event in events(text) for choice in event.get("choices") or []]
    deltas = [choice["delta"] for choice in choices if choice["index"] == 0]
    content = "".join(delta.get("content") or "" for delta in deltas)
    annotations = [one for delta in deltas for one in delta.get("annotations") or []]
    return of_chat({"choices": [{"message": {"content": content, "annotations": annotations}}]})


def cited_rows(data_dir: Path, api: str) -> dict[str, dict[str, Any]]:
    """The recorded replies of an API with annotations, by their number."""
    return {
        str(row["number"]): row
        for row in recorded_rows(data_dir, api)
        if row["status"] == 200
        and "annotations" in row["response_body_text"]
        and "_citation" in row["response_body_text"]
    }


@pytest.mark.parametrize(
    ("recorded", "api", "counts"),
    [("chat.completions", "chat", CHAT), ("responses", "responses", RESPONSES)],
)
def test_each_recorded_citation_is_read(
    data_dir: Path, ask: Asking, recorded: str, api: str, counts: tuple[int, int]
) -> None:
    rows = cited_rows(data_dir, recorded)
    count = 0
    with Answering(lambda number: [recorded_response(rows[number])]) as server:
        for number, row in rows.items():
            client = tw.ChatClient("m", base_url=server.base_url(number), api=api)
            if row["is_sse"]:
                _, reply = ask.read(client, "-")
            else:
                reply = ask.complete(client, "-")
            wanted = expected(row)
            seen = [
                Cited(*(getattr(one, name) for name in Cited._fields)) for one in reply.citations
            ]
            assert seen == wanted, row["source"]
            for one in reply.citations:
                if one.start is not None and one.end is not None:
                    assert 0 <= one.start < one.end <= len(reply.text)
                    assert reply.text[one.start : one.end] == one.text
            count += len(wanted)
    assert (len(rows), count) == counts


@pytest.mark.no_connection
def test_the_reading_knows_both_forms() -> None:
    nested = {
        "type": "url_citation",
        "url_citation": {"start_index": 1, "end_index": 2, "url": "u"},
    }
    assert citation(nested, "abc", 5) == Cited(6, 7, "b", "u", None, None, nested)
    flat = {"type": "file_citation", "file_id": "f", "filename": "n", "index": 1}
    assert citation(flat, "abc", 5) == Cited(None, None, None, None, None, "f", flat)
