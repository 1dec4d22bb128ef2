"""A plain reading of function calls whose arguments arrive in pieces (wire.md 6.3 and 18.3).

The pieces are joined by their `jsonPath`: `$.operations[0].action` is a key of an element of a
list. A text goes on while its piece says `willContinue`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue")
# What makes up the arguments, and the keys with a place of their own.
PLACED = ("id", "name", "args", "partialArgs", "willContinue")


@dataclass
class GrowingCall:
    """A call as it grows; `beside` is what its parts have beside the function call."""

    said: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)
    args: Any = None
    done: bool = False

    def add(self, function: dict[str, Any], beside: dict[str, Any]) -> None:
        """Add a piece."""
        self.said |= {key: value for key, value in function.items() if value is not None}
        self.beside |= beside
        if function.get("args") is not None:
            self.args = {**(self.args or {}), **function["args"]}
        for piece in function.get("partialArgs") or []:
            self.args = placed(self.args, steps(piece["jsonPath"]), piece)
        self.done = not function.get("willContinue")

    def part(self) -> dict[str, Any]:
        """Return the part. The arguments of a call that is not done are not closed."""
        extra = dict(self.beside)
        rest = {key: value for key, value in self.said.items() if key not in PLACED}
        if rest:
            extra["function"] = rest
        args = {} if self.args is None and self.done else self.args
        text = "" if args is None else json.dumps(args)
        return {
            "type": "tool_call",
            "id": self.said.get("id") or None,
            "name": self.said.get("name") or "",
            "arguments": text if self.done else OPEN + text,
            **({"extra": extra} if extra else {}),
        }


# Stands before arguments that are the beginning of this JSON, and not yet all of it.
OPEN = "(open)"


def steps(path: str) -> list[str | int]:
    """Return the keys and indexes of a path below `$`."""
    return [
        int(found[2]) if found[2] else found[1] or found[3] or found[4] or ""
        for found in _STEP.finditer(path.removeprefix("$"))
    ]


def placed(value: Any, path: list[str | int], piece: dict[str, Any]) -> Any:
    """Return the value with the piece at its path."""
    if not path:
        kind = next((key for key in _VALUES if key in piece), None)
        if kind == "stringValue":
            return (value if isinstance(value, str) else "") + piece[kind]
        return None if kind in (None, "nullValue") else piece[kind]
    step, below = path[0], path[1:]
    if isinstance(step, int):
        items = list(value or [])
        items += [None] * (step + 1 - len(items))
        items[step] = placed(items[step], below, piece)
        return items
    fields = dict(value or {})
    fields[step] = placed(fields.get(step), below, piece)
    return fields


def closed(text: str) -> str | None:
    """Return the JSON that begins with the text, closed where it stops; None if it has no end."""
    stack, in_string, escaped = [], False, False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "{[":
            stack.append("}" if char == "{" else "]")
        elif char in "}]":
            stack.pop()
    if not stack:
        return None
    return text + ('"' if in_string else "") + "".join(reversed(stack))
