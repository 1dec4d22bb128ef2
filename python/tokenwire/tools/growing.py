"""A typed value while the JSON text of it arrives.

The engine reads the text, once (`PartialJson`). Here its steps become a value of the type: what is
complete is made once and kept, and only the objects and lists that are still open are made again
for each value. `shapes` says what to make for which type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire._engine import PartialJson
from tokenwire.tools.nodes import ABSENT, Collected
from tokenwire.tools.shapes import root_shape

if TYPE_CHECKING:
    from tokenwire.tools.nodes import Node, Shape

__all__ = ["ABSENT", "GrowingText", "GrowingValue", "growing"]


def growing(target: object) -> GrowingText | GrowingValue:
    """Return what reads a growing answer for the `response_format` `target`.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    if isinstance(target, dict) and target.get("type") == "text":
        return GrowingText()
    return GrowingValue(root_shape(target))


class GrowingText:
    """An answer that is text."""

    def __init__(self) -> None:
        self._text = ""

    def push(self, piece: str) -> str:
        """Read the next piece. Returns the text so far."""
        self._text += piece
        return self._text


class GrowingValue:
    """An answer that is JSON. A value that was returned does not change later.

    Args:
        shape: The shape of the whole answer.
    """

    def __init__(self, shape: Shape) -> None:
        self._root = shape
        self._json = PartialJson()
        self._begin()

    def _begin(self) -> None:
        # The objects and lists that are open, the outermost first.
        self._nodes: list[Node] = []
        # An object or list inside of them that cannot be shown yet.
        self._collected: Collected | None = None
        # The string that is open, if it is shown.
        self._text: Any = ABSENT
        self._is_done = self._has_changed = False

    def push(self, piece: str) -> Any:
        """Read the next piece of the text.

        Returns:
            The value so far, or `ABSENT` if it has not begun, if it has not changed, or if it is
            complete: then it has to be read as a whole, and validated.
        """
        self._has_changed = False
        for kind, data in self._json.push(piece):
            self._step(kind, data)
        if self._is_done or not self._has_changed:
            return ABSENT
        value = self._text
        for node in reversed(self._nodes):
            value = node.value(value)
        return value

    def _shape(self) -> Shape:
        return self._nodes[-1].next if self._nodes else self._root

    def _step(self, kind: str, data: Any) -> None:
        if kind == "restart":
            self._begin()
        elif self._collected is not None:
            self._collect(self._collected, kind, data)
        elif kind == "key":
            self._nodes[-1].key(data)
        elif kind == "text":
            text = self._shape().text(data)
            self._has_changed |= text is not ABSENT and text != self._text
            self._text = text
        elif kind == "value":
            self._put(self._shape().scalar(data), shown=self._text)
        elif kind == "}":
            # It was shown while it was open.
            value = self._nodes.pop().value(ABSENT)
            self._put(value, shown=value)
        else:
            shape = self._shape()
            node = shape.object() if kind == "{" else shape.array()
            if isinstance(node, Collected):
                self._collected = node
                node.steps.append((kind, None))
            else:
                self._nodes.append(node)
                self._has_changed = True

    def _put(self, value: Any, *, shown: Any = ABSENT) -> None:
        self._text = ABSENT
        if not self._nodes:
            self._is_done = True
        elif value is not ABSENT:
            is_new = self._nodes[-1].put(value)
            if shown is ABSENT:
                self._has_changed |= is_new
            elif shown is not value and shown != value:
                self._has_changed = True

    def _collect(self, collected: Collected, kind: str, data: Any) -> None:
        if kind == "text":
            return
        shape = collected.take(kind, data)
        if shape is not None:
            # Now it can be shown, with what was collected of it.
            self._collected = None
            (_, *steps), is_object = collected.steps, collected.is_object
            node = shape.object() if is_object else shape.array()
            if isinstance(node, Collected):
                self._collected = node
                node.steps.append(collected.steps[0])
            else:
                self._nodes.append(node)
                self._has_changed = True
            for step in steps:
                self._step(*step)
        elif collected.depth == 0:
            self._collected = None
            self._put(collected.read(plain(collected.steps)))


def plain(steps: list[tuple[str, Any]]) -> Any:
    """Return the value of a complete object or list without a type."""
    stack: list[Any] = []
    keys: list[Any] = []
    value: Any = None
    for kind, data in steps:
        if kind == "key":
            keys[-1] = data
            continue
        if kind in ("{", "["):
            stack.append({} if kind == "{" else [])
            keys.append(None)
            continue
        value = data
        if kind == "}":
            value = stack.pop()
            keys.pop()
        if stack:
            if isinstance(stack[-1], dict):
                stack[-1][keys[-1]] = value
            else:
                stack[-1].append(value)
    return value
