"""Exit codes, errors, JSON and tables: what all commands print in the same way."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from tokenwire.errors import LlmConfigError
from tokenwire.streaming.styles import styled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

DONE = 0
FAILED = 1
USAGE = 2
CUT_OFF = 3
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
PIPE_CLOSED = 141  # 128 + SIGPIPE
TERMINATED = 143  # 128 + SIGTERM

EXIT_CODES = {
    DONE: "done",
    FAILED: "a call, a check or a limit failed, or the model refused",
    USAGE: "an argument, a setting or a file is wrong; nothing was sent",
    CUT_OFF: "the reply was cut off after its first part",
    INTERRUPTED: "stopped by Ctrl-C",
    PIPE_CLOSED: "the reader of a pipe closed it",
    TERMINATED: "`tokenwire sim` was ended by SIGTERM",
}

# Attributes of an error that its JSON contains, besides its message.
_FACTS = (
    "retryable",
    "status_code",
    "type",
    "code",
    "problems",
    "provider",
    "model",
    "request_id",
)


def shown(text: str) -> str:
    """Return text on one line. What a server, a file or an argument wrote steers no terminal."""
    if text.isprintable():
        return text
    # Here, because an error is also printed where the engine cannot be imported.
    from tokenwire._engine import one_line

    return one_line(text)


def say(text: str, style: str = "dim") -> bool:
    """Print a line on standard error. Return whether that was possible.

    A note must not cost a reply, so a closed or full standard error is not an exception.
    """
    return sys.stderr is not None and to_stderr(
        f"{styled('tokenwire:', style, sys.stderr)} {shown(text)}"
    )


def to_stderr(line: str) -> bool:
    """Print a line on standard error as it is. Return whether that was possible."""
    if sys.stderr is None:
        return False
    try:
        print(line, file=sys.stderr)
    except OSError:
        discard(sys.stderr)
        # What is discarded would otherwise pass for printed the next time.
        sys.stderr = None
        return False
    return True


def discard(stream: TextIO) -> None:
    """Keep Python from flushing again at exit what cannot be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_error(error: Exception, code: int, *, as_json: bool) -> int:
    """Print an error on one line, and with `--json` also as JSON; return `code`."""
    say(str(error), "red")
    if as_json:
        partial = getattr(error, "partial", None)
        fields = {
            "kind": type(error).__name__,
            "message": str(error),
            "exit_code": code,
            **{name: getattr(error, name, None) for name in _FACTS},
            "partial": None if partial is None else partial.text,
        }
        print_json({"error": fields})
    return code


# What to say where a configuration is in the folder, but not named.
UNREAD = "tokenwire.toml in this folder is only read with --config tokenwire.toml"

# Arguments of a client that messages name, and the options that stand for them.
_OPTIONS = {
    "api_key=": "--key-env NAME",
    "base_url=": "--base-url URL",
    'transport="': '--transport "',
}


def in_options(error: LlmConfigError) -> LlmConfigError:
    """The same error with options of `run` and `models` in place of arguments of a client."""
    text = str(error)
    for argument, option in _OPTIONS.items():
        text = text.replace(argument, option)
    return error if text == str(error) else LlmConfigError(text, problems=error.problems)


def print_json(value: object) -> None:
    """Print a value as JSON."""
    import json

    print(json.dumps(value, indent=2, default=str))


def print_table(rows: Sequence[tuple[str, ...]], *, right: int = 0) -> None:
    """Print columns; the first `right` of them flush right.

    The first row is a header if its first cell is in capitals.
    """
    rows = [tuple(map(shown, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        line = "  ".join(
            cell.rjust(width) if column < right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        is_header = number == 0 and row[0].isupper()
        print(styled(line, "bold", sys.stdout) if is_header else line)
