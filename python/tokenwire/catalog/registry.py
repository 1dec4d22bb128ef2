"""What is known of providers and models, as data.

Nothing of it is needed to call a model: one that nobody described works, and its limits are
unknown.
"""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.catalog import genai_prices
from tokenwire.errors import LlmConfigError
from tokenwire.process_lock import ProcessLock
from tokenwire.settings.model_string import ModelString

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.metadata import EntryPoint
    from os import PathLike
    from typing import Any, Protocol, TypeAlias

    from tokenwire.catalog.model import ModelConfig
    from tokenwire.catalog.provider import LlmProvider

    Source: TypeAlias = str | PathLike[str] | Mapping[str, Any]

    class Registrable(Protocol):
        """What adds entries to a registry: a configuration."""

        def register(self, registry: ModelRegistry) -> None:
            """Add them."""


ENTRY_POINTS = "tokenwire.models"

# The simulator's two models, and the API that each stands for.
_SIM_MODELS = {"chat": "chat", "completion": "completions"}


class ModelRegistry:
    """Providers and models as data, with entries of your own.

        registry = ModelRegistry()
        registry.register_provider(LlmProvider("acme", base_url="https://llm.acme.example/v1"))
        registry.register_model(ModelConfig("m1", "acme", context_window=32_768))
        registry.get_model_config("acme:m1").context_window

    Installed packages add theirs through the entry point group `tokenwire.models`: an iterable of
    `LlmProvider` and `ModelConfig`, or a function that returns one. They are looked for when
    something is asked that is not known without them; they cannot change a provider that the
    engine knows, nor replace an entry of yours.

    Args:
        plugins: Whether entry points are looked for.
    """

    @staticmethod
    def _read(source: Source, registry: ModelRegistry) -> Registrable:  # noqa: ARG004
        """Read a configuration; `tokenwire.config`, which stands above, puts its own here."""
        raise LlmConfigError("load: import tokenwire.registry, which reads configurations")

    def __init__(self, *, plugins: bool = True) -> None:
        self._models: dict[tuple[str, str], ModelConfig] = {}
        self._providers: dict[str, LlmProvider] = {}
        # Described by an installed package alone.
        self._from_plugins: set[tuple[str, str]] = set()
        self._needs_plugins = plugins
        self._plugins = ProcessLock()
        # Process and thread.
        self._loader: tuple[int, int] | None = None
        # Counts what was added, so that what was made of it can be found old.
        self.version = 0

    def register_model(self, model: ModelConfig) -> None:
        """Add a model, or replace the one of the same provider and name.

        Raises:
            LlmConfigError: It is no `ModelConfig`.
        """
        if not hasattr(model, "aliases"):
            raise LlmConfigError(f"model: give a ModelConfig, not {type(model).__name__}")
        for name in (model.name, *model.aliases):
            self._models[model.provider, name] = model
            self._from_plugins.discard((model.provider, name))
        self.version += 1

    def register_provider(self, provider: LlmProvider) -> None:
        """Add a provider of your own, or replace it.

        Raises:
            LlmConfigError: The engine has a provider of that name, or it is no `LlmProvider`.
        """
        if not hasattr(provider, "key_vars"):
            raise LlmConfigError(f"provider: give an LlmProvider, not {type(provider).__name__}")
        _check_name(provider.name)
        self._providers[provider.name] = provider
        self.version += 1

    def load(self, source: Source) -> None:
        """Add the providers and models of a configuration: the path of a TOML file, or a mapping.

        Raises:
            LlmConfigError: It has problems; the message names each, and nothing was added.
        """
        self._read(source, self).register(self)

    def get_provider(self, name: str) -> LlmProvider:
        """What is known of a provider, the engine's or one of yours.

        Raises:
            LlmConfigError: There is none of that name, or its API is not spoken yet.
        """
        row = self.own_provider(name)
        if row is None and name in _engine.provider_names():
            from tokenwire.catalog.provider import LlmProvider

            return LlmProvider.built_in(name)
        if row is None:
            raise LlmConfigError(self.provider_problem(name))
        return row

    def get_providers(self) -> list[str]:
        """Names of all providers: the engine's, then yours in the order they came."""
        self._load_plugins()
        return [*_engine.provider_names(), *self._providers]

    def own_provider(self, name: str) -> LlmProvider | None:
        """The provider that the engine does not know; None where there is none of that name."""
        _check_text("provider", name)
        if _engine.is_provider(name):
            return None
        if name not in self._providers:
            self._load_plugins()
        return self._providers.get(name)

    def provider_problem(self, name: str) -> str:
        """Why there is no provider of that name, and which one is near."""
        if not _engine.is_provider(name) and self._providers:
            from tokenwire._pydantic import nearest_name

            near = nearest_name(name, [*self._providers, *_engine.provider_names()])
            if near in self._providers:
                return f"provider {name}: unknown; did you mean {near}?"
        return _engine.provider_problem(name) or f"provider {name}: known"

    def get_model_config(self, model: str) -> ModelConfig:
        """What is known of a model; for one that nobody described, that is its name alone.

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
        known = self._known(provider, name)
        if known is not None:
            return known
        self._load_plugins()
        known = self._known(provider, name)
        if known is not None:
            return known
        if not _engine.is_provider(provider) and provider not in self._providers:
            raise LlmConfigError(f'model: "{model}": {self.provider_problem(provider)}')
        from tokenwire.catalog.model import ModelConfig

        return ModelConfig(
            name, provider, context_window=genai_prices.context_window(provider, name)
        )

    def get_models(
        self,
        *,
        name: str | None = None,
        provider: str | None = None,
        capability: str | None = None,
        listed: bool = False,
    ) -> list[ModelConfig]:
        """The models that are described, by provider and name.

        Args:
            name: Only those of this name, or with it among their aliases.
            provider: Only this provider's.
            capability: Only those that state it; what is unknown is not assumed.
            listed: Also those that `genai-prices` lists, where it is installed.

        Raises:
            LlmConfigError: There is no such capability, or no such provider.
        """
        for field, text in (("name", name), ("provider", provider), ("capability", capability)):
            if text is not None:
                _check_text(field, text)
        if capability is not None:
            from tokenwire.catalog.model import check_capability

            check_capability(capability)
        if provider is not None and not _engine.is_provider(provider):
            self.get_provider(provider)
        self._load_plugins()
        found = {(row.provider, row.name): row for row in list(self._models.values())}
        from tokenwire.catalog.model import ModelConfig

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
        """The API that an entry states for a model; None where nothing does."""
        if provider == "sim":
            return _SIM_MODELS.get(model)
        known = self._models.get((provider, model))
        if known is None:
            return None
        # An installed package does not change how a provider of the engine's is called.
        is_strange = (provider, model) in self._from_plugins and _engine.is_provider(provider)
        return None if is_strange else known.api

    def _known(self, provider: str, name: str) -> ModelConfig | None:
        known = self._models.get((provider, name))
        if known is None and provider == "sim" and name in _SIM_MODELS:
            from tokenwire.catalog.model import ModelConfig

            return ModelConfig(name, "sim", api=_SIM_MODELS[name])
        return known

    def _load_plugins(self) -> None:
        if not self._needs_plugins:
            return
        from _thread import get_ident
        from os import getpid

        loader = getpid(), get_ident()
        # Who asks meanwhile waits, and does not take a provider for unknown.
        with self._plugins.current():
            # A package that asks this registry while it is loaded finds what is there.
            if self._loader == loader or not self._needs_plugins:
                return
            self._loader = loader
            try:
                from importlib.metadata import entry_points

                for point in entry_points(group=ENTRY_POINTS):
                    self._load_plugin(point)
            finally:
                self._needs_plugins = False

    def _load_plugin(self, point: EntryPoint) -> None:
        try:
            loaded = point.load()
            self._add_plugin(loaded() if callable(loaded) else loaded)
        except Exception as error:  # noqa: BLE001 (a stranger's code may raise anything)
            import warnings

            warnings.warn(
                f"the entry point {point.name!r} of {ENTRY_POINTS} is not used: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=4,
            )

    def _add_plugin(self, entries: Iterable[object]) -> None:
        from tokenwire.catalog.model import ModelConfig
        from tokenwire.catalog.provider import LlmProvider

        for entry in list(entries):
            if isinstance(entry, LlmProvider):
                _check_name(entry.name)
                if entry.name not in self._providers:
                    self._providers[entry.name] = entry
            elif isinstance(entry, ModelConfig):
                for name in (entry.name, *entry.aliases):
                    if (entry.provider, name) not in self._models:
                        self._models[entry.provider, name] = entry
                        self._from_plugins.add((entry.provider, name))
            else:
                raise LlmConfigError(
                    f"{type(entry).__name__} is neither an LlmProvider nor a ModelConfig"
                )


# Made when first asked for, and one for the process: what is registered in one place is known to
# every factory and to the cost of every reply.
_shared: dict[str, ModelRegistry] = {}


def shared() -> ModelRegistry:
    """The registry of the process."""
    # setdefault is one step: two threads that come at once get the same one.
    return _shared.get("registry") or _shared.setdefault("registry", ModelRegistry())


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise LlmConfigError(f"{field}: give a str, not {type(value).__name__}")


def _check_name(name: str) -> None:
    if _engine.is_provider(name):
        raise LlmConfigError(
            f"provider {name}: the engine has one of that name; choose another, or give base_url= "
            "to the client"
        )
