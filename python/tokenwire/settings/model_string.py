"""Model strings: which provider, which model, which address."""

from __future__ import annotations

from os import environ

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.settings.address import Filled, check_places, origin_of
from tokenwire.settings.client_settings import check_text
from tokenwire.settings.header_lines import headers_in
from tokenwire.settings.secret import Secret, sealed_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any, Protocol

    class ProviderRow(Protocol):
        """The fields of an `LlmProvider` that are read here; the class itself is above."""

        name: str
        is_built_in: bool
        key_vars: tuple[str, ...]
        key_required: bool
        api: str | None
        client: Any

        def __iter__(self) -> Iterator[tuple[str, Any]]:
            """Names and values of all fields."""


# A server that speaks OpenAI's dialect and is not in the table of providers.
COMPATIBLE = "openai-compatible"
# They begin the query and the fragment of a URL.
_ADDRESS_MARKS = frozenset("?#")


class ModelString:
    """A model string in its parts. The provider may be unknown.

    Attributes:
        provider: The text before the first colon; empty if there is no colon.
        name: The model's id.
        address: `host:port` of `provider://host:port@model`; None for other forms.
    """

    __slots__ = ("address", "name", "provider")

    def __init__(self, text: str) -> None:
        provider, colon, rest = text.partition(":")
        self.provider = provider if colon else ""
        self.name = rest if colon else text
        self.address: str | None = None
        if colon and rest.startswith("//"):
            # Only the first @ splits: an id may be a file path, or contain another @.
            self.address, _, self.name = rest[2:].partition("@")


class ModelAddress(str):
    """A base URL from a model string. It gets no key that is meant for another server."""

    __slots__ = ()


class Target:
    """The provider, model and address that a client calls.

    Attributes:
        row: The provider's row, unless it is built in.
    """

    __slots__ = ("base_url", "model", "provider", "row")

    def __init__(
        self, provider: str, model: str, base_url: str | None, row: ProviderRow | None = None
    ) -> None:
        self.provider = provider
        self.model = model
        self.base_url = base_url
        self.row = row


def resolve(
    model: Any,
    provider: str | ProviderRow | None,
    base_url: str | None,
    *,
    api: str | None = None,
    custom: Callable[[str], ProviderRow | None] = lambda _: None,
    problem: Callable[[str], str | None] = _engine.provider_problem,
) -> Target:
    """Find the provider, model and address of a client.

    `provider:model` splits at the first colon, and only if the provider is known.
    `vllm://host:port@model` contains the address. With `provider`, the model is not split. A bare
    id needs `base_url`, and the server is assumed to speak OpenAI's dialect.

    Args:
        model: A model string or an id.
        provider: The name of the provider, or its row.
        base_url: The address.
        api: The API that is asked for.
        custom: Returns the row of a custom provider.
        problem: Says why a provider is unknown.

    Raises:
        LlmConfigError: The string is empty, or it names no provider and there is no `base_url`.
    """
    if not isinstance(model, str) or not model.strip():
        raise LlmConfigError('model: give a string such as "openai:gpt-4o-mini"')
    check_text(model, "model")
    if isinstance(provider, str):
        check_text(provider, "provider")
        return Target(provider, model, base_url, custom(provider))
    if provider is not None:
        if not hasattr(provider, "key_vars"):
            kind = type(provider).__name__
            raise LlmConfigError(f"provider: give a str or an LlmProvider, not {kind}")
        return Target(provider.name, model, base_url, None if provider.is_built_in else provider)
    parts = ModelString(model)
    head = parts.provider
    row = custom(head) if head else None
    if row is None and not _engine.is_provider(head):
        if base_url is None:
            raise LlmConfigError(f'model: "{model}"{_no_provider(model, problem)}')
        # With an address, `gemma3:4b` is the id of a model, and `gemma3` not a provider.
        return Target(COMPATIBLE, model, base_url)
    if parts.address is not None:
        default = _engine.provider_apis(head)[0] if row is None else row.api
        base_url = _base_url(model, parts, base_url, api or default)
    elif not parts.name.strip():
        raise LlmConfigError(f'model: there is no model after "{head}:"')
    if row is None and _engine.provider_problem(head) is None:
        # It may be another name of the provider.
        head = _row(head)["name"]
    return Target(head, parts.name, base_url, row)


def _base_url(model: str, parts: ModelString, base_url: str | None, api: str | None) -> str:
    """The base URL for the address in a model string."""
    if not (parts.address and parts.name) or not _ADDRESS_MARKS.isdisjoint(parts.address):
        form = f"{parts.provider}://host:port@model"
        raise LlmConfigError(f'model: "{model}" is not of the form {form}')
    if base_url is not None:
        raise LlmConfigError("base_url: the model string already contains an address; give one")
    address = parts.address.rstrip("/")
    # Gemini's calls add its own version to an address without one, but not on Vertex.
    is_whole = "/" in address or (api == "gemini" and parts.provider != "vertex")
    return ModelAddress(f"http://{address}{'' if is_whole else '/v1'}")


def could_be_provider(name: str) -> bool:
    """Whether the text before a colon looks like the name of a provider."""
    # Other libraries have providers with hyphens, such as google-gla.
    return name.replace("-", "_").isidentifier()


def _no_provider(model: str, problem: Callable[[str], str | None]) -> str:
    """Why a model string has no provider, and what to write."""
    head = ModelString(model).provider
    if could_be_provider(head):
        return f": {problem(head)}"
    head, separator, rest = model.partition("/")
    if separator and _engine.is_provider(head):
        return (
            f' names no provider; write "{head}:{rest}" (a colon), or give base_url= if that is '
            "the id on your own server"
        )
    head = {"claude": "anthropic", "gemini": "google"}.get(model.partition("-")[0], "openai")
    return (
        f' names no provider; write "provider:model", such as "{head}:{model}", or give base_url='
    )


# What the engine gets of a `Found` besides the key and the address.
_OF_ENGINE = ("key_name", "base_url_name", "no_key", "no_address")
# Rows of the engine's table, which stays the same. They are not changed here, either.
_rows: dict[str, Mapping[str, Any]] = {}


class Found:
    """The key and the address of a client, and where they came from.

    Attributes:
        api_key: The key, sealed; None until one is found.
        key_name: What messages call it: its variable, or `api_key`.
        base_url: The address; None until one is found.
        base_url_name: What messages call it: its variable, or `base_url`.
        no_key: What to say if a key is needed, because that of the environment is withheld.
        headers: More headers of each request, sealed.
        headers_from: The variable that each of them came from.
        no_address: What to say if the address lacks a part; None if the engine has words for it.
        needs_key: Whether calls need a key.
        key_vars: Variables that may hold the key later.
        base_url_vars: Variables that may hold the address later.
    """

    key_name = "api_key"
    base_url_name = "base_url"
    no_key: str | None = None
    headers: Mapping[str, Secret] | None = None
    headers_from: Mapping[str, str] = {}
    no_address: str | None = None
    needs_key = False
    key_vars: Sequence[str] = ()
    base_url_vars: Sequence[str] = ()

    def __init__(self, api_key: Secret | None, base_url: str | Secret | None) -> None:
        self.api_key = api_key
        self.base_url = base_url

    def add_to(self, settings: dict[str, Any]) -> None:
        """Add key and address as the engine takes them, with their names unless they are usual."""
        settings["api_key"] = self.api_key
        settings["base_url"] = self.base_url
        own = vars(self)
        settings.update({name: own[name] for name in _OF_ENGINE if name in own})
        if self.headers:
            # The last of the same name wins.
            given = settings.get("headers") or {}
            settings["headers"] = {**self.headers, **given}
            rest = self.headers_from.keys() - {name.lower() for name in given}
            settings["headers_from"] = {name: self.headers_from[name] for name in rest}


def key_and_address(
    target: Target,
    api_key: Secret | None,
    key_vars: Sequence[str] | None = None,
    before: Found | None = None,
    places: Mapping[str, str] = {},
) -> Found:
    """Take a missing key or base URL from the environment variables of the provider.

    The key of a provider that has an address of its own is not for an address in a model string,
    which a user of the program may have chosen; see `_may_have_key`. It is for the address that
    `base_url=`, its variable or the `base_url` of a configuration gives.

    Args:
        target: What the client calls.
        api_key: The key that the caller gave.
        key_vars: Variables that hold the key, in place of the provider's; none if a callable
            returns it.
        before: What an earlier lookup found. That is kept.
        places: What the caller gave for the places of the provider's address.

    Raises:
        LlmConfigError: A part of the address is wrong, or the address may not have the headers of
            the provider.
        LlmValidationError: A value holds what UTF-8 cannot carry; the message names its variable.
    """
    if target.provider == "sim":
        return Found(None, target.base_url or _engine.embedded_sim())
    found = Found(api_key, target.base_url)
    if before is not None:
        found.api_key, found.key_name = before.api_key, before.key_name
        found.base_url, found.base_url_name = before.base_url, before.base_url_name
    row = _row(target.provider) if target.row is None else dict(target.row)
    if places:
        check_places(row, places, target.base_url)
    if row["headers"] and target.row is not None:
        _check_headers(target, row)
    found.needs_key = row["key_required"] or bool(key_vars)
    if found.api_key is None:
        _find_key(found, target, row, row["key_vars"] if key_vars is None else key_vars)
    if row["header_vars"] and not _is_for_another(target, row, row["key_vars"]):
        found.headers, found.headers_from = headers_in(row["header_vars"])
    if target.base_url is None and (before is None or before.base_url_vars):
        _find_address(found, row, places)
    if found.api_key is not None and not callable(found.api_key):
        check_text(found.api_key, found.key_name)
    if found.base_url is not None:
        check_text(found.base_url, found.base_url_name)
    return found


def _row(provider: str) -> Mapping[str, Any]:
    """The fields of a provider of the engine's table."""
    row = _rows.get(provider)
    if row is None:
        row = _rows[provider] = _engine.provider_row(provider)
    return row


def _find_key(
    found: Found, target: Target, row: Mapping[str, Any], variables: Sequence[str]
) -> None:
    """Take the key from the first of these variables that is set, if the address may have it."""
    found.key_vars = variables
    if _is_for_another(target, row, variables):
        if variables:
            found.no_key = (
                f"model: the key in {' or '.join(variables)} is not sent to {target.base_url}, "
                "an address in a model string; give the address as base_url=, or a key for it as "
                "api_key="
            )
    elif (name := _first_set(variables)) is not None:
        found.api_key, found.key_name, found.key_vars = Secret(environ[name]), name, ()


def _find_address(found: Found, row: Mapping[str, Any], places: Mapping[str, str]) -> None:
    """Take the address of the provider, or that of its first variable that is set."""
    found.base_url, found.base_url_vars = row["base_url"], row["base_url_vars"]
    # A part of the address from the caller wins over the whole one of the environment.
    if not places and (name := _first_set(found.base_url_vars)) is not None:
        found.base_url, found.base_url_name = sealed_url(environ[name]), name
        found.base_url_vars = ()
    elif "{" in (row["base_url"] or ""):
        filled = Filled(row, places)
        found.base_url, found.no_address = filled.url, filled.problem
        found.base_url_vars = (*found.base_url_vars, *filled.variables)


def _check_headers(target: Target, row: Mapping[str, Any]) -> None:
    """Refuse to send the headers of a custom provider to an address that is not for its key."""
    if _is_for_another(target, row, ()):
        raise LlmConfigError(
            f"model: the headers of provider {target.provider} are not sent to {target.base_url}, "
            "an address in a model string; give the address as base_url="
        )


def check_no_address(model: str, provider: str) -> None:
    """Refuse the model of a call if it contains an address; the client's provider is `provider`.

    A program may pass on what its user asks for. That must not choose where the prompt goes. Ids
    such as `s3://bucket/model` are not addresses.

    Raises:
        LlmConfigError: The model contains an address.
    """
    parts = ModelString(model)
    if parts.address is None:
        return
    head = parts.provider.lower()
    is_scheme = head in (provider, "http", "https") or _engine.is_provider(head)
    if is_scheme or "@" in model:
        raise LlmConfigError(
            f'model: "{model}" contains an address, and the model of a call names no server; '
            "create a client with base_url= for it"
        )


def _is_for_another(target: Target, row: Mapping[str, Any], variables: Sequence[str]) -> bool:
    """Whether an address in a model string may not get what these variables of a provider hold."""
    address = target.base_url
    return isinstance(address, ModelAddress) and not _may_have_key(address, row, variables)


def _may_have_key(address: str, row: Mapping[str, Any], variables: Sequence[str]) -> bool:
    """Whether an address in a model string may get the key in these environment variables.

    It may if the provider has no address of its own: `vllm` and the other servers that people run
    themselves, and a custom provider without `base_url`. The variable must not be that of another
    provider which has one.
    """
    others = [_row(name) for name in _engine.provider_names()]
    users = [other for other in others if not set(variables).isdisjoint(other["key_vars"])]
    own = [_own_origin(one) for one in (row, *users)]
    origin = origin_of(address)
    # An address whose origin cannot be read does not belong to a provider.
    return all(one is None or one == origin != "" for one in own)


def _own_origin(row: Mapping[str, Any]) -> str | None:
    """The origin that a provider's key is for; empty if it is not known, None if it has none."""
    variables = row["base_url_vars"]
    name = _first_set(variables)
    url = row["base_url"] if name is None else environ[name]
    if url is None:
        # Each customer has another address, which a variable names.
        return "" if variables else None
    if "{" in url:
        # Azure: the same, by one of its parts.
        return ""
    origin = origin_of(url)
    # The rows of local servers name their usual port on this machine, which is only a default.
    is_default = url == row["base_url"] and origin.startswith("http://localhost:")
    return None if is_default else origin


def _first_set(variables: Sequence[str]) -> str | None:
    """The first of these environment variables that is set and not empty."""
    return next((name for name in variables if environ.get(name)), None)
