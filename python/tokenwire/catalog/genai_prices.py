"""List prices, context windows and models, from the library `genai-prices` (`tokenwire[prices]`).

This is the only module that names the library. The library contains its table, so nothing here
uses the network.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal
    from typing import Any

    from tokenwire._engine import Usage

# Our providers by the library's names. Missing are the user's own servers, gateways whose price
# depends on the provider behind them, and providers that the library does not have.
_LIBRARY_NAMES = {
    "anthropic": "anthropic",
    "azure": "azure",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "gemini": "google",
    "google": "google",
    "groq": "groq",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "vertex": "google",
    "xai": "x-ai",
    "zai": "zai",
}

# The library, or None if it is not installed. Looking for it takes as long as a small call.
_found: dict[str, Any] = {}


def price_of(
    provider: str, model: str, usage: Usage, when: datetime | None
) -> tuple[Decimal, str, datetime | None] | None:
    """The cost in dollars by the provider's list price, its source, and the date of the table.

    The library's own `calc_price` takes 60 µs. This reads its rates, which takes 5.

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
    from datetime import datetime, timezone
    from decimal import Decimal

    rates = vars(found.get_prices(when or datetime.now(timezone.utc)))
    tokens = usage.prompt_tokens or 0
    cached, written = usage.cached_tokens or 0, usage.cache_write_tokens or 0
    if cached + written > tokens:
        return None

    def rate(name: str, default: Decimal) -> Decimal:
        price = rates.get(name)
        if price is None:
            return default
        if isinstance(price, Decimal):
            return price
        # Above the start of a tier, all tokens cost what that tier says.
        reached = [tier.price for tier in price.tiers if tokens > tier.start]
        dollars: Decimal = reached[-1] if reached else price.base
        return dollars

    zero = Decimal(0)
    fresh = rate("input_mtok", zero)
    per_million = (
        (tokens - cached - written) * fresh
        + cached * rate("cache_read_mtok", fresh)
        + written * rate("cache_write_mtok", fresh)
        + (usage.completion_tokens or 0) * rate("output_mtok", zero)
    )
    usd = per_million / 1_000_000 + rate("requests_kcount", zero) / 1_000
    snapshot = _snapshot()
    updated = snapshot.timestamp if snapshot.from_auto_update else None
    return usd, f"genai-prices {_library().__version__}", updated


def context_window(provider: str, model: str) -> int | None:
    """How many tokens fit, input and output together; None if unknown."""
    found = _model(provider, model)
    return None if found is None else found.context_window


def models(provider: str) -> Iterator[tuple[str, int | None]]:
    """The provider's models in the library, with their context windows."""
    name = _LIBRARY_NAMES.get(provider)
    if name is None or _library() is None:
        return
    for row in _snapshot().providers:
        if row.id == name:
            for model in row.models:
                if not model.deprecated:
                    yield model.id, model.context_window


def _model(provider: str, model: str) -> Any:
    """The library's entry of a model; None if there is none."""
    name = _LIBRARY_NAMES.get(provider)
    if name is None or not model or _library() is None:
        return None
    try:
        return _snapshot().find_provider_model(model, None, name, None)[1]
    except LookupError:
        return None


def _library() -> Any:
    if "library" not in _found:
        try:
            import genai_prices  # type: ignore[import-not-found,unused-ignore]

            _found["library"] = genai_prices
        except ImportError:
            _found["library"] = None
    return _found["library"]


def _snapshot() -> Any:
    return _library().data_snapshot.get_snapshot()
