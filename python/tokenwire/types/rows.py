"""What is known of models and providers, as values."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from datetime import date  # noqa: TC003, pydantic reads the annotations of fields
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.types._base import CONFIG_PROBLEM, Model, Str, base_init, given, nearest_name

if TYPE_CHECKING:
    from tokenwire._engine import Usage
    from tokenwire.interface import LlmClientInterface

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
_HeaderName = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
]
_FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


def _check_client(value: object) -> object:
    from tokenwire.interface import LlmClientInterface

    if isinstance(value, type) and issubclass(value, LlmClientInterface):
        return value
    raise PydanticCustomError(CONFIG_PROBLEM, "client: give a subclass of LlmClientInterface")


_Client = Annotated[Any, PlainValidator(_check_client)]


def variable_problem(name: str) -> str | None:
    """Why this is no name of an environment variable; it may be a key that was written there."""
    # The keys of some providers are words, too: long ones of small letters and digits.
    is_word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    if is_word and not re.fullmatch(r"(?=.*[a-z])(?=.*[0-9]).{20,}", name):
        return None
    return "it must be the name of an environment variable; a key does not belong here"


def _check_variable(name: str) -> str:
    problem = variable_problem(name)
    if problem is not None:
        raise PydanticCustomError("variable", "{text}", {"text": problem})
    return name


_Variable = Annotated[Str, AfterValidator(_check_variable)]


def _check_address(url: str) -> str:
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise PydanticCustomError(
            "address", "it holds a user name or password: name the variable of the key in key_vars"
        )
    return url


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


class _Row(Model):
    """A frozen value whose fields are all known."""

    # A value may be a key, in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __setattr__(self, name: str, _value: object) -> None:
        # pydantic's own error would leave us otherwise.
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")


class Price(_Row):
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
        fields = given(
            input=input,
            output=output,
            cached_input=cached_input,
            cache_write=cache_write,
            source=source,
            as_of=as_of,
        )
        super().__init__(**fields, **unknown)

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


class ModelConfig(_Row):
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
    api: Literal["chat", "completions"] | None = None
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
        fields = given(
            name=name,
            provider=provider,
            api=api,
            context_window=context_window,
            max_output_tokens=max_output_tokens,
            capabilities=capabilities,
            supported_parameters=supported_parameters,
            price=price,
            aliases=aliases,
        )
        super().__init__(**fields, **unknown)

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


class LlmProvider(_Row):
    """A provider as data.

    One of your own speaks OpenAI's dialect at its own address, with its own key:

        LlmProvider("acme", base_url="https://llm.acme.example/v1", key_vars=["ACME_API_KEY"])

    One that speaks anything else has a client of its own, `client(model, provider=name, …)`. It is
    given `base_url` and `api_key` only where this row or the caller names them.

    Attributes:
        name: What stands before the colon of a model string.
        base_url: Address of the API; None where a client must be given one.
        key_vars: Environment variables that may hold the key, in order.
        base_url_vars: Environment variables that may hold another address, in order.
        key_required: Whether a client without a key is refused; without it, whether there are
            `key_vars`.
        auth_header: Header that carries the key, such as `"x-api-key"`; `"authorization"` carries
            it as a bearer token.
        max_tokens_field: Field of a chat request for the token limit.
        stream_options: Whether streams may ask for usage.
        client: The class of its clients, where it is not the engine that speaks to it.
        is_built_in: Whether it is the engine's own.
    """

    name: _ProviderName
    base_url: Annotated[Str, AfterValidator(_check_address)] | None = None
    key_vars: tuple[_Variable, ...] = ()
    base_url_vars: tuple[_Variable, ...] = ()
    key_required: bool = False
    auth_header: _HeaderName = "authorization"
    max_tokens_field: _FieldName = "max_tokens"
    stream_options: bool = True
    # No dump has it: it is code.
    client: _Client | None = Field(default=None, exclude=True)
    is_built_in: bool = False

    @base_init
    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        key_vars: Iterable[str] | None = None,
        base_url_vars: Iterable[str] | None = None,
        key_required: bool | None = None,
        auth_header: str | None = None,
        max_tokens_field: str | None = None,
        stream_options: bool | None = None,
        client: type[LlmClientInterface] | None = None,
        **unknown: object,
    ) -> None:
        fields = given(
            name=name,
            base_url=base_url,
            key_vars=key_vars,
            base_url_vars=base_url_vars,
            key_required=key_required,
            auth_header=auth_header,
            max_tokens_field=max_tokens_field,
            stream_options=stream_options,
            client=client,
        )
        super().__init__(**fields, **unknown)

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("is_built_in"):
            return data
        return {"key_required": bool(data.get("key_vars")), **data}

    @classmethod
    def built_in(cls, name: str) -> LlmProvider:
        """The engine's own provider of that name.

        Raises:
            LlmConfigError: There is none, or its API is not spoken yet.
        """
        return cls.model_validate({**_engine.provider_row(name), "is_built_in": True})
