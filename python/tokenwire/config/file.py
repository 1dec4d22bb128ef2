"""A configuration's file: how it is read, and how one of its problems is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenwire.errors import LlmConfigError

_LONG_WORD = re.compile(r"[\w+/=.-]{20,}")
_SHOWN_CHARS = 60


class Problem:
    """One thing that is wrong with a configuration.

    Attributes:
        path: Where, such as `models.fast.params.temperature`.
        message: What is wrong with it.
        value: The value as text; None where there is none, or where it might be a secret.
        near: The nearest valid name; None where none is near.
    """

    __slots__ = ("message", "near", "path", "value")

    def __init__(
        self, path: str, message: str, *, value: object = None, near: str | None = None
    ) -> None:
        self.path = path
        self.message = message
        self.value = _shown(value)
        self.near = near

    def to_dict(self) -> dict[str, str | None]:
        """The fields by name."""
        return {name: getattr(self, name) for name in ("path", "message", "value", "near")}

    def __str__(self) -> str:
        """One line."""
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.value is not None and not self._tells_value():
            text += f" (got {self.value})"
        return f"{text}; did you mean {self.near}?" if self.near else text

    def _tells_value(self) -> bool:
        # The engine quotes texts in one way, Python in another.
        bare = (self.value or "").strip('"')
        quoted = (f'"{bare}"', f"'{bare}'", f", not {bare}", f"{bare} is ")
        return any(text in self.message for text in quoted)

    def __repr__(self) -> str:
        """Name the line."""
        return f"Problem({str(self)!r})"


def toml_reader() -> Any:
    """The module that reads TOML: of Python from 3.11 on, of `tokenwire[toml]` on 3.10.

    Raises:
        LlmConfigError: There is none.
    """
    from importlib import import_module

    try:
        return import_module("tomllib")
    except ImportError:
        try:
            return import_module("tomli")
        except ImportError as error:
            raise LlmConfigError(
                "TOML needs Python 3.11, or `pip install tokenwire[toml]`"
            ) from error


def read_toml(path: Any) -> Mapping[str, Any]:
    """The content of a TOML file.

    Raises:
        LlmConfigError: It cannot be read, or is no TOML.
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, TypeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LlmConfigError(f"{path}: {reason}") from error
    toml = toml_reader()
    try:
        table: Mapping[str, Any] = toml.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        # A UnicodeDecodeError would show the bytes.
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise LlmConfigError(f"{path}: {reason}") from error
    return table


def _shown(value: object) -> str | None:
    """A value as text, unless it is long or might be a key."""
    if value is None or isinstance(value, (Mapping, list, tuple, set, bytes)):
        return None
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    if len(text) > _SHOWN_CHARS or _LONG_WORD.search(text):
        return None
    return text


def without_secrets(message: str, value: object) -> str:
    """A text about a value, without the words of the value that might be a key."""
    if isinstance(value, str):
        for word in _LONG_WORD.findall(value):
            message = message.replace(word, "…")
    elif isinstance(value, Mapping):
        for item in value.values():
            message = without_secrets(message, item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            message = without_secrets(message, item)
    return message
