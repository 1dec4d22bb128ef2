"""List prices, context windows and models, from the library `genai-prices` (`tokenwire[prices]`).

The only module that names that library. It brings its table with it, so nothing here uses the
network.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal
    from typing import Any

    from tokenwire._engine import Usage

# Our name of a provider and its. A provider that is not here has no list price there: servers of
# one's own, gateways whose price depends on who serves, and those that it does not carry.
_ITS_NAMES = {
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


# The library, or None where it is not installed: to look for it takes as long as a small call.
_found: dict[str, Any] = {}

# So many tokens show what one costs.
_PROBE = 1000


def price_of(
    provider: str, model: str, usage: Usage, when: datetime | None
) -> tuple[Decimal, str, datetime | None] | None:
    """Dollars by the provider's list price, the source, and when its table was brought up to date.

    Args:
        provider: Our name of the provider.
        model: The model as the reply names it.
        usage: What was used.
        when: When the call was made; prices change. None is now.

    Returns:
        None where the library is not installed, or does not know the model.
    """
    its_name = _ITS_NAMES.get(provider)
    if its_name is None or not model or (library := _library()) is None:
        return None
    used = library.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    try:
        found = library.calc_price(used, model, provider_id=its_name, genai_request_timestamp=when)
    except (LookupError, ValueError):
        # An unknown model, or counts that contradict each other: no price is better than a wrong
        # one.
        return None
    return found.total_price, f"genai-prices {library.__version__}", found.auto_update_timestamp


def rates_of(
    provider: str, model: str, when: datetime | None
) -> tuple[Decimal, Decimal, Decimal, Decimal, int] | None:
    """Dollars per token by the list price; see `cost.rates_of`.

    `price_of` takes longer than a call does. One look at the rates serves for many calls.
    """
    its_name = _ITS_NAMES.get(provider)
    if its_name is None or not model or (library := _library()) is None:
        return None

    from decimal import Decimal

    zero = Decimal(0)

    def price(**counts: int) -> Any:
        used = library.Usage(**counts)
        return library.calc_price(used, model, provider_id=its_name, genai_request_timestamp=when)

    try:
        nothing = price(input_tokens=0, output_tokens=0)
        fresh = price(input_tokens=_PROBE, output_tokens=0).total_price / _PROBE
        cached = price(input_tokens=_PROBE, output_tokens=0, cache_read_tokens=_PROBE)
        written = price(input_tokens=_PROBE, output_tokens=0, cache_write_tokens=_PROBE)
        output = price(input_tokens=0, output_tokens=_PROBE).total_price / _PROBE
    except LookupError:
        return None
    except ValueError:
        # It does not price one of these counts by itself; a call may have none of that kind.
        return zero, zero, zero, zero, 0
    tiers = [
        tier.start
        for rate in vars(nothing.model_price).values()
        for tier in getattr(rate, "tiers", ())
    ]
    limit = min(tiers, default=sys.maxsize)
    if nothing.total_price or limit <= _PROBE:
        # A price for each request, or of so small steps: no rate tells.
        limit = 0
    return fresh, cached.total_price / _PROBE, written.total_price / _PROBE, output, limit


def context_window(provider: str, model: str) -> int | None:
    """How many tokens fit, input and output together; None where it is not known."""
    its_name = _ITS_NAMES.get(provider)
    if _library() is None or its_name is None:
        return None
    try:
        _, row = _snapshot().find_provider_model(model, None, its_name, None)
    except LookupError:
        return None
    window: int | None = row.context_window
    return window


def models(provider: str) -> Iterator[tuple[str, int | None]]:
    """The models that it lists for a provider, with the context window; none without the extra."""
    its_name = _ITS_NAMES.get(provider)
    if _library() is None or its_name is None:
        return
    for row in _snapshot().providers:
        if row.id == its_name:
            for model in row.models:
                if not model.deprecated:
                    yield model.id, model.context_window


def _library() -> Any:
    if "library" not in _found:
        from importlib import import_module

        try:
            _found["library"] = import_module("genai_prices")
        except ImportError:
            _found["library"] = None
    return _found["library"]


def _snapshot() -> Any:
    from importlib import import_module

    return import_module("genai_prices.data_snapshot").get_snapshot()
