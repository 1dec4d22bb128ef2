"""What is known about a model, and its price."""

from __future__ import annotations

from datetime import date  # noqa: TC003, pydantic reads the annotations of fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from tokenwire import _engine
from tokenwire._pydantic import Model, Str, base_init, nearest_name

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

_Tokens = Annotated[int, Field(gt=0, strict=True)]
_Dollars = Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]


def unknown_capability(name: str) -> str:
    """The problem with an unknown capability, with the most similar name."""
    near = nearest_name(name, CAPABILITIES)
    hint = f"did you mean {near}?" if near else f"one of: {', '.join(sorted(CAPABILITIES))}"
    return f"capability {name!r}: unknown; {hint}"


class Row(Model):
    """A frozen entry of the catalog that accepts no unknown fields."""

    # An input may be a key that was written in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    # Without it, type checkers would give each class an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    def __setattr__(self, name: str, _value: object) -> None:
        # pydantic would raise an error of its own.
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")


class Price(Row):
    """US dollars per million tokens.

    Attributes:
        input: Input that was not cached.
        output: Output, including reasoning.
        cached_input: Input read from the provider's cache. Defaults to `input`.
        cache_write: Input written to the provider's cache. Defaults to `input`.
        source: Where the price is from, such as a URL.
        as_of: The date on which it was read there.
    """

    input: _Dollars
    output: _Dollars
    cached_input: _Dollars | None = None
    cache_write: _Dollars | None = None
    source: Str | None = None
    as_of: date | None = None

    if TYPE_CHECKING:  # the types that callers may pass; the fields have those that are kept

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
        ) -> None: ...

    def of(self, usage: Usage) -> Decimal:
        """The cost of this usage in dollars. An unknown count counts as 0."""
        cached = usage.cached_tokens or 0
        written = usage.cache_write_tokens or 0
        fresh = max((usage.prompt_tokens or 0) - cached - written, 0)
        per_million = (
            fresh * self.input
            + cached * (self.input if self.cached_input is None else self.cached_input)
            + written * (self.input if self.cache_write is None else self.cache_write)
            + (usage.completion_tokens or 0) * self.output
        )
        return per_million / 1_000_000


def _check_api(name: str) -> str:
    if name not in _engine.apis():
        known = " or ".join(f"'{api}'" for api in _engine.apis())
        raise PydanticCustomError("api", "Input should be {known}", {"known": known})
    return name


Api = Annotated[str, AfterValidator(_check_api)]


class ModelConfig(Row):
    """What is known about a model. None means unknown.

    Attributes:
        name: Its id, without the provider.
        provider: Its provider's name.
        api: The API to call it by. `"completions"` is for a model that continues text; the default
            is the provider's.
        context_window: The maximum number of tokens, input and output together.
        max_output_tokens: The maximum number of tokens of a reply.
        capabilities: What it can do; each is one of `CAPABILITIES`.
        supported_parameters: The names of the request parameters that it accepts.
        price: What it costs.
        aliases: Other ids of the same model, such as the dated id in replies.
    """

    name: Annotated[Str, Field(min_length=1)]
    provider: Annotated[Str, Field(min_length=1)]
    api: Api | None = None
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
                raise PydanticCustomError(
                    "capability", "{text}", {"text": unknown_capability(name)}
                )
        return names

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values; sets are sorted."""
        fields = self.model_dump(mode="json")
        for name in ("capabilities", "supported_parameters"):
            if fields[name] is not None:
                fields[name].sort()
        return fields
