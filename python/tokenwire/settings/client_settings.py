"""The arguments of a client, one row each: its check, and whether it may hold a key.

The constructor, `with_options`, the checks of a configuration and what is pickled read this table.
"""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.secret import (
    Secret,
    bare_headers,
    bare_url,
    revealed,
    sealed,
    sealed_headers,
    sealed_url,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from tokenwire._engine import RetryPolicy

    Check = Callable[[Any, str], Any]


def check_text(value: str, name: str) -> None:
    """Refuse text that UTF-8 cannot carry.

    Raises:
        LlmValidationError: It holds a lone surrogate.
    """
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        # It may be a key, and a traceback may show local variables.
        del value
        problem = f"a lone surrogate at character {error.start}, which UTF-8 cannot carry"
        raise LlmValidationError(f"{name}: the text holds {problem}") from None


def _any(value: Any, _name: str) -> Any:
    return value


def _provider(value: Any, name: str) -> Any:
    if value is not None and not isinstance(value, str) and not hasattr(value, "key_vars"):
        raise LlmConfigError(f"{name}: give a str or an LlmProvider, not {type(value).__name__}")
    return value


def _key(value: Any, name: str) -> Any:
    if value is None or callable(value):
        return value
    if not isinstance(value, Secret):
        raise LlmConfigError(f"{name}: give a str or a callable that returns one")
    check_text(value.reveal(), name)
    return value


def _text(value: Any, name: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, (str, Secret)):
        raise LlmConfigError(f"{name}: give a str, not {type(value).__name__}")
    check_text(revealed(value), name)
    return value


def _api(value: Any, name: str) -> Any:
    return _text(value, name) or None


def _system(value: Any, name: str) -> Any:
    if value is not None and not isinstance(value, str):
        raise LlmConfigError(f"{name}: give a str")
    return value


def _flag(value: Any, name: str) -> Any:
    if not isinstance(value, bool):
        raise LlmConfigError(f"{name}: give True or False")
    return value


def _limits(value: Any, name: str) -> Any:
    if value is not None and not isinstance(value, _engine.Limits):
        raise LlmConfigError(f"{name}: give a Limits(…)")
    return value


def _retry(value: Any, name: str) -> Any:
    if value is not None and not isinstance(value, _engine.RetryPolicy):
        raise LlmConfigError(f"{name}: give a RetryPolicy(…)")
    return value


def _path(value: Any, name: str) -> str | None:
    """The path of a PEM file or folder as a str."""
    if value is None:
        return None
    if isinstance(value, bool) or not (isinstance(value, str) or hasattr(value, "__fspath__")):
        raise LlmConfigError(f"{name}: give the path of a PEM file")
    from os import fspath

    path = str(fspath(value))
    check_text(path, name)
    return path


def _certificate(value: Any, name: str) -> tuple[str, str | None] | None:
    """Certificate file and key file; None for the second where one file has both."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise LlmConfigError(f"{name}: give (certificate file, key file)")
        return _path(value[0], name) or "", _path(value[1], name)
    return _path(value, name) or "", None


class Setting:
    """One argument of a client.

    Attributes:
        default: Its value where it is not given.
        check: Takes the value and the argument's name; returns what the engine is given.
        seal: Keeps a value out of sight that is, or holds, a key; None where none can.
        bare: What of such a value may be pickled; a `Secret` may not.
        in_entry: Whether an entry of a configuration may have it as a setting.
        in_defaults: Whether the `[defaults]` of a configuration may have it.
        table: The class that a table of a configuration becomes.
    """

    __slots__ = ("bare", "check", "default", "in_defaults", "in_entry", "seal", "table")

    def __init__(
        self,
        check: Check,
        *,
        default: Any = None,
        seal: Callable[[Any], Any] | None = None,
        bare: Callable[[Any], Any] | None = None,
        in_entry: bool = True,
        in_defaults: bool = True,
        table: Any = None,
    ) -> None:
        self.check = check
        self.default = default
        self.seal = seal
        self.bare = bare
        self.in_entry = in_entry
        self.in_defaults = in_entry and in_defaults
        self.table = table


CLIENT_SETTINGS = {
    "provider": Setting(_provider, in_entry=False),
    "api_key": Setting(_key, seal=sealed, bare=sealed, in_entry=False),
    # One address, or one system prompt, is not every model's.
    "base_url": Setting(_text, seal=sealed_url, bare=bare_url, in_defaults=False),
    "api": Setting(_api, in_entry=False),
    "system": Setting(_system, in_defaults=False),
    "timeout": Setting(_any, default=_engine.Timeout(), table=_engine.Timeout),
    "max_retries": Setting(_any),
    "retry": Setting(_retry, table=_engine.RetryPolicy),
    "limits": Setting(_limits, table=_engine.Limits),
    "proxy": Setting(_text, seal=sealed_url, bare=bare_url),
    "ca_bundle": Setting(_path),
    "client_cert": Setting(_certificate),
    "trust_env": Setting(_flag, default=True),
    "headers": Setting(_any, seal=sealed_headers, bare=bare_headers),
}


def engine_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the engine is given for these settings, each checked; secrets are still sealed.

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
    if "max_retries" in checked:
        checked["retry"] = _retry_policy(checked.pop("max_retries"), checked.get("retry"))
    # One says which row the engine uses, the other goes with each call.
    checked.pop("provider", None)
    checked.pop("system", None)
    return checked


def _retry_policy(max_retries: int | None, retry: RetryPolicy | None) -> RetryPolicy | None:
    """The policy that `max_retries` and `retry` come to."""
    if max_retries is None:
        return retry
    if retry is not None:
        raise LlmConfigError("max_retries: give it inside retry=RetryPolicy(max_retries=…)")
    return _engine.RetryPolicy(max_retries=max_retries)


def with_retries(policy: RetryPolicy, max_retries: int) -> RetryPolicy:
    """A policy with another number of retries; what it forbids stays forbidden."""
    return _engine.RetryPolicy(**{**policy.to_dict(), "max_retries": max_retries})


def seal(settings: dict[str, Any]) -> None:
    """Seal those of the settings, in place, that may be or hold keys."""
    for name, value in settings.items():
        row = CLIENT_SETTINGS.get(name)
        if row is not None and row.seal is not None:
            settings[name] = row.seal(value)


def without_secrets(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings as a pickle may hold them: keys left out, URLs without credentials."""
    kept = {}
    for name, value in settings.items():
        # A parameter of a call, which may be among a client's defaults.
        row = CLIENT_SETTINGS.get("headers" if name == "extra_headers" else name)
        bare = value if row is None or row.bare is None else row.bare(value)
        if not isinstance(bare, Secret):
            kept[name] = bare
    return kept
