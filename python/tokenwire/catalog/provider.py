"""What is known of a provider: the engine's own, or one of yours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from tokenwire import _engine
from tokenwire._pydantic import CONFIG_PROBLEM, Str, base_init
from tokenwire.catalog.row import Row
from tokenwire.interface.interface import LlmClientInterface

_HeaderName = Annotated[
    str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
]
_FieldName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
_ProviderName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]


def _check_client(value: object) -> object:
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


class LlmProvider(Row):
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
        super().__init__(
            name=name,
            base_url=base_url,
            key_vars=key_vars,
            base_url_vars=base_url_vars,
            key_required=key_required,
            auth_header=auth_header,
            max_tokens_field=max_tokens_field,
            stream_options=stream_options,
            client=client,
            **unknown,
        )

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
