"""Objects and lists of which a part has arrived.

A `Shape` belongs to a type. It opens a `Node` for an object or a list, which holds what has arrived
of it. What can only be read as a whole is `Collected` until it is complete.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_core import to_json

from tokenwire.tools.json_schema import adapter_for

if TYPE_CHECKING:
    from collections.abc import Callable

# There is nothing to show.
ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()


class Shape:
    """Of a type whose values are shown when they are complete."""

    def __init__(self, hint: Any) -> None:
        self._hint = hint

    @functools.cached_property
    def _adapter(self) -> Any:
        return adapter_for(self._hint)

    def read(self, value: Any) -> Any:
        """Read a complete JSON value; `ABSENT` if it does not fit, which the end will report."""
        with contextlib.suppress(ValidationError):
            return self._adapter.validate_json(to_json(value, inf_nan_mode="constants"))
        return ABSENT

    def scalar(self, value: Any) -> Any:
        """Read a complete string, number or word."""
        return self.read(value)

    def text(self, text: str) -> Any:  # noqa: ARG002
        """Show a string that has not ended."""
        return ABSENT

    def object(self) -> Node | Collected:
        """Open an object."""
        return Collected(self.read, is_object=True)

    def array(self) -> Node | Collected:
        """Open an array."""
        return Collected(self.read, is_object=False)


class Node:
    """An object or a list that is open.

    Attributes:
        next: The shape of the next value in it.
    """

    next: Shape

    def key(self, name: str) -> None:
        """Note the key of the next value."""

    def put(self, value: Any) -> bool:
        """Add a complete value. Returns whether that can be seen."""
        raise NotImplementedError

    def value(self, open_value: Any) -> Any:
        """Return a copy with the value that is open, unless that is `ABSENT`."""
        raise NotImplementedError


class Collected:
    """An object or a list that is not shown yet.

    Attributes:
        read: Reads its complete value.
        is_object: Whether it is an object.
        steps: What was collected of it.
        depth: How many objects and lists are open.
    """

    def __init__(
        self,
        read: Callable[[Any], Any],
        *,
        is_object: bool,
        choose: Callable[[str, Any], Shape | None] | None = None,
    ) -> None:
        self.read = read
        self.is_object = is_object
        self.steps: list[tuple[str, Any]] = []
        self.depth = 1
        # Takes each key and each complete value of the object itself. Returns a shape once only
        # one can be meant.
        self._choose = choose
        self._key = ""

    def take(self, kind: str, data: Any) -> Shape | None:
        """Collect the next step. Returns the shape by which it can be shown from now on."""
        self.steps.append((kind, data))
        if kind in ("{", "["):
            self.depth += 1
        elif kind == "}":
            self.depth -= 1
        elif self.depth == 1 and self._choose is not None:
            if kind == "key":
                self._key = data
                return self._choose(data, ABSENT)
            return self._choose(self._key, data)
        return None


class ListNode(Node):
    """A list, a set or a tuple that is open."""

    def __init__(self, first: list[Shape], rest: Shape, make: Callable[[Any], Any]) -> None:
        self._first, self._rest, self._make = iter(first), rest, make
        self._items: list[Any] = []
        self.next = next(self._first, rest)

    def put(self, value: Any) -> bool:
        """Add a complete value."""
        self._items.append(value)
        self.next = next(self._first, self._rest)
        return True

    def value(self, open_value: Any) -> Any:
        """Return a copy with the open value."""
        items = [*self._items] if open_value is ABSENT else [*self._items, open_value]
        if self._make is list:
            return items
        # Items of a set may have no hash before they are validated.
        with contextlib.suppress(TypeError):
            return self._make(items)
        return ABSENT


class MapNode(Node):
    """A dict that is open."""

    def __init__(self, values: Shape, read_key: Callable[[str], Any] | None) -> None:
        self.next = values
        self._read_key = read_key
        self._items: dict[Any, Any] = {}
        self._key: Any = ABSENT

    def key(self, name: str) -> None:
        """Read the key of the next value."""
        self._key = name if self._read_key is None else self._read_key(name)

    def put(self, value: Any) -> bool:
        """Add a complete value."""
        if self._key is not ABSENT:
            self._items[self._key] = value
        return self._key is not ABSENT

    def value(self, open_value: Any) -> Any:
        """Return a copy with the open value."""
        if open_value is ABSENT or self._key is ABSENT:
            return dict(self._items)
        return {**self._items, self._key: open_value}
