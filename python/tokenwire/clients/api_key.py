"""Keys that a callable brings, on the caller's side."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmAuthenticationError, LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire._engine import AsyncLlmStream, AsyncStreamIterator
    from tokenwire.types.prompt import KeySource

# What stands for a key while calls are diverted, as by `testing.fake`: nobody is asked for one, and
# the engine sends none.
NO_KEY = "-"


def call_key(source: KeySource) -> str:
    """The key from a callable, in sync code.

    Raises:
        LlmConfigError: The callable is async, or returns no string.
    """
    if _engine.is_diverted():
        return NO_KEY
    key: Any = source()
    if hasattr(key, "__await__"):
        getattr(key, "close", lambda: None)()
        raise LlmConfigError("api_key: the callable is async; use the async methods of the client")
    if isinstance(key, str) and key:
        return key
    # What is no string may be a key all the same, and a traceback may show local variables.
    kind = type(key).__name__
    del key
    raise _no_key(kind)


async def await_key(source: KeySource) -> str:
    """The key from a sync or async callable."""
    if _engine.is_diverted():
        return NO_KEY
    key: Any = source()
    if hasattr(key, "__await__"):
        key = await key
    if isinstance(key, str) and key:
        return key
    kind = type(key).__name__
    del key
    raise _no_key(kind)


def _no_key(kind: str) -> LlmConfigError:
    return LlmConfigError(f"api_key: the callable returned {kind}, not a key")


async def enter_with_key(stream: AsyncLlmStream, source: KeySource) -> AsyncLlmStream:
    """Enter a stream whose key comes from a callable; the engine calls this."""
    try:
        return await stream._enter_with(await await_key(source))
    except LlmAuthenticationError as error:
        if error.status_code != 401:
            raise
    return await stream._enter_with(await await_key(source))


async def first_step_with_key(
    stream: AsyncLlmStream, source: KeySource, iterator: AsyncStreamIterator[object]
) -> object:
    """Take the first step of a stream that was not entered; the engine calls this."""
    await enter_with_key(stream, source)
    return await iterator.__anext__()
