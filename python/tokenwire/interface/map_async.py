"""`map_async`: many calls at once in an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tokenwire.errors import LlmError
from tokenwire.interface.map import MapRow, Window

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Awaitable,
        Callable,
        Iterable,
        Mapping,
    )

    from tokenwire._engine import LlmResponse


async def map_with_tasks(
    complete: Callable[..., Awaitable[LlmResponse[Any]]],
    prompts: Iterable[Any] | AsyncIterable[Any],
    concurrency: int,
    params: Mapping[str, Any],
    *,
    ordered: bool,
) -> AsyncGenerator[MapRow, None]:
    """Run each call as a task of the running loop; leaving the iteration cancels them."""

    async def ask(index: int, prompt: Any) -> MapRow:
        try:
            return MapRow(index, await complete(prompt, **params))
        except LlmError as error:
            return MapRow(index, error=error)

    source = _numbered(prompts)
    running: set[asyncio.Task[MapRow]] = set()
    done: set[asyncio.Task[MapRow]] = set()
    window = Window(concurrency, ordered=ordered)
    more = True
    try:
        while True:
            while more and window.has_room():
                item = await anext(source, None)
                if item is None:
                    more = False
                else:
                    running.add(asyncio.create_task(ask(*item)))
                    window.in_flight = len(running)
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            window.in_flight = len(running)
            for task in done:
                window.hold(task.result())
            for row in window.ready():
                yield row
    finally:
        for task in running:
            task.cancel()
        # One error leaves the loop; asyncio would report those that came with it as not retrieved.
        await asyncio.gather(*running, *done, return_exceptions=True)


async def _numbered(prompts: Iterable[Any] | AsyncIterable[Any]) -> AsyncIterator[tuple[int, Any]]:
    index = 0
    if hasattr(prompts, "__aiter__"):
        async for prompt in prompts:
            yield index, prompt
            index += 1
    else:
        for prompt in prompts:
            yield index, prompt
            index += 1
