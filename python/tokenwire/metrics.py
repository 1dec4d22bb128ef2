"""`MetricsCollector`: counts, times and costs of the calls of this process, by model."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import deque
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from tokenwire import metrics_text
from tokenwire.observe import on_call
from tokenwire.registry import cost_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self

    from tokenwire._engine import CallEvent, LlmResponse, Timing, Usage
    from tokenwire.prices import Cost

    # provider, model, kind of the error, timing, usage, retries, what its price depends on
    _Row = tuple[str, str, str | None, Timing | None, Usage | None, int, "_Priced | None"]

# Upper bounds. Fixed, so that what two processes collected can be added.
SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
TOKENS_PER_SECOND = (1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0)

# Events are gathered and counted together: one lock for many calls, and code that the processor's
# caches hold. After a wait for the network each line of it costs several times as much.
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a quantity was spread.

    Attributes:
        count: How many values there were.
        sum: Their sum.
        min: The least; None without values.
        max: The greatest; None without values.
        bounds: Upper bounds of the buckets, each included in its own.
        counts: How many values fell into each bucket; one more than bounds, for what is above all.
    """

    count: int
    sum: float
    min: float | None
    max: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def mean(self) -> float | None:
        """The mean; None without values."""
        return self.sum / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """What was counted for one model, or for all of them.

    Attributes:
        provider: The provider's name; empty for all.
        model: The model that was asked for; empty for all.
        calls: Finished calls: those that succeeded, failed or were let go of.
        cancelled: Calls that their task, their stream or their program let go of.
        errors: Failed calls by kind of the error.
        retries: Attempts beyond the first of each call.
        prompt_tokens: As reported; cached tokens are among them.
        completion_tokens: As reported; reasoning tokens are among them where the provider says so.
        cached_tokens: As reported.
        reasoning_tokens: As reported.
        without_usage: Calls for which the provider reported no tokens.
        cost_usd: What the calls with a known price cost.
        without_price: Calls with tokens but without a known price, which `cost_usd` leaves out.
        latency: Seconds from the start of a call to its end, where the reply came to its end.
        first_token: Seconds from the start of a stream to its first token.
        tokens_per_second: How fast each reply came.
    """

    provider: str
    model: str
    calls: int
    cancelled: int
    errors: Mapping[str, int]
    retries: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    without_usage: int
    cost_usd: Decimal
    without_price: int
    latency: Distribution
    first_token: Distribution
    tokens_per_second: Distribution

    @property
    def failed(self) -> int:
        """How many calls ended in an error; a call that was let go of did not."""
        return sum(self.errors.values())


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


class _Spread:
    """A distribution that grows."""

    __slots__ = ("bounds", "counts", "high", "low", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.low = float("inf")
        self.high = float("-inf")

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
        self.low = min(self.low, value)
        self.high = max(self.high, value)

    def merge(self, other: _Spread) -> None:
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum
        self.low = min(self.low, other.low)
        self.high = max(self.high, other.high)

    def frozen(self) -> Distribution:
        count = sum(self.counts)
        low, high = (self.low, self.high) if count else (None, None)
        return Distribution(count, self.sum, low, high, self.bounds, tuple(self.counts))


class _Priced:
    """What `cost_of` reads of a reply, without its text: that is never kept."""

    __slots__ = ("created", "model", "provider", "usage")

    def __init__(self, response: LlmResponse[Any], usage: Usage) -> None:
        self.provider = response.provider
        self.model = response.model
        self.created = response.created
        self.usage = usage

    def cost(self) -> Cost | None:
        return cost_of(cast("LlmResponse[Any]", self))


_COUNTS = (
    "calls",
    "cancelled",
    "retries",
    "prompt_tokens",
    "completion_tokens",
    "cached_tokens",
    "reasoning_tokens",
    "without_usage",
    "cost_usd",
    "without_price",
)
_SPREADS = ("latency", "first_token", "tokens_per_second")


@dataclass(slots=True)
class _Tally:
    """The counts of one model."""

    calls: int = 0
    cancelled: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    without_usage: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)
    without_price: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    latency: _Spread = field(default_factory=lambda: _Spread(SECONDS))
    first_token: _Spread = field(default_factory=lambda: _Spread(SECONDS))
    tokens_per_second: _Spread = field(default_factory=lambda: _Spread(TOKENS_PER_SECOND))

    def add(self, row: _Row) -> None:
        _, _, kind, timing, usage, retries, priced = row
        self.calls += 1
        self.retries += retries
        if kind == "cancelled":
            self.cancelled += 1
        elif kind is not None:
            self.errors[kind] = self.errors.get(kind, 0) + 1
        if usage is None:
            self.without_usage += 1
        else:
            self.prompt_tokens += usage.prompt_tokens or 0
            self.completion_tokens += usage.completion_tokens or 0
            self.cached_tokens += usage.cached_tokens or 0
            self.reasoning_tokens += usage.reasoning_tokens or 0
            cost = None if priced is None else priced.cost()
            if cost is None:
                self.without_price += 1
            else:
                self.cost_usd += cost.usd
        if timing is not None:
            if (seconds := timing.total) is not None:
                self.latency.add(seconds)
            if (seconds := timing.first_token) is not None:
                self.first_token.add(seconds)
            if (speed := timing.tokens_per_second) is not None:
                self.tokens_per_second.add(speed)

    def merge(self, other: _Tally) -> None:
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + count
        for name in _SPREADS:
            getattr(self, name).merge(getattr(other, name))

    def frozen(self, provider: str, model: str) -> ModelMetrics:
        return ModelMetrics(
            provider,
            model,
            errors=dict(sorted(self.errors.items())),
            **{name: getattr(self, name) for name in _COUNTS},
            **{name: getattr(self, name).frozen() for name in _SPREADS},
        )


class MetricsCollector:
    """Counts the finished calls of this process while it is started, in every thread and task.

        with MetricsCollector() as metrics:
            chat.run("Why is the sky blue?")
        print(metrics.summary())

    It keeps counts only: no prompt, no reply, no key.

    Args:
        cost: Whether to ask for the price of each call: the one part that takes longer than
            counting does.
    """

    def __init__(self, *, cost: bool = True) -> None:
        self._cost = cost
        self._lock = threading.Lock()
        self._pending: deque[_Row] = deque()
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._began = time.monotonic()
        self._remove: Callable[[], None] | None = None

    def start(self) -> Self:
        """Count from now on. Does nothing while it is started."""
        with self._lock:
            if self._remove is None:
                self._remove = on_call(self._record)
        return self

    def stop(self) -> None:
        """Count no more; what was counted stays. Does nothing while it is stopped."""
        with self._lock:
            remove, self._remove = self._remove, None
        if remove is not None:
            remove()

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
        with self._lock:
            self._drain()
            seconds = time.monotonic() - self._began
            total = _Tally()
            for tally in self._tallies.values():
                total.merge(tally)
            models = [tally.frozen(*key) for key, tally in sorted(self._tallies.items())]
        return MetricsSnapshot(seconds, total.frozen("", ""), tuple(models))

    def reset(self) -> None:
        """Begin at zero."""
        with self._lock:
            # What is in the queue belongs to the time before.
            self._drain()
            self._tallies = {}
            self._began = time.monotonic()

    def summary(self) -> str:
        """A table for people: a line for each model, and one for all where there are several."""
        return metrics_text.table(self.snapshot())

    def prometheus(self) -> str:
        """The text format 0.0.4 of Prometheus, as a scrape of `/metrics` expects it."""
        return metrics_text.exposition(self.snapshot().models)

    def _record(self, event: CallEvent) -> None:
        usage, response = event.usage, event.response
        priced = None
        if self._cost and response is not None and usage is not None:
            priced = _Priced(response, usage)
        self._pending.append(
            (
                event.provider,
                event.model,
                event.error_kind,
                event.timing,
                usage,
                max(len(event.attempts) - 1, 0),
                priced,
            )
        )
        # Never waits: the collector of garbage may end a call while this thread holds the lock.
        # Whoever has it counts these later; `snapshot` at the latest.
        if len(self._pending) >= _BATCH and self._lock.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._lock.release()

    def _drain(self) -> None:
        pending, tallies = self._pending, self._tallies
        # Not until it is empty: other threads may add for as long as this one counts.
        for _ in range(len(pending)):
            row = pending.popleft()
            tally = tallies.get(row[:2])
            if tally is None:
                tally = tallies[row[:2]] = _Tally()
            tally.add(row)
