"""The length that a request declares for a body that is produced piece by piece."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

# What stands for the end of the pieces: None may be one of them.
END = object()


class Declared:
    """Counts the bytes of a body against its Content-Length, if it has one.

    A server would wait for bytes that never arrive, or read the extra bytes as the next request.
    """

    def __init__(self, request: Any, family: ModuleType) -> None:
        self._family = family
        length = request.headers.get("content-length", "")
        self._missing = int(length) if length.isdecimal() else None

    def count(self, piece: Any) -> bytes:
        """Count a piece, and return it as bytes. One that is false is empty.

        Raises:
            TypeError: It is not bytes-like.
            LocalProtocolError: The class of the family; the body is longer than declared.
        """
        taken = piece if isinstance(piece, bytes) else bytes(memoryview(piece or b""))
        if self._missing is not None:
            self._missing -= len(taken)
            if self._missing < 0:
                raise self._family.LocalProtocolError("the body is longer than its Content-Length")
        return taken

    def end(self) -> None:
        """Count the end.

        Raises:
            LocalProtocolError: The class of the family; the body is shorter than declared.
        """
        if self._missing:
            raise self._family.LocalProtocolError("the body is shorter than its Content-Length")
