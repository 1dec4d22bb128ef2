"""`typing.overload` without the import of `typing`, which is slow."""

from __future__ import annotations

__all__ = ["overload"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import overload
else:

    def overload(signature: object) -> object:
        """Return the signature: an overload does nothing at run time."""
        return signature
