"""Reads TOML, and shows the problems of a configuration without its secrets."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenwire._engine import escaped
from tokenwire._files import read_file
from tokenwire.errors import LlmConfigError

_LONG_WORD = re.compile(r"[\w+/=.-]{20,}")
_SHOWN_CHARS = 60


@dataclass
class Problem:
    """One problem of a configuration.

    Attributes:
        path: The place, such as `models.fast.params.temperature`.
        message: What is wrong.
        value: The value as text; None if it is missing, or if it might be a secret.
        near: The nearest valid name; None if none is near.
    """

    path: str
    message: str
    value: Any = None
    near: str | None = None

    def __post_init__(self) -> None:
        self.value = _shown(self.value)

    def to_dict(self) -> dict[str, str | None]:
        """The fields by name."""
        return dict(vars(self))

    def __str__(self) -> str:
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.value is not None and not self._message_has_value():
            text += f" (got {self.value})"
        # Names and values are the file's.
        return escaped(f"{text}; did you mean {self.near}?" if self.near else text)

    def _message_has_value(self) -> bool:
        # The engine and Python quote texts differently.
        bare = (self.value or "").strip('"')
        quoted = (f'"{bare}"', f"'{bare}'", f", not {bare}", f"{bare} is ")
        return any(text in self.message for text in quoted)


def toml_reader() -> Any:
    """The module that reads TOML: part of Python since 3.11, from the extra `toml` on 3.10.

    Raises:
        LlmConfigError: It is not installed.
    """
    from importlib import import_module

    is_in_python = sys.version_info >= (3, 11)
    try:
        return import_module("tomllib") if is_in_python else import_module("tomli")
    except ImportError as error:
        raise LlmConfigError(
            "TOML needs Python 3.11, or `pip install '.[toml]'` in the clone"
        ) from error


def read_toml(path: Any) -> Mapping[str, Any]:
    """The content of a TOML file.

    Raises:
        LlmConfigError: It cannot be read, or is not TOML.
    """
    content = read_file(path)
    toml = toml_reader()
    try:
        table: Mapping[str, Any] = toml.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        # A UnicodeDecodeError would show the bytes.
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise LlmConfigError(f"{path}: {reason}") from error
    except RecursionError:
        raise LlmConfigError(f"{path}: it is nested too deeply") from None
    return table


def _shown(value: object) -> str | None:
    """A value as text, unless it is long or might be a key."""
    if value is None or isinstance(value, (Mapping, list, tuple, set, bytes)):
        return None
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return None if len(text) > _SHOWN_CHARS or _LONG_WORD.search(text) else text


def without_secrets(message: str, value: object) -> str:
    """A message about a value, without the words of the value that might be keys."""
    if isinstance(value, str):
        for word in _LONG_WORD.findall(value):
            message = message.replace(word, "…")
    elif isinstance(value, (Mapping, list, tuple)):
        for item in value.values() if isinstance(value, Mapping) else value:
            message = without_secrets(message, item)
    return message
