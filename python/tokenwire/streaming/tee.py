"""`Tee`: several readers of one stream, each of which gets every event."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from typing_extensions import Self

    from tokenwire._engine import _StreamEvent as Event


class Tee:
    """The readers of one stream, from `StreamingHandler.tee`; a context manager."""

    def __init__(self, events: AsyncGenerator[Event, None], count: int, buffer: int) -> None:
        self._events = events
        self._readers = tuple(TeeReader(buffer, self._on_close) for _ in range(count))
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> tuple[TeeReader, ...]:
        """Start reading, and return the readers."""
        if self._task is not None:
            raise LlmConfigError("tee: it was entered before; create one for each stream")
        self._task = asyncio.create_task(self._distribute())
        return self._readers

    async def __aexit__(self, *_error: object) -> None:
        """Close the readers and the stream."""
        for reader in self._readers:
            reader.close()
        if self._task is not None:
            # If the task failed, its readers have raised the error.
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
        # A callback may raise anything, `CancelledError` too, and no reader may wait forever.
        except BaseException as error:  # noqa: BLE001
            last = error
        for reader in self._readers:
            reader._end(last)


class TeeReader:
    """One reader of a `Tee`: an async iterator of events."""

    def __init__(self, buffer: int, on_close: Callable[[], None]) -> None:
        # After the last event comes the error that ended the stream, or None.
        self._queue: asyncio.Queue[Event | BaseException | None] = asyncio.Queue()
        self._buffer = buffer
        self._room = asyncio.Event()
        self._is_closed = False
        self._on_close = on_close

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._is_closed:
            raise StopAsyncIteration
        item = await self._queue.get()
        self._room.set()
        if item is not None and not isinstance(item, BaseException):
            return item
        self._is_closed = True
        raise item or StopAsyncIteration

    def close(self) -> None:
        """Take no more events. The other readers go on."""
        if self._is_closed:
            return
        self._is_closed = True
        while not self._queue.empty():
            self._queue.get_nowait()
        # This wakes a task that waits for an event, and one that waits for room.
        self._queue.put_nowait(None)
        self._room.set()
        self._on_close()

    async def _put(self, event: Event) -> None:
        while not self._is_closed and self._queue.qsize() >= self._buffer:
            self._room.clear()
            await self._room.wait()
        if not self._is_closed:
            self._queue.put_nowait(event)

    def _end(self, error: BaseException | None) -> None:
        # The end needs no room, because nothing follows it.
        if not self._is_closed:
            self._queue.put_nowait(error)
