"""Reads the input of a command: files and standard input."""

from __future__ import annotations

import sys

from tokenwire import _files
from tokenwire.cli import output
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# No model takes more, and a pipe may never end.
_MAX_INPUT_BYTES = _files.MAX_BYTES
# A program that does not close our input would otherwise wait without a word.
_PATIENCE_SECONDS = 2.0


def has_input() -> bool:
    """Whether standard input may have content: it is neither a terminal nor closed."""
    return sys.stdin is not None and not sys.stdin.isatty()


def read_input(*, is_requested: bool = True) -> str:
    """Read standard input as text; unless it was requested, a note says why it takes so long.

    Raises:
        LlmConfigError: It is closed, too long, or not UTF-8.
    """
    from threading import Timer

    if sys.stdin is None:
        raise LlmConfigError("standard input is closed: give a file, or pipe something in")
    note = "still reading standard input; to leave it out, add </dev/null"
    timer = Timer(_PATIENCE_SECONDS, output.say, [note])
    timer.daemon = True
    if not is_requested:
        timer.start()
    try:
        content = sys.stdin.buffer.read(_MAX_INPUT_BYTES + 1)
    finally:
        timer.cancel()
    if len(content) > _MAX_INPUT_BYTES:
        raise LlmConfigError(f"standard input is over {_MAX_INPUT_BYTES >> 20} MiB: send less")
    return _decoded(content, "standard input")


def read_file(path: str) -> str:
    """Read a file as text.

    Raises:
        LlmConfigError: It cannot be read, is not a regular file, or is not UTF-8.
    """
    return _decoded(_files.read_file(path), path)


def read_json(text: str, name: str) -> Any:
    """Read JSON text; `name` names it in the error.

    Raises:
        LlmConfigError: It is not JSON, or nested too deeply.
    """
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise LlmConfigError(f"{name}: {error}") from None
    except RecursionError:
        raise LlmConfigError(f"{name}: it is nested too deeply") from None


def _decoded(content: bytes, name: str) -> str:
    """UTF-8, with or without a byte order mark, as text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LlmConfigError(
            f"{name} is not UTF-8 (byte {error.start}); convert it: iconv -f latin1 -t utf-8"
        ) from None
