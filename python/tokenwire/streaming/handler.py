"""What consumes a stream: callbacks, a terminal, several readers at once, a web page."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

from tokenwire._engine import (
    End,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDone,
    UsageReported,
)
from tokenwire.errors import LlmConfigError, LlmError
from tokenwire.streaming.tee import Tee
from tokenwire.streaming.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator
    from typing import Any, TextIO, TypeAlias

    from typing_extensions import Self

    from tokenwire import _engine
    from tokenwire._engine import AsyncLlmStream, LlmResponse, LlmStream, ToolCall
    from tokenwire.streaming.event import Event

    Consumer: TypeAlias = Callable[[Event], object]


class StreamingHandler:
    """One consumer for any number of streams, of any client, one after another or at once.

        handler = StreamingHandler(on_text=print, on_usage=meter.add)
        reply = handler.run(chat.stream("Why?"))
        reply = await handler.run_async(chat.stream_async("Why?"))

    Each callback may be a coroutine function where the stream is read by an async method. The next
    event waits for it, so nothing piles up and nothing is lost. What a callback raises ends the
    stream and is raised.

    Args:
        on_text: Called with each piece of text.
        on_reasoning: Called with each piece of reasoning.
        on_tool_call: Called with each `ToolCall` when it is whole.
        on_usage: Called with the `Usage`.
        on_end: Called with the `LlmResponse` of a stream that came to its end.
        on_error: Called with the `LlmError` of one that did not, before it is raised.
    """

    def __init__(
        self,
        *,
        on_text: Callable[[str], object] | None = None,
        on_reasoning: Callable[[str], object] | None = None,
        on_tool_call: Callable[[ToolCall], object] | None = None,
        on_usage: Callable[[_engine.Usage], object] | None = None,
        on_end: Callable[[LlmResponse[Any]], object] | None = None,
        on_error: Callable[[LlmError], object] | None = None,
    ) -> None:
        given = (on_text, on_reasoning, on_tool_call, on_usage, on_end, on_error)
        if not all(callback is None or callable(callback) for callback in given):
            raise LlmConfigError("a callback must be callable")
        # What each kind of event is told to, and the attribute that it is told.
        self._callbacks: dict[type, tuple[Callable[[Any], object] | None, str]] = {
            TextDelta: (on_text, "text"),
            ReasoningDelta: (on_reasoning, "text"),
            ToolCallDone: (on_tool_call, "call"),
            UsageReported: (on_usage, "usage"),
        }
        self._on_end = on_end
        self._on_error = on_error
        self._consumers: list[Consumer] = []
        self._terminals: list[TextIO] = []

    def add(self, consumer: Consumer) -> Self:
        """Call `consumer` with every event of the streams that are read from now on."""
        if not callable(consumer):
            raise LlmConfigError("add: give a function that takes an event")
        self._consumers.append(consumer)
        return self

    def to_terminal(self, file: TextIO | None = None) -> Self:
        """Write the text as it comes; on a terminal, show progress and what it took too.

        Args:
            file: Where to; without it `sys.stdout`. One that is no terminal gets the text alone.
        """
        if file is not None and not hasattr(file, "write"):
            raise LlmConfigError(f"to_terminal: give a file, not {type(file).__name__}")
        self._terminals.append(sys.stdout if file is None else file)
        return self

    def run(self, stream: LlmStream) -> LlmResponse[Any]:
        """Read a stream to its end.

        Raises:
            LlmError: What ended the stream; `on_error` was told.
            LlmConfigError: A callback is a coroutine function, or `stream` is async or no stream.
        """
        if not hasattr(stream, "__enter__"):
            raise _no_stream("run", "stream", stream)
        terminals = [Terminal(file) for file in self._terminals]
        try:
            with stream as pieces:
                for event in pieces.events():
                    for returned in self._call(event, pieces, terminals):
                        _refuse_awaitable(returned)
                return pieces.response
        except LlmError as error:
            if self._on_error is not None:
                _refuse_awaitable(self._on_error(error))
            raise
        finally:
            for terminal in terminals:
                terminal.end()

    async def run_async(self, stream: AsyncLlmStream) -> LlmResponse[Any]:
        """Read a stream to its end; see `run`. Cancelling it closes the stream."""
        async with contextlib.aclosing(self._read(stream)) as events:
            async for _ in events:
                pass
        return stream.response

    async def sse(self, stream: AsyncLlmStream) -> AsyncGenerator[bytes, None]:
        r"""The stream as Server-Sent Events, for the body of a web response.

        Each is `data: {json}\n\n`; the last one is `data: [DONE]\n\n`, unless the stream failed:
        then it is `event: error`, which names the kind of error and no more. `on_error` gets the
        whole of it. Cancelling or closing the generator closes the stream.
        """
        async with contextlib.aclosing(self._rows(stream)) as rows:
            async for row in rows:
                field = b"event: error\n" if row["type"] == "error" else b""
                yield b"%bdata: %b\n\n" % (field, _json(row))
                if row["type"] == "end":
                    yield b"data: [DONE]\n\n"

    async def json_lines(self, stream: AsyncLlmStream) -> AsyncGenerator[bytes, None]:
        """The stream as lines of JSON; the last is of the type `end` or `error`. See `sse`."""
        async with contextlib.aclosing(self._rows(stream)) as rows:
            async for row in rows:
                yield _json(row) + b"\n"

    def tee(self, stream: AsyncLlmStream, count: int, *, buffer: int = 64) -> Tee:
        """Several readers of one stream, each of which gets every event.

            async with handler.tee(chat.stream_async("Why?"), 2) as (page, archive):
                await asyncio.gather(show(page), keep(archive))

        A reader may be `buffer` events behind the fastest; then all wait for it, the provider too.
        One that is closed holds nobody back, and when all are, the stream is closed.

        Raises:
            LlmConfigError: `count` or `buffer` is less than 1.
        """
        if not all(type(number) is int and number > 0 for number in (count, buffer)):
            raise LlmConfigError("tee: count and buffer are whole numbers of at least 1")
        return Tee(self._read(stream), count, buffer)

    async def _rows(self, stream: AsyncLlmStream) -> AsyncGenerator[dict[str, object], None]:
        """The events as JSON values; an error is the last of them."""
        try:
            async with contextlib.aclosing(self._read(stream)) as events:
                async for event in events:
                    fields = _fields(event, stream)
                    if fields is not None:
                        yield fields
        except LlmError as error:
            # Its text may name hosts and models that are not the browser's business.
            kind = type(error).__name__
            yield {"type": "error", "error": kind, "retryable": error.retryable}

    async def _read(self, stream: AsyncLlmStream) -> AsyncGenerator[Event, None]:
        """The events; each was told to the callbacks when it comes."""
        if not hasattr(stream, "__aenter__"):
            raise _no_stream("the async methods", "stream_async", stream)
        terminals = [Terminal(file) for file in self._terminals]
        try:
            async with stream as pieces:
                async for event in pieces.events():
                    for returned in self._call(event, pieces, terminals):
                        if hasattr(returned, "__await__"):
                            await returned
                    yield event
        except LlmError as error:
            if self._on_error is not None:
                returned = self._on_error(error)
                if hasattr(returned, "__await__"):
                    await returned
            raise
        finally:
            for terminal in terminals:
                terminal.end()

    def _call(
        self, event: Event, stream: LlmStream | AsyncLlmStream, terminals: list[Terminal]
    ) -> Iterator[object]:
        """What the callbacks returned; each is called when the one before it is done."""
        for consumer in self._consumers:
            yield consumer(event)
        for terminal in terminals:
            terminal.show(event, stream)
        callback, told = self._callbacks.get(type(event), (None, ""))
        if callback is not None:
            yield callback(getattr(event, told))
        if isinstance(event, End) and self._on_end is not None:
            yield self._on_end(stream.response)


def _no_stream(reader: str, method: str, given: object) -> LlmConfigError:
    kind = type(given).__name__
    return LlmConfigError(f"{reader}: give what {method}() of a client returns, not {kind}")


def _refuse_awaitable(returned: object) -> None:
    if hasattr(returned, "__await__"):
        close = getattr(returned, "close", None)
        if close is not None:
            close()  # a coroutine that is never awaited warns
        raise LlmConfigError("a callback is a coroutine function: use run_async()")


def _fields(event: Event, stream: AsyncLlmStream) -> dict[str, object] | None:
    """An event as JSON values; fragments of a tool call are left out, since it comes whole."""
    fields: dict[str, object]
    if isinstance(event, TextDelta):
        fields = {"type": "text", "text": event.text}
    elif isinstance(event, ReasoningDelta):
        fields = {"type": "reasoning", "text": event.text}
    elif isinstance(event, RefusalDelta):
        fields = {"type": "refusal", "text": event.text}
    elif isinstance(event, ToolCallDone):
        fields = {"type": "tool_call", **event.call.to_dict()}
    elif isinstance(event, UsageReported):
        return {"type": "usage", **event.usage.to_dict()}
    elif isinstance(event, End):
        return {"type": "end", "finish_reason": stream.response.finish_reason}
    else:
        return None
    # Only a call with n > 1 has other choices than the first.
    return {**fields, "index": event.index} if event.index else fields


def _json(fields: dict[str, object]) -> bytes:
    """One line: JSON escapes CR and LF, and here all that is not ASCII."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")
