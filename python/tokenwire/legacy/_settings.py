"""What the whole adapter is told: generation defaults, the private address, a configuration."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tokenwire.legacy.llm_exceptions import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULTS_VARIABLE = "TOKENWIRE_LEGACY_DEFAULTS"
ADDRESS_VARIABLE = "TOKENWIRE_LEGACY_BASE_URL"
# What a chat client's constructor was given and the API knows was sent; anything else never was.
SENT_BY_CHAT = (
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "timeout",
    "extra_body",
    "extra_headers",
)
_WORDS = {"": True, "on": True, "1": True, "true": True, "yes": True} | {
    "off": False,
    "0": False,
    "false": False,
    "no": False,
    "none": False,
}


class _Told:
    """What calls of this module have set."""

    defaults: bool | None = None
    config: Any = None
    warned: frozenset[str] = frozenset()


_inside = threading.local()


def use_defaults(wanted: bool | None) -> None:
    """Choose whether calls carry the old generation defaults (temperature, max_tokens, top_p).

    Args:
        wanted: True for the old defaults, False for none (the server's own hold), None to leave it
            to the variable `TOKENWIRE_LEGACY_DEFAULTS` (`off` for none; unset is on).
    """
    _Told.defaults = wanted


def defaults_wanted() -> bool:
    """Whether a call carries the old defaults; asked at each call.

    Raises:
        LlmConfigError: The variable holds a word that means neither.
    """
    if _Told.defaults is not None:
        return _Told.defaults
    word = os.environ.get(DEFAULTS_VARIABLE, "").strip()
    wanted = _WORDS.get(word.lower())
    if wanted is None:
        raise LlmConfigError(f"{DEFAULTS_VARIABLE}: {word!r} is neither on nor off")
    return wanted


def use_config(config: object) -> None:
    """Give the factory a configuration, for applications without a class of their own for it.

    Args:
        config: An object with `exists(key)` and `get(key, default=None, return_type=None)`, a
            mapping, or the path of an INI or TOML file. None takes it back. The application's own
            `ConfigurationManager` wins where it can be imported.

    Raises:
        LlmConfigError: It is none of these, or the file cannot be read.
    """
    from tokenwire.legacy._config import as_config

    _Told.config = None if config is None else as_config(config)


def given_config() -> Any:
    """The configuration that `use_config` was given; an empty one without."""
    if _Told.config is None:
        from tokenwire.legacy._config import as_config

        return as_config({})
    return _Told.config


def private_address() -> str:
    """The address that stood in the old defaults, ending in `/v1`.

    Raises:
        LlmConfigError: The variable is not set.
    """
    address = os.environ.get(ADDRESS_VARIABLE, "").strip().rstrip("/")
    if not address:
        raise LlmConfigError(
            f"base_url: give one, or set {ADDRESS_VARIABLE} to the address of the server that the "
            "old default named, such as http://localhost:3000/v1"
        )
    for ending in ("/completions", "/chat", "/v1"):
        address = address.removesuffix(ending)
    return f"{address}/v1"


@contextmanager
def by_the_adapter() -> Iterator[None]:
    """What is made in here is made by the adapter itself, and warns nobody."""
    before: bool = getattr(_inside, "adapter", False)
    _inside.adapter = True
    try:
        yield
    finally:
        _inside.adapter = before


def warn_once(name: str, instead: str) -> None:
    """Say once in the process that `name` is old, at the line that uses it."""
    if name in _Told.warned or getattr(_inside, "adapter", False):
        return
    # Noted first: where warnings are errors, the second use is no error.
    _Told.warned |= {name}
    warn(f"{name} is served by tokenwire.legacy; new code writes {instead}")


def warn(message: str) -> None:
    """Warn at the innermost line that is not the adapter's own."""
    # As `stacklevel` counts: 1 is this function, 2 its caller.
    depth = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(str(frame.f_globals.get("__name__"))):
        frame = frame.f_back
        depth += 1
    warnings.warn(message, DeprecationWarning, stacklevel=depth)


def _is_ours(module: str) -> bool:
    return module.startswith("tokenwire.legacy")
