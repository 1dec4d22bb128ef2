"""`on_call`: call a function for each finished call."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError, LlmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tokenwire._engine import CallEvent, LlmResponse


def on_call(callback: Callable[[CallEvent], object]) -> Callable[[], None]:
    """Call `callback` once for each finished call of this process.

    The callback runs on the caller's thread, before the caller gets the reply or the error. An
    `Exception` in it is logged, not raised; Ctrl-C and `SystemExit` are raised. Several callbacks
    run in the order in which they were added. Without a callback, this costs nothing.

    Args:
        callback: Called with a `CallEvent`: provider, model, usage, timing, cost, attempts, error.

    Returns:
        A function that removes this registration. If the same callback was registered several
        times, the others stay. Calling the function again does nothing.

    Raises:
        LlmConfigError: The callback is not callable.
    """
    if not callable(callback):
        raise LlmConfigError("on_call: give a function that takes a CallEvent")
    registration = _engine.add_callback(callback)

    def remove() -> None:
        _engine.remove_callback(registration)

    return remove


def report_call(
    *,
    provider: str,
    model: str,
    elapsed: float,
    response: LlmResponse[Any] | None = None,
    error: BaseException | None = None,
    streamed: bool = False,
) -> None:
    """Report a finished call of a custom client to the callbacks of `on_call`, metrics included.

    Report each call once. Do not report a call that your client passes on to a `ChatClient` or
    `CompletionClient`: those report their own calls.

    Args:
        provider: Name of the provider.
        model: The model that was asked.
        elapsed: Seconds from the start of the call to its end.
        response: The reply. For a call that failed, the partial reply; the default is
            `error.partial`.
        error: Why the call failed. An exception that does not derive from `Exception`, such as
            `asyncio.CancelledError` or `GeneratorExit`, means that the call was abandoned.
        streamed: Whether the reply was streamed.

    Raises:
        LlmConfigError: An argument is wrong, or there is neither a response nor an error.
    """
    for name, value, kind in (
        ("provider", provider, str),
        ("model", model, str),
        ("elapsed", elapsed, (int, float)),
        ("response", response, (_engine.LlmResponse, type(None))),
        ("error", error, (BaseException, type(None))),
    ):
        if not isinstance(value, kind):
            raise LlmConfigError(f"report_call: {name} must not be a {type(value).__name__}")
    if response is None and error is None:
        raise LlmConfigError("report_call: give response= if the call succeeded, else error=")
    if response is None and isinstance(error, LlmError):
        response = error.partial
    failed = isinstance(error, Exception)
    event = _engine.CallEvent(
        provider=provider,
        model=model,
        elapsed=elapsed,
        response=response,
        error=error if failed else None,
        error_kind=None if failed or error is None else "cancelled",
        streamed=streamed,
    )
    _engine.report_call(event)
