"""`MetricsCollector`: counts, times and costs of the calls of this process, by model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from tokenwire import _engine
from tokenwire.catalog import cost as costs
from tokenwire.catalog.registry import shared
from tokenwire.observability import text
from tokenwire.observability.counts import Distribution, ModelMetrics
from tokenwire.observability.on_call import on_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from tokenwire._engine import Usage

Item = TypeVar("Item")

# The engine adds costs as whole numbers of 10^-18 dollars: sums stay exact.
_DIGITS = 18


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """All counts at one moment; it does not change any more.

    Attributes:
        seconds: How long the collector had been counting.
        total: All models together.
        models: Each model, by provider and name.
    """

    seconds: float
    total: ModelMetrics
    models: tuple[ModelMetrics, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as dicts and numbers, for JSON; dollars as text, to keep every digit."""
        fields = asdict(self)
        for counts in (fields["total"], *fields["models"]):
            counts["cost_usd"] = format(counts["cost_usd"], "f")
        return fields


class MetricsCollector:
    """Counts the finished calls of this process while it is started, in every thread and task.

        with MetricsCollector() as metrics:
            chat.run("Why is the sky blue?")
        print(metrics.summary())

    It keeps counts only: no prompt, no reply, no key. A forked child begins at zero.

    Args:
        cost: Whether to ask for the price of each call: the one part that runs Python code, once a
            model and second. Where `genai-prices` is installed, it is imported here (0.1 s).
    """

    def __init__(self, *, cost: bool = True) -> None:
        if cost:
            # Imports all that prices need: not in the middle of a call, nor in a thread during a
            # fork, whose child would wait for that import for ever.
            _rates_of("openai", "gpt-4o", 1)
        self._tally = _engine.CallTally(_rates_of, _cost_of) if cost else _engine.CallTally()
        # Of threads that start or stop at once one takes what is in a list: that is one step, and
        # there is no lock that a fork could leave held.
        self._stopped = [True]
        self._started: list[Callable[[], None]] = []

    def start(self) -> Self:
        """Count from now on. Does nothing while it is started."""
        if _taken(self._stopped):
            self._started.append(on_call(self._tally))
        return self

    def stop(self) -> None:
        """Count no more; what was counted stays. Does nothing while it is stopped."""
        remove = _taken(self._started)
        if remove is not None:
            remove()
            self._stopped.append(True)

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def snapshot(self) -> MetricsSnapshot:
        """What was counted so far."""
        seconds, rows = self._tally.snapshot()
        total, *models = map(_model_metrics, rows)
        return MetricsSnapshot(seconds, total, tuple(models))

    def reset(self) -> None:
        """Begin at zero."""
        self._tally.reset()

    def summary(self) -> str:
        """A table for people: a line for each model, and one for all where there are several."""
        snapshot = self.snapshot()
        return text.table(snapshot.models, snapshot.total)

    def prometheus(self) -> str:
        """The text format 0.0.4 of Prometheus, as a scrape of `/metrics` expects it."""
        return text.exposition(self.snapshot().models)


def _taken(items: list[Item]) -> Item | None:
    try:
        return items.pop()
    except IndexError:
        return None


def _model_metrics(fields: dict[str, Any]) -> ModelMetrics:
    spreads = ("latency", "failed_latency", "first_token", "tokens_per_second")
    distributions = {name: Distribution(*fields[name]) for name in spreads}
    dollars = Decimal(fields["cost_usd"]).scaleb(-_DIGITS).normalize()
    return ModelMetrics(**{**fields, **distributions, "cost_usd": dollars})


def _rates_of(
    provider: str, model: str, created: int | None
) -> tuple[int, int, int, int, int] | None:
    """What the engine asks once for all calls of a model in a second: see `costs.rates_of`."""
    found = costs.rates_of(provider, model, created, shared())
    if found is None:
        return None
    exact = [dollars.scaleb(_DIGITS) for dollars in found[:4]]
    fresh, cached, written, output = map(int, exact)
    # Beyond our digits: each call is priced by itself.
    limit = found[4] if [fresh, cached, written, output] == exact else 0
    return fresh, cached, written, output, limit


def _cost_of(provider: str, model: str, created: int | None, usage: Usage) -> int | None:
    """What the engine asks for a call that the rates do not cover."""
    cost = costs.cost_of_usage(provider, model, created, usage, shared())
    return None if cost is None else int(cost.usd.scaleb(_DIGITS))
