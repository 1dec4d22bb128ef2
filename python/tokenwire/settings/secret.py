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


def revealed(value: object) -> Any:
    """The text of a secret, and of those in a dict; anything else as it is."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {name: revealed(held) for name, held in value.items()}
    return value


def bare_url(value: object) -> Any:
    """A URL without user, password and the parameters of its query that hold keys."""
    url = revealed(value)
    if not isinstance(url, str):
        return value
    head, at, address = url.rpartition("@")
    scheme, separator, _ = head.partition("://")
    if at:
        url = f"{scheme}://{address}" if separator else address
    path, mark, query = url.partition("?")
    parts = [part for part in query.split("&") if part.partition("=")[0].lower() not in _QUERY]
    return f"{path}?{'&'.join(parts)}" if mark and parts else path


def bare_headers(value: object) -> Any:
    """Headers without those that hold keys."""
    headers = sealed_headers(value)  # type: ignore[arg-type]
    if not isinstance(headers, dict):
        return headers
    return {name: held for name, held in headers.items() if not isinstance(held, Secret)}
