"""What is known about a provider, built-in or yours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from tokenwire import _engine
from tokenwire._pydantic import CONFIG_PROBLEM, Str, base_init
from tokenwire.catalog.model import Api, Row
from tokenwire.interface.interface import LlmClientInterface
from tokenwire.settings.address import PLACES, places_in
from tokenwire.settings.client_settings import check_text
from tokenwire.settings.secret import Secret, sealed_values
from tokenwire.types.params import OutputMode  # noqa: TC001, pydantic reads it

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
    """Why this is not the name of an environment variable. It may be a key instead."""
    # The keys of some providers look like words: long ones of small letters and digits.
    is_word = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
    if is_word and not re.fullmatch(r"(?=.*[a-z])(?=.*[0-9]).{20,}", name):
        return None
    return "it must be the name of an environment variable, not a key"


def _check_variable(name: str) -> str:
    problem = variable_problem(name)
    if problem is not None:
        raise PydanticCustomError("variable", "{text}", {"text": problem})
    return name


_Variable = Annotated[Str, AfterValidator(_check_variable)]


# In place of the value of a header in a dump.
_HIDDEN = repr(Secret(""))


def _check_header(value: object) -> Secret:
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        raise PydanticCustomError("header", "the value of a header is a str")
    if text == _HIDDEN:
        raise PydanticCustomError("header", "a dump leaves the value out; give it again")
    check_text(text, "headers")
    return value if isinstance(value, Secret) else Secret(text)


_HeaderValue = Annotated[
    Any, PlainValidator(_check_header), PlainSerializer(repr, return_type=str, when_used="always")
]
_Place = Literal["region", "project", "resource"]

_KEY_IN_QUERY = re.compile(r"(?i)[?&][^=&#]*(key|token|secret|sig|passw|auth|code)[^=&#]*=")


def _check_address(url: str) -> str:
    if "@" in url.partition("://")[2].partition("/")[0] or _KEY_IN_QUERY.search(url):
        raise PydanticCustomError(
            "address",
            "it contains a user name, password or key; name the key's variable in key_vars",
        )
    for place in places_in(url):
        if place not in PLACES:
            known = ", ".join(f"{{{name}}}" for name in PLACES)
            text = f"{{{place}}} is not a part that can be filled; there are {known}"
            raise PydanticCustomError("address", "{text}", {"text": text})
    return url


class LlmProvider(Row):
    """A description of a provider.

    For example, a provider with an OpenAI-compatible API:

        LlmProvider("acme", base_url="https://llm.acme.example/v1", key_vars=["ACME_API_KEY"])

    A provider with another API needs a custom client, which is called as
    `client(model, provider=name, …)`. It receives `base_url` and `api_key` only if this row or the
    caller sets them.

    Attributes:
        name: The part of a model string before the colon.
        base_url: Address of the API. If None, every client needs a `base_url`. It may contain
            `{region}`, `{project}` and `{resource}`, which the arguments of those names fill.
        address_vars: For each such part, the environment variables that may fill it, in order of
            preference, such as `{"region": ["ACME_REGION"]}`.
        key_vars: Environment variables that may hold the key, in order of preference.
        base_url_vars: Environment variables that may hold another address, in order of preference.
        key_required: Whether a client without a key is refused. Defaults to whether there are
            `key_vars`.
        auth_header: The header with the key, such as `"x-api-key"`. In `"authorization"`, the key
            is sent as a bearer token.
        api: The API that its clients speak by default, such as `"responses"`. None means
            `"chat"`, or `"completions"` for a `CompletionClient`.
        headers: Headers of each request, unless the caller gives others. Their values count as
            secret: errors, logs, `repr()`, dumps and pickles hide them. The key is not one of
            them.
        header_vars: Environment variables that may hold more headers, one `Name: value` on each
            line. Their values count as secret, too, and a client's own headers win.
        max_tokens_field: The field of a chat request for the token limit.
        stream_options: Whether streams may request usage.
        reasoning_back: What goes back of the reasoning in a reply: `"as_sent"` (each field as it
            came), `"never"`, `"blocks"` (the `thinking` blocks of the content, as Mistral has
            them), or the name of the one field that takes it, such as `"reasoning_content"`.
        output_mode: How the provider is asked for typed output: `"json_schema"` sends the schema;
            `"json_object"` asks for some JSON object, and the schema is part of the prompt;
            `"prompt"` does without `response_format`; `"tool"` makes the model call a tool whose
            arguments are the answer.
        client: The class of its clients, if it needs custom ones.
        is_built_in: Whether it is built in.
    """

    name: _ProviderName
    base_url: Annotated[Str, AfterValidator(_check_address)] | None = None
    address_vars: dict[_Place, tuple[_Variable, ...]] = Field(default_factory=dict)
    key_vars: tuple[_Variable, ...] = ()
    base_url_vars: tuple[_Variable, ...] = ()
    key_required: bool = False
    auth_header: _HeaderName = "authorization"
    api: Api | None = None
    headers: dict[_HeaderName, _HeaderValue] = Field(default_factory=dict)
    header_vars: tuple[_Variable, ...] = ()
    max_tokens_field: _FieldName = "max_tokens"
    stream_options: bool = True
    reasoning_back: _FieldName = "as_sent"
    output_mode: OutputMode = "json_schema"
    # A dump cannot contain code.
    client: _Client | None = Field(default=None, exclude=True)
    is_built_in: bool = False

    @base_init
    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        address_vars: Mapping[str, Iterable[str]] | None = None,
        key_vars: Iterable[str] | None = None,
        base_url_vars: Iterable[str] | None = None,
        key_required: bool | None = None,
        auth_header: str | None = None,
        api: str | None = None,
        headers: Mapping[str, str] | None = None,
        header_vars: Iterable[str] | None = None,
        max_tokens_field: str | None = None,
        stream_options: bool | None = None,
        reasoning_back: str | None = None,
        output_mode: OutputMode | None = None,
        client: type[LlmClientInterface] | None = None,
        **unknown: object,
    ) -> None:
        super().__init__(
            name=name,
            base_url=base_url,
            address_vars=address_vars,
            key_vars=key_vars,
            base_url_vars=base_url_vars,
            key_required=key_required,
            auth_header=auth_header,
            api=api,
            headers=sealed_values(headers),
            header_vars=header_vars,
            max_tokens_field=max_tokens_field,
            stream_options=stream_options,
            reasoning_back=reasoning_back,
            output_mode=output_mode,
            client=client,
            **unknown,
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("is_built_in"):
            return data
        return {"key_required": bool(data.get("key_vars")), **data}

    def __hash__(self) -> int:
        return hash((self.name, self.base_url, self.key_vars, tuple(self.headers)))

    @classmethod
    def built_in(cls, name: str) -> LlmProvider:
        """The built-in provider of that name.

        Raises:
            LlmConfigError: It does not exist, or its API is not supported yet.
        """
        return cls.model_validate({**_engine.provider_row(name), "is_built_in": True})
