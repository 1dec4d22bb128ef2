"""`tokenwire doctor --reach`: whether servers answer."""

from __future__ import annotations

from os import environ
from time import monotonic
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.cli.findings import Finding
from tokenwire.errors import LlmAPIError, LlmConfigError, LlmConnectionError, LlmError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = 15.0
_AT_ONCE = 8
# Sent where there is no key: the question is whether the server answers at all.
_NO_KEY = "tokenwire-doctor"


def reached(targets: Sequence[str]) -> list[Finding]:
    """Ask each provider or URL for its list of models.

    Raises:
        LlmConfigError: A target is neither a provider nor a URL.
    """
    from concurrent.futures import ThreadPoolExecutor

    for target in targets:
        _check(target)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(_reached, targets))


def _check(target: str) -> None:
    if "://" in target or target == "sim":
        return
    problem = _engine.provider_problem(target)
    if problem is not None:
        raise LlmConfigError(f"--reach: give a provider or a URL: {problem}")
    row = _engine.provider_row(target)
    variables = row["base_url_vars"]
    if row["base_url"] is None and not any(environ.get(name) for name in variables):
        where = f"set {' or '.join(variables)}, or " if variables else ""
        raise LlmConfigError(f"--reach: {target} has no address of its own: {where}give its URL")


def _reached(target: str) -> Finding:
    from tokenwire.clients.chat import ChatClient

    about = "reach"
    begun = monotonic()
    has_key = True
    settings: dict[str, Any] = {"timeout": _SECONDS, "max_retries": 0}
    if "://" in target:
        settings["base_url"] = target
        name = "openai-compatible"
    else:
        name = target
        has_key = name == "sim" or _has_key(name)
        if not has_key:
            settings["api_key"] = _NO_KEY
    # Only the host is told: a path or query may hold a key.
    shown = name
    try:
        client = ChatClient("-", provider=name, **settings)
        shown = f"{name} at {client.base_url}"
        models = client.models()
    except LlmError as error:
        took = round((monotonic() - begun) * 1_000)
        return _failed(about, shown, error, took, has_key=has_key)
    took = round((monotonic() - begun) * 1_000)
    text = f"{shown} answers after {took} ms: {len(models)} models"
    return Finding(about, "ok", text, target=shown, ms=took, models=len(models), http_status=200)


def _has_key(provider: str) -> bool:
    row = _engine.provider_row(provider)
    return not row["key_required"] or any(environ.get(name) for name in row["key_vars"])


def _failed(about: str, shown: str, error: LlmError, took: int, *, has_key: bool) -> Finding:
    status = getattr(error, "status_code", None)
    details = {"target": shown, "ms": took, "error": type(error).__name__, "http_status": status}
    is_answer = isinstance(error, LlmAPIError) and not isinstance(error, LlmConnectionError)
    if not is_answer or status is None:
        return Finding(about, "problem", f"{shown}: {error}", **details)
    if status in (401, 403) and not has_key:
        text = f"{shown} answers after {took} ms ({status}: there is no key to try)"
        return Finding(about, "ok", text, **details)
    if status in (404, 405):
        text = f"{shown} answers after {took} ms ({status}: it lists no models)"
        return Finding(about, "note", text, **details)
    return Finding(about, "problem", f"{shown} answers after {took} ms: {error}", **details)
