"""`map` of the engine's clients: the calls run on the I/O thread, and the caller's only waits."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.clients.api_key import call_key
from tokenwire.errors import LlmError
from tokenwire.interface.map import MapRow, Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any, TypeAlias

    from tokenwire.types.prompt import KeySource

    Submit: TypeAlias = Callable[[_engine.Fanout, int, Any, Callable[[], dict[str, Any]]], None]


def map_with_engine(
    submit: Submit,
    prompts: Iterable[Any],
    window: Window,
    source: KeySource | None,
) -> Iterator[MapRow]:
    """Run the calls on the I/O thread; this thread only waits.

    Args:
        submit: Starts the call of a prompt. Its last argument returns the key, as keywords.
        prompts: Pulled lazily.
        window: Which calls may start, and which rows are next.
        source: Returns a key for each call, and a fresh one if a key is refused.
    """
    calls = _Calls(submit, source)
    numbered = enumerate(prompts)
    more = True
    try:
        while True:
            while more and window.has_room():
                item = next(numbered, None)
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

    def __init__(self, submit: Submit, source: KeySource | None) -> None:
        self._submit = submit
        self._source = source
        self._fanout = _engine.Fanout()
        # Prompts in flight under a key that may turn out to be stale.
        self._keyed: dict[int, Any] = {}

    def start(self, index: int, prompt: Any) -> MapRow | None:
        """Start a call; a row where it cannot be made."""
        row = self._started(index, prompt, may_renew=True)
        if row is None and self._source is not None:
            self._keyed[index] = prompt
        return row

    def _started(self, index: int, prompt: Any, *, may_renew: bool) -> MapRow | None:
        def key() -> dict[str, Any]:
            if self._source is None:
                return {}
            return {"api_key": call_key(self._source), "may_renew": may_renew}

        try:
            self._submit(self._fanout, index, prompt, key)
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
