"""What all commands share: exit codes, how errors and tables are printed, and when in colour."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tokenwire.streaming.styles import styled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

DONE = 0
FAILED = 1
USAGE = 2
CUT_OFF = 3
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NOBODY_READS = 141  # 128 + SIGPIPE

EXIT_CODES = {
    DONE: "done",
    FAILED: "it failed: a call, a check or a limit; the model refused",
    USAGE: "an argument, a setting or a file is wrong; nothing was sent",
    CUT_OFF: "the reply was cut off after part of it had come",
    INTERRUPTED: "stopped by Ctrl-C",
    NOBODY_READS: "the reader of a pipe went away",
}

# What of an error is told as JSON, beside its text.
_FACTS = (
    *("retryable", "status_code", "type", "code", "problems"),
    *("provider", "model", "request_id"),
)


def examples(lines: str, **codes: str) -> str:
    """The end of a command's help: examples, and what its exit codes mean.

    Args:
        lines: The examples, one a line.
        **codes: What a code means here, such as `failed="a probe failed"`.
    """
    names = {"done": DONE, "failed": FAILED, "usage": USAGE, "cut_off": CUT_OFF}
    told = "".join(f"  {names[name]:<4} {text}\n" for name, text in codes.items())
    return f"examples:\n{lines}\nexit codes:\n{told}"


def say(text: str) -> None:
    """Tell the user something on standard error."""
    mark = styled("tokenwire:", "dim", sys.stderr)
    print(f"{mark} {text}", file=sys.stderr)


def tell_error(error: Exception, code: int, *, as_json: bool) -> int:
    """Tell an error in one line, and with `--json` as the one JSON value of standard output.

    Returns:
        `code`.
    """
    print(f"{styled('tokenwire:', 'red', sys.stderr)} {error}", file=sys.stderr)
    if as_json:
        told = {"kind": type(error).__name__, "message": str(error), "exit_code": code}
        print_json({"error": {**told, **_facts(error)}})
    return code


def _facts(error: Exception) -> dict[str, Any]:
    """What an error knows beside its text; nothing of it is a key."""
    facts = {name: getattr(error, name, None) for name in _FACTS}
    partial = getattr(error, "partial", None)
    return {**facts, "partial": None if partial is None else partial.text}


def print_json(value: object) -> None:
    """Print a value as JSON."""
    import json

    print(json.dumps(value, indent=2, default=str))


def print_table(rows: Sequence[tuple[str, ...]], *, right: int = 0) -> None:
    """Print columns; the first `right` of them flush right.

    The first row is a header where its first cell is in capitals.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = [
            f"{cell:>{width}}" if column < right else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells).rstrip()
        is_header = number == 0 and row[0].isupper()
        print(styled(line, "bold", sys.stdout) if is_header else line)
