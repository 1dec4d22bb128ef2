"""The events of the plain reading: WHATWG's rules, as wire.md 15 quotes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The name of an event that was not finished when the body ended.
INSIDE = "(inside)"


def events(text: str, *, lost: bool = False) -> Iterator[tuple[str, str]]:
    """Yield (event name, data) as WHATWG reads them, and the two exceptions of wire.md 15 and 17.9.

    A last event without its blank line counts if its data is `[DONE]` or whole JSON, and the body
    was not lost; a body that ends inside an event yields `INSIDE` in its place. A line
    `error: {...}` is an event of that name.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    unfinished = lines.pop()  # after the last line end
    name = ""
    data: list[str] = []
    for line in lines:
        key, value = _field(line)
        if key == "data":
            data.append(value)
        elif key == "event":
            name = value
        elif key == "error" and value.startswith("{"):
            yield "error", value
        elif not line:
            if data:
                yield name, "\n".join(data)
            name, data = "", []
    if not lost:
        yield from _last_event(name, data, *_field(unfinished))


def _field(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key, value.removeprefix(" ")


def _last_event(name: str, data: list[str], key: str, value: str) -> Iterator[tuple[str, str]]:
    """Yield the event that the end of the body left without a blank line."""
    if key == "data":
        data = [*data, value]
    last = "\n".join(data)
    if data:
        yield (name, last) if last.strip() == "[DONE]" or is_json(last) else (INSIDE, last)
    elif key == "error" and is_json(value):
        yield "error", value


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
