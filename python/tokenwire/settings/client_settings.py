"""Settings of a client, checked where the engine would not name them."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire._engine import RetryPolicy


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


def check_types(settings: dict[str, Any]) -> None:
    """Refuse what the engine would refuse without naming the setting."""
    provider = settings["provider"]
    if provider is not None and not isinstance(provider, str) and not hasattr(provider, "key_vars"):
        given = type(provider).__name__
        raise LlmConfigError(f"provider: give a str or an LlmProvider, not {given}")
    for name in ("base_url", "proxy"):
        if settings[name] is not None and not isinstance(settings[name], (str, Secret)):
            raise LlmConfigError(f"{name}: give a str, not {type(settings[name]).__name__}")
    for name, kind in (("limits", _engine.Limits), ("retry", _engine.RetryPolicy)):
        if settings[name] is not None and not isinstance(settings[name], kind):
            raise LlmConfigError(f"{name}: give a {kind.__name__}(…)")
    if not isinstance(settings["trust_env"], bool):
        raise LlmConfigError("trust_env: give True or False")


def retry_policy(max_retries: int | None, retry: RetryPolicy | None) -> RetryPolicy | None:
    """The policy that `max_retries` and `retry` come to."""
    if max_retries is None:
        return retry
    if retry is not None:
        raise LlmConfigError("max_retries: give it inside retry=RetryPolicy(max_retries=…)")
    return _engine.RetryPolicy(max_retries=max_retries)


def path_of(value: Any, name: str) -> str | None:
    """The path of a PEM file or folder as a str."""
    if value is None:
        return None
    if isinstance(value, bool) or not (isinstance(value, str) or hasattr(value, "__fspath__")):
        raise LlmConfigError(f"{name}: give the path of a PEM file")
    from os import fspath

    path = str(fspath(value))
    check_text(path, name)
    return path


def certificate(value: Any) -> tuple[str, str | None] | None:
    """Certificate file and key file; None for the second where one file has both."""
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise LlmConfigError("client_cert: give (certificate file, key file)")
        return path_of(value[0], "client_cert") or "", path_of(value[1], "client_cert")
    return path_of(value, "client_cert") or "", None
