"""Reads a configuration, and finds all of its problems: each with its place and a suggestion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tokenwire import _engine
from tokenwire._pydantic import Model, nearest_name
from tokenwire.catalog.model import ModelConfig, Price
from tokenwire.catalog.provider import LlmProvider, variable_problem
from tokenwire.catalog.registry import shared
from tokenwire.clients.chat import ChatClient
from tokenwire.clients.completion import CompletionClient
from tokenwire.config.configuration import Configuration, ModelEntry
from tokenwire.config.file import Problem, read_toml, without_secrets
from tokenwire.config.trial import any_client, construct, filled
from tokenwire.errors import LlmConfigError, LlmError, LlmValidationError
from tokenwire.interface.custom import problems_of
from tokenwire.settings.address import PLACES, check_places
from tokenwire.settings.client_settings import CLIENT_SETTINGS, may_be_secret, merged_settings
from tokenwire.settings.model_string import ModelString, could_be_provider, resolve
from tokenwire.types.params import AnyParams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeVar

    from tokenwire.catalog.registry import ModelRegistry, Source
    from tokenwire.config.trial import EngineClient
    from tokenwire.interface.interface import LlmClientInterface

    Row = TypeVar("Row", bound=Model)

_APIS = tuple(_engine.apis())
_COMPLETION_APIS = [name for name, family in _engine.apis().items() if family == "completions"]
_SETTINGS = {name for name, row in CLIENT_SETTINGS.items() if row.in_entry} | {"params"}
_DEFAULTS = {name for name, row in CLIENT_SETTINGS.items() if row.in_defaults} | {"params"}
_FACTS = frozenset(ModelConfig.model_fields) - {"name", "provider", "api"}
_ENTRY = frozenset({"model", "provider", "api", "key_var"}) | _SETTINGS | _FACTS
# A file cannot name a class: it would have to be imported.
_PROVIDER = frozenset(LlmProvider.model_fields) - {"name", "is_built_in", "client"}
# These are arguments of a single call.
_PARAMETERS = AnyParams.__optional_keys__ - {"model", "timeout", "max_retries", "headers"}
# Fields of a provider whose values may be keys, or contain one.
_HIDDEN = frozenset({"base_url", "base_url_vars", "headers", "key_vars"})
_SECRET_NAME = re.compile(r"(?i)(api_?)?key|.*secret.*|.*password.*|(auth_?|access_?)?token")
# Tables whose names other libraries may have for something else.
_WITH_ADVICE = ("defaults", "models.")
_NOT_A_TABLE = "it must be a table"


def checked(
    source: Source, registry: ModelRegistry | None = None
) -> tuple[Configuration | None, list[Problem]]:
    """Read a configuration and check it, without the network.

    Returns:
        The configuration, or None if there are problems; and the problems.

    Raises:
        LlmConfigError: The file cannot be read, or is not TOML.
    """
    configuration, problems = _read(source, registry)
    return (None if problems else configuration), problems


def usable_part(source: Source) -> tuple[Configuration, list[Problem]]:
    """Read a configuration like `checked`, and return those models that have no problem.

    Raises:
        LlmConfigError: The file cannot be read, or is not TOML.
    """
    found, problems = _read(source, None)
    places = tuple(f"{problem.path}." for problem in problems)
    providers = {
        name: row
        for name, row in found.providers.items()
        if not any(place.startswith(f"providers.{name}.") for place in places)
    }
    broken = found.providers.keys() - providers.keys()
    models = {
        name: entry
        for name, entry in found.models.items()
        if (entry.settings.get("provider") or ModelString(entry.model).provider) not in broken
    }
    return Configuration(models=models, providers=providers, defaults=found.defaults), problems


def _read(source: Source, registry: ModelRegistry | None) -> tuple[Configuration, list[Problem]]:
    data = source if isinstance(source, Mapping) else read_toml(source)
    check = _Check(registry or shared())
    return check.read(data), check.problems


class _Check:
    """One pass over a configuration."""

    def __init__(self, registry: ModelRegistry) -> None:
        self.problems: list[Problem] = []
        self._registry = registry
        self._defaults: dict[str, Any] = {}
        self._providers: dict[str, LlmProvider] = {}

    def read(self, data: Mapping[str, Any]) -> Configuration:
        self._names("", data, ("defaults", "models", "providers"))
        defaults = self._table("defaults", data.get("defaults", {})) or {}
        self._defaults = self._settings("defaults", defaults, ChatClient, _DEFAULTS)
        for name, row in (self._table("providers", data.get("providers", {})) or {}).items():
            provider = self._provider(f"providers.{name}", name, row)
            # One with problems still counts as known.
            self._providers[name] = provider or LlmProvider.model_construct(name=name)
        models = {
            key: self._entry(f"models.{key}", key, row)
            for key, row in (self._table("models", data.get("models", {})) or {}).items()
        }
        return Configuration(
            models={key: entry for key, entry in models.items() if entry is not None},
            providers=self._providers,
            defaults=self._defaults,
        )

    def _say(self, path: str, message: str, **more: Any) -> None:
        self.problems.append(Problem(path, message, **more))

    def _table(self, path: str, value: Any) -> Mapping[str, Any] | None:
        if isinstance(value, Mapping):
            return value
        self._say(path, _NOT_A_TABLE, value=value)
        return None

    def _names(self, path: str, table: Mapping[str, Any], known: Iterable[str]) -> set[str]:
        """The valid names of a table; the others are problems."""
        valid = set()
        for name in table:
            here = f"{path}.{name}" if path else str(name)
            if _SECRET_NAME.fullmatch(str(name)):
                self._say(here, "a key does not belong here; name its variable: key_var, key_vars")
            elif name in known:
                valid.add(name)
            else:
                # The value is not shown, because it may be anything.
                problem, near = "no such setting", nearest_name(str(name), known)
                advice = _advice(str(name)) if path.startswith(_WITH_ADVICE) else None
                if advice is not None:
                    problem, near = f"{problem}; {advice}", None
                self._say(here, problem, near=near)
        return valid

    def _provider(self, path: str, name: str, row: Any) -> LlmProvider | None:
        if self._table(path, row) is None:
            return None
        fields = {key: row[key] for key in self._names(path, row, _PROVIDER)}
        if _engine.is_provider(name):
            self._say(path, "there is a built-in provider of that name; choose another")
        provider = self._validated(path, LlmProvider, {"name": name, **fields})
        if provider is None:
            return None
        if provider.base_url is not None:
            address = filled(provider.base_url)
            self._fits(f"{path}.base_url", any_client(ChatClient), "base_url", address)
        elif not provider.base_url_vars:
            self._say(path, "there is no base_url")
        if provider.headers:
            # The engine knows which ones cannot be sent.
            client = any_client(ChatClient)
            self._fits(f"{path}.headers", client, "provider", provider)
        return provider

    def _entry(self, path: str, key: str, row: Any) -> ModelEntry | None:
        if self._table(path, row) is None:
            return None
        before = len(self.problems)
        custom = self._custom_client(row)
        valid = self._names(path, row, _ENTRY if custom is None else [*_ENTRY, *row])
        api = self._words(path, row, valid)
        kind = CompletionClient if api in _COMPLETION_APIS else ChatClient
        if custom is not None:
            # The factory finds out which of the defaults the class takes.
            settings = self._custom_settings(path, row, custom)
        else:
            table = {name: row[name] for name in valid & _SETTINGS}
            settings = merged_settings(self._defaults, self._settings(path, table, kind, api=api))
        if "model" not in row:
            self._say(path, 'there is no model; write model = "provider:model"')
        facts = {name: row[name] for name in valid & _FACTS}
        target = self._target(path, row)
        if facts:
            provider, name = target or ("unknown", "unknown")
            facts = {**facts, "name": name, "provider": provider}
            if api in _APIS:
                facts["api"] = api
            self._validated(path, ModelConfig, facts)
        if len(self.problems) > before:
            return None
        if custom is None and target is not None:
            # Arguments that are valid one by one may still exclude each other, or the API of the
            # model may not take them.
            try:
                construct(kind, target[1], self._row(target[0]), api, settings)
            except (LlmError, TypeError) as error:
                self._say(path, str(error))
        if "provider" in row:
            settings["provider"] = row["provider"]
        return ModelEntry(key, row["model"], api, row.get("key_var"), settings, facts)

    def _words(self, path: str, row: Mapping[str, Any], valid: set[str]) -> str | None:
        """Check `model`, `provider`, `key_var` and `api`; return the API."""
        for name in valid & {"model", "provider", "key_var"}:
            if not isinstance(row[name], str) or not row[name].strip():
                self._say(f"{path}.{name}", "it must be a string", value=row[name])
            elif name == "key_var" and (problem := variable_problem(row[name])) is not None:
                self._say(f"{path}.{name}", problem)
        api: str | None = row.get("api")
        if api is not None and api not in _APIS:
            near = nearest_name(str(api), _APIS)
            self._say(f"{path}.api", f"it must be {' or '.join(_APIS)}", value=api, near=near)
        return api

    def _places(self, path: str, provider: str, entry: Mapping[str, Any]) -> None:
        """Check that the address has the parts that an entry fills."""
        row = self._row(provider)
        given = {name: entry[name] for name in PLACES if entry.get(name) is not None}
        if row.client is not None:
            # Its class takes what it likes.
            return
        try:
            check_places(dict(row), given, entry.get("base_url"))
        except LlmConfigError as error:
            self._say(f"{path}.{str(error).partition(':')[0]}", _without_place(error))

    def _custom_client(self, row: Mapping[str, Any]) -> type[LlmClientInterface] | None:
        """The custom class of an entry's clients, if it has one."""
        name = row.get("provider") or ModelString(str(row.get("model"))).provider
        known = self._custom_row(name) if isinstance(name, str) else None
        return None if known is None else known.client

    def _custom_settings(
        self, path: str, row: Mapping[str, Any], kind: type[LlmClientInterface]
    ) -> dict[str, Any]:
        settings = {name: row[name] for name in row if name in _SETTINGS or name not in _ENTRY}
        settings.update(settings.pop("params", {}))
        for name, problem in problems_of(kind, settings).items():
            self._say(f"{path}.{name}", problem)
        return settings

    def _target(self, path: str, row: Mapping[str, Any]) -> tuple[str, str] | None:
        """The provider and the model of an entry."""
        model, provider = row.get("model"), row.get("provider")
        if not isinstance(model, str) or not isinstance(provider, (str, type(None))):
            return None
        parts = ModelString(model)
        try:
            target = resolve(
                model, provider, row.get("base_url"), api=row.get("api"), custom=self._custom_row
            )
        except LlmConfigError as error:
            could_be_one = could_be_provider(parts.provider) and parts.name.strip()
            if could_be_one and not self._is_known(parts.provider):
                self._unknown(f"{path}.model", model, parts.provider)
            else:
                self._say(f"{path}.model", _without_place(error), value=model)
            return None
        if "://" in model and provider is None:
            self._fits(f"{path}.model", any_client(ChatClient), "base_url", target.base_url)
        if self._is_known(target.provider):
            self._places(path, target.provider, row)
            return target.provider, target.model
        where = "model" if provider is None else "provider"
        self._unknown(f"{path}.{where}", row[where], target.provider)
        return None

    def _custom_row(self, name: str) -> LlmProvider | None:
        return self._providers.get(name) or self._registry.own_provider(name)

    def _row(self, name: str) -> LlmProvider:
        return self._custom_row(name) or LlmProvider.built_in(name)

    def _is_known(self, name: str) -> bool:
        return name in _engine.provider_names() or self._custom_row(name) is not None

    def _unknown(self, path: str, value: object, name: str) -> None:
        near = None
        if not _engine.is_provider(name):
            near = nearest_name(name, [*self._providers, *_engine.provider_names()])
        problem = _engine.provider_problem(name) if near is None else None
        self._say(path, problem or f"provider {name}: unknown", value=value, near=near)

    def _settings(
        self,
        path: str,
        table: Mapping[str, Any],
        kind: EngineClient,
        known: Iterable[str] = _SETTINGS,
        *,
        api: str | None = None,
    ) -> dict[str, Any]:
        """Arguments of a client. Each is tried by itself, so that no problem hides another."""
        settings: dict[str, Any] = {}
        client = any_client(kind, api if api in _APIS else None)
        for name in sorted(self._names(path, table, known)):
            value, here = table[name], f"{path}.{name}"
            row = CLIENT_SETTINGS.get(name)
            if name == "params":
                params = self._table(here, value) or {}
                for param in sorted(self._names(here, params, _PARAMETERS)):
                    if self._fits(f"{here}.{param}", client, param, params[param]):
                        settings[param] = params[param]
            elif name == "system" and kind is CompletionClient:
                self._say(here, "text completions have no system prompt")
            elif row is not None and row.table is not None and isinstance(value, Mapping):
                settings[name] = self._compiled(here, row.table, value)
            elif row is not None and row.needs_table:
                self._say(here, _NOT_A_TABLE, value=value)
            elif self._fits(here, client, name, value):
                settings[name] = value
        return settings

    def _compiled(self, path: str, kind: Any, table: Mapping[str, Any]) -> Any:
        """A `Timeout`, `Limits` or `RetryPolicy`."""
        known = [field for field in dir(kind) if not field.startswith("_")]
        fields = [field for field in known if not callable(getattr(kind, field))]
        valid = {}
        for field in sorted(self._names(path, table, fields)):
            if self._fits(f"{path}.{field}", kind, field, table[field]):
                valid[field] = table[field]
        return kind(**valid)

    def _fits(self, path: str, construct: Callable[..., Any], name: str, value: Any) -> bool:
        """Whether a class takes this argument. A new client connects to nothing."""
        try:
            construct(**{name: value})
        except (LlmError, TypeError) as error:
            shown = None if may_be_secret(name) else value
            self._say(path, without_secrets(_without_place(error), value), value=shown)
            return False
        return True

    def _validated(self, path: str, kind: type[Row], fields: Mapping[str, Any]) -> Row | None:
        try:
            return kind.model_validate(fields)
        except (LlmConfigError, LlmValidationError) as error:
            self.problems += _causes(path, error)
            return None


def _advice(name: str) -> str | None:
    """What to write instead of a request parameter, or of a name of another library."""
    if name in _PARAMETERS:
        return f"it is a parameter: write params = {{ {name} = … }}"
    return _engine._other_name(name)


def _causes(path: str, error: LlmError) -> Iterator[Problem]:
    """All problems that pydantic found."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        yield Problem(path, str(error))
        return
    for item in cause.errors(include_url=False, include_context=False):
        here = ".".join([path, *(str(step) for step in item["loc"])])
        if item["type"] == "extra_forbidden":
            # Only a price is a table within a table.
            near = nearest_name(str(item["loc"][-1]), Price.model_fields)
            yield Problem(here, "no such setting", near=near)
        else:
            is_shown = _HIDDEN.isdisjoint(item["loc"])
            yield Problem(here, item["msg"], value=item["input"] if is_shown else None)


def _without_place(error: Exception) -> str:
    """The message without the argument's name: the path of the problem is more precise."""
    text = str(error)
    place, separator, rest = text.partition(": ")
    return rest if separator and re.fullmatch(r"[\w.\[\]]+", place) else text
