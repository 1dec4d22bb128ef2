"""`map`: many calls at once from plain sync code. The rows, their window, and calls on threads."""

from __future__ import annotations

from tokenwire.errors import LlmError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any

    from tokenwire._engine import LlmResponse


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


class Window:
    """The calls of one `map` that count towards its `concurrency`, and the order of their rows.

    A finished row that waits for its turn counts too, so memory stays bounded.
    """

    def __init__(self, concurrency: int, *, ordered: bool) -> None:
        self.in_flight = 0
        self._concurrency = concurrency
        self._ordered = ordered
        self._held: dict[int, MapRow] = {}
        self._due = 0

    def has_room(self) -> bool:
        """Whether another call may start."""
        return self.in_flight + len(self._held) < self._concurrency

    def hold(self, row: MapRow) -> None:
        """Keep a row until its turn comes."""
        self._held[row.index] = row

    def ready(self) -> Iterator[MapRow]:
        """The rows whose turn it is."""
        while self._held and (not self._ordered or self._due in self._held):
            yield self._held.pop(self._due if self._ordered else next(iter(self._held)))
            self._due += 1


def map_with_threads(
    complete: Callable[..., LlmResponse[Any]],
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
            return MapRow(index, complete(prompt, **params))
        except LlmError as error:
            return MapRow(index, error=error)

    window = Window(concurrency, ordered=ordered)
    running: set[Future[MapRow]] = set()
    source = enumerate(prompts)
    more = True
    pool = ThreadPoolExecutor(concurrency, thread_name_prefix="tokenwire-map")
    try:
        while True:
            while more and window.has_room():
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    running.add(pool.submit(ask, *item))
                    window.in_flight = len(running)
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            window.in_flight = len(running)
            for row in sorted((future.result() for future in done), key=lambda row: row.index):
                window.hold(row)
            yield from window.ready()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
