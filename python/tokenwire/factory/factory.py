"""One place that creates clients: from a model string, or from a name in a configuration."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire._typing import overload
from tokenwire.catalog.registry import ModelRegistry, shared
from tokenwire.config.loading import read
from tokenwire.errors import LlmConfigError
from tokenwire.factory.plan import Plan
from tokenwire.factory.pool import ClientPool
from tokenwire.settings.address import address_variables
from tokenwire.settings.client_settings import OF_ONE_SERVER, merged_settings, seal
from tokenwire.settings.model_string import ModelAddress, resolve
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.catalog.registry import Source
    from tokenwire.clients.chat import ChatClient
    from tokenwire.clients.completion import CompletionClient
    from tokenwire.config.configuration import Configuration, ModelEntry
    from tokenwire.factory.pool import PoolStats
    from tokenwire.interface.interface import LlmClientInterface
    from tokenwire.settings.model_string import Target

# Names the configuration of `client()`. The working folder is not searched: a file in someone
# else's repository could send prompts and keys to an address of its choice.
CONFIG_VARIABLE = "TOKENWIRE_CONFIG"
# Clients over two transports are two clients.
_TRANSPORT_VARIABLE = "TOKENWIRE_TRANSPORT"


class LlmClientFactory:
    """Creates clients by name, and shares them.

        factory = LlmClientFactory("tokenwire.toml")
        factory.get_client("groq:llama-3.3-70b-versatile")       # ChatClient
        factory.get_client("vllm://10.0.0.5:8000@Qwen/Qwen3-4B-Base", api="completions")
        factory.get_client("fast")                               # a name in the configuration

    Everyone who asks for the same client shares it, so close clients with `close_all()`. For a
    client that you can close yourself, call `get_client(...).with_options()`.

    Args:
        config: The path of a TOML file, a mapping of the same form, or a `Configuration`.
        registry: Your providers and models; the default is the registry of the process.
        max_clients: Size of the pool. The least recently used client is removed to make room.

    Raises:
        LlmConfigError: The configuration has problems; the message names each of them.
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
        self._source = "the configuration"
        if config is not None:
            from tokenwire.config.configuration import Configuration

            # Sealed, because it may hold secrets, and a traceback may show local variables.
            sealed = Secret(config)
            is_read = isinstance(config, Configuration)
            if not is_read and not hasattr(config, "keys"):
                self._source = str(config)
            del config
            known = sealed.reveal() if is_read else read(sealed.reveal(), self.registry)
            known.register(self.registry)
            self._models = known.models
            self._providers = known.providers
            self._defaults = known.defaults

    @overload
    def get_client(
        self, name: str, *, api: Literal["completions"], **settings: Any
    ) -> CompletionClient: ...

    @overload
    def get_client(
        self, name: str, *, api: Literal["chat", "responses", "messages", "gemini"], **settings: Any
    ) -> ChatClient: ...

    @overload
    def get_client(
        self, name: str, *, api: str | None = None, **settings: Any
    ) -> LlmClientInterface: ...

    def get_client(
        self, name: str, *, api: str | None = None, **settings: Any
    ) -> LlmClientInterface:
        """Return the client for a name: the one in the pool, or a new one.

        Args:
            name: A name in the configuration, `provider:model`, `vllm://host:port@model`, or with
                `base_url` the model's id.
            api: `"completions"` gives a `CompletionClient`. By default, the configuration, the
                registry and the provider decide; if they do not say, it is a `ChatClient`. The
                model's name is not used to guess, so that a model tuned for chat never gets raw
                text.
            **settings: Arguments of the client, and request parameters for each of its calls. A
                client with other settings is another client.

        Raises:
            LlmConfigError: The name is unknown, or a setting cannot work; the message names the
                fix. A missing key is an error of the first call.
        """
        if settings:
            # First of all, so that no traceback with local variables shows a key.
            seal(settings)
            if "model" in settings:
                raise LlmConfigError("model: this is the first argument; give it once")
        plan = self._plan(name, api, settings)
        return self.pool.get(plan.key(), plan.create)

    def names(self) -> list[str]:
        """The names of clients in the configuration."""
        return list(self._models)

    def stats(self) -> PoolStats:
        """The counts of the pool so far."""
        return self.pool.stats()

    def close_all(self) -> None:
        """Close every client: calls in flight go on, later ones are refused.

        The factory stays usable and creates new clients.
        """
        self.pool.close_all()

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the configuration. Clients belong to this process, and keys are left out."""
        from tokenwire.config.configuration import Configuration

        config = Configuration(
            models=self._models, providers=self._providers, defaults=self._defaults
        )
        return _unpickled, (config, self.pool.max_clients)

    def _plan(self, name: str, api: str | None, settings: dict[str, Any]) -> Plan:
        """What to create for a name and the caller's settings."""
        is_text = isinstance(name, str)
        entry = self._models.get(name) if is_text else None
        key_vars = None
        if entry is not None:
            name, api = entry.model, api or entry.api
            settings = merged_settings(entry.settings, settings)
            key_vars = None if entry.key_var is None else (entry.key_var,)
        target = self._target(name, api, settings, is_configured=entry is not None)
        row = target.row
        api = api or self.registry.api_of(target.provider, target.model)
        defaults = self._defaults
        if defaults and row is not None and row.client is not None:
            # A custom client gets only those defaults that its class takes.
            from tokenwire.interface.custom import accepted

            defaults = accepted(row.client, defaults)
        if defaults:
            if entry is None and isinstance(target.base_url, ModelAddress):
                _check_address(name, defaults, settings)
            settings = merged_settings(defaults, settings)
        fields = _engine.provider_row(target.provider) if row is None else dict(row)
        variables = (
            *(key_vars or fields["key_vars"]),
            *address_variables(fields),
            _TRANSPORT_VARIABLE,
        )
        if row is not None:
            name = target.model
            settings = {**settings, "provider": row}
            if target.base_url is not None:
                settings["base_url"] = target.base_url
            if row.client is not None and api is not None:
                settings["api"] = api
        return Plan(name, api, settings, key_vars=key_vars, variables=variables, row=row)

    def _target(
        self, name: Any, api: str | None, settings: Mapping[str, Any], *, is_configured: bool
    ) -> Target:
        """The provider, the model and the address of a name."""
        try:
            return resolve(
                name,
                settings.get("provider"),
                settings.get("base_url"),
                api=api,
                custom=self._custom_row,
                problem=self.registry.provider_problem,
            )
        except LlmConfigError:
            if is_configured or not self._models or not isinstance(name, str):
                raise
            from tokenwire.config.configuration import misspelt

            problem = misspelt(name, self._models, self._source)
            if problem is None:
                raise
        raise LlmConfigError(problem)

    def _custom_row(self, name: str) -> LlmProvider | None:
        return self._providers.get(name) or self.registry.own_provider(name)


def _check_address(name: str, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Refuse to pass the headers of a configuration on to an address that is part of a name.

    The name may come from a user of the program, who must not choose who gets them.
    """
    held = [key for key in OF_ONE_SERVER if defaults.get(key) and key not in settings]
    if held:
        raise LlmConfigError(
            f'model: "{name}" contains an address, to which the {" and ".join(held)} of [defaults] '
            "are not sent; give the address as base_url=, or the headers and query for it"
        )


# The factory behind `client()`, created when it is first needed.
_process: dict[str, LlmClientFactory] = {}


def shared_factory() -> LlmClientFactory:
    """The factory behind `client()`, with the configuration that `TOKENWIRE_CONFIG` names.

    Raises:
        LlmConfigError: That configuration has problems.
    """
    factory = _process.get("factory")
    if factory is None:
        from os import environ

        try:
            factory = LlmClientFactory(environ.get(CONFIG_VARIABLE) or None)
        except LlmConfigError as error:
            path = environ[CONFIG_VARIABLE]
            # The name of a file may be of several lines.
            text = str(error).replace(path, " ".join(path.split()))
            raise LlmConfigError(f"{CONFIG_VARIABLE}: {text}", problems=error.problems) from error
        # setdefault is atomic: threads that call it at the same time get the same factory.
        factory = _process.setdefault("factory", factory)
    return factory


def _unpickled(config: Configuration, max_clients: int) -> LlmClientFactory:
    return LlmClientFactory(config, max_clients=max_clients)


@overload
def client(name: str, *, api: Literal["completions"], **settings: Any) -> CompletionClient: ...


@overload
def client(
    name: str, *, api: Literal["chat", "responses", "messages", "gemini"], **settings: Any
) -> ChatClient: ...


@overload
def client(name: str, *, api: str | None = None, **settings: Any) -> LlmClientInterface: ...


def client(name: str, *, api: str | None = None, **settings: Any) -> LlmClientInterface:
    """Return the client for a name, created once and then shared.

        tw.client("groq:llama-3.3-70b-versatile").run("Why is the sky blue?")

    The names in the configuration that `TOKENWIRE_CONFIG` names work too. The arguments are those
    of `LlmClientFactory.get_client`.
    """
    seal(settings)
    return shared_factory().get_client(name, api=api, **settings)
