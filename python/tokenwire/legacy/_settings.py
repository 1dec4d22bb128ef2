"""Settings of the whole adapter: its defaults, its address, its configuration and its warnings."""

from __future__ import annotations

import ast
import configparser
import json
import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenwire._files import read_file
from tokenwire.legacy.llm_exceptions import LlmConfigError

if TYPE_CHECKING:
    from types import FrameType

DEFAULTS_VARIABLE = "TOKENWIRE_LEGACY_DEFAULTS"
ADDRESS_VARIABLE = "TOKENWIRE_LEGACY_BASE_URL"
# What new code writes instead of each entry point.
INSTEAD = {
    "ChatClient": 'tokenwire.ChatClient("openai:gpt-4o-mini")',
    "CompletionClient": 'tokenwire.CompletionClient("model", base_url="http://localhost:8000/v1")',
    "LlmClient": 'tokenwire.ChatClient("model", base_url="http://localhost:8000/v1")',
    "LlmClientFactory": 'tokenwire.client("openai:gpt-4o-mini")',
    "LlmCompletion": 'tokenwire.CompletionClient("model", base_url="http://localhost:8000/v1")',
    "ModelRegistry": "tokenwire.ModelRegistry()",
    "TokenCounter": 'tokenwire.TokenCounter().count("openai:gpt-4o", "text")',
}
_ON = ("", "on", "1", "true", "yes")
_OFF = ("off", "0", "false", "no", "none")


class _Chosen:
    """What the functions of this module have set."""

    defaults: bool | None = None
    config: Any = None
    warned: frozenset[str] = frozenset()


def use_defaults(wanted: bool | None) -> None:
    """Choose whether calls send the old generation defaults (temperature, max_tokens, top_p).

    Without them the server's own defaults apply. None leaves the choice to the variable
    `TOKENWIRE_LEGACY_DEFAULTS`, which is on unless it is set to `off`.
    """
    _Chosen.defaults = wanted


def defaults_wanted() -> bool:
    """Whether calls send the old defaults; read at each call."""
    if _Chosen.defaults is not None:
        return _Chosen.defaults
    word = os.environ.get(DEFAULTS_VARIABLE, "").strip()
    if word.lower() not in _ON + _OFF:
        raise LlmConfigError(f'{DEFAULTS_VARIABLE}: set it to "on" or "off", not {word!r}')
    return word.lower() in _ON


def use_config(config: object) -> None:
    """Set the factory's configuration, for applications that have no class of their own for it.

    The application's own `ConfigurationManager` takes precedence if it can be imported.

    Args:
        config: An object with `exists(key)` and `get(key, default=None, return_type=None)`, a
            mapping, or the path of an INI or TOML file. None resets it.

    Raises:
        LlmConfigError: `config` is something else, or the file cannot be read.
    """
    _Chosen.config = None if config is None else _as_config(config)


def configured() -> Any:
    """The configuration that `use_config` has set, or an empty one."""
    return _as_config({}) if _Chosen.config is None else _Chosen.config


def private_address() -> str:
    """The private server's address, which the old defaults named. It ends with `/v1`."""
    address = os.environ.get(ADDRESS_VARIABLE, "").strip().rstrip("/")
    if not address:
        raise LlmConfigError(
            f"base_url: pass one, or set {ADDRESS_VARIABLE} to the address of your server, such as "
            "http://localhost:3000/v1"
        )
    for ending in ("/completions", "/chat", "/v1"):
        address = address.removesuffix(ending)
    return f"{address}/v1"


def warn_once(name: str) -> None:
    """Warn once per process that a class is old; called by its constructor.

    Objects that the adapter itself creates do not warn.
    """
    if name in _Chosen.warned or _is_ours(sys._getframe(2)):
        return
    # Recorded first: where warnings are errors, the second use must not fail again.
    _Chosen.warned |= {name}
    warn(f"{name} is served by tokenwire.legacy; new code writes {INSTEAD[name]}")


def warn(message: str) -> None:
    """Warn at the innermost line outside the adapter."""
    # Counted as `stacklevel` counts: 1 is this function, 2 its caller.
    depth = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame):
        frame = frame.f_back
        depth += 1
    warnings.warn(message, DeprecationWarning, stacklevel=depth)


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("tokenwire.legacy")


class TextConfiguration:
    """Values by key, in any case of letters. Text is converted when it is read."""

    def __init__(self, values: Mapping[str, Any], origin: str) -> None:
        self._values = {str(key).lower(): value for key, value in values.items()}
        self._origin = origin

    def exists(self, key: str) -> bool:
        """Whether the key has a value."""
        return key.lower() in self._values

    def get(self, key: str, default: Any = None, return_type: str | None = None) -> Any:
        """The value, or the default: a Python literal for `"dict"`, JSON for `"json"`."""
        value = self._values.get(key.lower(), default)
        if not isinstance(value, str) or return_type is None:
            return value
        try:
            return _READERS.get(return_type, str)(value)
        except (ValueError, SyntaxError) as error:
            raise LlmConfigError(
                f"{self._origin}: {key}: the value cannot be read as {return_type}: {error}"
            ) from error


def literal(text: str) -> Any:
    """The value of a Python literal."""
    return ast.literal_eval(text.strip())


_READERS: dict[str, Any] = {"dict": literal, "json": json.loads}


def _as_config(config: Any) -> Any:
    if isinstance(config, Mapping):
        return TextConfiguration(config, "config")
    if isinstance(config, (str, os.PathLike)):
        return _from_file(Path(config))
    # Not a Protocol's isinstance: since Python 3.12 it ignores methods that __getattr__ provides.
    if callable(getattr(config, "exists", None)) and callable(getattr(config, "get", None)):
        return config
    raise LlmConfigError(
        "config: pass an object with exists() and get(), a mapping, or the path of an INI or TOML "
        f"file, not {type(config).__name__}"
    )


def _from_file(path: Path) -> TextConfiguration:
    if path.suffix.lower() == ".toml":
        values = _toml(path)
    else:
        from tokenwire import errors

        try:
            text = read_file(path).decode("utf-8")
        except (errors.LlmConfigError, UnicodeError) as error:
            raise LlmConfigError(f"config: {path} cannot be read: {error}") from error
        values = _ini(text, path)
    return TextConfiguration(values, f"config: {path}")


def _ini(text: str, path: Path) -> dict[str, Any]:
    # Percent signs are plain characters in the application's files.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, source=str(path))
    except configparser.MissingSectionHeaderError:
        return _ini(f"[DEFAULT]\n{text}", path)
    except configparser.Error as error:
        raise LlmConfigError(f"config: {error}") from error
    values: dict[str, str] = {}
    for section in parser.sections():
        for key, value in parser.items(section):
            if value != parser.defaults().get(key) and values.setdefault(key, value) != value:
                raise LlmConfigError(
                    f"config: {path}: {key}: sections give it different values; keep one of them, "
                    "or pass the section as a mapping"
                )
    return {**parser.defaults(), **values}


def _toml(path: Path) -> dict[str, Any]:
    from tokenwire import errors
    from tokenwire.config.file import read_toml

    try:
        values = dict(read_toml(path))
    except errors.LlmConfigError as error:
        raise LlmConfigError(f"config: {error}") from error
    # A table may be a value (`KEY_params`) or a section with keys of its own.
    tables = [value for value in values.values() if isinstance(value, dict)]
    for table in tables:
        values = {**table, **values}
    return values
