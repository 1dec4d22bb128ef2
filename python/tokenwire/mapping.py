"""`map`: many calls at once from plain sync code."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from tokenwire._engine import LlmResponse
    from tokenwire.engine import EngineClient
    from tokenwire.interface import LlmClientInterface


class MapRow:
    """One prompt's outcome: `response` or `error`.

    Attributes:
        index: Number of the prompt, from 0.
        response: The reply; None where the call failed.
        error: Why the call failed; None where it did not.
    """

    __match_args__ = ("index", "response", "error")
    __slots__ = ("error", "index", "response")

    def __init__(
        self, index: int, response: LlmResponse[Any] | None = None, error: LlmError | None = None
    ) -> None:
        self.index = index
        self.response = response
        self.error = error

    def __repr__(self) -> str:
        """Name the row and its outcome."""
        return f"MapRow(index={self.index}, response={self.response!r}, error={self.error!r})"

    def result(self) -> LlmResponse[Any]:
        """Return the reply, or raise the error."""
        if self.response is None:
            raise self.error or LlmError("this row has neither a reply nor an error")
        return self.response


def map_with_engine(
    client: EngineClient,
    prompts: Iterable[Any],
    concurrency: int,
    params: Mapping[str, Any],
    *,
    ordered: bool,
) -> Iterator[MapRow]:
    """Run the calls on the I/O thread; this thread only waits."""
    calls = _Calls(client, params)
    source = enumerate(prompts)
    held: dict[int, MapRow] = {}
    due = 0
    more = True
    try:
        while True:
            # A finished row that waits for its turn counts: memory stays bounded.
            while more and calls.in_flight + len(held) < concurrency:
                item = next(source, None)
                if item is None:
                    more = False
                    break
                row = calls.start(*item)
                if row is not None:
                    held[row.index] = row
            while held and (not ordered or due in held):
                yield held.pop(due if ordered else next(iter(held)))
                due += 1
            if more and calls.in_flight + len(held) < concurrency:
                continue
            if calls.in_flight:
                row = calls.next()
                held[row.index] = row
            elif not held:
                return
    finally:
        calls.cancel()


class _Calls:
    """The calls of one `map` on the I/O thread."""

    def __init__(self, client: EngineClient, params: Mapping[str, Any]) -> None:
        self.in_flight = 0
        self._client = client
        self._params = params
        self._fanout = _engine.Fanout()
        # Prompts in flight under a key that may turn out to be stale.
        self._keyed: dict[int, Any] = {}

    def start(self, index: int, prompt: Any) -> MapRow | None:
        """Start a call; a row where it cannot be made."""
        row = self._submit(index, prompt)
        if row is None and self._client._key_source is not None:
            self._keyed[index] = prompt
        return row

    def _submit(self, index: int, prompt: Any) -> MapRow | None:
        try:
            self._client._submit(self._fanout, index, prompt, self._params)
        except LlmError as error:
            return MapRow(index, error=error)
        self.in_flight += 1
        return None

    def next(self) -> MapRow:
        """Wait for the next row; a key from a callable is asked for once more after a 401."""
        while True:
            index, response, failure = self._fanout.next()
            self.in_flight -= 1
            row = MapRow(index, response, failure)
            prompt = self._keyed.pop(index, None)
            if prompt is None or getattr(failure, "status_code", None) != 401:
                return row
            wrong = self._submit(index, prompt)
            if wrong is not None:
                return wrong

    def cancel(self) -> None:
        """End what is in flight."""
        self._fanout.cancel()


def map_with_threads(
    client: LlmClientInterface,
    prompts: Iterable[Any],
    concurrency: int,
    params: Mapping[str, Any],
    *,
    ordered: bool,
) -> Iterator[MapRow]:
    """Run the calls of a client that has only `complete`, on threads."""
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

    def ask(index: int, prompt: Any) -> MapRow:
        try:
            return MapRow(index, client.complete(prompt, **params))
        except LlmError as error:
            return MapRow(index, error=error)

    held: dict[int, MapRow] = {}
    running: set[Future[MapRow]] = set()
    source = enumerate(prompts)
    due = 0
    more = True
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="tokenwire-map")
    try:
        while True:
            while more and len(running) + len(held) < concurrency:
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    running.add(pool.submit(ask, *item))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            held.update((row.index, row) for row in (future.result() for future in done))
            for index in sorted(held):
                if ordered and index != due:
                    break
                yield held.pop(index)
                due += 1
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
