"""`map`: many calls at once. The rows, their window, and calls in threads and as tasks."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenwire.errors import LlmConfigError, LlmError
from tokenwire.interface.defaults import whole_number

if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Iterator,
    )
    from concurrent.futures import Future
    from typing import Any

    from tokenwire._engine import LlmResponse


@dataclass(slots=True, eq=False)
class MapRow:
    """The outcome of one prompt: `response` or `error`.

    Attributes:
        index: Number of the prompt, from 0.
        response: The reply, or None if the call failed.
        error: Why the call failed, or None if it did not.
    """

    index: int
    response: LlmResponse[Any] | None = None
    error: LlmError | None = None

    def result(self) -> LlmResponse[Any]:
        """Return the reply, or raise the error."""
        if self.response is None:
            raise self.error or LlmError("this row has neither a reply nor an error")
        return self.response


class Window:
    """The calls of one `map` that count towards its `concurrency`, and the order of their rows.

    A finished row that waits for its turn counts too, so that memory stays bounded.

    Raises:
        LlmConfigError: `concurrency` is not a whole number of at least 1.
    """

    def __init__(self, concurrency: Any, *, ordered: bool) -> None:
        self.in_flight = 0
        self._concurrency = whole_number(concurrency, "concurrency", at_least=1)
        self._ordered = ordered
        self._held: dict[int, MapRow] = {}
        self._next_index = 0

    def has_room(self) -> bool:
        """Whether another call may start."""
        return self.in_flight + len(self._held) < self._concurrency

    def hold(self, row: MapRow) -> None:
        """Keep a row until its turn comes."""
        self._held[row.index] = row

    def ready(self) -> Iterator[MapRow]:
        """Yield the rows whose turn it is."""
        while self._held and (not self._ordered or self._next_index in self._held):
            yield self._held.pop(self._next_index if self._ordered else next(iter(self._held)))
            self._next_index += 1


def check_prompts(prompts: object, *, asynchronous: bool) -> None:
    """Refuse what is one prompt, or not iterable.

    Raises:
        LlmConfigError: It is a string, bytes, a mapping, a request or a message, or it cannot be
            iterated over here.
    """
    # A request or a message is a pydantic model, which yields its fields.
    one = (str, bytes, bytearray, memoryview, Mapping)
    kind = type(prompts).__name__
    if isinstance(prompts, one) or hasattr(prompts, "model_dump"):
        raise LlmConfigError(f"prompts: this is one {kind}; give a list of prompts: [prompt]")
    if hasattr(prompts, "__iter__") or hasattr(prompts, "__getitem__"):
        return
    if not hasattr(prompts, "__aiter__"):
        raise LlmConfigError(f"prompts: give a list, or another iterable, not {kind}")
    if not asynchronous:
        raise LlmConfigError(f"prompts: {kind} is an async iterable: use map_async()")


def map_calls(calls: Any, prompts: Iterable[Any], window: Window) -> Iterator[MapRow]:
    """Yield a row for each prompt, from plain sync code. `calls` is like `ThreadCalls`.

    If `prompts` raises an `Exception`, it is raised after the rows of the prompts before it.
    """
    numbered = enumerate(prompts)
    more = True
    failure: Exception | None = None
    try:
        while True:
            while more and window.has_room():
                try:
                    item = next(numbered, None)
                    row = None if item is None else calls.start(*item)
                except Exception as error:  # noqa: BLE001 (raised after the rows before it)
                    more, failure = False, error
                    break
                if item is None:
                    more = False
                elif row is None:
                    window.in_flight += 1
                else:
                    window.hold(row)
            yield from window.ready()
            if more and window.has_room():
                continue
            if not window.in_flight:
                if failure is not None:
                    raise failure
                return
            row = calls.next()
            window.in_flight -= 1
            window.hold(row)
    finally:
        calls.cancel()


class ThreadCalls:
    """Calls that each run in a thread, for clients that are not the engine's."""

    def __init__(self, ask: Callable[[Any], LlmResponse[Any]], concurrency: int) -> None:
        from concurrent.futures import ThreadPoolExecutor
        from queue import SimpleQueue

        self._ask = ask
        self._finished: SimpleQueue[Future[MapRow]] = SimpleQueue()
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="tokenwire-map")

    def start(self, index: int, prompt: Any) -> MapRow | None:
        """Start a call. Return a row if it cannot be started."""
        future = self._pool.submit(self._row, index, prompt)
        future.add_done_callback(self._finished.put)
        return None

    def _row(self, index: int, prompt: Any) -> MapRow:
        try:
            return MapRow(index, self._ask(prompt))
        except LlmError as error:
            return MapRow(index, error=error)

    def next(self) -> MapRow:
        """Wait for the next call to finish."""
        return self._finished.get().result()

    def cancel(self) -> None:
        """End the calls in flight."""
        self._pool.shutdown(wait=False, cancel_futures=True)


async def map_with_tasks(
    ask: Callable[[Any], Awaitable[LlmResponse[Any]]],
    prompts: Iterable[Any] | AsyncIterable[Any],
    window: Window,
) -> AsyncGenerator[MapRow, None]:
    """Run each call as a task of the running loop. Leaving the iteration cancels them.

    If `prompts` raises an `Exception`, it is raised after the rows of the prompts before it.
    """
    import asyncio

    async def row(index: int, prompt: Any) -> MapRow:
        try:
            return MapRow(index, await ask(prompt))
        except LlmError as error:
            return MapRow(index, error=error)

    source = _Prompts(prompts)
    running: set[Task[MapRow]] = set()
    done: set[Task[MapRow]] = set()
    try:
        while True:
            while window.has_room() and (item := await source.next(running)) is not None:
                running.add(asyncio.create_task(row(*item)))
                window.in_flight = len(running)
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            window.in_flight = len(running)
            for task in done:
                window.hold(task.result())
            for ready in window.ready():
                yield ready
    finally:
        abandoned = {*running, *source.steps}
        for left in abandoned:
            left.cancel()
        # Only one error leaves the loop; asyncio would log the others as never retrieved.
        await asyncio.gather(*abandoned, *done, return_exceptions=True)
    if source.failure is not None:
        raise source.failure


class _Prompts:
    """The prompts of one `map_async`, numbered. Calls may finish while the next one is awaited."""

    def __init__(self, prompts: Iterable[Any] | AsyncIterable[Any]) -> None:
        # What `prompts` raised, which ends them.
        self.failure: Exception | None = None
        # The task that awaits the next prompt, if there is one.
        self.steps: set[Task[Any]] = set()
        self._numbered = self._read(prompts)
        self._is_async = hasattr(prompts, "__aiter__")
        # All steps share a context, as if one task ran them.
        self._context = {"context": copy_context()} if sys.version_info >= (3, 11) else {}

    async def next(self, running: set[Task[MapRow]]) -> tuple[int, Any] | None:
        """Return the next prompt, or None at the end, or if a running call finishes first."""
        if not self._is_async:
            return await self._step()
        import asyncio

        if not self.steps:
            loop: Any = asyncio.get_running_loop()
            self.steps = {loop.create_task(self._step(), **self._context)}
        await asyncio.wait({*self.steps, *running}, return_when=asyncio.FIRST_COMPLETED)
        (step,) = self.steps
        if not step.done():
            return None
        self.steps = set()
        return step.result()  # type: ignore[no-any-return]

    async def _step(self) -> tuple[int, Any] | None:
        return await anext(self._numbered, None)

    async def _read(
        self, prompts: Iterable[Any] | AsyncIterable[Any]
    ) -> AsyncIterator[tuple[int, Any]]:
        index = 0
        try:
            if hasattr(prompts, "__aiter__"):
                async for prompt in prompts:
                    yield index, prompt
                    index += 1
            else:
                for item in enumerate(prompts):
                    yield item
        except Exception as error:  # noqa: BLE001 (raised after the rows of the prompts before it)
            self.failure = error
