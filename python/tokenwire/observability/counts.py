"""What a collector has counted, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


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
        calls: Finished calls: those that succeeded, failed or were abandoned.
        cancelled: Calls that their task, their stream or their program abandoned.
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
        failed_latency: Seconds from the start of a call to the error that it ended in.
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
    failed_latency: Distribution
    first_token: Distribution
    tokens_per_second: Distribution

    @property
    def failed(self) -> int:
        """How many calls ended in an error; an abandoned call did not."""
        return sum(self.errors.values())
