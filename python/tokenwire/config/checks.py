"""Checks of a configuration: every problem at once, each with its place and the nearest name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from tokenwire import _engine
from tokenwire._pydantic import Model, nearest_name
from tokenwire.catalog.model import ModelConfig, Price
from tokenwire.catalog.provider import LlmProvider, variable_problem
from tokenwire.catalog.registry import shared
from tokenwire.clients.chat import ChatClient
from tokenwire.clients.completion import CompletionClient
from tokenwire.config.configuration import Configuration, ModelEntry, merged_settings
from tokenwire.config.file import Problem, read_toml, without_secrets
from tokenwire.errors import LlmConfigError, LlmError, LlmValidationError
from tokenwire.interface.custom import problems_of
from tokenwire.settings.client_settings import CLIENT_SETTINGS
from tokenwire.settings.model_string import (
    ModelString,
    could_be_provider,
    named_target,
    resolve,
)
from tokenwire.types.params import AnyParams

if TYPE_CHECKING:
    from typing import TypeVar

    from tokenwire.catalog.registry import ModelRegistry, Source
    from tokenwire.interface.interface import LlmClientInterface

    Made = TypeVar("Made", bound=Model)

_APIS = tuple(_engine.apis())
_COMPLETION_APIS = [name for name, family in _engine.apis().items() if family == "completions"]
_SECTIONS = ("defaults", "models", "providers")
_SETTINGS = {name for name, row in CLIENT_SETTINGS.items() if row.in_entry} | {"params"}
_DEFAULTS = {name for name, row in CLIENT_SETTINGS.items() if row.in_defaults} | {"params"}
_FACTS = frozenset(ModelConfig.model_fields) - {"name", "provider", "api"}
_ENTRY = frozenset({"model", "provider", "api", "key_var"}) | _SETTINGS | _FACTS
# A file names no class: what it names would be imported.
_PROVIDER = frozenset(LlmProvider.model_fields) - {"name", "is_built_in", "client"}
# What holds for one call only is no parameter of a configuration.
_PARAMETERS = AnyParams.__optional_keys__ - {
    "model",
    "timeout",
    "max_retries",
    "headers",
}
# Fields of a provider whose values may be, or hold, a key.
_HIDDEN = frozenset({"base_url", "base_url_vars", "key_vars"})
_SECRET_NAME = re.compile(r"(?i)(api_?)?key|.*secret.*|.*password.*|(auth_?|access_?)?token")
_ADDRESS = "http://localhost/v1"


def checked(
    source: Source, registry: ModelRegistry | None = None
) -> tuple[Configuration | None, list[Problem]]:
    """Read a configuration and check it, without a client and without the network.

    Returns:
        The configuration, or None where there are problems; and the problems.

    Raises:
        LlmConfigError: The file cannot be read, or is no TOML.
    """
    data = source if isinstance(source, Mapping) else read_toml(source)
    return _Check(data, registry or shared()).result()


class _Check:
    """One pass over a configuration."""

    def __init__(self, data: Mapping[str, Any], registry: ModelRegistry) -> None:
        self._data = data
        self._registry = registry
        self._problems: list[Problem] = []

    def result(self) -> tuple[Configuration | None, list[Problem]]:
        self._names("", self._data, _SECTIONS)
        defaults = self._settings("defaults", self._table("defaults"), ChatClient, _DEFAULTS)
        providers: dict[str, LlmProvider | None] = {
            name: self._provider(f"providers.{name}", name, row)
            for name, row in self._table("providers").items()
        }
        models = {
            key: self._entry(f"models.{key}", key, row, defaults, providers)
            for key, row in self._table("models").items()
        }
        if self._problems:
            return None, self._problems
        configuration = Configuration(
            models={key: entry for key, entry in models.items() if entry is not None},
            providers={name: row for name, row in providers.items() if row is not None},
            defaults=defaults,
        )
        return configuration, []

    def _table(self, name: str) -> Mapping[str, Any]:
        value = self._data.get(name, {})
        if isinstance(value, Mapping):
            return value
        self._say(name, "it must be a table", value=value)
        return {}

    def _say(self, path: str, message: str, **more: Any) -> None:
        self._problems.append(Problem(path, message, **more))

    def _names(self, path: str, table: Mapping[str, Any], known: Iterable[str]) -> set[str]:
        """The names of a table that exist; the others are problems."""
        good = set()
        for name in table:
            here = f"{path}.{name}" if path else str(name)
            if _SECRET_NAME.fullmatch(str(name)):
                self._say(here, "a key does not belong here; name its variable: key_var, key_vars")
            elif name in known:
                good.add(name)
            else:
                # Its value is not shown: it may be anything.
                self._say(here, "no such setting", near=nearest_name(str(name), known))
        return good

    def _provider(self, path: str, name: str, row: Any) -> LlmProvider | None:
        if not isinstance(row, Mapping):
            self._say(path, "it must be a table", value=row)
            return None
        good = self._names(path, row, _PROVIDER)
        if _engine.is_provider(name):
            self._say(path, "the engine has a provider of that name; choose another")
        fields = {key: row[key] for key in good}
        made = self._made(path, LlmProvider, {"name": name, **fields})
        if made is not None and made.base_url is None and not made.base_url_vars:
            self._say(path, "there is no base_url")
        elif made is not None and made.base_url is not None:
            self._try(f"{path}.base_url", "base_url", made.base_url, ChatClient)
        return made

    def _entry(
        self,
        path: str,
        key: str,
        row: Any,
        defaults: Mapping[str, Any],
        providers: Mapping[str, LlmProvider | None],
    ) -> ModelEntry | None:
        if not isinstance(row, Mapping):
            self._say(path, "it must be a table", value=row)
            return None
        before = len(self._problems)
        own = self._own_client(row, providers)
        good = self._names(path, row, _ENTRY if own is None else [*_ENTRY, *row])
        api = self._words(path, row, good)
        kind = CompletionClient if api in _COMPLETION_APIS else ChatClient
        if own is not None:
            settings = self._own_settings(path, row, own)
        else:
            settings = self._settings(path, {name: row[name] for name in good & _SETTINGS}, kind)
        if "model" not in row:
            self._say(path, 'there is no model; write model = "provider:model"')
        facts = {name: row[name] for name in good & _FACTS}
        target = self._target(path, row, providers)
        if facts:
            provider, name = target or ("unknown", "unknown")
            facts = {**facts, "name": name, "provider": provider}
            if api in _APIS:
                facts["api"] = api
            self._made(path, ModelConfig, facts)
        if len(self._problems) > before:
            return None
        # What a class of the user's takes of the defaults, its factory finds out.
        merged = settings if own is not None else merged_settings(defaults, settings)
        if "provider" in row:
            merged["provider"] = row["provider"]
        if own is None:
            self._whole(path, merged, kind)
        return ModelEntry(
            key,
            model=row["model"],
            api=api,
            key_var=row.get("key_var"),
            settings=merged,
            facts=facts,
        )

    def _words(self, path: str, row: Mapping[str, Any], good: set[str]) -> str | None:
        """Check what is a word for itself; the API."""
        for name in good & {"model", "provider", "key_var"}:
            if not isinstance(row[name], str) or not row[name].strip():
                self._say(f"{path}.{name}", "it must be a text", value=row[name])
            elif name == "key_var" and (problem := variable_problem(row[name])) is not None:
                self._say(f"{path}.{name}", problem)
        api: str | None = row.get("api")
        if api is not None and api not in _APIS:
            near = nearest_name(str(api), _APIS)
            self._say(f"{path}.api", f"it must be {' or '.join(_APIS)}", value=api, near=near)
        return api

    def _own_client(
        self, row: Mapping[str, Any], providers: Mapping[str, object]
    ) -> type[LlmClientInterface] | None:
        """The class of the user's that an entry means, if it means one."""
        model = row.get("model")
        place = row.get("provider") or ModelString(str(model)).provider or model
        if not isinstance(place, str) or place in providers:
            return None
        known = self._registry.own_provider(place)
        return None if known is None else known.client

    def _own_settings(
        self, path: str, row: Mapping[str, Any], kind: type[LlmClientInterface]
    ) -> dict[str, Any]:
        settings = {name: row[name] for name in row if name in _SETTINGS or name not in _ENTRY}
        settings.update(settings.pop("params", {}))
        for name, problem in problems_of(kind, settings).items():
            self._say(f"{path}.{name}", problem)
        return settings

    def _target(
        self, path: str, row: Mapping[str, Any], providers: Mapping[str, LlmProvider | None]
    ) -> tuple[str, str] | None:
        """Provider and model that an entry means."""
        model, provider = row.get("model"), row.get("provider")
        if not isinstance(model, str) or not isinstance(provider, (str, type(None))):
            return None
        parts = ModelString(model)
        head = parts.provider
        is_own = head in providers or self._registry.own_provider(head) is not None
        try:
            if provider is not None or not is_own:
                target = resolve(model, provider, row.get("base_url"))
            else:
                target = named_target(model, row.get("base_url"))
        except LlmConfigError as error:
            is_strange = not is_own and not _engine.is_provider(head)
            if is_strange and could_be_provider(head) and parts.name.strip():
                self._unknown(f"{path}.model", model, head, providers)
            else:
                self._say(f"{path}.model", _without_place(error), value=model)
            return None
        if "://" in model and provider is None:
            self._try(f"{path}.model", "base_url", target.base_url, ChatClient)
        own = self._registry.own_provider(target.provider)
        known = own is not None or target.provider in _engine.provider_names()
        if known or target.provider in providers:
            return target.provider, target.model
        where = "model" if provider is None else "provider"
        self._unknown(f"{path}.{where}", row[where], target.provider, providers)
        return None

    def _unknown(
        self, path: str, value: object, name: str, providers: Mapping[str, object]
    ) -> None:
        near = None
        if not _engine.is_provider(name):
            near = nearest_name(name, [*providers, *_engine.provider_names()])
        problem = _engine.provider_problem(name) if near is None else None
        self._say(path, problem or f"provider {name}: unknown", value=value, near=near)

    def _settings(
        self,
        path: str,
        table: Mapping[str, Any],
        kind: type[ChatClient | CompletionClient],
        known: Collection[str] = _SETTINGS,
    ) -> dict[str, Any]:
        """Arguments of a client; each is tried by itself, so that no problem hides another."""
        settings: dict[str, Any] = {}
        for name in sorted(self._names(path, table, known)):
            value, here = table[name], f"{path}.{name}"
            if name == "params":
                settings.update(self._parameters(here, value, kind))
            elif name == "system" and kind is CompletionClient:
                self._say(here, "text completions have no system prompt")
            elif (kind_of_table := _table_of(name)) and isinstance(value, Mapping):
                settings[name] = self._compiled(here, kind_of_table, value)
            elif name in ("limits", "retry"):
                self._say(here, "it must be a table", value=value)
            elif name == "trust_env" and not isinstance(value, bool):
                self._say(here, "it must be true or false", value=value)
            elif self._try(here, name, value, kind):
                settings[name] = tuple(value) if name == "client_cert" and value else value
        return settings

    def _parameters(
        self, path: str, table: Any, kind: type[ChatClient | CompletionClient]
    ) -> dict[str, Any]:
        if not isinstance(table, Mapping):
            self._say(path, "it must be a table", value=table)
            return {}
        names = self._names(path, table, _PARAMETERS)
        return {
            name: table[name]
            for name in sorted(names)
            if self._try(f"{path}.{name}", name, table[name], kind)
        }

    def _compiled(self, path: str, kind: Any, table: Mapping[str, Any]) -> Any:
        known = [field for field in dir(kind) if not field.startswith("_")]
        fields = [field for field in known if not callable(getattr(kind, field))]
        good = {}
        for field in sorted(self._names(path, table, fields)):
            if self._fits(f"{path}.{field}", kind, {field: table[field]}):
                good[field] = table[field]
        return kind(**good)

    def _fits(self, path: str, kind: Any, fields: dict[str, Any]) -> bool:
        try:
            kind(**fields)
        except (LlmError, TypeError) as error:
            value = next(iter(fields.values()))
            self._say(path, without_secrets(_without_place(error), value), value=value)
            return False
        return True

    def _try(
        self, path: str, name: str, value: Any, kind: type[ChatClient | CompletionClient]
    ) -> bool:
        """Whether a client takes this argument; a client that is made connects to nothing."""
        try:
            _client(kind, {name: value})
        except (LlmError, TypeError) as error:
            shown = None if _may_hold_a_key(name) else value
            self._say(path, without_secrets(_without_place(error), value), value=shown)
            return False
        return True

    def _whole(
        self,
        path: str,
        settings: Mapping[str, Any],
        kind: type[ChatClient | CompletionClient],
    ) -> None:
        """Arguments that fit one by one may still exclude each other."""
        try:
            _client(kind, {name: settings[name] for name in settings if name != "provider"})
        except (LlmError, TypeError) as error:
            self._say(path, str(error))

    def _made(self, path: str, kind: type[Made], fields: Mapping[str, Any]) -> Made | None:
        try:
            return kind.model_validate(fields)
        except (LlmConfigError, LlmValidationError) as error:
            self._problems += _causes(path, error)
            return None


def _table_of(name: str) -> Any:
    """The class that a table becomes as this setting; None for what is not a table."""
    row = CLIENT_SETTINGS.get(name)
    return None if row is None else row.table


def _may_hold_a_key(name: str) -> bool:
    row = CLIENT_SETTINGS.get(name)
    return row is not None and row.seal is not None


def _client(kind: type[ChatClient | CompletionClient], arguments: Mapping[str, Any]) -> None:
    kind("m", **{"base_url": _ADDRESS, **arguments})


def _causes(path: str, error: LlmError) -> Iterator[Problem]:
    """Each thing that pydantic found."""
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
    """The text behind the argument's name: the problem's path says it better."""
    text = str(error)
    place, separator, rest = text.partition(": ")
    return rest if separator and re.fullmatch(r"[\w.\[\]]+", place) else text
