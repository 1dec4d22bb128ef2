"""What `typing` offers, without the time that its import takes."""

from __future__ import annotations

__all__ = ["overload"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import overload
else:

    def overload(signature: object) -> object:
        """Return the signature, as an overload needs nothing at run time."""
        return signature
