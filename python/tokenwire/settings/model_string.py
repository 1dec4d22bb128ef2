"""Model strings: which provider, which model, which address."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.settings.client_settings import check_text
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Protocol

    class ProviderRow(Protocol):
        """An `LlmProvider`, which stands above this module."""

        @property
        def name(self) -> str:
            """Its name in model strings."""

        @property
        def is_built_in(self) -> bool:
            """Whether it is the engine's own."""

        @property
        def key_vars(self) -> tuple[str, ...]:
            """Environment variables that may hold the key."""

        @property
        def key_required(self) -> bool:
            """Whether a client without a key is refused."""

        def __iter__(self) -> Iterator[tuple[str, Any]]:
            """Names and values of the fields."""


# A server that speaks OpenAI's dialect and that no row names.
COMPATIBLE = "openai-compatible"


class Target:
    """What a model string and the arguments beside it come to."""

    __slots__ = ("base_url", "model", "provider", "row")

    def __init__(
        self, provider: str, model: str, base_url: str | None, row: ProviderRow | None = None
    ) -> None:
        self.provider = provider
        # Of a provider that the engine does not know.
        self.row = row
        self.model = model
        self.base_url = base_url


def resolve(model: Any, provider: str | ProviderRow | None, base_url: str | None) -> Target:
    """Read a model string.

    `provider:model` splits at the first colon, and only where a known provider stands before it;
    `vllm://host:port@model` carries the address; with `provider` the model is taken whole; a bare
    id needs `base_url` and means a server of OpenAI's dialect.

    Raises:
        LlmConfigError: The string names no provider and there is no `base_url`, or is empty.
    """
    if not isinstance(model, str) or not model.strip():
        raise LlmConfigError('model: give a string such as "openai:gpt-4o-mini"')
    check_text(model, "model")
    if isinstance(provider, str):
        check_text(provider, "provider")
        return Target(provider, model, base_url)
    if provider is not None:
        return Target(provider.name, model, base_url, None if provider.is_built_in else provider)
    scheme, separator, rest = model.partition("://")
    if separator and _engine.is_provider(scheme):
        return with_address(model, scheme, rest, base_url)
    head, separator, rest = model.partition(":")
    if separator and _engine.is_provider(head):
        if not rest.strip():
            raise LlmConfigError(f'model: there is no model after "{head}:"')
        return Target(head, rest, base_url)
    if base_url is None:
        raise LlmConfigError(_no_provider(model))
    return Target(COMPATIBLE, model, base_url)


def own_target(model: str, provider: str, rest: str, base_url: Any) -> Target:
    """Read what stands behind the colon where the provider is one of the user's.

    Raises:
        LlmConfigError: There is no model, or an address without one.
    """
    if rest.startswith("//"):
        return with_address(model, provider, rest[2:], base_url)
    if not rest.strip():
        raise LlmConfigError(f'model: there is no model after "{provider}:"')
    return Target(provider, rest, base_url)


def with_address(model: str, provider: str, rest: str, base_url: Any) -> Target:
    """Read `host:port@model`, the rest of a model string that carries its address."""
    # The first @ splits: ids that are file paths or hold another @ occur.
    address, separator, name = rest.partition("@")
    if not (address and separator and name):
        raise LlmConfigError(f'model: "{model}" is not of the form {provider}://host:port@model')
    if base_url is not None:
        raise LlmConfigError("base_url: the model string carries an address already; give one")
    address = address.rstrip("/")
    return Target(provider, name, f"http://{address}{'' if '/' in address else '/v1'}")


def _no_provider(model: str) -> str:
    head, separator, rest = model.partition(":")
    # A hyphen, too: google-gla is the name of a provider elsewhere.
    if separator and head.replace("-", "_").isidentifier():
        near = _engine.provider_problem(head)
        return f'model: "{model}": {near}'
    head, separator, rest = model.partition("/")
    if separator and _engine.is_provider(head):
        return (
            f'model: "{model}" names no provider; write "{head}:{rest}" (a colon), or give '
            "base_url= if that is the id on a server of your own"
        )
    return (
        f'model: "{model}" names no provider; write "provider:model", such as "openai:{model}", '
        "or give base_url="
    )


def key_and_address(
    target: Target, api_key: Secret | None, key_vars: Sequence[str] | None = None
) -> tuple[Secret | None, str | None]:
    """Fill in key and base URL from the environment, where the row names variables.

    The key of a provider is not sent to an address that the row does not know, unless the
    caller named that provider together with the address. `key_vars` stands for the row's own.
    """
    from os import environ

    row = _engine.provider_row(target.provider) if target.row is None else dict(target.row)
    if api_key is None:
        names = row["key_vars"] if key_vars is None else key_vars
        api_key = next((Secret(environ[name]) for name in names if environ.get(name)), None)
    base_url = target.base_url
    if base_url is None:
        names = row["base_url_vars"]
        base_url = next((environ[name] for name in names if environ.get(name)), row["base_url"])
    return api_key, base_url


def listed_ids(body: str) -> list[str]:
    """Ids in the body of a server's list of models, in its order."""
    import json

    from tokenwire.errors import LlmUnexpectedContentError

    try:
        listed = json.loads(body)
        rows = listed if isinstance(listed, list) else listed.get("data", listed.get("models"))
        return [str(row.get("id") or row["name"]) for row in rows]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise LlmUnexpectedContentError(
            "the server's list of models is not of OpenAI's form", body=body.encode()
        ) from error
