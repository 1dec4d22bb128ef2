"""What a command is given: files and standard input."""

from __future__ import annotations

import sys

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError

# No model takes more, and a pipe may never end.
_MAX_INPUT_BYTES = 64 << 20
# A program that forgot to close our input would wait for ever without a word.
_PATIENCE_SECONDS = 2.0


def has_input() -> bool:
    """Whether something may come through standard input: it is neither a terminal nor closed."""
    return sys.stdin is not None and not sys.stdin.isatty()


def read_input(*, is_asked_for: bool = True) -> str:
    """Standard input as text.

    Args:
        is_asked_for: Whether the user asked for it; else a note says what is waited for.

    Raises:
        LlmConfigError: There is none, it is too long, or it is not UTF-8.
    """
    from threading import Timer

    if sys.stdin is None:
        raise LlmConfigError("standard input is closed: give a file, or pipe something in")
    note = "reading standard input, too; it has not ended. If it is not meant: </dev/null"
    timer = Timer(_PATIENCE_SECONDS, output.say, [note])
    timer.daemon = True
    if not is_asked_for:
        timer.start()
    try:
        content = sys.stdin.buffer.read(_MAX_INPUT_BYTES + 1)
    finally:
        timer.cancel()
    if len(content) > _MAX_INPUT_BYTES:
        raise LlmConfigError(f"standard input is over {_MAX_INPUT_BYTES >> 20} MiB: send less")
    return decoded(content, "standard input")


def decoded(content: bytes, name: str) -> str:
    """UTF-8, with or without a byte order mark, as text.

    Raises:
        LlmConfigError: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LlmConfigError(
            f"{name} is not UTF-8 (byte {error.start}); convert it: iconv -f latin1 -t utf-8"
        ) from None


def read_file(path: str) -> str:
    """The text of a file.

    Raises:
        LlmConfigError: It cannot be read, or is not UTF-8.
    """
    from pathlib import Path

    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        raise LlmConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    return decoded(content, path)
