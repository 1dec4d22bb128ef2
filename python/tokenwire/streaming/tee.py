"""One stream read by several: each reader gets every event."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from types import TracebackType

    from typing_extensions import Self

    from tokenwire.streaming.event import Event


class Tee:
    """The readers of one stream, from `StreamingHandler.tee`; a context manager."""

    def __init__(self, events: AsyncGenerator[Event, None], count: int, buffer: int) -> None:
        self._events = events
        self._readers = tuple(TeeReader(buffer) for _ in range(count))
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> tuple[TeeReader, ...]:
        """Start reading, and return the readers."""
        if self._task is not None:
            raise LlmConfigError("tee: it was entered before; make another for another stream")
        self._task = asyncio.create_task(self._distribute())
        for reader in self._readers:
            reader._on_close = self._on_close
        return self._readers

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close the readers and the stream."""
        for reader in self._readers:
            reader.close()
        if self._task is not None:
            # Its failure is every reader's, and was raised there.
            self._task.cancel()
            await asyncio.wait([self._task])

    def _on_close(self) -> None:
        if self._task is not None and all(reader._is_closed for reader in self._readers):
            self._task.cancel()

    async def _distribute(self) -> None:
        last: BaseException | None = None
        try:
            async with contextlib.aclosing(self._events) as events:
                async for event in events:
                    for reader in self._readers:
                        await reader._put(event)
        # A callback may raise anything, `CancelledError` too, and no reader is to wait for ever.
        except BaseException as error:  # noqa: BLE001
            last = error
        for reader in self._readers:
            reader._end(last)


class TeeReader:
    """One reader of a `Tee`: an async iterator of events."""

    def __init__(self, buffer: int) -> None:
        self._queue: asyncio.Queue[Event | _Last] = asyncio.Queue()
        self._buffer = buffer
        self._room = asyncio.Event()
        self._is_closed = False
        self._on_close: Callable[[], None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._is_closed:
            raise StopAsyncIteration
        item = await self._queue.get()
        self._room.set()
        if not isinstance(item, _Last):
            return item
        self._is_closed = True
        if item.error is not None:
            raise item.error
        raise StopAsyncIteration

    def close(self) -> None:
        """Take no more events; the other readers go on."""
        if self._is_closed:
            return
        self._is_closed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        # Whoever waits for an event, or for room, waits no longer.
        self._queue.put_nowait(_Last(None))
        self._room.set()
        if self._on_close is not None:
            self._on_close()

    async def _put(self, event: Event) -> None:
        while not self._is_closed and self._queue.qsize() >= self._buffer:
            self._room.clear()
            await self._room.wait()
        if not self._is_closed:
            self._queue.put_nowait(event)

    def _end(self, error: BaseException | None) -> None:
        # It needs no room: nothing comes after it.
        if not self._is_closed:
            self._queue.put_nowait(_Last(error))


class _Last:
    """What follows the last event: nothing, or the error."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
