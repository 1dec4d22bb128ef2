"""List prices, context windows and models, from the library `genai-prices` (the extra `prices`).

This is the only module that names the library. The library contains its table, so nothing here
uses the network.
"""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire._engine import Usage

# Our providers by the library's names. Missing are the user's own servers, gateways whose price
# depends on the provider behind them, and providers that the library does not have.
_SAME_NAMES = (
    "anthropic azure cerebras cohere deepseek fireworks google groq mistral openai openrouter "
    "minimax perplexity together zai"
)
_LIBRARY_NAMES = {name: name for name in _SAME_NAMES.split()} | {
    "bedrock": "aws",
    "foundry": "anthropic",
    "gemini": "google",
    "moonshot": "moonshotai",
    "vertex": "google",
    "xai": "x-ai",
}
_ZERO = Decimal(0)


class ListPrice(NamedTuple):
    """A model's list price at one time.

    Attributes:
        tiers: The number of prompt tokens above which each tier applies, highest first, and its
            dollars per token: fresh, cached and written input, and output.
        per_request: Dollars per request.
        source: The library and its version.
        as_of: When its table was last updated; None for the table that it was installed with.
    """

    tiers: tuple[tuple[int, tuple[Decimal, Decimal, Decimal, Decimal]], ...]
    per_request: Decimal
    source: str
    as_of: datetime | None

    def of(self, usage: Usage) -> Decimal | None:
        """The cost of this usage in dollars.

        Returns:
            None if the counts contradict each other: no price is better than a wrong one.
        """
        prompt = usage.prompt_tokens or 0
        cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
        if cached + written > prompt:
            return None
        # All tokens cost what the highest tier says that the prompt reaches.
        rates = self.tiers[-1][1]
        for start, rates_above in self.tiers:
            if prompt > start:
                rates = rates_above
                break
        usd = (prompt - cached - written) * rates[0] + (usage.completion_tokens or 0) * rates[3]
        if cached or written:
            usd += cached * rates[1] + written * rates[2]
        return usd + self.per_request if self.per_request else usd


# A table lookup and the library's own `calc_price` take 65 µs, longer than a call.
@lru_cache(maxsize=1_024)
def list_price(provider: str, model: str, unix_time: int) -> ListPrice | None:
    """The list price of a model at a time; prices change.

    Returns:
        None if the library is not installed or does not know the model.
    """
    found = _model(provider, model)
    if found is None:
        return None
    snapshot, entry = found
    rates = vars(entry.get_prices(datetime.fromtimestamp(unix_time, timezone.utc)))
    starts = {tier.start for rate in rates.values() for tier in getattr(rate, "tiers", ())}
    return ListPrice(
        tuple((start, _rates_above(start, rates)) for start in sorted({-1, *starts}, reverse=True)),
        (rates.get("requests_kcount") or _ZERO) / 1_000,
        f"genai-prices {_library().__version__}",
        snapshot.timestamp if snapshot.from_auto_update else None,
    )


def _rates_above(start: int, rates: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    def dollars(name: str, default: Decimal) -> Decimal:
        rate = rates.get(name)
        if rate is None:
            return default
        reached = [tier.price for tier in getattr(rate, "tiers", ()) if start >= tier.start]
        price: Decimal = reached[-1] if reached else getattr(rate, "base", rate)
        return price / 1_000_000

    fresh = dollars("input_mtok", _ZERO)
    return (
        fresh,
        dollars("cache_read_mtok", fresh),
        dollars("cache_write_mtok", fresh),
        dollars("output_mtok", _ZERO),
    )


def context_window(provider: str, model: str) -> int | None:
    """How many tokens fit, input and output together; None if unknown."""
    found = _model(provider, model)
    return None if found is None else found[1].context_window


def models(provider: str) -> Iterator[tuple[str, int | None]]:
    """The provider's models in the library, with their context windows."""
    name, snapshot = _LIBRARY_NAMES.get(provider), _snapshot()
    for row in snapshot.providers if snapshot else ():
        if row.id == name:
            for model in row.models:
                if not model.deprecated:
                    yield model.id, model.context_window


def _model(provider: str, model: str) -> tuple[Any, Any] | None:
    """The library's table and its entry of a model; None if there is no entry."""
    name = _LIBRARY_NAMES.get(provider)
    if name is None or not model or (snapshot := _snapshot()) is None:
        return None
    try:
        return snapshot, snapshot.find_provider_model(model, None, name, None)[1]
    except LookupError:
        return None


def _snapshot() -> Any:
    """The library's current table; None if the library is not installed."""
    library = _library()
    return None if library is None else library.data_snapshot.get_snapshot()


# Looking for the library takes as long as a small call.
@cache
def _library() -> Any:
    try:
        import genai_prices  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return genai_prices
