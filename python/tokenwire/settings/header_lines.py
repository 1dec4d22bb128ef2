"""Headers from environment variables, one on each line."""

from __future__ import annotations

from os import environ

from tokenwire.errors import LlmConfigError
from tokenwire.settings.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# What RFC 9110 allows in a name besides letters and digits.
_SIGNS = str.maketrans("", "", "!#$%&'*+-.^_`|~")


def headers_in(variables: Sequence[str]) -> tuple[dict[str, Secret], dict[str, str]]:
    """The headers that these variables hold, and their variables, by name in lower case.

    Blank lines are skipped.

    Raises:
        LlmConfigError: A line is not a header. The message names its variable, and no value.
    """
    headers, places = {}, {}
    for variable in variables:
        # As Anthropic's SDK reads it: `Name: value` on each line.
        for number, line in enumerate(environ.get(variable, "").split("\n"), start=1):
            if not line.strip():
                continue
            name, colon, value = map(str.strip, line.partition(":"))
            rest = name.translate(_SIGNS)
            if not (name and colon and name.isascii() and (rest.isalnum() or not rest)):
                raise LlmConfigError(f"{variable}: line {number} is not of the form Name: value")
            if not (value.isascii() and value.isprintable()):
                what = "a character that no header can carry"
                raise LlmConfigError(f"{variable}: the value in line {number} has {what}")
            headers[name.lower()] = Secret(value)
            places[name.lower()] = variable
    return headers, places
