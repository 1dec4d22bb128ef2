"""`StreamingHandler`: callbacks, a terminal, several readers, or a web page for a stream."""

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

    from tokenwire._engine import AsyncLlmStream, LlmResponse, LlmStream, ToolCall, Usage
    from tokenwire._engine import _StreamEvent as Event

    Consumer: TypeAlias = Callable[[Event], object]

_TEXT_TYPES = {TextDelta: "text", ReasoningDelta: "reasoning", RefusalDelta: "refusal"}


class StreamingHandler:
    """Passes streams to callbacks, terminals and readers; any number of them at once.

        handler = StreamingHandler(on_text=print, on_usage=meter.add)
        reply = handler.run(chat.stream("Why?"))
        reply = await handler.run_async(chat.stream_async("Why?"))

    If an async method reads the stream, callbacks may be coroutine functions. The next event is
    read when the callback has returned, so nothing piles up and nothing is lost. An exception
    from a callback ends the stream and is raised.

    Args:
        on_text: Called with each piece of text.
        on_reasoning: Called with each piece of reasoning.
        on_tool_call: Called with each complete `ToolCall`.
        on_usage: Called with the `Usage`.
        on_end: Called with the `LlmResponse` of a stream that was read to its end.
        on_error: Called with the `LlmError` that ended a stream, before it is raised.
    """

    def __init__(
        self,
        *,
        on_text: Callable[[str], object] | None = None,
        on_reasoning: Callable[[str], object] | None = None,
        on_tool_call: Callable[[ToolCall], object] | None = None,
        on_usage: Callable[[Usage], object] | None = None,
        on_end: Callable[[LlmResponse[Any]], object] | None = None,
        on_error: Callable[[LlmError], object] | None = None,
    ) -> None:
        callbacks = (on_text, on_reasoning, on_tool_call, on_usage, on_end, on_error)
        if not all(callback is None or callable(callback) for callback in callbacks):
            raise LlmConfigError("a callback must be callable")
        # The callback for each type of event, and the attribute that is passed to it.
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
        """Write the text as it arrives. A terminal also shows progress, tokens and time.

        Args:
            file: Where to write; the default is `sys.stdout`. A file that is not a terminal gets
                only the text.
        """
        if file is not None and not hasattr(file, "write"):
            raise LlmConfigError(f"to_terminal: give a file, not {type(file).__name__}")
        self._terminals.append(sys.stdout if file is None else file)
        return self

    def run(self, stream: LlmStream) -> LlmResponse[Any]:
        """Read a stream to its end.

        Raises:
            LlmError: The error that ended the stream, after `on_error` was called.
            LlmConfigError: A callback is a coroutine function, or `stream` is not a sync stream.
        """
        if not hasattr(stream, "__enter__"):
            raise _not_a_stream("run", "stream", stream)
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
        r"""Return the stream as Server-Sent Events, for the body of a web response.

        Each event is `data: {json}\n\n`, and the last one is `data: [DONE]\n\n`. If the stream
        fails, the last one is `event: error`, which contains the kind of error and nothing else;
        `on_error` gets the error itself. Cancelling or closing the generator closes the stream.
        """
        async with contextlib.aclosing(self._rows(stream)) as rows:
            async for row in rows:
                field = b"event: error\n" if row["type"] == "error" else b""
                yield b"%bdata: %b\n\n" % (field, _json(row))
                if row["type"] == "end":
                    yield b"data: [DONE]\n\n"

    async def json_lines(self, stream: AsyncLlmStream) -> AsyncGenerator[bytes, None]:
        """Return the stream as lines of JSON; the last is of type `end` or `error`. See `sse`."""
        async with contextlib.aclosing(self._rows(stream)) as rows:
            async for row in rows:
                yield _json(row) + b"\n"

    def tee(self, stream: AsyncLlmStream, count: int, *, buffer: int = 64) -> Tee:
        """Return several readers of one stream. Each gets every event.

            async with handler.tee(chat.stream_async("Why?"), 2) as (page, archive):
                await asyncio.gather(show(page), keep(archive))

        A reader may fall up to `buffer` events behind the fastest one; then the others wait for it,
        and so does the provider. A closed reader is not waited for. When all readers are closed,
        the stream is closed too.

        Raises:
            LlmConfigError: `count` or `buffer` is less than 1.
        """
        if not all(type(number) is int and number > 0 for number in (count, buffer)):
            raise LlmConfigError("tee: count and buffer must be whole numbers of at least 1")
        return Tee(self._read(stream), count, buffer)

    async def _rows(self, stream: AsyncLlmStream) -> AsyncGenerator[dict[str, object], None]:
        """The events as JSON values. An error is the last of them."""
        try:
            async with contextlib.aclosing(self._read(stream)) as events:
                async for event in events:
                    fields = _fields(event, stream)
                    if fields is not None:
                        yield fields
        except LlmError as error:
            # Its text may name hosts and models, which are not for the browser.
            kind = type(error).__name__
            yield {"type": "error", "error": kind, "retryable": error.retryable}

    async def _read(self, stream: AsyncLlmStream) -> AsyncGenerator[Event, None]:
        """The events, each after it was passed to the callbacks."""
        if not hasattr(stream, "__aenter__"):
            raise _not_a_stream("the async methods", "stream_async", stream)
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
        """Call the callbacks one after another, and yield what each of them returned."""
        for consumer in self._consumers:
            yield consumer(event)
        for terminal in terminals:
            terminal.show(event, stream)
        callback, attribute = self._callbacks.get(type(event), (None, ""))
        if callback is not None:
            yield callback(getattr(event, attribute))
        if isinstance(event, End) and self._on_end is not None:
            yield self._on_end(stream.response)


def _not_a_stream(reader: str, method: str, value: object) -> LlmConfigError:
    kind = type(value).__name__
    return LlmConfigError(f"{reader}: give what {method}() of a client returns, not {kind}")


def _refuse_awaitable(returned: object) -> None:
    if hasattr(returned, "__await__"):
        if hasattr(returned, "close"):
            returned.close()  # a coroutine that is never awaited warns
        raise LlmConfigError("a callback is a coroutine function: use run_async()")


def _fields(event: Event, stream: AsyncLlmStream) -> dict[str, object] | None:
    """An event as JSON values; None for a fragment of a tool call, which is sent in one piece."""
    fields: dict[str, object]
    if isinstance(event, TextDelta | ReasoningDelta | RefusalDelta):
        fields = {"type": _TEXT_TYPES[type(event)], "text": event.text}
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
    """One line: JSON escapes CR and LF, and `dumps` everything that is not ASCII."""
    return json.dumps(fields, separators=(",", ":")).encode("ascii")
