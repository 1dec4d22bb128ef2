"""API keys from a callable, and the one rule for keys that the provider refuses."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmAuthenticationError, LlmConfigError
from tokenwire.settings.client_settings import check_text
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    from tokenwire.types.prompt import KeySource

    T = TypeVar("T")

# The key while calls are intercepted, as by `testing.fake`: no callable is asked, no key is sent.
NO_KEY = "-"


def call_key(source: Callable[[], Any]) -> str:
    """Return the key from a callable, in sync code.

    Raises:
        LlmConfigError: The callable is async, or returned something other than a key.
    """
    if _engine.is_intercepted():
        return NO_KEY
    key = Secret(source())
    if hasattr(key.reveal(), "__await__"):
        getattr(key.reveal(), "close", lambda: None)()
        raise LlmConfigError("api_key: the callable is async; use the async methods of the client")
    return _checked(key)


async def await_key(source: Callable[[], Any]) -> str:
    """Return the key from a sync or async callable."""
    if _engine.is_intercepted():
        return NO_KEY
    key: Any = Secret(source())
    if hasattr(key.reveal(), "__await__"):
        key = Secret(await key.reveal())
    return _checked(key)


def _checked(key: Secret) -> str:
    # Revealed in no local variable, because a traceback may show those.
    if not isinstance(key.reveal(), str) or not key.reveal():
        kind = type(key.reveal()).__name__
        raise LlmConfigError(f"api_key: the callable returned {kind}, not a key")
    check_text(key, "api_key")
    return str(key.reveal())


def with_key(
    source: KeySource | None, ask: Callable[..., T], *arguments: Any, **keywords: Any
) -> T:
    """Make a call with a key from a callable. If the key is refused, repeat it with a fresh one.

    Args:
        source: The callable, which must not be async; None if the engine has the key.
        ask: Makes the call. Takes `api_key` and `may_renew` in addition to what follows.
        *arguments: Passed to `ask`.
        **keywords: Passed to `ask`.
    """
    if source is None:
        return ask(*arguments, **keywords)
    # Sealed, because a traceback may show local variables.
    key = Secret(call_key(source))
    try:
        return ask(*arguments, api_key=key.reveal(), may_renew=True, **keywords)
    except LlmAuthenticationError as error:
        if not _engine._is_key_refused(error):
            raise
        try:
            key = Secret(call_key(source))
        except BaseException as failure:
            _report(error, failure)
            raise
    return ask(*arguments, api_key=key.reveal(), **keywords)


async def with_key_async(
    source: KeySource | None, ask: Callable[..., Awaitable[T]], *arguments: Any, **keywords: Any
) -> T:
    """Do the same in an event loop; see `with_key`."""
    if source is None:
        return await ask(*arguments, **keywords)
    key = Secret(await await_key(source))
    try:
        return await ask(*arguments, api_key=key.reveal(), may_renew=True, **keywords)
    except LlmAuthenticationError as error:
        if not _engine._is_key_refused(error):
            raise
        try:
            key = Secret(await await_key(source))
        except BaseException as failure:
            _report(error, failure)
            raise
    return await ask(*arguments, api_key=key.reveal(), **keywords)


def _report(refusal: LlmAuthenticationError, failure: BaseException) -> None:
    """Report the refusal as the end of a call, because there is no fresh key."""
    _engine._report_refused(refusal, abandoned=not isinstance(failure, Exception))
