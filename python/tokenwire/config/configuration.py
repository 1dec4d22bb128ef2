"""Configurations: clients by name, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenwire._pydantic import nearest_name
from tokenwire.catalog.model import ModelConfig
from tokenwire.settings.client_settings import seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.catalog.registry import ModelRegistry


# How many names an error lists.
_SHOWN_NAMES = 20


def misspelt(name: str, models: Mapping[str, ModelEntry], source: str) -> str | None:
    """What to say of a name that is not in a configuration, and of no known provider.

    Args:
        name: The name.
        models: The entries of the configuration.
        source: What the message calls the configuration.

    Returns:
        The message, or None if the name is blank, or more likely that of a misspelt provider.
    """
    near = nearest_name(name, models)
    if not name.strip() or (":" in name and near is None):
        return None
    hint = "" if near is None else f'; did you mean "{near}"?'
    names = list(models)
    rest = f", and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return (
        f'model: "{name}" is not in {source}{hint} '
        f"(configured: {', '.join(names[:_SHOWN_NAMES])}{rest}; "
        'for another model write "provider:model")'
    )


@dataclass(repr=False)
class ModelEntry:
    """One client of a configuration.

    Attributes:
        key: Its name.
        model: Model string, as `get_client` takes it.
        api: The API, if the entry names one.
        key_var: Environment variable with the key, in place of the provider's.
        settings: Arguments of the client, including those of `[defaults]`. What may be secret is
            sealed, so that a pickle leaves it out.
        facts: What the entry says about the model, for a `ModelConfig`.
    """

    key: str
    model: str
    api: str | None
    key_var: str | None
    settings: dict[str, Any]
    facts: dict[str, Any]

    def __post_init__(self) -> None:
        seal(self.settings)


@dataclass(repr=False)
class Configuration:
    """Models, providers and defaults, read from `tokenwire.toml` or a mapping.

    Attributes:
        models: The clients by name.
        providers: The custom providers by name.
        defaults: Arguments of every client.
    """

    models: dict[str, ModelEntry]
    providers: dict[str, LlmProvider]
    defaults: dict[str, Any]

    def __post_init__(self) -> None:
        seal(self.defaults)

    def __copy__(self, *_: object) -> Self:
        # With its secrets, which a pickle leaves out. Nothing changes a configuration.
        return self

    __deepcopy__ = __copy__

    def register(self, registry: ModelRegistry) -> None:
        """Add its providers and its models to a registry."""
        for provider in self.providers.values():
            registry.register_provider(provider)
        for entry in self.models.values():
            if entry.facts:
                registry.register_model(ModelConfig.model_validate(entry.facts))
