"""List prices, context windows and models, from the library `genai-prices` (`tokenwire[prices]`).

This is the only module that names the library. The library contains its table, so nothing here
uses the network.
"""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire._engine import Usage

# Our providers by the library's names. Missing are the user's own servers, gateways whose price
# depends on the provider behind them, and providers that the library does not have.
_SAME_NAMES = (
    *("anthropic", "azure", "cerebras", "cohere", "deepseek", "fireworks", "google", "groq"),
    *("mistral", "openai", "openrouter", "perplexity", "together", "zai"),
)
_LIBRARY_NAMES = {name: name for name in _SAME_NAMES} | {
    "gemini": "google",
    "moonshot": "moonshotai",
    "vertex": "google",
    "xai": "x-ai",
}
_ZERO = Decimal(0)


def price_of(
    provider: str, model: str, usage: Usage, when: datetime | None
) -> tuple[Decimal, str, datetime | None] | None:
    """The cost in dollars by the provider's list price, its source, and the date of the table.

    This reads the library's rates: its own `calc_price` takes 60 µs, longer than a call.

    Args:
        provider: Our name of the provider.
        model: The model as named by the reply.
        usage: The tokens to pay for.
        when: The time of the call, because prices change; None means now.

    Returns:
        None if the library is not installed or does not know the model, and if the counts
        contradict each other: no price is better than a wrong one.
    """
    found = _model(provider, model)
    if found is None:
        return None
    snapshot, entry = found
    rates = vars(entry.get_prices(when or datetime.now(timezone.utc)))
    prompt = usage.prompt_tokens or 0
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    if cached + written > prompt:
        return None
    fresh_rate = _rate(rates.get("input_mtok"), prompt, _ZERO)
    per_million = (prompt - cached - written) * fresh_rate
    if cached:
        per_million += cached * _rate(rates.get("cache_read_mtok"), prompt, fresh_rate)
    if written:
        per_million += written * _rate(rates.get("cache_write_mtok"), prompt, fresh_rate)
    output_rate = _rate(rates.get("output_mtok"), prompt, _ZERO)
    per_million += (usage.completion_tokens or 0) * output_rate
    usd = per_million / 1_000_000
    if "requests_kcount" in rates:
        usd += _rate(rates["requests_kcount"], prompt, _ZERO) / 1_000
    updated = snapshot.timestamp if snapshot.from_auto_update else None
    return usd, f"genai-prices {_library().__version__}", updated


def _rate(price: Any, prompt_tokens: int, default: Decimal) -> Decimal:
    """Dollars per million tokens (or per thousand requests)."""
    if price is None or isinstance(price, Decimal):
        return default if price is None else price
    # Above the start of a tier, all tokens cost what the tier says.
    reached = [tier.price for tier in price.tiers if prompt_tokens > tier.start]
    dollars: Decimal = reached[-1] if reached else price.base
    return dollars


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
