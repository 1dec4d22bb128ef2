"""What is known of a model, and what it costs."""

from __future__ import annotations

import sys
from datetime import date  # noqa: TC003, pydantic reads the annotations of fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from tokenwire import _engine
from tokenwire._pydantic import Str, base_init, nearest_name
from tokenwire.catalog.row import Row
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenwire._engine import Usage

CAPABILITIES = frozenset(
    {
        "audio",
        "completions",
        "embeddings",
        "files",
        "image",
        "json_schema",
        "logprobs",
        "reasoning",
        "streaming",
        "system",
        "tools",
        "video",
        "vision",
    }
)
_MILLION = 1_000_000

_Tokens = Annotated[int, Field(gt=0, strict=True)]
_Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def check_capability(name: str) -> None:
    """Refuse a capability that no entry can have.

    Raises:
        LlmConfigError: There is none of that name.
    """
    if name not in CAPABILITIES:
        raise LlmConfigError(_no_capability(name))


def _no_capability(name: str) -> str:
    near = nearest_name(name, CAPABILITIES)
    hint = f"did you mean {near}?" if near else f"one of: {', '.join(sorted(CAPABILITIES))}"
    return f"capability {name!r}: unknown; {hint}"


class Price(Row):
    """US dollars per million tokens.

    Attributes:
        input: Input that was not cached.
        output: Output, reasoning included.
        cached_input: Input read from the provider's cache; None charges it as `input`.
        cache_write: Input written to the cache; None charges it as `input`.
        source: Where the price is from, such as the address of a page.
        as_of: The day on which it was read there.
    """

    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None
    cache_write: _Dollars | None = None
    source: Str | None = None
    as_of: date | None = None

    @base_init
    def __init__(
        self,
        *,
        input: Decimal | float | str,  # noqa: A002 (the field's name)
        output: Decimal | float | str,
        cached_input: Decimal | float | str | None = None,
        cache_write: Decimal | float | str | None = None,
        source: str | None = None,
        as_of: date | str | None = None,
        **unknown: object,
    ) -> None:
        super().__init__(
            input=input,
            output=output,
            cached_input=cached_input,
            cache_write=cache_write,
            source=source,
            as_of=as_of,
            **unknown,
        )

    def rates(self) -> tuple[Decimal, Decimal, Decimal, Decimal, int]:
        """Dollars per token: of fresh, cached and written input, of output; for any number."""
        cached = self.input if self.cached_input is None else self.cached_input
        written = self.input if self.cache_write is None else self.cache_write
        fresh, cached, written, output = (
            price / _MILLION for price in (self.input, cached, written, self.output)
        )
        return fresh, cached, written, output, sys.maxsize

    def of(self, usage: Usage) -> Decimal:
        """Dollars for what was used; a count that is unknown is 0."""
        input_rate, cached_rate, written_rate, output_rate, _ = self.rates()
        cached = usage.cached_tokens or 0
        written = usage.cache_write_tokens or 0
        fresh = max((usage.prompt_tokens or 0) - cached - written, 0)
        return (
            fresh * input_rate
            + cached * cached_rate
            + written * written_rate
            + (usage.completion_tokens or 0) * output_rate
        )


def _check_api(name: str) -> str:
    if name not in _engine.apis():
        known = " or ".join(f"'{api}'" for api in _engine.apis())
        raise PydanticCustomError("api", "Input should be {known}", {"known": known})
    return name


class ModelConfig(Row):
    """What is known of a model; None is unknown.

    Attributes:
        name: Its id, without a provider.
        provider: Its provider's name.
        api: The API that it is called by: `"completions"` for a model that continues text. A model
            without one is called by chat.
        context_window: Most tokens of input and output together.
        max_output_tokens: Most tokens of a reply.
        capabilities: What it can, of `CAPABILITIES`.
        supported_parameters: Names of the request parameters that it takes.
        price: What it costs.
        aliases: Other ids of the same model, such as the dated one that replies carry.
    """

    name: Annotated[Str, Field(min_length=1)]
    provider: Annotated[Str, Field(min_length=1)]
    api: Annotated[str, AfterValidator(_check_api)] | None = None
    context_window: _Tokens | None = None
    max_output_tokens: _Tokens | None = None
    capabilities: frozenset[Str] | None = None
    supported_parameters: frozenset[Str] | None = None
    price: Price | None = None
    aliases: tuple[Str, ...] = ()

    @base_init
    def __init__(
        self,
        name: str,
        provider: str,
        *,
        api: str | None = None,
        context_window: int | None = None,
        max_output_tokens: int | None = None,
        capabilities: Iterable[str] | None = None,
        supported_parameters: Iterable[str] | None = None,
        price: Price | Mapping[str, object] | None = None,
        aliases: Iterable[str] | None = None,
        **unknown: object,
    ) -> None:
        super().__init__(
            name=name,
            provider=provider,
            api=api,
            context_window=context_window,
            max_output_tokens=max_output_tokens,
            capabilities=capabilities,
            supported_parameters=supported_parameters,
            price=price,
            aliases=aliases,
            **unknown,
        )

    @field_validator("capabilities")
    @classmethod
    def _are_known(cls, names: frozenset[str] | None) -> frozenset[str] | None:
        for name in sorted(names or ()):
            if name not in CAPABILITIES:
                raise PydanticCustomError("capability", "{text}", {"text": _no_capability(name)})
        return names

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values; sets are sorted."""
        fields = self.model_dump(mode="json")
        for name in ("capabilities", "supported_parameters"):
            if fields[name] is not None:
                fields[name].sort()
        return fields
