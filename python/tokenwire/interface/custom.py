"""Custom clients from a factory: what their constructors take.

The class of an `LlmProvider(name, client=…)` is called as `cls(model, provider=name, **settings)`.
"""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING

from tokenwire import _engine
from tokenwire._pydantic import nearest_name
from tokenwire.errors import LlmConfigError
from tokenwire.settings.client_settings import left_out
from tokenwire.settings.model_string import Target, key_and_address
from tokenwire.settings.secret import revealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from tokenwire.interface.interface import LlmClientInterface
    from tokenwire.settings.model_string import ProviderRow

_ARGUMENTS = ("model", "provider")


def accepted(kind: type[LlmClientInterface], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the settings that the class takes."""
    known = _settings_of(kind)
    return {name: settings[name] for name in settings if known is None or name in known}


def problems_of(kind: type[LlmClientInterface], names: Iterable[str]) -> dict[str, str]:
    """Return what is wrong with these settings, by name: one is unknown, or one is missing."""
    known = _settings_of(kind)
    problems = {}
    present = set(names)
    for name in sorted(present):
        if known is not None and name not in known:
            near = nearest_name(name, known)
            hint = f"; did you mean {near}?" if near else ""
            problems[name] = f"{kind.__name__} takes no such setting{hint}"
    for name, needed in signature(kind).parameters.items():
        is_single = needed.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        if is_single and needed.default is Parameter.empty and name not in {*present, *_ARGUMENTS}:
            problems[name] = f"{kind.__name__} needs this setting"
    return problems


def create(
    kind: type[LlmClientInterface],
    row: ProviderRow,
    model: str,
    settings: dict[str, Any],
    key_vars: Sequence[str] | None,
) -> LlmClientInterface:
    """Create a client of this class. Key and address come from the row if the settings have none.

    Raises:
        LlmConfigError: The class does not take these settings, or there is no key.
    """
    lost = left_out({"base_url": None, "proxy": None, **settings}, settings)
    if lost:
        raise LlmConfigError(f"{', '.join(lost)}: a pickle left out what may be secret; give it")
    settings["provider"] = row.name
    target = Target(row.name, model, settings.get("base_url"), row)
    found = key_and_address(target, settings.get("api_key"), key_vars)
    if found.api_key is None and found.needs_key:
        raise LlmConfigError(_engine._missing_key(row.name, key_vars or row.key_vars))
    if found.api_key is not None:
        settings["api_key"] = found.api_key
    if found.base_url is not None:
        settings["base_url"] = found.base_url
    problems = problems_of(kind, settings.keys() - {"provider"})
    if problems:
        raise LlmConfigError("; ".join(f"{name}: {text}" for name, text in problems.items()))
    # Revealed in no local variable, because a traceback may show those.
    client: LlmClientInterface = kind(model, **revealed(settings))
    # Replies and errors need both.
    for name, value in (("model", model), ("provider", row.name)):
        if getattr(client, name, None) is None:
            raise LlmConfigError(
                f"{kind.__name__} has no {name}; call super().__init__(model, "
                f"provider=provider), or set self.{name} = {value!r}"
            )
    return client


def _settings_of(kind: type[LlmClientInterface]) -> set[str] | None:
    """The names of the settings that a class takes; None if it takes any."""
    parameters = signature(kind).parameters.values()
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return {parameter.name for parameter in parameters} - set(_ARGUMENTS)
