"""What a reply cost, from the best available source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from time import time
from typing import TYPE_CHECKING, Any

from tokenwire.catalog import genai_prices
from tokenwire.catalog.registry import shared

if TYPE_CHECKING:
    from datetime import date

    from tokenwire._engine import LlmResponse, Usage
    from tokenwire.catalog.registry import ModelRegistry


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reply cost.

    Attributes:
        usd: US dollars.
        source: Where the figure is from: the provider's name if it sent the figure, the source
            named by the registry's entry, or `"genai-prices"` with its version.
        as_of: The date of the price; None if the source gives no date.
    """

    usd: Decimal
    source: str
    as_of: date | datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name. Dollars are text, so that JSON keeps every digit."""
        as_of = None if self.as_of is None else self.as_of.isoformat()
        return {"usd": format(self.usd, "f"), "source": self.source, "as_of": as_of}


def cost_of(reply: LlmResponse[Any], *, registry: ModelRegistry | None = None) -> Cost | None:
    """Return what a reply cost, from the best available source.

    The provider's own figure comes first, if it sent one. Next comes the price of the registry's
    entry, then the list price of `genai-prices` on the day of the reply
    (the extra `prices`). Only the provider's figure includes discounts, batch prices and service
    tiers.

    Args:
        reply: A whole reply, or the partial reply of a stream.
        registry: The registry with your prices. Defaults to the shared registry.

    Returns:
        None if the usage or the price is unknown. A price is never guessed.
    """
    usage = reply.usage
    if usage is None:
        return None
    found = price_of(
        usage, reply.provider, reply.model, reply.created, registry=registry or shared()
    )
    return None if found is None else Cost(*found)


def price_of(
    usage: Usage, provider: str, model: str, created: int | None, *, registry: ModelRegistry
) -> tuple[Decimal, str, date | datetime | None] | None:
    """The fields of the `Cost` of a reply with these fields; see `cost_of`."""
    # Some servers send 0, and some send milliseconds.
    if created is not None and not 0 < created < 1 << 33:
        created = None
    if usage.cost_usd is not None:
        when = None if created is None else datetime.fromtimestamp(created, timezone.utc)
        return Decimal(usage.cost_usd), provider, when
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    entry = registry._models.get((provider, model))
    if entry is not None and (price := entry.price) is not None:
        return price.of(usage), price.source or "registry", price.as_of
    listed = genai_prices.list_price(provider, model, created or int(time()))
    if listed is None or (usd := listed.of(usage)) is None:
        return None
    return usd, listed.source, listed.as_of
