"""One place that makes clients: from a model string, or from a name in a configuration."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire._typing import overload
from tokenwire.catalog.registry import ModelRegistry, shared
from tokenwire.clients.chat import ChatClient
from tokenwire.clients.completion import CompletionClient
from tokenwire.config.loading import read
from tokenwire.errors import LlmConfigError
from tokenwire.factory.identity import identity
from tokenwire.factory.plan import Plan
from tokenwire.factory.pool import ClientPool
from tokenwire.settings.client_settings import check_text, seal
from tokenwire.settings.model_string import ModelString, could_be_provider, named_target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Literal, TypeVar

    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.catalog.registry import Source
    from tokenwire.config.configuration import Configuration, ModelEntry
    from tokenwire.factory.pool import PoolStats
    from tokenwire.interface.interface import LlmClientInterface

    Value = TypeVar("Value")

# Names the file that `client()` takes its configuration from. The working folder is not searched:
# a file that came with somebody's repository could send prompts and keys to an address of its own.
CONFIG_VARIABLE = "TOKENWIRE_CONFIG"


class LlmClientFactory:
    """Gives the client that a name stands for: made once, and shared from then on.

        factory = LlmClientFactory("tokenwire.toml")
        factory.get_client("groq:llama-3.3-70b-versatile")       # ChatClient
        factory.get_client("vllm://10.0.0.5:8000@Qwen/Qwen3-4B-Base", api="completions")
        factory.get_client("fast")                               # a name of the configuration

    Clients are shared by all that ask for the same: close them by `close_all()`. One of your own is
    `get_client(...).with_options()`.

    Args:
        config: The path of a TOML file, a mapping of the same form, or a `Configuration`.
        registry: Where your providers and models are; without it the process's.
        max_clients: Most clients that are held; the one unused for longest is let go.

    Raises:
        LlmConfigError: The configuration has problems; the message names each.
    """

    def __init__(
        self,
        config: Source | Configuration | None = None,
        *,
        registry: ModelRegistry | None = None,
        max_clients: int = 256,
    ) -> None:
        if not isinstance(registry, (ModelRegistry, type(None))):
            raise LlmConfigError(f"registry: give a ModelRegistry, not {type(registry).__name__}")
        self.registry = shared() if registry is None else registry
        self.pool = ClientPool(max_clients)
        self._models: dict[str, ModelEntry] = {}
        self._providers: dict[str, LlmProvider] = {}
        self._defaults: dict[str, Any] = {}
        # By provider of the engine's: they are looked up at every call.
        self._variables: dict[str, Sequence[str]] = {}
        # By name of the configuration, with the registry's version that it was made by.
        self._plans: dict[str, tuple[int, Plan]] = {}
        if config is not None:
            from tokenwire.config.configuration import Configuration

            if not isinstance(config, Configuration):
                config = read(config, self.registry)
            config.register(self.registry)
            self._models = config.models
            self._providers = config.providers
            self._defaults = config.defaults

    @overload
    def get_client(
        self, name: str, *, api: Literal["completions"], **settings: Any
    ) -> CompletionClient: ...

    @overload
    def get_client(self, name: str, *, api: Literal["chat"], **settings: Any) -> ChatClient: ...

    @overload
    def get_client(
        self, name: str, *, api: str | None = None, **settings: Any
    ) -> LlmClientInterface: ...

    def get_client(
        self, name: str, *, api: str | None = None, **settings: Any
    ) -> LlmClientInterface:
        """The client of a name, from the pool or new.

        Args:
            name: A name of the configuration, `provider:model`, `vllm://host:port@model`, or with
                `base_url` a model's id.
            api: `"completions"` makes a `CompletionClient`; without it the configuration and the
                registry decide, and else it is a `ChatClient`: a model tuned for chat never gets
                raw text by a guess.
            **settings: Arguments of the client, and request parameters of each of its calls. They
                make a client of its own and change no other.

        Raises:
            LlmConfigError: The name stands for nothing, a setting cannot work, or the key is
                missing; the message names the fix.
        """
        if settings:
            # At once, so that no traceback that shows locals shows keys.
            seal(settings)
            if "model" in settings:
                raise LlmConfigError("model: it is the name; give it once")
        if not isinstance(name, str) or not name.strip():  # type: ignore[redundant-expr]
            raise LlmConfigError('model: give a string such as "openai:gpt-4o-mini"')
        plan = self._plan(name, api, settings)
        return self.pool.get(identity(plan), lambda: self._made(plan))

    def names(self) -> list[str]:
        """The names that the configuration gives to clients."""
        return list(self._models)

    def stats(self) -> PoolStats:
        """What the pool did so far."""
        return self.pool.stats()

    def close_all(self) -> None:
        """Close every client: calls in flight go on, later ones are refused.

        The factory stays usable and makes new ones.
        """
        self.pool.close_all()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle what was configured: clients are this process's, and keys are nobody's."""
        from tokenwire.config.configuration import Configuration

        config = Configuration(
            models=self._models, providers=self._providers, defaults=self._defaults
        )
        return _restored, (config, self.pool.max_clients)

    def _plan(self, name: str, api: str | None, settings: dict[str, Any]) -> Plan:
        """What to make: the API, its arguments, and the variables that it will read."""
        entry = self._models.get(name)
        if entry is None:
            return self._planned(name, api, settings, None)
        if api is None and not settings:
            # Asked for again and again: merging and writing it down takes longer than the rest.
            known = self._plans.get(name)
            if known is not None and known[0] == self.registry.version:
                return known[1]
        key_vars = None if entry.key_var is None else (entry.key_var,)
        merged = _merged(entry.settings, settings)
        plan = self._planned(entry.model, api or entry.api, merged, key_vars)
        if api is None and not settings:
            self._plans[name] = self.registry.version, plan
        return plan

    def _planned(
        self,
        name: str,
        api: str | None,
        settings: dict[str, Any],
        key_vars: Sequence[str] | None,
    ) -> Plan:
        provider, row, model = self._target(name, settings)
        api = api or self.registry.api_of(provider, model)
        if row is not None and row.client is not None:
            # Of the defaults its class is given what it takes.
            from tokenwire.interface.custom import accepted

            settings = _merged(accepted(row.client, self._defaults), settings)
            plan = _own_plan(row, name, api or "", settings, key_vars)
            if api is not None:
                plan.settings["api"] = api
            return plan
        if self._defaults:
            settings = _merged(self._defaults, settings)
        api = api or "chat"
        if row is not None:
            return _own_plan(row, name, api, settings, key_vars)
        return Plan(name, api, settings, key_vars, key_vars or self._variables_of(provider))

    def _target(self, name: str, settings: dict[str, Any]) -> tuple[str, LlmProvider | None, str]:
        """Provider, its row where it is one of the user's, and model."""
        provider = settings.get("provider")
        if provider is not None:
            if not isinstance(provider, str):
                if not hasattr(provider, "key_vars"):
                    given = type(provider).__name__
                    raise LlmConfigError(f"provider: give a str or an LlmProvider, not {given}")
                return provider.name, provider, name
            check_text(provider, "provider")
            return provider, self._own_row(provider), name
        parts = ModelString(name)
        head = parts.provider
        if not head:
            return "", None, name
        row = self._own_row(head)
        # `gemma3:4b` is an id and no provider's, where the caller gives an address.
        if row is None and not _engine.is_provider(head):
            if settings.get("base_url") is None and could_be_provider(head):
                raise LlmConfigError(f'model: "{name}": {self.registry.provider_problem(head)}')
            return "", None, name
        return head, row, parts.name

    def _own_row(self, name: str) -> LlmProvider | None:
        return self._providers.get(name) or self.registry.own_provider(name)

    def _variables_of(self, provider: str) -> Sequence[str]:
        """The variables that a client of this provider takes key and address from."""
        if not provider:
            return ()
        known = self._variables.get(provider)
        if known is None:
            row = _engine.provider_row(provider)
            known = self._variables[provider] = (*row["key_vars"], *row["base_url_vars"])
        return known

    def _made(self, plan: Plan) -> LlmClientInterface:
        settings = {name: _copied(value) for name, value in plan.settings.items()}
        if plan.row is not None and plan.row.client is not None:
            from tokenwire.interface.custom import create

            return create(plan.row.client, plan.row, plan.name, settings, plan.key_vars)
        family = _engine.apis().get(str(plan.api))
        kind = CompletionClient if family == "completions" else ChatClient
        # A family's own name leaves the choice among its APIs to the provider's row.
        api = None if plan.api == kind._family else plan.api
        # The key comes from the variables that are named here and no other, after pickling too.
        key_vars = None if plan.key_vars is None else tuple(plan.key_vars)
        return kind._from_arguments(plan.name, {"api": api, **settings}, key_vars)


def _own_plan(
    row: LlmProvider,
    name: str,
    api: str,
    settings: dict[str, Any],
    key_vars: Sequence[str] | None,
) -> Plan:
    """A plan for a provider of the user's."""
    settings = dict(settings)
    base_url = settings.pop("base_url", None)
    if settings.pop("provider", None) is None:
        target = named_target(name, base_url)
        name, base_url = target.model, target.base_url
    settings["provider"] = row
    if base_url is not None:
        settings["base_url"] = base_url
    plan = Plan(name, api, settings, key_vars, (*(key_vars or row.key_vars), *row.base_url_vars))
    plan.row = row
    return plan


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    from tokenwire.config.configuration import merged_settings

    return merged_settings(base, own)


def _copied(value: Value) -> Value:
    """A copy that the caller's later changes do not reach."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [_copied(item) for item in value]  # type: ignore[return-value]
    return value


# The factory behind `client()` is the process's, made when first asked for: `setdefault` is one
# step, and threads that come at once get the same.
_process: dict[str, Any] = {}


def shared_factory() -> LlmClientFactory:
    """The factory behind `client()`, with the configuration that `TOKENWIRE_CONFIG` names.

    Raises:
        LlmConfigError: That configuration has problems.
    """
    factory: LlmClientFactory | None = _process.get("factory")
    if factory is None:
        from os import environ

        made = LlmClientFactory(environ.get(CONFIG_VARIABLE) or None)
        factory = _process.setdefault("factory", made)
    return factory


def _restored(config: Configuration, max_clients: int) -> LlmClientFactory:
    return LlmClientFactory(config, max_clients=max_clients)


@overload
def client(name: str, *, api: Literal["completions"], **settings: Any) -> CompletionClient: ...


@overload
def client(name: str, *, api: Literal["chat"], **settings: Any) -> ChatClient: ...


@overload
def client(name: str, *, api: str | None = None, **settings: Any) -> LlmClientInterface: ...


def client(name: str, *, api: str | None = None, **settings: Any) -> LlmClientInterface:
    """The client of a model, made once and shared from then on; see `LlmClientFactory.get_client`.

        tw.client("groq:llama-3.3-70b-versatile").run("Why is the sky blue?")

    `TOKENWIRE_CONFIG` names the configuration whose names it knows, too.
    """
    seal(settings)
    return shared_factory().get_client(name, api=api, **settings)
