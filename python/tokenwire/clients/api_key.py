"""Keys that a callable brings, on the caller's side, and what is done when one is refused."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmAuthenticationError, LlmConfigError
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from tokenwire._engine import AsyncLlmStream, AsyncStreamIterator
    from tokenwire.types.prompt import KeySource

    T = TypeVar("T")

# What stands for a key while calls are intercepted, as by `testing.fake`: nobody is asked for one,
# and the engine sends none.
NO_KEY = "-"


def call_key(source: KeySource) -> str:
    """The key from a callable, in sync code.

    Raises:
        LlmConfigError: The callable is async, or returns no string.
    """
    if _engine.is_intercepted():
        return NO_KEY
    key: Any = source()
    if hasattr(key, "__await__"):
        getattr(key, "close", lambda: None)()
        raise LlmConfigError("api_key: the callable is async; use the async methods of the client")
    if isinstance(key, str) and key:
        return key
    # It may be a key all the same, and a traceback may show local variables.
    kind = type(key).__name__
    del key
    raise _no_key(kind)


async def await_key(source: KeySource) -> str:
    """The key from a sync or async callable."""
    if _engine.is_intercepted():
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


def with_key(source: KeySource, ask: Callable[..., T], *arguments: Any, **how: Any) -> T:
    """Make a call with a key from a callable, and once more with a fresh one if it is refused.

    Args:
        source: The callable; sync.
        ask: Makes the call; takes `api_key` and `may_renew` beside what follows.
        *arguments: Handed on.
        **how: Handed on.
    """
    # Sealed, since a traceback may show local variables.
    key = Secret(call_key(source))
    try:
        return ask(*arguments, api_key=key.reveal(), may_renew=True, **how)
    except LlmAuthenticationError as error:
        if not _engine._is_key_refused(error):
            raise
        try:
            key = Secret(call_key(source))
        except BaseException as failure:
            _end(error, failure)
            raise
    return ask(*arguments, api_key=key.reveal(), **how)


async def with_key_async(
    source: KeySource, ask: Callable[..., Awaitable[T]], *arguments: Any, **how: Any
) -> T:
    """Do the same in an event loop; see `with_key`."""
    key = Secret(await await_key(source))
    try:
        return await ask(*arguments, api_key=key.reveal(), may_renew=True, **how)
    except LlmAuthenticationError as error:
        if not _engine._is_key_refused(error):
            raise
        try:
            key = Secret(await await_key(source))
        except BaseException as failure:
            _end(error, failure)
            raise
    return await ask(*arguments, api_key=key.reveal(), **how)


def _end(refusal: LlmAuthenticationError, failure: BaseException) -> None:
    """Report a call that ends because there is no fresh key."""
    _engine._report_refused(refusal, abandoned=not isinstance(failure, Exception))


async def enter_with_key(stream: AsyncLlmStream, source: KeySource) -> AsyncLlmStream:
    """Enter a stream whose key comes from a callable; the engine calls this."""
    key = Secret(await await_key(source))
    try:
        return await stream._enter_with(api_key=key.reveal(), may_renew=True)
    except LlmAuthenticationError as error:
        if not _engine._is_key_refused(error):
            raise
        try:
            key = Secret(await await_key(source))
        except Exception:
            stream._end_refused(error)
            raise
    return await stream._enter_with(api_key=key.reveal())


async def first_step_with_key(
    stream: AsyncLlmStream, source: KeySource, iterator: AsyncStreamIterator[object]
) -> object:
    """Take the first step of a stream that was not entered; the engine calls this."""
    await enter_with_key(stream, source)
    return await iterator.__anext__()
