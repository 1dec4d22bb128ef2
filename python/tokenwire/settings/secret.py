"""Settings that show themselves nowhere: not in `vars()`, a traceback's locals or a pickle."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

# Headers whose values are keys, whatever else a caller may hold for secret.
_HEADERS = frozenset(
    (
        "api-key",
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "x-goog-api-key",
    )
)
# Parameters of a query that hold keys.
_QUERY = frozenset(("access_token", "api-key", "api_key", "apikey", "key", "token"))


class Secret:
    """A text that only `reveal()` shows.

    Args:
        value: The text.
    """

    __slots__ = ("reveal",)

    reveal: Callable[[], str]

    def __init__(self, value: str) -> None:
        self.reveal = lambda: value

    def __repr__(self) -> str:
        """Say that there is one."""
        return "[secret]"

    def __reduce__(self) -> NoReturn:
        """Refuse: a pickle would show it."""
        raise TypeError("a secret is not pickled")


def sealed(value: object) -> Any:
    """A secret of a string; anything else as it is."""
    return Secret(value) if isinstance(value, str) else value


def sealed_url(value: object) -> Any:
    """A secret of a URL with credentials or a query; anything else as it is."""
    return Secret(value) if isinstance(value, str) and ("@" in value or "?" in value) else value


def sealed_headers(headers: Mapping[str, object] | None) -> Any:
    """Headers with the values of those sealed that hold keys."""
    if headers is None or not hasattr(headers, "items"):
        return headers
    return {
        name: sealed(value) if str(name).lower() in _HEADERS else value
        for name, value in headers.items()
    }


# How each setting that may be, or hold, a key is sealed.
_SEALS: dict[str, Callable[[Any], Any]] = {
    "api_key": sealed,
    "base_url": sealed_url,
    "proxy": sealed_url,
    "headers": sealed_headers,
}


def seal(settings: dict[str, Any]) -> None:
    """Seal those of the settings, in place, that may be or hold keys."""
    for name in _SEALS.keys() & settings.keys():
        settings[name] = _SEALS[name](settings[name])


def revealed(value: object) -> Any:
    """The text of a secret, and of those in a dict; anything else as it is."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {name: revealed(held) for name, held in value.items()}
    return value


def without_secrets(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings as a pickle may hold them: keys left out, URLs without credentials."""
    settings = dict(settings)
    seal(settings)
    kept = {name: value for name, value in settings.items() if not isinstance(value, Secret)}
    for name in ("base_url", "proxy"):
        url = settings.get(name)
        if isinstance(url, Secret):
            kept[name] = _without_credentials(url.reveal())
    for name in ("headers", "extra_headers"):
        headers = sealed_headers(settings.get(name))  # type: ignore[arg-type]
        if isinstance(headers, dict):
            kept[name] = {k: v for k, v in headers.items() if not isinstance(v, Secret)}
    return kept


def _without_credentials(url: str) -> str:
    head, at, address = url.rpartition("@")
    scheme, separator, _ = head.partition("://")
    if at:
        url = f"{scheme}://{address}" if separator else address
    path, mark, query = url.partition("?")
    parts = [part for part in query.split("&") if part.partition("=")[0].lower() not in _QUERY]
    return f"{path}?{'&'.join(parts)}" if mark and parts else path
