"""`on_call`: what a program learns of each finished call."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire._engine import CallEvent


def on_call(callback: Callable[[CallEvent], object]) -> Callable[[], None]:
    """Call `callback` once for each finished call of this process, never for a chunk.

    It runs on the caller's side, before the caller gets the reply or the error. What it raises is
    logged, not thrown. Several callbacks run in the order in which they were added. Costs nothing
    while there is none.

    Args:
        callback: Takes a `CallEvent`: provider, model, usage, timing, cost, attempts, error kind.

    Returns:
        A function that takes this registration back, and no other of the same callback. To call
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
