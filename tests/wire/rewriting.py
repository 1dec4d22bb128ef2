"""Streams of events that each have a `type`, in other words: what servers of any API vary."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Event: TypeAlias = "dict[str, Any]"
FEWER = 10  # One row in this many is read by default.


def framed(stream: Iterable[Event], *, names: bool = True, line_end: str = "\n") -> str:
    """Return the stream as text."""
    blocks = []
    for event in stream:
        lines = [f"event: {event['type']}"] if names else []
        blocks.append(line_end.join([*lines, f"data: {json.dumps(event)}", "", ""]))
    return "".join(blocks)


def without_names(stream: list[Event]) -> str:
    """As OpenRouter and Bedrock's mantle send some APIs."""
    return framed(stream, names=False)


def other_line_ends(stream: list[Event]) -> str:
    """As Gemini sends its streams."""
    return framed(stream, line_end="\r\n")


def done_mark(stream: list[Event]) -> str:
    """As OpenRouter ends it."""
    return framed(stream) + "data: [DONE]\n\n"


def another_stream_behind(stream: list[Event]) -> str:
    """As the fixtures that hold several streams."""
    return framed([*stream, *stream])


def keys_turned_round(stream: list[Event]) -> str:
    """As a server that sorts its keys otherwise: `type` comes last, for instance."""

    def turned(value: Any) -> Any:
        if isinstance(value, list):
            return [turned(one) for one in value]
        if isinstance(value, dict):
            return {key: turned(one) for key, one in reversed(value.items())}
        return value

    return framed(turned(event) for event in stream)


def some(rows: list[dict[str, Any]], turn: int, every_row: bool) -> list[dict[str, Any]]:
    """Return the rows of a run; over each transport others, unless it reads all."""
    return rows if every_row else rows[turn::FEWER]
