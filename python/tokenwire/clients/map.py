"""`map` of the engine's clients: the calls run on the I/O thread, and the caller only waits."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.clients.api_key import call_key
from tokenwire.errors import LlmError
from tokenwire.interface.map import MapRow
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tokenwire.types.prompt import KeySource


class EngineCalls:
    """The calls of one `map` on the I/O thread.

    Args:
        call: Returns the engine, the input, the parameters and other arguments for a prompt.
        source: Returns a key for each call, and a fresh one if a key is refused.
        greenlets: How calls wait in a program of greenlets; otherwise None.
    """

    def __init__(
        self, call: Callable[[Any], tuple[Any, ...]], source: KeySource | None, greenlets: Any
    ) -> None:
        self._call = call
        self._source = source
        self._fanout = _engine.Fanout()
        self._next: Any = self._fanout.next
        if greenlets is not None:
            self._next = greenlets.waiting(self._next)
        # Prompts in flight whose key may be refused.
        self._keyed: dict[int, Any] = {}

    def start(self, index: int, prompt: Any) -> MapRow | None:
        """Start a call. Return a row if it cannot be started."""
        row = self._started(index, prompt, may_renew=True)
        if row is None and self._source is not None:
            self._keyed[index] = prompt
        return row

    def _started(self, index: int, prompt: Any, *, may_renew: bool) -> MapRow | None:
        try:
            engine, asked, params, steering = self._call(prompt)
            if self._source is not None:
                steering = {
                    **steering,
                    # Sealed, because the row's error may show local variables.
                    "api_key": Secret(call_key(self._source)),
                    "may_renew": may_renew,
                }
            self._fanout.submit(index, engine, asked, params, **steering)
        except LlmError as error:
            return MapRow(index, error=error)
        return None

    def next(self) -> MapRow:
        """Wait for the next row. A call whose key was refused is repeated with a fresh one."""
        while True:
            index, response, failure = self._next()
            prompt = self._keyed.pop(index, None)
            if prompt is None or not _engine._is_key_refused(failure):
                return MapRow(index, response, failure)
            try:
                row = self._started(index, prompt, may_renew=False)
            except BaseException as raised:
                _engine._report_refused(failure, abandoned=not isinstance(raised, Exception))
                raise
            if row is not None:
                _engine._report_refused(failure)
                return row

    def cancel(self) -> None:
        """End the calls in flight."""
        self._fanout.cancel()
