"""The length that a request declares for a body that is produced piece by piece."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Declared:
    """Counts the bytes of a body against its Content-Length, if it has one.

    A server would wait for bytes that never arrive, or read the extra bytes as the next request.
    """

    def __init__(self, request: Any, family: ModuleType) -> None:
        self._family = family
        length = request.headers.get("content-length", "")
        self._missing = int(length) if length.isdecimal() else None

    def count(self, piece: bytes) -> None:
        """Count a piece.

        Raises:
            LocalProtocolError: The class of the family; the body is longer than declared.
        """
        if self._missing is not None:
            self._missing -= len(piece)
            if self._missing < 0:
                raise self._family.LocalProtocolError("the body is longer than its Content-Length")

    def end(self) -> None:
        """Count the end.

        Raises:
            LocalProtocolError: The class of the family; the body is shorter than declared.
        """
        if self._missing:
            raise self._family.LocalProtocolError("the body is shorter than its Content-Length")
