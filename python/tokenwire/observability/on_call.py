"""`on_call`: call a function for each finished call."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire._engine import CallEvent


def on_call(callback: Callable[[CallEvent], object]) -> Callable[[], None]:
    """Call `callback` once for each finished call of this process, never for a chunk.

    The callback runs on the caller's thread, before the caller gets the reply or the error. An
    exception in it is logged, not thrown. Several callbacks run in the order in which they were
    added. Without a callback, this costs nothing.

    Args:
        callback: Takes a `CallEvent`: provider, model, usage, timing, cost, attempts, error kind.

    Returns:
        A function that removes this registration, and no other one of the same callback. Calling
        it again does nothing.

    Raises:
        LlmConfigError: The callback is not callable.
    """
    if not callable(callback):
        raise LlmConfigError("on_call: give a function that takes a CallEvent")
    registration = _engine.add_callback(callback)

    def remove() -> None:
        _engine.remove_callback(registration)

    return remove
