"""Rewrite code that calls the older interface (LlmClient, LlmClientFactory, ...) for the new one.

It prints a diff to standard output and changes nothing; --write changes the files. What it leaves
alone is listed on standard error, with file, line and reason. docs/migration.md has the table.

Examples:
  tokenwire migrate src                                    a diff; nothing is changed
  tokenwire migrate src --write 2>left-alone.txt
  tokenwire migrate src --package root.agents              where the old clients were
  tokenwire migrate src --json | jq '.notes[] | .why'

Exit codes:
  0    done
  1    a file could not be written
  2    there is no such file or folder
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError
from tokenwire.legacy.migrate import Plan, planned

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

__all__ = ["Plan", "add_arguments", "main", "planned", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument(
        "path", type=Path, metavar="PATH", help="a file, or a folder with all below"
    )
    parser.add_argument("--write", action="store_true", help="change the files")
    parser.add_argument(
        "--package",
        action="append",
        default=[],
        metavar="NAME",
        help="the package that held the old clients, as root.agents (found by itself otherwise)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The words after `tokenwire migrate`; None reads them from `sys.argv`.

    Returns:
        0; 1 where a file could not be written; 2 where PATH does not exist.
    """
    from tokenwire.cli import main as command

    return command(["migrate", *(sys.argv[1:] if argv is None else argv)])


def run(parsed: argparse.Namespace) -> int:
    """Run the command with arguments that `add_arguments` has described.

    Raises:
        LlmConfigError: The path does not exist.
    """
    if not parsed.path.exists():
        raise LlmConfigError(f"migrate: {parsed.path}: no such file or folder")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Sources and names of files hold what the terminal may not know.
            stream.reconfigure(errors="backslashreplace")
    plan = planned(parsed.path, parsed.package)
    diffs = [(source, source.diff(new)) for source, new in plan.changes]
    failed = _write(plan) if parsed.write else []
    if parsed.json:
        changes = [{"path": str(source.path), "diff": diff} for source, diff in diffs]
        notes = [
            {"path": str(note.path), "line": note.line, "why": note.why} for note in plan.notes
        ]
        report = {"written": parsed.write, "changes": changes, "notes": notes, "failed": failed}
        output.print_json(report)
        return 1 if failed else 0
    sys.stdout.write("".join(diff for _, diff in diffs))
    sys.stdout.flush()
    for note in plan.notes:
        sys.stderr.write(f"{note.path}:{note.line}: {note.why}\n")
    done = "changed" if parsed.write else "to change (--write does it)"
    count = len(plan.changes) - len(failed)
    sys.stderr.write(f"{count} files {done}, {len(plan.notes)} places left alone\n")
    return 1 if failed else 0


def _write(plan: Plan) -> list[str]:
    """Write the changes; the files that could not be written."""
    failed = []
    for source, new in plan.changes:
        try:
            source.path.write_bytes(new.encode(source.encoding))
        except OSError as error:  # noqa: PERF203 (the others are written all the same)
            failed.append(str(source.path))
            sys.stderr.write(f"{source.path}: cannot be written: {error.strerror}\n")
    return failed
