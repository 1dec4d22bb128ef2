"""Configurations: clients by name, with what they share."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tokenwire.catalog.model import ModelConfig
from tokenwire.settings.client_settings import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.catalog.registry import ModelRegistry


class ModelEntry:
    """One client that a configuration names.

    Attributes:
        key: Its name there.
        model: Model string, as `get_client` takes it.
        api: The API, where the entry states one.
        key_var: Environment variable with the key, where the provider's own is not meant.
        settings: Arguments of the client, those of `[defaults]` included.
        facts: What it says about the model, for a `ModelConfig`.
    """

    __slots__ = ("api", "facts", "key", "key_var", "model", "settings")

    def __init__(
        self,
        key: str,
        *,
        model: str,
        api: str | None,
        key_var: str | None,
        settings: dict[str, Any],
        facts: dict[str, Any],
    ) -> None:
        self.key = key
        self.model = model
        self.api = api
        self.key_var = key_var
        self.settings = settings
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it without keys, which headers may hold."""
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "key"}
        fields["settings"] = without_secrets(self.settings)
        return partial(ModelEntry, self.key, **fields), ()


class Configuration:
    """Models, providers and defaults, read from `tokenwire.toml` or a mapping.

    Attributes:
        models: The clients that it names.
        providers: The providers that it adds.
        defaults: Arguments of every client.
    """

    def __init__(
        self,
        *,
        models: dict[str, ModelEntry],
        providers: dict[str, LlmProvider],
        defaults: dict[str, Any],
    ) -> None:
        self.models = models
        self.providers = providers
        self.defaults = defaults

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it without keys, which headers may hold."""
        defaults = without_secrets(self.defaults)
        made = partial(
            Configuration, models=self.models, providers=self.providers, defaults=defaults
        )
        return made, ()

    def __copy__(self) -> Self:
        """Return itself, keys included: it is read and not changed."""
        return self

    def __deepcopy__(self, _memo: dict[int, object]) -> Self:
        """Return itself, keys included: it is read and not changed."""
        return self

    def register(self, registry: ModelRegistry) -> None:
        """Add its providers, and what it says about models, to a registry."""
        for provider in self.providers.values():
            registry.register_provider(provider)
        for entry in self.models.values():
            if entry.facts:
                registry.register_model(ModelConfig.model_validate(entry.facts))


def merged_settings(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both, where what is nearer wins: also over the other way to say how often to try again."""
    merged = {**base, **own}
    for name, other in (("max_retries", "retry"), ("retry", "max_retries")):
        if name in own and other not in own:
            merged.pop(other, None)
    return merged
