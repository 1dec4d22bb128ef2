"""Rewrite imports of the older interface (LlmClient, LlmClientFactory, ...) to tokenwire.legacy.

It also lists what has to be changed by hand. The command prints a diff to standard output and
changes nothing; --write changes the files. The list goes to standard error: file, line and what to
write. docs/migration.md explains each step.

Examples:
  tokenwire migrate src                                    show a diff; change nothing
  tokenwire migrate src --write 2>by-hand.txt
  tokenwire migrate src --package root.agents              name the package of the old clients
  tokenwire migrate src --json | jq '.notes[] | .why'

Exit codes:
  0    done
  1    a file could not be written
  2    the file or folder does not exist
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tokenwire._engine import without_controls
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
        "path", type=Path, metavar="PATH", help="a file, or a folder with everything below it"
    )
    parser.add_argument("--write", action="store_true", help="change the files")
    parser.add_argument(
        "--package",
        action="append",
        default=[],
        metavar="NAME",
        help="the package that held the old clients, such as root.agents (default: detect it)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code. None reads the arguments from `sys.argv`."""
    from tokenwire.cli import main as command

    return command(["migrate", *(sys.argv[1:] if argv is None else argv)])


def run(parsed: argparse.Namespace) -> int:
    """Run the command with parsed arguments, and return its exit code."""
    if not parsed.path.exists():
        raise LlmConfigError(f"migrate: {parsed.path}: no such file or folder")
    if not (parsed.path.is_file() or parsed.path.is_dir()):
        raise LlmConfigError(f"migrate: {parsed.path}: it is neither a file nor a folder")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # The terminal's encoding may lack characters of the sources and their names.
            stream.reconfigure(errors="backslashreplace")
    plan = planned(parsed.path, parsed.package)
    diffs = [(str(source.path), source.diff(new)) for source, new in plan.changes]
    failed = _write(plan) if parsed.write else []
    if parsed.json:
        report = {
            "written": parsed.write,
            "changes": [{"path": path, "diff": diff} for path, diff in diffs],
            "notes": [{**note._asdict(), "path": str(note.path)} for note in plan.notes],
            "failed": failed,
        }
        output.print_json(report)
        return 1 if failed else 0
    for _, diff in diffs:
        # A file or a pipe gets the diff as it is, for `patch`.
        sys.stdout.write(without_controls(diff) if sys.stdout.isatty() else diff)
    sys.stdout.flush()
    lines = [output.shown(f"{note.path}:{note.line}: {note.why}") for note in plan.notes]
    files = f"{len(diffs) - len(failed)} {'changed' if parsed.write else 'to change with --write'}"
    lines.append(f"files: {files}; places to change by hand: {len(plan.notes)}")
    is_listed = all(output.to_stderr(line) for line in lines)
    return 0 if is_listed and not failed else 1


def _write(plan: Plan) -> list[str]:
    """Write the changed files, and return the paths of those that could not be written."""
    failed = []
    for source, new in plan.changes:
        try:
            source.write(new)
        except OSError as error:  # noqa: PERF203 (the other files are still written)
            failed.append(str(source.path))
            why = f"{source.path}: cannot be written: {error.strerror}"
            output.to_stderr(output.shown(why))
    return failed
