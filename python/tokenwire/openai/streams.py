"""Streams of chunks: each step is one call into the engine, without openai's loop between.

The engine cuts the body into events, and builds each by the compiled validator of its class. What
that refuses, and what is an error, goes through openai's own loop, one event at a time.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar
from weakref import ref

import openai

from tokenwire.httpx_transport.body import AsyncBody, SyncBody
from tokenwire.httpx_transport.loops import pieces, running_loop
from tokenwire.httpx_transport.patches import is_function_of, is_method_of
from tokenwire.openai.failures import error_of
from tokenwire.openai.replies import are_built_by_openai, are_of_library
from tokenwire.openai.validators import validator, validators_by_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any

    from tokenwire._engine import HttpEvents, HttpExchange

_T = TypeVar("_T")


class Stream(openai.Stream[_T]):
    """openai's stream, read by the engine."""

    # openai's constructor calls it, and iterates over what it returns.
    def __stream__(self) -> Iterator[_T]:
        return _Unread(self)

    def _begin(self) -> Iterator[_T]:
        exchange = _exchange_of(self, openai.Stream, SyncBody)
        if exchange is None:
            return self._by_openai()
        return _events(self, exchange, self.response.close)

    def _by_openai(self) -> Iterator[_T]:
        try:
            yield from super().__stream__()
        except Exception as error:  # noqa: BLE001
            # `raise … from` would need a local variable, in which the error is in a cycle.
            raise _seen(error, self.response)  # noqa: B904


class AsyncStream(openai.AsyncStream[_T]):
    """The same for async clients."""

    def __stream__(self) -> AsyncIterator[_T]:
        return _Unread(self)

    def _begin(self) -> AsyncIterator[_T]:
        exchange = _exchange_of(self, openai.AsyncStream, AsyncBody)
        if exchange is None:
            return self._by_openai()
        events = _events(self, exchange, _closing(self.response))
        return events if running_loop() is not None else pieces(events)

    async def _by_openai(self) -> AsyncIterator[_T]:
        from contextlib import aclosing

        try:
            stream: Any = super().__stream__()
            async with aclosing(stream) as items:
                async for item in items:
                    yield item
        except Exception as error:  # noqa: BLE001
            # `raise … from` would need a local variable, in which the error is in a cycle.
            raise _seen(error, self.response)  # noqa: B904

    def __aiter__(self) -> AsyncIterator[_T]:
        if not is_method_of("openai", openai.AsyncStream, "__aiter__"):
            return super().__aiter__()
        return _Iteration(self)

    # A coroutine, as openai's is, so that `create_task` takes it.
    async def __anext__(self) -> _T:
        if not is_method_of("openai", openai.AsyncStream, "__anext__"):
            return await super().__anext__()
        return await anext(self._iterator)


class _Iteration:
    """An iteration over a stream. As with openai's generator, its end is not that of the stream."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._items: Any = None

    def __aiter__(self) -> Any:
        return self

    def __anext__(self) -> Any:
        if self._items is None:
            self._items = aiter(self._stream._iterator)
        return anext(self._items)

    async def aclose(self) -> None:
        """End it."""
        self._items = _nothing()


class _Unread:
    """The items of a stream before the first is read. Until then, its response can be read instead.

    From the first step on, it is whoever reads the stream: the engine, or openai's loop.
    """

    def __init__(self, stream: Any) -> None:
        # A copy, as this is an attribute of the stream, and would be in a cycle with it.
        self._stream: Any = object.__new__(type(stream))
        vars(self._stream).update(vars(stream))
        self._original = ref(stream)
        self._items: Any = None

    def _read(self) -> Any:
        if self._items is None:
            original = self._original()
            if original is not None:
                # With what was set since.
                vars(self._stream).update(vars(original))
                vars(self._stream).pop("_iterator", None)
            self._items = self._stream._begin()
            self._stream = None
        return self._items

    def __iter__(self) -> Any:
        return iter(self._read())

    def __next__(self) -> Any:
        return next(self._read())

    def __aiter__(self) -> Any:
        return aiter(self._read())

    def __anext__(self) -> Any:
        return anext(self._read())

    def close(self) -> None:
        """End it, as that of a generator does."""
        if self._items is None:
            self._items = iter(())
        else:
            self._items.close()

    async def aclose(self) -> None:
        """End it, as that of an async generator does."""
        if self._items is None:
            self._items = _nothing()
        else:
            await self._items.aclose()


async def _nothing() -> AsyncIterator[Any]:
    items: tuple[Any, ...] = ()
    for item in items:
        yield item


class Streams:
    """A client whose streams are ours."""

    def request(
        self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None
    ) -> Any:
        """Send a request, as openai's client does."""
        if stream:
            stream_cls = _ours().get(stream_cls, stream_cls)
        return super().request(cast_to, options, stream=stream, stream_cls=stream_cls)  # type: ignore[misc]


class AsyncStreams:
    """The same for async clients."""

    async def request(
        self, cast_to: Any, options: Any, *, stream: bool = False, stream_cls: Any = None
    ) -> Any:
        """Send a request, as openai's client does."""
        if stream:
            stream_cls = _ours().get(stream_cls, stream_cls)
        return await super().request(cast_to, options, stream=stream, stream_cls=stream_cls)  # type: ignore[misc]


_STREAMS: Any = ((openai.Stream, Stream), (openai.AsyncStream, AsyncStream))


@cache
def _ours() -> dict[Any, Any]:
    """Return our streams by openai's."""
    return {theirs[chunk]: ours[chunk] for chunk in _validate() for theirs, ours in _STREAMS}


@cache
def _validate() -> dict[Any, Any]:
    """Return what builds the items of our streams, by the argument of the stream's class."""
    from openai.types import Completion
    from openai.types.chat import ChatCompletionChunk
    from openai.types.responses import ResponseStreamEvent

    return {
        ChatCompletionChunk: validator(ChatCompletionChunk),
        Completion: validator(Completion),
        ResponseStreamEvent: validators_by_type(ResponseStreamEvent),
    }


def _exchange_of(stream: Any, theirs: Any, body_class: Any) -> HttpExchange | None:
    """Return the exchange whose events the engine may read; None if openai reads the stream."""
    response, client, options = stream.response, stream._client, getattr(stream, "_options", None)
    if (
        stream._cast_to not in _validate()
        or client._strict_response_validation
        or getattr(options, "stream_mode", "legacy") != "legacy"
        or getattr(options, "synthesize_event_and_data", None)
        or "_iter_events" in vars(stream)
        or not is_method_of("openai", type(stream), "_iter_events")
        or not is_method_of("openai", theirs, "__stream__")
        or not _is_openais(stream._decoder)
        or not are_built_by_openai(client)
    ):
        return None
    if response.is_stream_consumed or response.is_closed or "content-encoding" in response.headers:
        return None
    if not are_of_library(response, "iter_bytes", "iter_raw", "aiter_bytes", "aiter_raw"):
        return None
    # A transport around ours may have replaced the body.
    body: Any = getattr(response.stream, "_stream", None)
    return body.exchange if isinstance(body, body_class) else None


def _is_openais(decoder: Any) -> bool:
    """Return whether a decoder, and all that it uses, is openai's own."""
    from openai import _streaming

    # Not all versions have the last.
    found = (getattr(_streaming, name, None) for name in ("ServerSentEvent", "_SSELineDecoder"))
    kinds = [_streaming.SSEDecoder, *(kind for kind in found if kind is not None)]
    return (
        type(decoder) is kinds[0]
        and vars(decoder).keys().isdisjoint(vars(kinds[0]))
        and all(_has_its_methods(kind) for kind in kinds)
    )


def _has_its_methods(kind: Any) -> bool:
    return getattr(kind, "__module__", None) == "openai._streaming" and all(
        is_function_of("openai", getattr(member, "fget", member))
        for name, member in vars(kind).items()
        if name == "__init__" or not name.startswith("__")
    )


def _events(stream: Any, exchange: HttpExchange, close: Callable[[], Any]) -> HttpEvents[Any]:
    response = stream.response
    response.is_stream_consumed = True
    return exchange.events(
        _validate()[stream._cast_to],
        _ByOpenai(stream._client, stream._cast_to, response, getattr(stream, "_options", None)),
        lambda error: _seen(error, response),
        close,
    )


class _OneEvent(openai.Stream[object]):
    """openai's loop over a single event."""

    def __init__(self, held: dict[str, Any], event: Any) -> None:
        vars(self).update(held)
        self._event = event

    def _iter_events(self) -> Any:
        yield self._event


class _StillOpen:
    """A response that openai's loop does not close."""

    def __init__(self, response: Any) -> None:
        self._response = response

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def close(self) -> None:
        """Do nothing: there may be more events."""


class _ByOpenai:
    """Builds an item as openai does; gives NotImplemented if it ignores the event.

    The request is in an object, and in no local variable, which a traceback may show.
    """

    def __init__(self, client: Any, cast_to: Any, response: Any, options: Any) -> None:
        self._client, self._cast_to, self._options = client, cast_to, options
        self.response = _StillOpen(response)

    def __call__(self, data: bytes, name: bytes) -> Any:
        from openai._streaming import ServerSentEvent

        event = ServerSentEvent(event=name.decode(), data=data.decode())
        return next(_OneEvent(vars(self), event).__stream__(), NotImplemented)


def _closing(response: Any) -> Callable[[], None]:
    """Return what closes a response over our transport, where nothing has to be awaited."""

    def close() -> None:
        closing = response.aclose()
        try:
            closing.send(None)
        except StopIteration:
            return
        closing.close()

    return close


def _seen(error: BaseException, response: Any) -> BaseException:
    return error_of(error, response.request)
