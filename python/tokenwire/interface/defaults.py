"""What clients of your own get for the methods they write, and in place of those they do not.

It is imported with the first class that stands on `LlmClientInterface` and is not the engine's.
"""

from __future__ import annotations

import asyncio
from functools import wraps
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any, Protocol

from tokenwire import _engine
from tokenwire._engine import (
    AsyncLlmStream,
    CallEvent,
    LlmResponse,
    LlmStream,
    LlmStreamChunk,
    ToolCallFragment,
)
from tokenwire.errors import LlmClientClosedError, LlmConfigError, LlmError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping

    from tokenwire.types.prompt import Prompt

    class Client(Protocol):
        """An `LlmClientInterface`, which stands above this module."""

        model: str
        provider: str
        _closed: bool

        @property
        def complete(self) -> Callable[..., LlmResponse[Any]]:
            """Ask, and return the whole reply."""

        @property
        def complete_async(self) -> Callable[..., Coroutine[Any, Any, LlmResponse[Any]]]:
            """Ask, and return the whole reply."""

        @property
        def stream(self) -> Callable[..., LlmStream]:
            """Ask, and read the reply as it comes."""

        @property
        def stream_async(self) -> Callable[..., AsyncLlmStream]:
            """Ask, and read the reply as it comes."""

        @property
        def models(self) -> Callable[[], list[str]]:
            """Ids of the server's models."""


def adopt(cls: type[Client]) -> None:
    """Let those of the four methods that a class writes check and report what they give."""
    wrappers = {
        "complete": _complete,
        "complete_async": _complete_async,
        "stream": _stream,
        "stream_async": _stream,
    }
    for name, wrapper in wrappers.items():
        method = cls.__dict__.get(name)
        if isinstance(method, FunctionType):
            setattr(cls, name, wrapper(method))


def writes(client: Client, name: str) -> bool:
    """Whether the client's class has a method of this name that is not the interface's."""
    method: object = getattr(type(client), name)
    return getattr(method, "is_default", None) is not method


def lacking(client: Client, name: str, *others: str) -> LlmConfigError:
    """What is raised for a method that neither the class nor the interface can give."""
    fix = " or ".join(f"{other}()" for other in (name, *others))
    return LlmConfigError(f"{type(client).__name__} has no {name}(): write {fix}")


class _Call:
    """One call of a client of somebody's own; what it does inside is not reported by itself."""

    __slots__ = ("began", "client", "model", "token")

    def __init__(self, client: Client, params: Mapping[str, Any]) -> None:
        if client._closed:
            raise LlmClientClosedError("this client is closed; make a new one")
        self.client = client
        self.model = params.get("model") or client.model
        self.began = perf_counter()
        self.token = _engine._enter_call()

    def replied(self, reply: Any) -> LlmResponse[Any]:
        elapsed = self._leave()
        if not isinstance(reply, LlmResponse):
            raise _wrong_result(self.client, "complete", reply, "an LlmResponse")
        timed: LlmResponse[Any] = reply._timed(elapsed)
        self._report(elapsed, response=timed)
        return timed

    def failed(self, error: BaseException) -> None:
        elapsed = self._leave()
        if not isinstance(error, Exception):
            # Its task was cancelled, or its program interrupted.
            self._report(elapsed, error_kind="cancelled")
            return
        if isinstance(error, LlmError):
            error.provider = error.provider or self.client.provider
            error.model = error.model or self.model
        # An argument that does not fit is no call, as with the engine's clients.
        if not isinstance(error, LlmConfigError):
            self._report(elapsed, error=error, response=getattr(error, "partial", None))

    def _leave(self) -> float:
        if self.token is not None:
            _engine._leave_call(self.token)
        return perf_counter() - self.began

    def _report(self, elapsed: float, **ending: Any) -> None:
        if self.token is not None:
            provider = self.client.provider
            _engine.report_call(
                CallEvent(provider=provider, model=self.model, elapsed=elapsed, **ending)
            )


def _complete(method: Callable[..., Any]) -> Callable[..., LlmResponse[Any]]:
    @wraps(method)
    def complete(self: Client, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        call = _Call(self, params)
        try:
            reply = method(self, request_or_prompt, **params)
        except BaseException as error:
            call.failed(error)
            raise
        return call.replied(reply)

    return complete


def _complete_async(
    method: Callable[..., Any],
) -> Callable[..., Coroutine[Any, Any, LlmResponse[Any]]]:
    @wraps(method)
    async def complete_async(
        self: Client, request_or_prompt: Prompt, **params: Any
    ) -> LlmResponse[Any]:
        call = _Call(self, params)
        try:
            reply = await method(self, request_or_prompt, **params)
        except BaseException as error:
            call.failed(error)
            raise
        return call.replied(reply)

    return complete_async


def _stream(method: Callable[..., Any]) -> Callable[..., Any]:
    kind = AsyncLlmStream if method.__name__ == "stream_async" else LlmStream

    @wraps(method)
    def stream(self: Client, request_or_prompt: Prompt, **params: Any) -> Any:
        if self._closed:
            raise LlmClientClosedError("this client is closed; make a new one")
        # A stream reports itself when it ends.
        made = method(self, request_or_prompt, **params)
        if not isinstance(made, kind):
            wanted = f"{kind.__name__}.from_chunks(…)"
            raise _wrong_result(self, method.__name__, made, wanted)
        return made

    return stream


def _wrong_result(client: Client, name: str, result: object, wanted: str) -> LlmConfigError:
    close = getattr(result, "close", None)
    if asyncio.iscoroutine(result) and close is not None:
        close()  # a coroutine that is never awaited warns
    return LlmConfigError(
        f"{type(client).__name__}.{name}() returned {type(result).__name__}; return {wanted}"
    )


def complete_by_stream(client: Client, asked: Prompt, params: dict[str, Any]) -> LlmResponse[Any]:
    """`complete` of a client that writes `stream`."""
    if not writes(client, "stream"):
        raise lacking(client, "complete", "stream")
    with client.stream(asked, **params) as pieces:
        for _ in pieces.batches():
            pass
        return pieces.response


async def complete_by_others(
    client: Client, asked: Prompt, params: dict[str, Any]
) -> LlmResponse[Any]:
    """`complete_async` of a client that writes `stream_async`, or sync methods."""
    if writes(client, "stream_async"):
        async with client.stream_async(asked, **params) as pieces:
            async for _ in pieces.batches():
                pass
            return pieces.response
    if not (writes(client, "complete") or writes(client, "stream")):
        raise lacking(client, "complete_async", "stream_async", "complete")
    return await _in_thread(client, asked, **params)


@_complete_async
async def _in_thread(client: Client, asked: Prompt, **params: Any) -> LlmResponse[Any]:
    return await asyncio.to_thread(lambda: client.complete(asked, **params))


def stream_by_complete(client: Client, asked: Prompt, params: dict[str, Any]) -> LlmStream:
    """`stream` of a client that writes `complete`: the whole reply at once."""
    if not writes(client, "complete"):
        raise lacking(client, "stream", "complete")

    def chunks() -> Iterator[LlmStreamChunk]:
        yield from _chunks_of(client.complete(asked, **params))

    return LlmStream.from_chunks(chunks(), **_described(client, params))


def stream_by_others(client: Client, asked: Prompt, params: dict[str, Any]) -> AsyncLlmStream:
    """`stream_async` of a client that writes `complete_async`, or sync methods."""

    async def whole() -> AsyncIterator[LlmStreamChunk]:
        for chunk in _chunks_of(await client.complete_async(asked, **params)):
            yield chunk

    async def by_thread() -> AsyncIterator[LlmStreamChunk]:
        stream = client.stream(asked, **params)
        try:
            while True:
                chunk = await asyncio.to_thread(next, stream, None)
                if chunk is None:
                    return
                yield chunk
        finally:
            # A step that still runs in its thread closes it at its end.
            stream.close()

    if writes(client, "complete_async"):
        chunks = whole()
    elif writes(client, "stream"):
        chunks = by_thread()
    elif writes(client, "complete"):
        chunks = whole()
    else:
        raise lacking(client, "stream_async", "complete_async", "stream")
    return AsyncLlmStream.from_chunks(chunks, **_described(client, params))


async def models_in_thread(client: Client) -> list[str]:
    """`models_async` of a client that writes `models`."""
    if not writes(client, "models"):
        raise lacking(client, "models_async", "models")
    return await asyncio.to_thread(client.models)


def _described(client: Client, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider": client.provider,
        "model": params.get("model") or client.model,
        "response_format": params.get("response_format"),
    }


def _chunks_of(reply: LlmResponse[Any]) -> Iterator[LlmStreamChunk]:
    """A whole reply as a stream would bring it: a chunk for each choice, then the usage."""
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
            # The reply is whole, whether or not its client knows why it ended.
            finish_reason=choice.finish_reason or "other",
            provider_finish_reason=choice.provider_finish_reason,
        )
    if reply.usage is not None:
        yield LlmStreamChunk(usage=reply.usage)
