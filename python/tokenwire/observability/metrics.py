"""`MetricsCollector`: counts, times and costs of this process's calls, by model."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import defaultdict, deque
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from decimal import Context, Decimal, localcontext
from logging import getLogger
from math import ceil, exp, floor, inf, log
from operator import attrgetter
from threading import RLock
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from tokenwire.catalog import genai_prices
from tokenwire.catalog.cost import price_of
from tokenwire.catalog.registry import shared
from tokenwire.observability import text
from tokenwire.observability.counts import Distribution, ModelMetrics
from tokenwire.observability.labels import MAX_MODELS, OTHER, label
from tokenwire.observability.on_call import on_call

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from tokenwire._engine import CallEvent

# The bounds are fixed, so that the counts of several processes can be added.
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_BOUNDS = {
    "latency": _SECONDS,
    "failed_latency": _SECONDS,
    "first_token": _SECONDS,
    "tokens_per_second": (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0),
}
# The percentiles need finer buckets, whose bounds grow by 2 %: so many for each factor of e. Zero
# counts as 1 µs.
_BUCKETS = 1 / log(1.02)
_LEAST = 1e-6
_PERCENTILES = (50, 90, 95, 99)

# Compared as text, because this package's annotations are not evaluated.
_NUMBERS = [field.name for field in fields(ModelMetrics) if field.type == "int"]

# Kinds of errors beyond this number are counted as "other", as are models beyond `MAX_MODELS`.
_MAX_ERROR_KINDS = 100

# Decimal, because a sum of floats drifts. The program's own context may round to fewer digits.
_MONEY = Context(prec=50)
# A provider's figure beyond these is a mistake that would spoil the sum.
_MIN_COST, _MAX_COST = Decimal(0), Decimal(1_000_000)

# Calls wait until there are this many. Counting them together takes half the time, because
# code and data are in the processor's caches.
_BATCH = 64
_of_event = attrgetter("provider", "model", "usage", "timing", "elapsed", "error_kind", "attempts")
_of_reply = attrgetter("model", "created")


@dataclass(frozen=True, slots=True)
class MetricsSnapshot:
    """All counts at one moment.

    Attributes:
        seconds: How long the collector had been counting.
        total: All models together.
        models: Each model, sorted by provider and name.
    """

    seconds: float
    total: ModelMetrics
    models: tuple[ModelMetrics, ...]

    def to_dict(self) -> dict[str, Any]:
        """The snapshot as JSON values. Dollars are text, so that no digit is lost."""
        values = asdict(self)
        for counts in (values["total"], *values["models"]):
            counts["cost_usd"] = format(counts["cost_usd"], "f")
        return values


class MetricsCollector:
    """Counts the finished calls of this process, in every thread and task, while it is running.

        with MetricsCollector() as metrics:
            chat.run("Why is the sky blue?")
        print(metrics.summary())

    It keeps counts only: no prompt, no reply, no key. A forked child starts at zero. The first 256
    models have rows of their own. All others are counted as "other", so that memory stays bounded.

    Args:
        cost: Whether to look up the price of each call. If `genai-prices` is installed, it is
            imported here, which takes 0.1 s.
    """

    def __init__(self, *, cost: bool = True) -> None:
        if cost:
            # Imports the library. An import during a call would delay it, and one during a fork
            # would leave its lock held in the child.
            genai_prices.context_window("openai", "gpt-4o")
        self._with_cost = cost
        self._remove: Callable[[], None] | None = None
        self._counts = _Counts()
        _collectors.add(self)

    def start(self) -> Self:
        """Start counting. Does nothing if it has started already."""
        with self._counts.lock:
            if self._remove is None:
                self._remove = on_call(self._count)
        return self

    def stop(self) -> None:
        """Stop counting and keep the counts. Does nothing if it has stopped already."""
        with self._counts.lock:
            if self._remove is not None:
                self._remove()
                self._remove = None

    def __enter__(self) -> Self:
        """Start counting."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop counting."""
        self.stop()

    def snapshot(self) -> MetricsSnapshot:
        """The counts so far, as values that no longer change."""
        counts, total = self._counts, _ModelCounts()
        with counts.held() as is_nested:
            if not is_nested:
                self._settle(counts)
            models = sorted(counts.models.items())
            for _, model in models:
                total.merge(model)
            return MetricsSnapshot(
                monotonic() - counts.began,
                total.frozen("", ""),
                tuple(model.frozen(*names) for names, model in models),
            )

    def reset(self) -> None:
        """Start again at zero."""
        self._counts = _Counts()

    def summary(self) -> str:
        """A table for people: one line per model, and a line for all if there are several."""
        snapshot = self.snapshot()
        return text.table(snapshot.models, snapshot.total)

    def prometheus(self) -> str:
        """The counts in Prometheus's text format 0.0.4, as the body of `/metrics`."""
        return text.exposition(self.snapshot().models)

    def _count(self, event: CallEvent) -> None:
        counts, reply = self._counts, event.response
        # The reply itself may be large, so it does not wait.
        counts.waiting.append((_of_event(event), None if reply is None else _of_reply(reply)))
        if len(counts.waiting) >= _BATCH:
            with counts.held() as is_nested:
                if not is_nested:
                    self._settle(counts)

    def _settle(self, counts: _Counts) -> None:
        """Count the calls that are waiting."""
        registry = shared()
        while counts.waiting:
            event, reply = counts.waiting.popleft()
            provider, requested, usage, *_ = event
            usd = None
            if self._with_cost and usage is not None:
                model, created = reply
                try:
                    found = price_of(usage, provider, model, created, registry=registry)
                    usd = found[0] if found and _MIN_COST <= found[0] <= _MAX_COST else None
                except Exception:
                    getLogger("tokenwire").exception("MetricsCollector: a price lookup failed")
            counts.of(provider, requested).add(event, usd)


# A forked child starts at zero, with locks of its own: those of the parent may be held forever.
_collectors: WeakSet[MetricsCollector] = WeakSet()


def _start_at_zero() -> None:
    for collector in list(_collectors):
        collector.reset()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_start_at_zero)


class _Counts:
    """What was counted since the start, or since the last reset."""

    def __init__(self) -> None:
        # Reentrant, because of `held`.
        self.lock = RLock()
        self._is_held = False
        self.began = monotonic()
        self.models: dict[tuple[str, str], _ModelCounts] = {}
        # The fields of each event, and those of its reply.
        self.waiting: deque[tuple[Any, Any]] = deque()

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock. Yields whether this thread holds it already, and may not change anything.

        A signal handler may run at any time, and the garbage collector may end a stream at any
        time. Either may report a call in the middle of another one's counting.
        """
        with self.lock, localcontext(_MONEY):
            is_nested, self._is_held = self._is_held, True
            try:
                yield is_nested
            finally:
                self._is_held = is_nested

    def of(self, provider: str, model: str) -> _ModelCounts:
        """The counts of a model."""
        counts = self.models.get((provider, model))
        if counts is None:
            names = (label(provider), label(model))
            if names not in self.models and len(self.models) >= MAX_MODELS:
                names = (OTHER, OTHER)
            counts = self.models.setdefault(names, _ModelCounts())
        return counts


class _ModelCounts:
    """The counts of one model, by the names of `ModelMetrics`."""

    def __init__(self) -> None:
        self.numbers: dict[str, Any] = dict.fromkeys(_NUMBERS, 0) | {"cost_usd": Decimal(0)}
        self.errors: defaultdict[str, int] = defaultdict(int)
        self.spreads = {name: _Spread(bounds) for name, bounds in _BOUNDS.items()}

    def add(self, event: tuple[Any, ...], usd: Decimal | None) -> None:
        """Add a call: the fields of its event, and its cost, if known."""
        _, _, usage, timing, elapsed, kind, attempts = event
        numbers, spreads = self.numbers, self.spreads
        numbers["calls"] += 1
        if len(attempts) > 1:
            numbers["retries"] += len(attempts) - 1
        if kind is None:
            spreads["latency"].add(elapsed)
        elif kind == "cancelled":
            numbers["cancelled"] += 1
        else:
            spreads["failed_latency"].add(elapsed)
            kind = label(kind)
            if kind not in self.errors and len(self.errors) >= _MAX_ERROR_KINDS:
                kind = OTHER
            self.errors[kind] += 1
        if timing is not None:
            spreads["first_token"].add(timing.first_token)
            spreads["tokens_per_second"].add(timing.tokens_per_second)
        if usage is None:
            numbers["without_usage"] += 1
            return
        numbers["prompt_tokens"] += usage.prompt_tokens or 0
        numbers["completion_tokens"] += usage.completion_tokens or 0
        numbers["cached_tokens"] += usage.cached_tokens or 0
        numbers["reasoning_tokens"] += usage.reasoning_tokens or 0
        if usd is None:
            numbers["without_price"] += 1
        else:
            numbers["cost_usd"] += usd

    def merge(self, other: _ModelCounts) -> None:
        """Add the counts of another model."""
        for name, number in other.numbers.items():
            self.numbers[name] += number
        for kind, count in other.errors.items():
            self.errors[kind] += count
        for name, spread in other.spreads.items():
            self.spreads[name].merge(spread)

    def frozen(self, provider: str, model: str) -> ModelMetrics:
        """The counts as values that no longer change."""
        numbers = self.numbers | {"cost_usd": self.numbers["cost_usd"].normalize()}
        spreads: dict[str, Any] = {name: one.frozen() for name, one in self.spreads.items()}
        return ModelMetrics(provider, model, errors=dict(self.errors), **numbers, **spreads)


class _Spread:
    """The counts of a distribution."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.fine: defaultdict[int, int] = defaultdict(int)
        self.sum = 0.0
        self.min, self.max = inf, -inf

    def add(self, value: float | None) -> None:
        # A speed is infinite if the clock saw no time pass.
        if value is not None and value != inf:
            self.counts[bisect_left(self.bounds, value)] += 1
            # Faster than max, as below.
            self.fine[floor(log(value if value > _LEAST else _LEAST) * _BUCKETS)] += 1  # noqa: FURB136
            self.sum += value
            if value < self.min:  # noqa: PLR1730
                self.min = value
            if value > self.max:  # noqa: PLR1730
                self.max = value

    def merge(self, other: _Spread) -> None:
        self.counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        for bucket, count in other.fine.items():
            self.fine[bucket] += count
        self.sum += other.sum
        self.min = min(self.min, other.min)
        self.max = max(self.max, other.max)

    def frozen(self) -> Distribution:
        count = sum(self.counts)
        least, greatest = (self.min, self.max) if count else (None, None)
        counts, percentiles = tuple(self.counts), self.percentiles(count)
        return Distribution(count, self.sum, least, greatest, self.bounds, counts, *percentiles)

    def percentiles(self, count: int) -> Iterator[float | None]:
        """The smallest values that so many percent of all `count` values do not exceed."""
        buckets = sorted(self.fine.items())
        for percentile in _PERCENTILES:
            left = ceil(count * percentile / 100)
            value = None
            for bucket, inside in buckets:
                left -= inside
                if left <= 0:
                    # The middle of the bucket, which may be outside of all values.
                    value = min(max(exp((bucket + 0.5) / _BUCKETS), self.min), self.max)
                    break
            yield value
