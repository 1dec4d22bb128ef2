"""The arguments of a client, one row each: its check, and whether it may hold a key.

The constructor, `with_options`, the checks of a configuration and pickling read this table.
"""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.address import PLACES, check_place
from tokenwire.settings.secret import (
    LeftOut,
    Secret,
    sealed,
    sealed_certificate,
    sealed_url,
    sealed_values,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tokenwire._engine import RetryPolicy

    Check = Callable[[Any, str], Any]


def check_text(text: str | Secret, name: str) -> None:
    """Refuse text that UTF-8 cannot carry.

    Raises:
        LlmValidationError: It holds a lone surrogate.
    """
    try:
        # In no local variable, which a traceback may show.
        (text.reveal() if isinstance(text, Secret) else text).encode()
    except UnicodeEncodeError as error:
        problem = f"a lone surrogate at character {error.start}, which UTF-8 cannot carry"
        raise LlmValidationError(f"{name}: the text holds {problem}") from None


def _unchecked(value: Any, _name: str) -> Any:
    """Leave the check to the engine, or to `resolve`."""
    return value


def _instance_of(kinds: Any, form: str, *, optional: bool = True) -> Check:
    """A check that a value is None or an instance of `kinds`."""

    def check(value: Any, name: str) -> Any:
        kind = type(value.reveal() if isinstance(value, Secret) else value)
        if not issubclass(kind, kinds) and (value is not None or not optional):
            raise LlmConfigError(f"{name}: give {form}, not {kind.__name__}")
        if issubclass(kind, str):
            check_text(value, name)
        return value

    return check


_text = _instance_of(str, "a str")


def _one_of(*words: str) -> Check:
    """A check that a value is None or one of these words."""

    def check(value: Any, name: str) -> Any:
        if value is None or (isinstance(value, str) and value in words):
            return value
        form = ", ".join(f'"{word}"' for word in words[:-1]) + f' or "{words[-1]}"'
        shown = _engine.escaped(repr(value)) if isinstance(value, str) else type(value).__name__
        raise LlmConfigError(f"{name}: give {form}, not {shown}")

    return check


def _key(value: Any, name: str) -> Any:
    if value is None or callable(value):
        return value
    if not isinstance(value, Secret) or not isinstance(value.reveal(), str):
        raise LlmConfigError(f"{name}: give a str or a callable that returns one")
    check_text(value, name)
    return value


def _path(value: Any, name: str) -> str | None:
    """The path of a PEM file or folder as a str."""
    if value is None:
        return None
    if not isinstance(value, str) and not hasattr(value, "__fspath__"):
        raise LlmConfigError(f"{name}: give the path of a PEM file")
    from os import fspath

    path = str(fspath(value))
    if not path:
        raise LlmConfigError(f"{name}: the path is empty; leave it out for none")
    check_text(path, name)
    return path


def _certificate(value: Any, name: str) -> tuple[str, str | None, Secret | None] | None:
    """Certificate file, key file and password.

    The key file is None where one file has both, and the password where the key is not encrypted.
    """
    if value is None:
        return None
    if not isinstance(value, (tuple, list)):
        return _path(value, name) or "", None, None
    if len(value) not in (2, 3):
        raise LlmConfigError(
            f"{name}: give (certificate file, key file) or (certificate file, key file, password)"
        )
    password = value[2] if len(value) == 3 else None
    if isinstance(password, LeftOut):
        password = None
    if password is not None:
        if not isinstance(password, Secret) or not isinstance(password.reveal(), str):
            raise LlmConfigError(f"{name}: give the password of the key as a str")
        if not password.reveal():
            raise LlmConfigError(f"{name}: the password is empty; leave it out if the key has none")
        check_text(password, name)
    if value[0] is None:
        raise LlmConfigError(f"{name}: give the path of a PEM file as its first value")
    return _path(value[0], name) or "", _path(value[1], name), password


class Setting:
    """One argument of a client.

    Attributes:
        check: Takes a value and the argument's name; returns what the engine is given.
        default: The value of the argument where it is left out.
        seal: Hides a value that is, or holds, a secret; None if no value can.
        in_entry: Whether an entry of a configuration may have it.
        in_defaults: Whether the `[defaults]` of a configuration may have it.
        table: The class that a table of a configuration becomes.
        needs_table: Whether it must be a table in a configuration.
    """

    def __init__(
        self,
        check: Check,
        *,
        default: Any = None,
        seal: Callable[[Any], Any] | None = None,
        in_entry: bool = True,
        in_defaults: bool = True,
        table: Any = None,
        needs_table: bool = True,
    ) -> None:
        self.check = check
        self.default = default
        self.seal = seal
        self.in_entry = in_entry
        self.in_defaults = in_entry and in_defaults
        self.table = table
        self.needs_table = table is not None and needs_table


CLIENT_SETTINGS = {
    "provider": Setting(_unchecked, in_entry=False),
    "api_key": Setting(_key, seal=sealed, in_entry=False),
    # Models differ in their address and their system prompt, so there is no default for these.
    "base_url": Setting(_text, seal=sealed_url, in_defaults=False),
    "api": Setting(_text, in_entry=False),
    **{name: Setting(check_place, in_defaults=False) for name in PLACES},
    "system": Setting(_instance_of(str, "a str"), in_defaults=False),
    # A number is the timeout of the whole call.
    "timeout": Setting(
        _unchecked, default=_engine.Timeout(), table=_engine.Timeout, needs_table=False
    ),
    "max_retries": Setting(_unchecked),
    "retry": Setting(
        _instance_of(_engine.RetryPolicy, "a RetryPolicy(…)"), table=_engine.RetryPolicy
    ),
    "limits": Setting(_instance_of(_engine.Limits, "a Limits(…)"), table=_engine.Limits),
    "proxy": Setting(_text, seal=sealed_url),
    "transport": Setting(_one_of("auto", "direct", "general")),
    "compression": Setting(_instance_of(bool, "True or False", optional=False), default=False),
    "ca_bundle": Setting(_path),
    "client_cert": Setting(_certificate, seal=sealed_certificate),
    "trust_env": Setting(_instance_of(bool, "True or False", optional=False), default=True),
    "headers": Setting(_unchecked, seal=sealed_values),
}
# What belongs to the server that it was given for, and is never taken along to another one.
OF_ONE_SERVER = ("api_key", "headers", "extra_headers", "extra_query")
_OF_OTHERS = (
    *("api_token", "apikey", "auth", "auth_token", "azure_ad_token", "cookies", "default_headers"),
    *("default_query", "extra_header", "http_headers", "openai_api_key", "password", "token"),
)
# Settings of a client and parameters of a call that are or hold secrets.
_SEALS = {
    **{name: row.seal for name, row in CLIENT_SETTINGS.items() if row.seal is not None},
    "extra_headers": sealed_values,
    "extra_query": sealed_values,
    # Names that other libraries have. They are refused, in an error that must not show the values.
    **dict.fromkeys(_OF_OTHERS, sealed),
}
_SEALED = frozenset(_SEALS)


def engine_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Check the settings, and return what the engine is given. Secrets are still sealed.

    Raises:
        LlmConfigError: A setting cannot work; the message names it and the fix.
        LlmValidationError: A text holds what UTF-8 cannot carry.
    """
    checked = {}
    for name, row in CLIENT_SETTINGS.items():
        value = settings[name]
        if value is not row.default:
            checked[name] = row.check(value, name)
        elif value is not None:
            checked[name] = value
    max_retries = checked.pop("max_retries", None)
    if max_retries is not None:
        if checked.get("retry") is not None:
            raise LlmConfigError("max_retries: give it inside retry=RetryPolicy(max_retries=…)")
        checked["retry"] = _engine.RetryPolicy(max_retries=max_retries)
    # They say which row the engine uses and where it is, and the last one goes with each call.
    for name in ("provider", *PLACES, "system"):
        checked.pop(name, None)
    return checked


def with_retries(policy: RetryPolicy, max_retries: int) -> RetryPolicy:
    """A policy with another number of retries; what it forbids stays forbidden."""
    return _engine.RetryPolicy(**{**policy.to_dict(), "max_retries": max_retries})


# Two names of one parameter.
_SAME = (("max_tokens", "max_completion_tokens"), ("seed", "random_seed"))


def merged_params(base: Mapping[str, Any], nearer: Mapping[str, Any]) -> dict[str, Any]:
    """Both sets of parameters; `nearer` wins, also under another name for the same thing."""
    merged = {**base, **nearer}
    for one, other in _SAME:
        if (one in nearer) != (other in nearer):
            merged.pop(other if one in nearer else one, None)
    return merged


def merged_settings(base: Mapping[str, Any], nearer: Mapping[str, Any]) -> dict[str, Any]:
    """Both settings; `nearer` wins. Its `max_retries` changes a `retry` of the other."""
    merged = merged_params(base, nearer)
    if "retry" in nearer and "max_retries" not in nearer:
        merged.pop("max_retries", None)
    elif "max_retries" in nearer and "retry" not in nearer and merged.get("retry") is not None:
        retries = merged.pop("max_retries")
        if retries is not None:
            merged["retry"] = with_retries(merged["retry"], retries)
    return merged


def seal(arguments: Any) -> None:
    """Hide, in place, the arguments of a client or a call that are or hold secrets.

    A function that is given them does this first, because a traceback may show local variables.
    """
    if not _SEALED.isdisjoint(arguments):
        for name in _SEALED.intersection(arguments):
            arguments[name] = _SEALS[name](arguments[name])


def may_be_secret(name: str) -> bool:
    """Whether the setting or the parameter of this name is, or may hold, a secret."""
    return name in _SEALS


def left_out_of_provider(provider: Any) -> list[str]:
    """What a pickle left out of a provider's row, in words."""
    headers = getattr(provider, "headers", None) or {}
    names = [name for name, value in headers.items() if isinstance(value, LeftOut)]
    return [f"provider (headers {', '.join(names)})"] if names else []


def left_out(settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """What a pickle left out of the settings and the defaults of a client, in words."""
    found = left_out_of_provider(settings["provider"])
    for name, what in (("base_url", "the query of"), ("proxy", "user and password of the proxy")):
        if type(settings[name]) is LeftOut:
            found.append(f"{name} ({what} {settings[name].public()} )")
    certificate = settings.get("client_cert")
    if isinstance(certificate, tuple) and any(isinstance(part, LeftOut) for part in certificate):
        found.append("client_cert (its password)")
    for name in OF_ONE_SERVER[1:]:
        values = (settings if name == "headers" else defaults).get(name)
        if values is not None:
            names = [str(key) for key, value in values.items() if isinstance(value, LeftOut)]
            if names:
                found.append(f"{name} ({', '.join(names)})")
    return found
