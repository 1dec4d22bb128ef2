"""The types of what a call is asked, and of where its key comes from. For type checkers alone."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeAlias

    from tokenwire.types.message import LlmMessage
    from tokenwire.types.request import LlmRequest

    Prompt: TypeAlias = str | list[Any] | tuple[Any, ...] | LlmRequest | LlmMessage
    # Returns a key, or an awaitable of one.
    KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
