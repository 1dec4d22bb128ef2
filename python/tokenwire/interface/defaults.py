"""The methods that ask a model, and how each one falls back on another that a class defines."""

from __future__ import annotations

from tokenwire._engine import (
    AsyncLlmStream,
    LlmResponse,
    LlmStream,
    LlmStreamChunk,
    ToolCallFragment,
)
from tokenwire._typing import overload
from tokenwire.errors import LlmClientClosedError, LlmConfigError, LlmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import Any, TypeVar

    from typing_extensions import Unpack

    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import Prompt

    T = TypeVar("T")
    Stream = TypeVar("Stream", LlmStream, AsyncLlmStream)


class DefaultMethods:
    """What `LlmClientInterface` does for a method that a class does not define."""

    model: str
    provider: str
    _closed = False

    @overload
    def complete(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    def complete(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    def complete(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply."""
        if not self._defines("stream"):
            raise self._lacks("complete", "stream")
        with self._open("stream", LlmStream, request_or_prompt, params) as stream:
            for _ in stream.batches():
                pass
            return stream.response

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    async def complete_async(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply."""
        if self._defines("stream_async"):
            opened = self._open("stream_async", AsyncLlmStream, request_or_prompt, params)
            async with opened as stream:
                async for _ in stream.batches():
                    pass
                return stream.response
        if not (self._defines("complete") or self._defines("stream")):
            raise self._lacks("complete_async", "stream_async", "complete")
        import asyncio

        return await asyncio.to_thread(self._ask, request_or_prompt, params)

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask, and read the reply as it arrives."""
        self._check_open()
        if not self._defines("complete"):
            raise self._lacks("stream", "complete")

        def chunks() -> Iterator[LlmStreamChunk]:
            yield from _chunks_of(self._ask(request_or_prompt, params))

        return LlmStream.from_chunks(chunks(), **self._fields(params))

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask, and read the reply as it arrives. Returns at once."""
        self._check_open()
        if self._defines("complete_async") or not self._defines("stream"):
            if not (self._defines("complete_async") or self._defines("complete")):
                raise self._lacks("stream_async", "complete_async", "stream")
            chunks = self._whole_reply(request_or_prompt, params)
        else:
            chunks = self._stream_in_threads(request_or_prompt, params)
        return AsyncLlmStream.from_chunks(chunks, **self._fields(params))

    async def _whole_reply(
        self, asked: Prompt, params: Mapping[str, Any]
    ) -> AsyncIterator[LlmStreamChunk]:
        for chunk in _chunks_of(await self._ask_async(asked, params)):
            yield chunk

    async def _stream_in_threads(
        self, asked: Prompt, params: Mapping[str, Any]
    ) -> AsyncIterator[LlmStreamChunk]:
        import asyncio

        stream = self._open("stream", LlmStream, asked, params)
        try:
            while (chunk := await asyncio.to_thread(next, stream, None)) is not None:
                yield chunk
        finally:
            # A step that is still running in its thread closes the stream when it ends.
            stream.close()

    def models(self) -> list[str]:
        """Return the ids of the server's models.

        Raises:
            LlmConfigError: The client has no such list.
        """
        raise self._lacks("models")

    async def models_async(self) -> list[str]:
        """Return the ids of the server's models; see `models`."""
        if not self._defines("models"):
            raise self._lacks("models_async", "models")
        import asyncio

        return await asyncio.to_thread(self.models)

    # The methods above and `run`, `parse` and `map` call a class's own methods through these.

    def _ask(self, asked: Prompt, params: Mapping[str, Any]) -> LlmResponse[Any]:
        """`complete` with its checks: an open client, a reply, an error that names its client."""
        self._check_open()
        try:
            reply = self.complete(asked, **params)
        except LlmError as error:
            self._complete_error(error, params)
            raise
        return self._checked("complete", reply, LlmResponse)

    async def _ask_async(self, asked: Prompt, params: Mapping[str, Any]) -> LlmResponse[Any]:
        """`complete_async` with the same checks."""
        self._check_open()
        try:
            reply = await self.complete_async(asked, **params)
        except LlmError as error:
            self._complete_error(error, params)
            raise
        return self._checked("complete_async", reply, LlmResponse)

    def _open(
        self, method: str, kind: type[Stream], asked: Prompt, params: Mapping[str, Any]
    ) -> Stream:
        """`stream` or `stream_async` with its checks."""
        self._check_open()
        return self._checked(method, getattr(self, method)(asked, **params), kind)

    def _checked(self, method: str, result: object, kind: type[T]) -> T:
        if isinstance(result, kind):
            return result
        if hasattr(result, "__await__") and hasattr(result, "close"):
            result.close()  # a coroutine that is never awaited warns
        wanted = "an LlmResponse" if kind is LlmResponse else f"{kind.__name__}.from_chunks(…)"
        raise LlmConfigError(
            f"{type(self).__name__}.{method}() returned {type(result).__name__}; return {wanted}"
        )

    def _check_open(self) -> None:
        if self._closed:
            raise LlmClientClosedError("this client is closed; make a new one")

    def _complete_error(self, error: LlmError, params: Mapping[str, Any]) -> None:
        error.provider = error.provider or self.provider
        error.model = error.model or params.get("model") or self.model

    def _defines(self, method: str) -> bool:
        """Whether the class has a method of its own under this name."""
        return getattr(type(self), method) is not getattr(DefaultMethods, method)

    def _lacks(self, method: str, *others: str) -> LlmConfigError:
        fix = " or ".join(f"{name}()" for name in (method, *others))
        return LlmConfigError(f"{type(self).__name__} has no {method}(): define {fix}")

    def _fields(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "provider": self.provider,
            "model": params.get("model") or self.model,
            "response_format": params.get("response_format"),
        }


def _chunks_of(reply: LlmResponse[Any]) -> Iterator[LlmStreamChunk]:
    """A whole reply as a stream: a chunk for each choice, then the usage."""
    for choice in reply.choices:
        yield LlmStreamChunk(
            index=choice.index,
            reasoning=choice.reasoning,
            text=choice.text,
            refusal=choice.refusal,
            tool_calls=[
                ToolCallFragment(index, call.id, call.name, call.arguments)
                for index, call in enumerate(choice.tool_calls)
            ],
            logprobs=None if choice.logprobs is None else list(choice.logprobs),
            # The reply is whole, even if its client does not know why it ended.
            finish_reason=choice.finish_reason or "other",
            provider_finish_reason=choice.provider_finish_reason,
        )
    if reply.usage is not None:
        yield LlmStreamChunk(usage=reply.usage)
