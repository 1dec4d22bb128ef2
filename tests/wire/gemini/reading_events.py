"""A plain reading of Gemini's streams: events, or one JSON array that grows (wire.md 6.3).

Like `reading`, it is written from wire.md 6, 15 and 18.3 and the recordings, and without the
engine's decoder.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.wire.gemini.reading import Response, with_head
from tests.wire.gemini.reading_errors import gemini_error, with_details
from tests.wire.plain_errors import PlainError, error_in_a_stream
from tests.wire.plain_events import INSIDE, events
from tests.wire.plain_reading import kept_headers
from tests.wire.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

Event: TypeAlias = "dict[str, Any]"
_BETWEEN = " \t\r\n,"


def is_array(text: str) -> bool:
    """Whether the stream is an array."""
    return text.lstrip().startswith("[")


def elements(text: str) -> Iterator[tuple[int, str]]:
    """Yield (place of its end, JSON) of each element of an array; `INSIDE` where it stops short."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while True:
        while at < len(text) and text[at] in _BETWEEN:
            at += 1
        if at == len(text):
            yield at, INSIDE
            return
        if text[at] == "]":
            return
        try:
            _, end = decoder.raw_decode(text, at)
        except ValueError:
            yield len(text), INSIDE
            return
        yield end, text[at:end]
        at = end


def pieces(text: str, *, lost: bool) -> Iterator[str]:
    """Yield the JSON of each piece, and `INSIDE` if the stream ends in the middle of something."""
    if is_array(text):
        # An array ends with its bracket, whatever its last element says.
        yield from (data for _, data in elements(text))
    else:
        for name, data in events(text, lost=lost):
            yield INSIDE if name == INSIDE else data


def stream_of(row: dict[str, Any]) -> list[Event]:
    """Return the pieces of a recorded stream."""
    return [json.loads(data) for data in pieces(row["response_body_text"], lost=False)]


def read_stream_exchange(row: dict[str, Any], *, lost: bool = False) -> Reading:
    """Return what the client must make of an exchange whose reply is a stream.

    Args:
        row: The exchange.
        lost: Whether the connection broke after the body.
    """
    headers = kept_headers(row)
    if row["status"] >= 400:
        reading = Reading(error=gemini_error(row["status"], headers, row["response_body_text"]))
    else:
        reading = read_stream(row["response_body_text"], lost=lost)
    return with_head(reading, headers)


def read_stream(text: str, *, lost: bool = False) -> Reading:
    """Read a stream that ended after `text`, cleanly or because it was lost."""
    response = Response(streamed=True)
    whole = True
    for data in pieces(text, lost=lost):
        if data == INSIDE:
            whole = False
            break
        error = error_in_a_stream("", data)
        if error is not None:
            if not response.candidates:
                # Nothing of the reply was handed out.
                error = error.before_any_event()
                error = with_details(error)
            reading = response.reading()
            reading.error = error
            return reading
        response.add(json.loads(data))
    reading = response.reading()
    # Its end is the end of the body: with a finish reason, a clean one is whole (wire.md 6.3).
    if lost:
        reading.error = PlainError("LlmStreamInterruptedError")
    elif not (whole and response.finished):
        reading.error = PlainError("LlmStreamIncompleteError")
    else:
        reading.error = response.failure("LlmStreamServerError")
    return reading
