"""What a reply cost, by the best source there is."""

from __future__ import annotations

from tokenwire.catalog import genai_prices
from tokenwire.catalog.registry import shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal
    from typing import Any

    from tokenwire._engine import LlmResponse, Usage
    from tokenwire.catalog.registry import ModelRegistry


class Cost:
    """What a reply cost.

    Attributes:
        usd: US dollars.
        source: Who says so: the provider's name for its own figure, what the registry's entry
            names, or `"genai-prices"` with the version of its table.
        as_of: The day or moment from which the figure is; None where the source does not say.
    """

    __match_args__ = ("usd", "source", "as_of")
    __slots__ = ("as_of", "source", "usd")

    usd: Decimal
    source: str
    as_of: date | datetime | None

    def __init__(self, usd: Decimal, source: str, as_of: date | datetime | None = None) -> None:
        for name, value in (("usd", usd), ("source", source), ("as_of", as_of)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, _value: object) -> None:
        raise AttributeError(f"Cost is frozen: {name} cannot be set")

    def to_dict(self) -> dict[str, Any]:
        """The fields by name; the dollars as text, so that JSON keeps every digit."""
        as_of = None if self.as_of is None else self.as_of.isoformat()
        return {"usd": format(self.usd, "f"), "source": self.source, "as_of": as_of}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cost) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __reduce__(self) -> tuple[object, ...]:
        return Cost, self._fields()

    def __repr__(self) -> str:
        """Name the fields."""
        return f"Cost(usd={self.usd!r}, source={self.source!r}, as_of={self.as_of!r})"

    def _fields(self) -> tuple[Decimal, str, date | datetime | None]:
        return self.usd, self.source, self.as_of


def cost_of(reply: LlmResponse[Any], *, registry: ModelRegistry | None = None) -> Cost | None:
    """What a reply cost, by the best source there is.

    First the provider's own figure, where it sent one; then the price of the registry's entry;
    then the list price of `genai-prices` on the day of the reply (`pip install tokenwire[prices]`).
    Discounts, batches and service tiers are known only to the first.

    Args:
        reply: Whole, or what has come of a stream.
        registry: Where your prices are; without it the process's.

    Returns:
        None where there is no usage or no price: a price is never guessed.
    """
    usage = reply.usage
    if usage is None:
        return None
    return cost_of_usage(reply.provider, reply.model, reply.created, usage, registry or shared())


def cost_of_usage(
    provider: str, model: str, created: int | None, usage: Usage, registry: ModelRegistry
) -> Cost | None:
    """What a reply with these fields cost; see `cost_of`."""
    when = _moment(created)
    if usage.cost_usd is not None:
        from decimal import Decimal

        return Cost(Decimal(usage.cost_usd), provider, when)
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    entry = registry._models.get((provider, model))
    if entry is not None and entry.price is not None:
        usd = entry.price.of(usage)
        return Cost(usd, entry.price.source or "registry", entry.price.as_of)
    found = genai_prices.price_of(provider, model, usage, when)
    return None if found is None else Cost(*found)


def rates_of(
    provider: str, model: str, created: int | None, registry: ModelRegistry
) -> tuple[Decimal, Decimal, Decimal, Decimal, int] | None:
    """Dollars per token: of fresh, cached and written input, and of output.

    The last number is that of input tokens from which on a call costs something else. None where no
    price is known.
    """
    entry = registry._models.get((provider, model))
    if entry is not None and entry.price is not None:
        return entry.price.rates()
    return genai_prices.rates_of(provider, model, _moment(created))


def _moment(created: int | None) -> datetime | None:
    # Some servers send 0, and some milliseconds.
    if not created or not 0 < created < 1 << 33:
        return None
    from datetime import datetime, timezone

    return datetime.fromtimestamp(created, timezone.utc)
