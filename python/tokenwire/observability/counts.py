"""The values in a snapshot of the metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Distribution:
    """The distribution of a quantity over buckets.

    Attributes:
        count: The number of values.
        sum: Their sum.
        min: The smallest value; None without values.
        max: The largest value; None without values.
        bounds: Upper bounds of the buckets, inclusive.
        counts: The number of values in each bucket. The last bucket, which has no bound, holds the
            values above all bounds.
        p50: The median, within 1 %; None without values.
        p90: The value that 90 % of the values do not exceed, within 1 %; None without values.
        p95: The same for 95 %.
        p99: The same for 99 %.
    """

    count: int
    sum: float
    min: float | None
    max: float | None
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean; None without values."""
        return self.sum / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """The counts of one model, or of all models together.

    Attributes:
        provider: The provider's name; empty for all models.
        model: The model that was requested; empty for all models.
        calls: Finished calls, whether they succeeded, failed or were abandoned.
        cancelled: Calls that the caller abandoned.
        errors: Failed calls by kind of error.
        retries: Attempts after the first one of each call.
        prompt_tokens: Prompt tokens as reported, including cached tokens.
        completion_tokens: Completion tokens as reported, including reasoning tokens if the provider
            counts them so.
        cached_tokens: Prompt tokens read from a cache, as reported.
        reasoning_tokens: Reasoning tokens as reported.
        without_usage: Calls for which the provider reported no tokens.
        cost_usd: The cost of the calls with a known price.
        without_price: Calls with tokens but without a known price, which `cost_usd` leaves out.
        latency: Seconds from the start of a call to its end, for calls that succeeded.
        failed_latency: Seconds from the start of a call to its error.
        first_token: Seconds from the start of a stream to its first token.
        tokens_per_second: The speed of each reply.
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
        """Calls that ended in an error; abandoned calls are not among them."""
        return sum(self.errors.values())
