"""The registry of providers and models.

No call needs an entry here. A model without one works, but its limits are unknown.
"""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.process_lock import ProcessLock
from tokenwire.settings.model_string import ModelString
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint
    from os import PathLike
    from typing import Any, TypeAlias

    from tokenwire.catalog.model import ModelConfig
    from tokenwire.catalog.provider import LlmProvider

    Source: TypeAlias = str | PathLike[str] | Mapping[str, Any]

ENTRY_POINTS = "tokenwire.models"

# The simulator's models and their APIs.
_SIM_MODELS = {"chat": "chat", "completion": "completions"}


class ModelRegistry:
    """Providers and models as data, including your own.

        registry = ModelRegistry()
        registry.register_provider(LlmProvider("acme", base_url="https://llm.acme.example/v1"))
        registry.register_model(ModelConfig("m1", "acme", context_window=32_768))
        registry.get_model_config("acme:m1").context_window

    Installed packages add entries through the entry point group `tokenwire.models`: an iterable of
    `LlmProvider` and `ModelConfig`, or a function that returns one. They are loaded when a name is
    requested that is unknown without them. They can neither change a built-in provider nor replace
    an entry of yours.

    Args:
        plugins: Whether to load entry points.
    """

    @staticmethod
    def _read(source: Source, registry: ModelRegistry) -> Any:  # noqa: ARG004
        """Read a configuration. `tokenwire.config` replaces this: it may not be imported here."""
        raise LlmConfigError("load: import tokenwire.registry, which can read configurations")

    def __init__(self, *, plugins: bool = True) -> None:
        self._models: dict[tuple[str, str], ModelConfig] = {}
        self._providers: dict[str, LlmProvider] = {}
        # The models that only an installed package describes.
        self._from_plugins: set[tuple[str, str]] = set()
        self._needs_plugins = plugins
        self._plugins = ProcessLock()
        # The process that is loading plugins.
        self._loading_in: int | None = None

    def register_model(self, model: ModelConfig) -> None:
        """Add a model, or replace the one with the same provider and name.

        Raises:
            LlmConfigError: It is not a `ModelConfig`.
        """
        if not hasattr(model, "aliases"):
            raise LlmConfigError(f"model: give a ModelConfig, not {type(model).__name__}")
        for name in (model.name, *model.aliases):
            self._models[model.provider, name] = model
            self._from_plugins.discard((model.provider, name))

    def register_provider(self, provider: LlmProvider) -> None:
        """Add a provider, or replace one that you added before.

        Raises:
            LlmConfigError: It has the name of a built-in provider, or is not an `LlmProvider`.
        """
        if not hasattr(provider, "key_vars"):
            raise LlmConfigError(f"provider: give an LlmProvider, not {type(provider).__name__}")
        _check_name(provider.name)
        self._providers[provider.name] = provider

    def load(self, source: Source) -> None:
        """Add the providers and models of a configuration: the path of a TOML file, or a mapping.

        Raises:
            LlmConfigError: It has problems. The message lists all of them, and nothing was added.
        """
        # Sealed, because it may hold secrets, and a traceback may show local variables.
        sealed: Any = Secret(source)
        del source
        self._read(sealed.reveal(), self).register(self)

    def get_provider(self, name: str) -> LlmProvider:
        """A provider, built-in or yours.

        Raises:
            LlmConfigError: The provider is unknown, or its API is not supported yet.
        """
        provider = self.own_provider(name)
        if provider is not None:
            return provider
        if name not in _engine.provider_names():
            raise LlmConfigError(self.provider_problem(name))
        from tokenwire.catalog.provider import LlmProvider

        return LlmProvider.built_in(name)

    def get_providers(self) -> list[str]:
        """The names of all providers: the built-in ones, then yours as they were added."""
        self._load_plugins()
        return [*_engine.provider_names(), *self._providers]

    def own_provider(self, name: str) -> LlmProvider | None:
        """A provider that is not built in; None if there is no such provider."""
        _check_text("provider", name)
        if _engine.is_provider(name):
            return None
        if name not in self._providers:
            self._load_plugins()
        return self._providers.get(name)

    def provider_problem(self, name: str) -> str:
        """Why there is no provider of that name, with the most similar name."""
        if not _engine.is_provider(name) and self._providers:
            from tokenwire._pydantic import nearest_name

            near = nearest_name(name, [*self._providers, *_engine.provider_names()])
            if near in self._providers:
                return f"provider {name}: unknown; did you mean {near}?"
        return _engine.provider_problem(name) or f"provider {name}: known"

    def get_model_config(self, model: str) -> ModelConfig:
        """The entry of a model. A model that is not described has an entry with its name only.

        Args:
            model: `provider:model`.

        Raises:
            LlmConfigError: The provider is unknown.
        """
        _check_text("model", model)
        parts = ModelString(model)
        provider, name = parts.provider, parts.name
        if not provider or not name:
            raise LlmConfigError(f'model: "{model}": write "provider:model"')
        if (provider, name) not in self._models:
            self._load_plugins()
        known = self._models.get((provider, name))
        if known is not None:
            return known
        if not _engine.is_provider(provider) and provider not in self._providers:
            raise LlmConfigError(f'model: "{model}": {self.provider_problem(provider)}')
        from tokenwire.catalog import genai_prices
        from tokenwire.catalog.model import ModelConfig

        window = genai_prices.context_window(provider, name)
        return ModelConfig(name, provider, api=self.api_of(provider, name), context_window=window)

    def get_models(
        self,
        *,
        name: str | None = None,
        provider: str | None = None,
        capability: str | None = None,
        listed: bool = False,
    ) -> list[ModelConfig]:
        """The models that are described, sorted by provider and name.

        Args:
            name: Only models with this name or alias.
            provider: Only models of this provider.
            capability: Only models whose entry lists it.
            listed: Also the models of `genai-prices`, if it is installed.

        Raises:
            LlmConfigError: The capability or the provider is unknown.
        """
        from tokenwire.catalog import genai_prices
        from tokenwire.catalog.model import CAPABILITIES, ModelConfig, unknown_capability

        for field, text in (("name", name), ("provider", provider), ("capability", capability)):
            if text is not None:
                _check_text(field, text)
        if capability is not None and capability not in CAPABILITIES:
            raise LlmConfigError(unknown_capability(capability))
        if provider is not None and not _engine.is_provider(provider):
            self.get_provider(provider)
        self._load_plugins()
        found = {(row.provider, row.name): row for row in list(self._models.values())}
        for sim_model, api in _SIM_MODELS.items():
            found.setdefault(("sim", sim_model), ModelConfig(sim_model, "sim", api=api))
        if listed:
            for place in _engine.provider_names() if provider is None else (provider,):
                for model, window in genai_prices.models(place):
                    row = ModelConfig(model, place, context_window=window)
                    found.setdefault((place, model), row)
        return [
            row
            for _, row in sorted(found.items())
            if (name is None or name == row.name or name in row.aliases)
            and (provider is None or provider == row.provider)
            and (capability is None or capability in (row.capabilities or ()))
        ]

    def api_of(self, provider: str, model: str) -> str | None:
        """The API that a model's entry names; None if none does."""
        if provider == "sim":
            return _SIM_MODELS.get(model)
        # An installed package does not change how a built-in provider is called.
        if (provider, model) in self._from_plugins and _engine.is_provider(provider):
            return None
        known = self._models.get((provider, model))
        return None if known is None else known.api

    def _load_plugins(self) -> None:
        if not self._needs_plugins:
            return
        from os import getpid

        # Other threads wait here, so that they do not take a plugin's provider for unknown. The
        # lock is reentrant: a plugin that uses this registry while it is loaded finds what is here.
        with self._plugins.current():
            if self._loading_in == getpid() or not self._needs_plugins:
                return
            self._loading_in = getpid()
            try:
                from importlib.metadata import entry_points

                for point in entry_points(group=ENTRY_POINTS):
                    self._load_plugin(point)
            finally:
                self._needs_plugins = False

    def _load_plugin(self, point: EntryPoint) -> None:
        try:
            loaded = point.load()
            self._add_entries(loaded() if callable(loaded) else loaded)
        except Exception as error:  # noqa: BLE001 (a plugin may raise anything)
            import warnings

            warnings.warn(
                f"the entry point {point.name!r} of {ENTRY_POINTS} is not used: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=4,
            )

    def _add_entries(self, entries: Iterable[object]) -> None:
        from tokenwire.catalog.model import ModelConfig
        from tokenwire.catalog.provider import LlmProvider

        for entry in list(entries):
            if isinstance(entry, LlmProvider):
                _check_name(entry.name)
                self._providers.setdefault(entry.name, entry)
            elif isinstance(entry, ModelConfig):
                for name in (entry.name, *entry.aliases):
                    if (entry.provider, name) not in self._models:
                        self._models[entry.provider, name] = entry
                        self._from_plugins.add((entry.provider, name))
            else:
                raise LlmConfigError(
                    f"{type(entry).__name__} is neither an LlmProvider nor a ModelConfig"
                )


# Created on first use. Entries that are registered in one place are known to every factory and to
# the cost of every reply.
_shared: dict[str, ModelRegistry] = {}


def shared() -> ModelRegistry:
    """The registry that the whole process shares."""
    # setdefault is atomic, so threads that arrive together get the same registry.
    return _shared.get("registry") or _shared.setdefault("registry", ModelRegistry())


def largest_answer(provider: str, model: str) -> int | None:
    """The largest answer of a model in tokens, for the engine; None if it is unknown."""
    registry = shared()
    if (provider, model) not in registry._models:
        registry._load_plugins()
    known = registry._models.get((provider, model))
    return None if known is None else known.max_output_tokens


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise LlmConfigError(f"{field}: give a str, not {type(value).__name__}")


def _check_name(name: str) -> None:
    if _engine.is_provider(name):
        raise LlmConfigError(
            f"provider {name}: this name is built in; choose another, or give base_url= to the "
            "client"
        )
