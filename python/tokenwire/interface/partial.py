"""`LlmStream.partial` and its async twin: the typed answer of a stream while it grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire._engine import LlmStream
from tokenwire.errors import LlmConfigError
from tokenwire.interface.reask import parsed
from tokenwire.tools.growing import ABSENT, growing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from typing_extensions import Self

    from tokenwire._engine import AsyncLlmStream


def partial(stream: LlmStream | AsyncLlmStream, kind: Any) -> Iterator[Any] | AsyncIterator[Any]:
    """Return the values of the type `kind` while the stream grows; the engine calls this.

    Raises:
        LlmConfigError: There is no type, or pydantic cannot read it.
    """
    if kind is None:
        raise LlmConfigError(
            "partial: there is no type; give one, or response_format=… to the call"
        )
    return _Values(stream, kind) if isinstance(stream, LlmStream) else _AsyncValues(stream, kind)


class _Growing:
    """What both iterators have: the stream, and what has been read of its answer."""

    def __init__(self, stream: Any, kind: Any) -> None:
        self._stream = stream
        self._kind = kind
        self._answer = growing(kind)
        self._last: Any = ABSENT
        self._is_over = False
        # An iterator over the text: each step returns what has arrived since the step before.
        self.texts: Any = stream._grown()

    def _grow(self, text: str) -> bool:
        """Read more text. Returns whether the value, `_last`, has changed."""
        value = self._answer.push(text)
        if value is ABSENT:
            return False
        self._last = value
        return True

    def _end(self) -> bool:
        """Read the whole answer. Returns whether it differs from the last value.

        Raises:
            LlmValidationError: The text does not fit the type.
            LlmModelError: The token limit cut the text off, or the model refused.
        """
        self._is_over = True
        last, self._last = self._last, parsed(self._kind, self._stream.response)
        return type(last) is not type(self._last) or bool(last != self._last)


class _Values(_Growing):
    """The values of a sync stream."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        if self._is_over:
            raise StopIteration
        while (text := next(self.texts, None)) is not None:
            if self._grow(text):
                return self._last
        if self._end():
            return self._last
        raise StopIteration


class _AsyncValues(_Growing):
    """The values of an async stream. A step that is cancelled loses nothing."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        if self._is_over:
            raise StopAsyncIteration
        while (text := await anext(self.texts, None)) is not None:
            if self._grow(text):
                return self._last
        if self._end():
            return self._last
        raise StopAsyncIteration
