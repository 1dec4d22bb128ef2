"""What a call is asked, and where its key comes from: types for annotations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from tokenwire.types.message import LlmMessage
from tokenwire.types.request import LlmRequest

# What `complete`, `stream` and the others take first.
Prompt: TypeAlias = str | list[Any] | tuple[Any, ...] | LlmRequest | LlmMessage
# What `api_key=` takes besides a text: it returns a key, or an awaitable of one.
KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
