"""`LlmStream.from_chunks` and its async twin: streams over an iterator that a user wrote.

The iterator runs in its reader's thread or task, one step at a time, like any generator. Its chunks
go into a compiled `CustomReply`, which returns them in the form that the reader wants.
"""

from __future__ import annotations

import asyncio
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

from tokenwire._engine import AsyncLlmStream, CustomReply, LlmStream
from tokenwire.errors import LlmConfigError, LlmError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from typing_extensions import Self

    from tokenwire._engine import LlmResponse


def from_chunks(cls: type, chunks: Any, **fields: Any) -> LlmStream | AsyncLlmStream:
    """Return a stream of the chunks; the engine calls this.

    Raises:
        LlmConfigError: `chunks` is not an iterable of the right kind, or it is text.
    """
    is_async = issubclass(cls, AsyncLlmStream)
    method = "__aiter__" if is_async else "__iter__"
    if not hasattr(chunks, method) or isinstance(chunks, (str, bytes)):
        wanted = "an async iterable" if is_async else "an iterable"
        kind = type(chunks).__name__
        raise LlmConfigError(f"chunks: give {wanted} of LlmStreamChunk or str, not {kind}")
    if is_async:
        return _AsyncCustomStream(CustomReply(**fields), aiter(chunks))
    return _CustomStream(CustomReply(**fields), iter(chunks))


class _Custom:
    """What both streams have: the iterator, its reply, and the right to run a step."""

    response: LlmResponse[Any]
    _view: Callable[[str], Any]

    def __init__(self, reply: CustomReply, source: Any) -> None:
        self._reply = reply
        # None after it was closed.
        self._source = source
        # What the iterator raised. It is kept here, where the garbage collector sees the cycle that
        # its traceback makes.
        self._failure: Exception | None = None
        # Held while the iterator runs. No thread ever waits for it.
        self._turn = Lock()

    @property
    def text_stream(self) -> Any:
        return self._view("text")

    def events(self) -> Any:
        return self._view("events")

    def batches(self) -> Any:
        return self._view("batches")

    def _grown(self) -> Any:
        super()._grown()  # type: ignore[misc]
        return self._view("grown")

    def _take(self, form: str) -> Any:
        if self._failure is not None:
            raise self._failure
        return self._reply.take(form)

    def _begin_step(self, reader: str) -> bool:
        """Take the turn. False if another thread has it, which closes the stream."""
        if self._turn.acquire(blocking=False):
            return True
        if self._reply.is_over:
            return False
        raise RuntimeError(
            f"this stream is being read by another {reader}; a stream has one reader"
        )

    def _fail(self, error: Exception) -> None:
        self._reply.end(failed=True)
        self._failure = error
        if isinstance(error, LlmError):
            reply = self.response
            error.provider = error.provider or reply.provider
            error.model = error.model or reply.model
            if error.partial is None and reply.choices:
                error.partial = reply


class _CustomStream(_Custom, LlmStream):
    """A sync stream over an iterator."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __next__(self) -> Any:
        item = self._next("chunks")
        if item is None:
            raise StopIteration
        return item

    def close(self) -> None:
        super().close()
        self._close_source()

    def _view(self, form: str) -> Iterator[Any]:
        return iter(partial(self._next, form), None)

    def _next(self, form: str) -> Any:
        """Return the next item, or None at the end."""
        while (item := self._take(form)) is None:
            if self._source is None:
                # Another thread may have closed the stream just now, which is not its end.
                return self._take(form)
            self._advance()
        return item

    def _advance(self) -> None:
        """Push the iterator's next chunk into the reply."""
        if not self._begin_step("thread"):
            return
        try:
            if self._source is not None:
                self._reply.push(next(self._source))
        except StopIteration:
            self._reply.end(failed=False)
        except Exception as error:  # noqa: BLE001 (the next step raises it)
            self._fail(error)
        finally:
            self._turn.release()
        # Asked without the turn: a thread that closes the stream later finds the turn free.
        if self._reply.is_over:
            self._close_source()

    def _close_source(self) -> None:
        """Close the iterator, unless a step is running: that step closes it when it ends."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            source, self._source = self._source, None
            if hasattr(source, "close"):
                source.close()
        finally:
            self._turn.release()


class _AsyncCustomStream(_Custom, AsyncLlmStream):
    """An async stream over an async iterator."""

    # The task that waits for the iterator, and whether closing the stream has cancelled its step.
    _reader: asyncio.Task[Any] | None = None
    _is_interrupted = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._view("chunks")

    async def __anext__(self) -> Any:
        return await anext(self._view("chunks"))

    def close(self) -> None:
        super().close()
        if self._turn.acquire(blocking=False):
            # The event loop closes an async generator that nothing refers to.
            self._source = None
            self._turn.release()
        else:
            self._interrupt()

    async def aclose(self) -> None:
        super().close()
        if self._turn.locked():
            self._interrupt()
        else:
            await self._close_source()

    def _view(self, form: str) -> AsyncIterator[Any]:
        return _View(self._next, form)

    async def _next(self, form: str) -> Any:
        """Return the next item, or None at the end."""
        while (item := self._take(form)) is None:
            if self._source is None:
                # Another thread may have closed the stream just now, which is not its end.
                return self._take(form)
            await self._advance()
        return item

    async def _advance(self) -> None:
        """Push the iterator's next chunk into the reply."""
        reader: Any = asyncio.current_task()
        if not self._begin_step("task"):
            return
        self._reader = reader
        cancels = _cancels(reader)
        try:
            # The reader is set first: a thread that closes the stream later can interrupt it.
            if not self._reply.is_over:
                self._reply.push(await anext(self._source))
        except StopAsyncIteration:
            self._reply.end(failed=False)
        except asyncio.CancelledError:
            if not self._is_interrupted or _cancels(reader) > cancels + 1:
                raise
        except Exception as error:  # noqa: BLE001 (the next step raises it)
            self._fail(error)
        finally:
            # Python 3.10 does not count cancellations, so there is nothing to take back.
            if self._is_interrupted and hasattr(reader, "uncancel"):
                reader.uncancel()
            self._reader = None
            self._turn.release()
        if self._reply.is_over:
            await self._close_source()

    def _interrupt(self) -> None:
        """Cancel the step that waits for the iterator; called from any thread."""
        reader = self._reader
        # A step that a closed event loop has left behind can no longer be cancelled.
        if reader is not None and not reader.get_loop().is_closed():
            reader.get_loop().call_soon_threadsafe(self._cancel, reader)

    def _cancel(self, reader: asyncio.Task[Any]) -> None:
        # The step may have ended by now. A second cancellation would end the iterator's cleanup.
        if self._reader is reader and not self._is_interrupted:
            self._is_interrupted = True
            reader.cancel()

    async def _close_source(self) -> None:
        source, self._source = self._source, None
        if hasattr(source, "aclose"):
            await source.aclose()


def _cancels(task: Any) -> int:
    """How many cancellations of the task are pending; 0 on Python 3.10, which does not count."""
    return task.cancelling() if hasattr(task, "cancelling") else 0


class _View:
    """Iterates over an async stream in one form."""

    def __init__(self, step: Callable[[str], Awaitable[Any]], form: str) -> None:
        self._step = step
        self._form = form

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await self._step(self._form)
        if item is None:
            raise StopAsyncIteration
        return item
