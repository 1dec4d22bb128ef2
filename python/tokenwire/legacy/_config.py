"""Configurations for the factory: an application's own object, a mapping, an INI or TOML file."""

from __future__ import annotations

import ast
import configparser
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from tokenwire.legacy.llm_exceptions import LlmConfigError


class Configuration(Protocol):
    """What the factory asks."""

    def exists(self, key: str) -> bool:
        """Whether there is a value for the key."""

    def get(self, key: str, default: Any = None, return_type: str | None = None) -> Any:
        """The value, converted."""


class TextConfiguration:
    """Values by key, whatever the case of its letters; text is converted when it is read."""

    def __init__(self, values: Mapping[str, Any], origin: str) -> None:
        self._values = {str(key).lower(): value for key, value in values.items()}
        self._origin = origin

    def exists(self, key: str) -> bool:
        """Whether there is a value for the key."""
        return key.lower() in self._values

    def get(self, key: str, default: Any = None, return_type: str | None = None) -> Any:
        """The value, converted.

        Args:
            key: The key; its case does not matter.
            default: The value of a missing key, as text if it is to be converted.
            return_type: `"dict"` reads a Python literal, `"json"` reads JSON; also `"int"`,
                `"float"`, `"boolean"`. Values that are no text stay as they are.

        Raises:
            LlmConfigError: The value is not of that form.
        """
        value = self._values.get(key.lower(), default)
        if not isinstance(value, str) or return_type is None:
            return value
        try:
            return _READERS.get(return_type, str)(value)
        except (ValueError, SyntaxError) as error:
            raise LlmConfigError(
                f"{self._origin}: the value of {key!r} cannot be read as {return_type}: {error}"
            ) from error


def _boolean(text: str) -> bool:
    return configparser.ConfigParser.BOOLEAN_STATES[text.strip().lower()]


def _literal(text: str) -> Any:
    return ast.literal_eval(text.strip())


_READERS: dict[str, Any] = {
    "dict": _literal,
    "list": _literal,
    "json": json.loads,
    "int": int,
    "float": float,
    "boolean": _boolean,
    "bool": _boolean,
}


def as_config(given: Any) -> Configuration:
    """The configuration that an application gave: an object, a mapping or the path of a file.

    Raises:
        LlmConfigError: It is none of these, or the file cannot be read.
    """
    if isinstance(given, Mapping):
        return TextConfiguration(given, "the configuration")
    if isinstance(given, (str, os.PathLike)):
        return _from_file(Path(given))
    # No isinstance: from Python 3.12 on that sees no method that __getattr__ provides.
    if callable(getattr(given, "exists", None)) and callable(getattr(given, "get", None)):
        own: Configuration = given
        return own
    raise LlmConfigError(
        "config: give an object with exists() and get(), a mapping, or the path of an INI or TOML "
        f"file, not {type(given).__name__}"
    )


def _from_file(path: Path) -> TextConfiguration:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise LlmConfigError(f"config: {path} cannot be read: {error}") from error
    read = _toml if path.suffix.lower() == ".toml" else _ini
    return TextConfiguration(read(text, path), str(path))


def _ini(text: str, path: Path) -> dict[str, Any]:
    # A percent sign is no interpolation, and a file without a section is one section.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, source=str(path))
    except configparser.MissingSectionHeaderError:
        try:
            parser.read_string(f"[{configparser.DEFAULTSECT}]\n{text}", source=str(path))
        except configparser.Error as error:
            raise LlmConfigError(f"config: {error}") from error
    except configparser.Error as error:
        raise LlmConfigError(f"config: {error}") from error
    defaults = dict(parser.defaults())
    sections = [dict(parser.items(section)) for section in parser.sections()]
    return _joined([defaults, *sections], path, inherited=defaults)


def _toml(text: str, path: Path) -> dict[str, Any]:
    from tokenwire import errors
    from tokenwire.config.file import toml_reader

    try:
        toml = toml_reader()
    except errors.LlmConfigError as error:
        raise LlmConfigError(f"config: {path}: {error}; or give an INI file") from error
    try:
        values: dict[str, Any] = toml.loads(text)
    except toml.TOMLDecodeError as error:
        raise LlmConfigError(f"config: {path}: {error}") from error
    # A table is the value of its key (`KEY_params`), and a section that holds keys, too.
    tables = [table for table in values.values() if isinstance(table, dict)]
    return {**_joined(tables, path, inherited={}, must_agree=False), **values}


def _joined(
    tables: list[dict[str, Any]],
    path: Path,
    inherited: Mapping[str, Any],
    *,
    must_agree: bool = True,
) -> dict[str, Any]:
    """The keys of all sections; two sections may not say different things of one key."""
    joined: dict[str, Any] = {}
    for table in tables:
        for key, value in table.items():
            known = joined.get(key, value)
            if known == value or known == inherited.get(key):
                joined[key] = value
            elif must_agree and value != inherited.get(key):
                raise LlmConfigError(
                    f"config: {path} has several values for {key!r} in its sections; leave one, or "
                    "give the section as a mapping"
                )
    return joined
