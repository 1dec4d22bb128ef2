"""Colours for terminals: when a file gets them, and their codes."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO

STYLES = {
    "dim": "\x1b[2m",
    "bold": "\x1b[1m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
}
END = "\x1b[0m"


def is_terminal(file: TextIO) -> bool:
    """Whether `file` is a terminal that can move its cursor."""
    return file.isatty() and os.environ.get("TERM") != "dumb"


def has_colours(file: TextIO) -> bool:
    """Whether `file` is a terminal that shows colours, or the environment asks for them.

    Source: no-color.org and force-color.org, in the order of CPython 3.13.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(file)


def styled(text: str, style: str, file: TextIO) -> str:
    """Return `text` in a style (dim, bold, red, green, yellow), if `file` shows styles."""
    return f"{STYLES[style]}{text}{END}" if has_colours(file) else text
