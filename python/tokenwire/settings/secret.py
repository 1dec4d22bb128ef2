"""Values that may hold keys: hidden in `repr()`, tracebacks, pickles and the keys of a pool."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

# Headers and query parameters that hold keys.
_HEADERS = frozenset(
    ("api-key", "authorization", "cookie", "proxy-authorization", "x-api-key", "x-goog-api-key")
)
_QUERY = frozenset(("access_token", "api-key", "api_key", "apikey", "key", "token"))


class Secret:
    """A text that only `reveal()` shows. Secrets of the same text are equal.

    Args:
        text: The text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def public(self) -> str | None:
        """Return the part of the text that is not secret, or None."""
        return None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "[secret]"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: a pickle would show the text."""
        raise TypeError("a secret is not pickled")


class SecretUrl(Secret):
    """A URL with credentials, or with a query, which may hold a key."""

    __slots__ = ()

    def public(self) -> str:
        """Return the URL without user, password and the query parameters that hold keys."""
        url = self._text
        head, at, address = url.rpartition("@")
        if at:
            scheme, separator, _ = head.partition("://")
            url = f"{scheme}://{address}" if separator else address
        path, _, query = url.partition("?")
        parts = [part for part in query.split("&") if part.partition("=")[0].lower() not in _QUERY]
        return f"{path}?{'&'.join(parts)}" if query and parts else path


def sealed(value: object) -> Any:
    """Return a string as a secret, and anything else unchanged."""
    return Secret(value) if isinstance(value, str) else value


def sealed_url(value: object) -> Any:
    """Return a URL that may hold a key as a secret, and anything else unchanged."""
    return SecretUrl(value) if isinstance(value, str) and ("@" in value or "?" in value) else value


def sealed_headers(headers: Mapping[str, object] | None) -> Any:
    """Return headers with those values sealed that are keys."""
    if headers is None or not hasattr(headers, "items"):
        return headers
    return {
        name: sealed(value) if str(name).lower() in _HEADERS else value
        for name, value in headers.items()
    }


def revealed(value: object) -> Any:
    """Return the text of a secret, also within a dict, and anything else unchanged."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {name: revealed(held) for name, held in value.items()}
    return value


def public(value: object) -> Any:
    """Return the part of a sealed value that is not secret, or None."""
    if isinstance(value, Secret):
        return value.public()
    if isinstance(value, dict):
        return {name: held for name, held in value.items() if not isinstance(held, Secret)}
    return value
