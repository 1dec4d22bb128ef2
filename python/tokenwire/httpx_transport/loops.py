"""Waiting for the engine in the event loop that runs: asyncio's, or trio's."""

from __future__ import annotations

from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import Protocol, TypeVar

    from tokenwire._engine import ExchangeStep

    T = TypeVar("T")
    T_co = TypeVar("T_co", covariant=True)

    class _Steps(Protocol[T_co]):
        def __anext__(self) -> ExchangeStep[T_co]: ...


def running_loop() -> object | None:
    """Return the running event loop of asyncio; None under trio.

    Raises:
        LlmConfigError: Neither runs.
    """
    from asyncio import _get_running_loop

    loop = _get_running_loop()
    if loop is None:
        from sys import modules

        trio = modules.get("trio")
        if trio is None or not trio.lowlevel.in_trio_run():
            raise LlmConfigError(
                "tokenwire's AsyncTransport needs a running loop of asyncio or trio"
            )
    return loop


def waiting() -> Callable[[ExchangeStep[T]], Awaitable[T]]:
    """Return what makes an awaitable of a step.

    Raises:
        LlmConfigError: No loop is running.
    """
    return _as_it_is if running_loop() is not None else _by_descriptor


def _as_it_is(step: ExchangeStep[T]) -> ExchangeStep[T]:
    return step


async def _by_descriptor(step: ExchangeStep[T]) -> T:
    from trio.lowlevel import checkpoint, wait_readable

    # A task that is cancelled already does nothing more.
    await checkpoint()
    try:
        while True:
            descriptor, found = step.advance()
            if descriptor is None:
                return found  # type: ignore[return-value]
            await wait_readable(descriptor)
    except BaseException:
        step.close()
        raise


async def pieces(exchange: _Steps[T]) -> AsyncGenerator[T, None]:
    """Yield the pieces of a body, or its events, under trio."""
    while True:
        try:
            piece = await _by_descriptor(exchange.__anext__())
        except StopAsyncIteration:
            return
        yield piece
