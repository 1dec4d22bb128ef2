"""Model strings: which provider, which model, which address."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.settings.client_settings import check_text
from tokenwire.settings.secret import Secret, revealed

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


class ModelString:
    """A model string, taken apart; whether the provider exists is another question.

    Attributes:
        provider: What stands before the first colon; empty where there is none.
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
            # The first @ splits: ids that are file paths or hold another @ occur.
            self.address, _, self.name = rest[2:].partition("@")


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
    """Find out which provider, model and address are meant.

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
    if _engine.is_provider(ModelString(model).provider):
        return named_target(model, base_url)
    if base_url is None:
        raise LlmConfigError(_no_provider(model))
    return Target(COMPATIBLE, model, base_url)


def named_target(model: str, base_url: Any) -> Target:
    """What a model string means whose provider is known, as the engine's or as one of yours.

    Raises:
        LlmConfigError: There is no model, or an address without one.
    """
    parts = ModelString(model)
    if parts.address is None:
        if not parts.name.strip():
            raise LlmConfigError(f'model: there is no model after "{parts.provider}:"')
        return Target(parts.provider, parts.name, base_url)
    if not (parts.address and parts.name):
        form = f"{parts.provider}://host:port@model"
        raise LlmConfigError(f'model: "{model}" is not of the form {form}')
    if base_url is not None:
        raise LlmConfigError("base_url: the model string carries an address already; give one")
    address = parts.address.rstrip("/")
    return Target(parts.provider, parts.name, f"http://{address}{'' if '/' in address else '/v1'}")


def could_be_provider(name: str) -> bool:
    """Whether what stands before a colon looks like the name of a provider."""
    # With hyphens, too: google-gla is the name of a provider elsewhere.
    return name.replace("-", "_").isidentifier()


def _no_provider(model: str) -> str:
    head = ModelString(model).provider
    if could_be_provider(head):
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
    base_url = target.base_url
    if target.provider == "sim":
        return None, base_url or _engine.embedded_sim()
    row = _engine.provider_row(target.provider) if target.row is None else dict(target.row)
    if api_key is None:
        names = row["key_vars"] if key_vars is None else key_vars
        api_key = next((Secret(value) for value in _values(names)), None)
    if base_url is None:
        base_url = next(_values(row["base_url_vars"]), row["base_url"])
    for name, found in (("api_key", api_key), ("base_url", base_url)):
        if found is not None:
            check_text(revealed(found), name)
    return api_key, base_url


def _values(variables: Sequence[str]) -> Iterator[str]:
    """The values of those environment variables that are set."""
    from os import environ

    return (environ[name] for name in variables if environ.get(name))
