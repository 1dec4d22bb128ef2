"""Addresses: their origins, and places such as `{region}`, which arguments or variables fill."""

from __future__ import annotations

from os import environ

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

# Each is an argument of a client.
PLACES = ("region", "project", "resource")
# None of them ends the host of a URL, so that the address stays the provider's.
_MARKS = str.maketrans("", "", "._-")


def check_place(value: Any, name: str) -> Any:
    """Check the value of a place; None means that it is not given.

    Raises:
        LlmConfigError: It cannot be part of an address.
    """
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value[:1].isalnum():
        rest = value.translate(_MARKS)
        if rest.isalnum():
            return value
    shown = _engine.escaped(repr(value)) if isinstance(value, str) else type(value).__name__
    raise LlmConfigError(f'{name}: give letters, digits, ".", "_" and "-", not {shown}')


def check_places(row: Mapping[str, Any], given: Mapping[str, Any], base_url: object) -> None:
    """Refuse a value for a place that the address of a client does not have.

    Args:
        row: The provider.
        given: What the caller gave, by the names of the places; at least one.
        base_url: The address that the caller gave; None leaves it to the provider.

    Raises:
        LlmConfigError: The message names the argument.
    """
    places = places_in(row["base_url"] or "")
    for name in given:
        if base_url is not None:
            raise LlmConfigError(f"{name}: the address is given as a whole; leave one of them out")
        if name not in places:
            # OpenAI's library has an argument of that name.
            advice = _engine._other_name("openai_project") if name == "project" else "leave it out"
            raise LlmConfigError(
                f"{name}: the address of provider {row['name']} has no {{{name}}}; {advice}"
            )


def address_variables(row: Mapping[str, Any]) -> list[str]:
    """The variables that may hold the address of a provider, or fill a part of it."""
    filling = (name for names in row["address_vars"].values() for name in names)
    return [*row["base_url_vars"], *filling]


def address_advice(row: Mapping[str, Any]) -> str:
    """Which variables to set for the address of a provider; empty if the table has no variable.

    One of those of a whole address is enough, and each place needs one.
    """
    places = [" or ".join(names) for names in row["address_vars"].values()]
    ways = [*row["base_url_vars"], *([", and set ".join(places)] if places else [])]
    return f"set {' or '.join(ways)}" if ways else ""


def places_in(url: str) -> list[str]:
    """The names of the places of an address, which may be misspelt."""
    return [part.partition("}")[0] for part in url.split("{")[1:]]


class Filled:
    """An address whose places were looked up.

    Attributes:
        url: The address; None if a place is not filled.
        problem: What to say then: the argument and the variables that fill it.
        variables: The variables that may fill it later.
    """

    def __init__(self, row: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        url, missing = row["base_url"], []
        self.url: str | None = None
        self.problem: str | None = None
        self.variables: Sequence[str] = ()
        for place in dict.fromkeys(places_in(url)):
            value = given.get(place)
            variables = row["address_vars"].get(place, ())
            if value is None:
                name = next((name for name in variables if environ.get(name)), None)
                value = None if name is None else check_place(environ[name].strip(), name)
            if value is None:
                missing.append(f"{_set(variables)}give {place}=")
                self.variables = (*self.variables, *variables)
            else:
                url = url.replace(f"{{{place}}}", value)
        if missing:
            whole = f"{_set(row['base_url_vars'])}give base_url="
            self.problem = (
                f"{row['name']} has no default address: {' and '.join(missing)}; or {whole}"
            )
        else:
            self.url = url


def _set(variables: Sequence[str]) -> str:
    return f"set {' or '.join(variables)} or " if variables else ""


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs have the same scheme, host and port."""
    return first == second or origin_of(first) == origin_of(second) != ""


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL, or its unix socket; empty if it is not one."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ""
    if parts.scheme == "unix":
        # The path of the API follows after a colon.
        return f"unix:{parts.path.partition(':/')[0]}"
    return f"{parts.scheme}://{parts.hostname}:{port}"
