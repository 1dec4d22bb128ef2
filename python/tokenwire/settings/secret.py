"""Values that may hold secrets: hidden in `repr()`, tracebacks, pickles and the keys of a pool."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Secret:
    """A value that only `reveal()` shows. Secrets of the same value are equal.

    A pickle holds a `LeftOut` in its place.

    Args:
        value: Usually a str. A value of a wrong type is hidden, too, until a check refuses it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def reveal(self) -> Any:
        """Return the value."""
        return self._value

    def public(self) -> str | None:
        """Return the part of the value that is not secret, or None."""
        return None

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "[secret]"

    def __copy__(self, _memo: object = None) -> Secret:
        return self

    __deepcopy__ = __copy__

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the public part only."""
        return LeftOut, (self.public(),)


class SecretUrl(Secret):
    """A URL with a user name or a query, either of which may hold a secret."""

    __slots__ = ()

    def public(self) -> str | None:
        """Return the URL without user name, password and query."""
        if not isinstance(self._value, str):
            return None
        url = self._value.partition("?")[0].partition("#")[0]
        head, at, address = url.rpartition("@")
        if not at or _names_a_socket(url):
            return url
        scheme, separator, _ = head.partition("://")
        return f"{scheme}://{address}" if separator else address


class SecretSource(Secret):
    """A function that returns a secret, and that may hold it, as a `functools.partial` does."""

    __slots__ = ()

    def __call__(self) -> Any:
        """Call the function."""
        return self._value()

    def _identity(self) -> object:
        """The function, or its id if it cannot be hashed."""
        try:
            hash(self._value)
        except TypeError:
            return id(self._value)
        return self._value

    def __eq__(self, other: object) -> bool:
        return type(other) is SecretSource and other._identity() == self._identity()

    def __hash__(self) -> int:
        return hash(self._identity())


class LeftOut(Secret):
    """The place of a secret that a pickle left out. It reveals only what was public."""

    __slots__ = ()

    def __init__(self, value: str | None = None) -> None:
        super().__init__(value or "")

    def public(self) -> str | None:
        """Return what is left."""
        return self._value or None

    def __repr__(self) -> str:
        return "[left out]"


def sealed(value: Any) -> Any:
    """Return a value as a secret; None and a secret unchanged."""
    if value is None or isinstance(value, Secret):
        return value
    return SecretSource(value) if callable(value) else Secret(value)


def sealed_url(value: Any) -> Any:
    """Return a URL that may hold a secret as one, and any other URL and None unchanged."""
    if value is None or isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        return SecretUrl(value)
    # Each of these begins, or ends, a part that may be secret.
    if "@" not in value and "?" not in value and "#" not in value:
        return value
    url, _, query = value.partition("?")
    # Azure's api-version is not secret.
    name, _, version = query.partition("=")
    is_version = name == "api-version" and version.replace("-", "").isalnum()
    has_user = "@" in url and not _names_a_socket(url)
    has_secret = has_user or "#" in url or (query and not is_version)
    return SecretUrl(value) if has_secret else value


def _names_a_socket(url: str) -> bool:
    """Whether this is the URL of a unix socket, whose path may hold an @."""
    return url[:5].lower() == "unix:"


def sealed_values(values: Any) -> Any:
    """Return a mapping, such as headers, with each of its values as a secret."""
    if values is None or isinstance(values, Secret):
        return values
    if not hasattr(values, "items"):
        return Secret(values)
    return {name: sealed(value) for name, value in values.items()}


def sealed_certificate(value: Any) -> Any:
    """Return a client certificate with its password as a secret."""
    if isinstance(value, (tuple, list)) and len(value) > 2:
        return (*value[:2], *map(sealed, value[2:]))
    return value


def revealed(value: Any) -> Any:
    """Return the value of a secret, also within a dict or a tuple, and anything else unchanged."""
    if isinstance(value, Secret):
        return value.reveal()
    if type(value) is tuple:
        return tuple(map(revealed, value))
    if isinstance(value, dict):
        return {name: revealed(held) for name, held in value.items()}
    return value
