"""Labels of counts. Names come from callers and servers, so their number and length are bounded."""

from __future__ import annotations

from tokenwire._engine import escaped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What is counted of everything that has no label of its own.
OTHER = "other"
# A page of metrics has 72 lines for each model.
MAX_MODELS = 256
_MAX_LENGTH = 128


def label(name: str) -> str:
    """Return a name as a label: short, without characters that steer a terminal."""
    if name.isprintable() and len(name) <= _MAX_LENGTH:
        return name
    return escaped(name[:_MAX_LENGTH])


class Known:
    """The first `MAX_MODELS` keys that were asked for."""

    def __init__(self) -> None:
        self._keys: set[Any] = set()

    def admits(self, key: Any) -> bool:
        """Whether the key is among them."""
        if key in self._keys:
            return True
        if len(self._keys) >= MAX_MODELS:
            return False
        self._keys.add(key)
        return True
