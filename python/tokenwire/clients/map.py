"""`map` of the engine's clients: the calls run on the I/O thread, and the caller's only waits."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmError
from tokenwire.interface.map import MapRow, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Protocol

    class Submit(Protocol):
        """Starts the call of a prompt, with a key of its own where a callable brings it."""

        def __call__(
            self, fanout: _engine.Fanout, index: int, prompt: Any, *, may_renew: bool
        ) -> None:
            """Start it; `may_renew` says that another call follows if its key is refused."""


def map_with_engine(
    submit: Submit, prompts: Iterable[Any], concurrency: int, *, ordered: bool, renews: bool
) -> Iterator[MapRow]:
    """Run the calls on the I/O thread; this thread only waits.

    Args:
        submit: Starts the call of a prompt.
        prompts: Pulled lazily.
        concurrency: Calls in flight, or finished and not yet taken.
        ordered: Whether rows come in the prompts' order.
        renews: Whether `submit` takes a fresh key each time, so that a refused one is tried again.
    """
    calls = _Calls(submit, renews=renews)
    window = Window(concurrency, ordered=ordered)
    source = enumerate(prompts)
    more = True
    try:
        while True:
            while more and window.has_room():
                item = next(source, None)
                if item is None:
                    more = False
                    break
                row = calls.start(*item)
                if row is None:
                    window.in_flight += 1
                else:
                    window.hold(row)
            yield from window.ready()
            if more and window.has_room():
                continue
            if not window.in_flight:
                return
            row = calls.next()
            window.in_flight -= 1
            window.hold(row)
    finally:
        calls.cancel()


class _Calls:
    """The calls of one `map` on the I/O thread."""

    def __init__(self, submit: Submit, *, renews: bool) -> None:
        self._submit = submit
        self._renews = renews
        self._fanout = _engine.Fanout()
        # Prompts in flight under a key that may turn out to be stale.
        self._keyed: dict[int, Any] = {}

    def start(self, index: int, prompt: Any) -> MapRow | None:
        """Start a call; a row where it cannot be made."""
        row = self._started(index, prompt, may_renew=self._renews)
        if row is None and self._renews:
            self._keyed[index] = prompt
        return row

    def _started(self, index: int, prompt: Any, *, may_renew: bool) -> MapRow | None:
        try:
            self._submit(self._fanout, index, prompt, may_renew=may_renew)
        except LlmError as error:
            return MapRow(index, error=error)
        return None

    def next(self) -> MapRow:
        """Wait for the next row; a call whose key was refused is made again with a fresh one."""
        while True:
            index, response, failure = self._fanout.next()
            prompt = self._keyed.pop(index, None)
            if prompt is None or not _engine._is_key_refused(failure):
                return MapRow(index, response, failure)
            row = self._renewed(index, prompt, failure)
            if row is not None:
                return row

    def _renewed(self, index: int, prompt: Any, refusal: Any) -> MapRow | None:
        try:
            row = self._started(index, prompt, may_renew=False)
        except BaseException as failure:
            _engine._report_refused(refusal, abandoned=not isinstance(failure, Exception))
            raise
        if row is not None:
            _engine._report_refused(refusal)
        return row

    def cancel(self) -> None:
        """End what is in flight."""
        self._fanout.cancel()
