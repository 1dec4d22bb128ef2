"""Recorded exchanges of Gemini, and what each one must give."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.wire.gemini.reading import API, read_whole_exchange
from tests.wire.gemini.reading_calls import OPEN, closed
from tests.wire.gemini.reading_events import read_stream_exchange
from tests.wire.plain_events import is_json
from tests.wire.socket_replays import Replay

if TYPE_CHECKING:
    from tests.wire.reading import Reading

# An id that the client makes for a call that came without one.
_OUR_ID = re.compile(r"tw[0-9A-Za-z]{7}")


class GeminiReplay(Replay):
    """One row of Gemini."""

    API = API
    LAST = "finishReason"

    @property
    def streams(self) -> bool:
        """Whether the call asks for a stream, of events or as an array."""
        return self.row["api"] == "gemini.stream" if self.stream is None else self.stream

    def expected(self) -> Reading:
        """Return the plain reading."""
        read = read_stream_exchange if self.streams else read_whole_exchange
        return read(self.row, lost=self.ending is not None)

    def comparable(self, reading: Reading) -> Reading:
        """Return the reading with arguments in one spelling, and without the ids that we made."""
        return replace(
            reading,
            parts=_comparable(reading.parts),
            others=[{**one, "parts": _comparable(one["parts"])} for one in reading.others],
        )


def _comparable(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = [part["id"] for part in parts if is_made(part)]
    assert len(made) == len(set(made))
    found = [_call(part) if part["type"] == "tool_call" else part for part in parts]
    # The keys beside the content are at the end, in any order.
    beside = [one for one in found if one["type"] == "opaque" and one["field"] != "parts"]
    others = [one for one in found if one not in beside]
    assert found[: len(others)] == others
    return [*others, *sorted(beside, key=lambda one: str(one["field"]))]


def is_made(part: dict[str, Any]) -> bool:
    """Whether the client made the id of a call."""
    return part["type"] == "tool_call" and bool(_OUR_ID.fullmatch(part["id"] or ""))


def _call(part: dict[str, Any]) -> dict[str, Any]:
    text = part["arguments"]
    is_open = text.startswith(OPEN) or not is_json(text)
    text = text.removeprefix(OPEN)
    if not is_json(text):
        # Of arguments that were cut off, what they say so far: nothing is `{}`.
        text = closed(text) or "{}"
    if is_json(text):
        # The order of the keys counts, white space does not.
        pairs = json.loads(text, object_pairs_hook=list)
        text = ("open" if is_open else "whole", pairs)
    call_id = None if is_made(part) else part["id"]
    return {**part, "id": call_id, "arguments": text}
