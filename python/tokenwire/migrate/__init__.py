"""`tokenwire migrate`: rewrite code of the older interface for the new one.

Imports of the old modules lead to `tokenwire.legacy` afterwards, or to `tokenwire` itself; clients
are made and called in the new way where it can be proved from the code that nothing else changes.
Everything else stays as it is, and is listed with its line and the reason. Text is changed at the
places that `ast` names, so formatting and comments around them stay.
"""

from __future__ import annotations

import ast
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.cli.output import examples, print_json
from tokenwire.errors import LlmConfigError
from tokenwire.legacy._install import MODULES
from tokenwire.migrate import _clients, _errors, _files, _imports
from tokenwire.migrate._files import Note

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Mapping, Sequence

    from tokenwire.migrate._source import Source

DESCRIPTION = """\
Rewrite code that calls the older interface (LlmClient, LlmClientFactory, ...) for the new one.

It prints a diff to standard output and changes nothing; --write changes the files. What it leaves
alone is listed on standard error, with file, line and reason. docs/migration.md has the table.
"""
EPILOG = examples(
    """\
  tokenwire migrate src                                    a diff; nothing is changed
  tokenwire migrate src --write 2>left-alone.txt
  tokenwire migrate src --package root.agents              where the old clients were
  tokenwire migrate src --json | jq '.notes[] | .why'
""",
    done="done",
    failed="a file could not be written",
    usage="there is no such file or folder",
)


class Plan(NamedTuple):
    """What changes, and what stays."""

    changes: list[tuple[Source, str]]
    notes: list[Note]


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
        print_json(report)
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


def planned(path: Path, packages: Sequence[str] = ()) -> Plan:
    """Find out what changes below a path, without changing it."""
    notes: list[Note] = []
    sources = _files.read(path, packages, notes)
    old = set(packages) or _imports.old_packages(sources)
    theirs = {f"{package}.{name}" for package in old for name in MODULES}
    notes += [
        Note(source.path, 1, "an old client; install() wins over it, so delete it")
        for source in sources
        if source.module in theirs
    ]
    sources = [source for source in sources if source.module not in theirs]
    notes += [
        Note(source.path, line, f"{module}: say `--package {package}` if that held the old clients")
        for source in sources
        for line, module, package in _imports.doubtful(source, old)
    ]
    found = {source: _imports.old_imports(source, old) for source in sources}
    notes += [
        Note(source.path, line, "a string names an old module; it works while install() is called")
        for source in sources
        for line in _imports.strings_that_name(source, old)
    ]
    notes += _files.notebooks(path, old)
    # A file that turns out to stay as a whole may keep others from changing, so all begins anew.
    blocked = {
        source: "it may not be written" for source in sources if not os.access(source.path, os.W_OK)
    }
    while True:
        for source in sources:
            source.forget_edits()
        more = _planned_changes(sources, found, old, blocked)
        changes, failed = _edited(sources)
        if not failed:
            return Plan(changes, sorted({*notes, *more}))
        blocked |= failed


def _planned_changes(
    sources: list[Source],
    found: dict[Source, list[_imports.OldImport]],
    old: Collection[str],
    blocked: Mapping[Source, str],
) -> list[Note]:
    """Collect the edits; the notes about what stays."""
    notes = [
        Note(source.path, 1, f"left alone as a whole: {why}")
        for source, why in blocked.items()
        if found[source]
    ]
    kept = _imports.reached_through_package(sources, old)
    holders = _found_clients(sources, found, old, kept, blocked)
    why = _errors.why_they_stay(
        sources, holders, [old for imports in found.values() for old in imports], blocked
    )
    caught = _errors.catching(old for imports in found.values() for old in imports)
    if why:
        for holder in holders:
            holder.problem = holder.problem or why
        notes += [Note(old.source.path, old.node.lineno, why) for old in caught]
    extra: set[Source] = set()
    for holder in holders:
        if holder.problem:
            notes += [Note(s.source.path, s.call.lineno, holder.problem) for s in holder.sites]
        else:
            extra |= _clients.rewrite(holder)
    moving = {source: imports for source, imports in found.items() if source not in blocked}
    for source, imports in moving.items():
        stays = [old for old in imports if _imports.brought(old) & set(kept)]
        notes += [
            Note(source.path, old.node.lineno, f"{place} reaches it through its package")
            for old in stays
            for place in [kept[min(_imports.brought(old) & set(kept))]]
        ]
        moving[source] = [old for old in imports if old not in stays]
    _move_imports(moving, holders, extra, notes, errors_move=bool(caught) and not why)
    return notes


def _found_clients(
    sources: list[Source],
    found: dict[Source, list[_imports.OldImport]],
    old_packages: Collection[str],
    kept: Mapping[str, str],
    blocked: Mapping[Source, str],
) -> list[_clients.Holder]:
    bound: dict[Source, dict[str, str]] = {}
    stays: dict[tuple[Source, str], str] = {}
    patched = _imports.patched(sources, old_packages)
    for source, imports in found.items():
        bound[source] = {}
        for old in imports:
            if isinstance(old.node, ast.ImportFrom) and old.module in _clients.MODULES_OF_CLIENTS:
                names = _clients.bindings([old.node])
                bound[source].update(names)
                why = blocked.get(source, patched.get(old.module, kept.get(old.module, "")))
                if not why and source.has_comment(old.node):
                    why = f"comments stand inside the import of line {old.node.lineno}"
                if why:
                    stays.update({(source, name): why for name in names})
    return _clients.holders(bound, sources, stays)


def _move_imports(
    found: dict[Source, list[_imports.OldImport]],
    holders: list[_clients.Holder],
    extra: set[Source],
    notes: list[Note],
    *,
    errors_move: bool,
) -> None:
    for source, imports in found.items():
        new_names = {name: name for name in _imports.ERRORS} if errors_move else {}
        for holder in holders:
            for site in holder.sites:
                if site.source is source and site.new is not None and not holder.problem:
                    new_names[site.kind] = site.new.kind
        wants_cleaning = source in extra and not any(
            (alias.asname or alias.name) == "clean_llm_response"
            for old in imports
            for alias in old.node.names
        )
        moved = _places(source, imports, new_names)
        for old in imports:
            added = []
            if wants_cleaning and old.module == "completion_client":
                added.append(f"from {_imports.HOME}.completion_client import clean_llm_response")
                wants_cleaning = False
            why = _imports.move_import(old, new_names, moved[old], added)
            if why is not None:
                notes.append(Note(source.path, old.node.lineno, why))


def _places(
    source: Source, imports: list[_imports.OldImport], new_names: dict[str, str]
) -> dict[_imports.OldImport, list[str]]:
    """Where what `tokenwire` has now is imported: at the top of a file in one statement."""
    first: list[str] | None = None
    places: dict[_imports.OldImport, list[str]] = {}
    for old in imports:
        names = _imports.moved_names(old, new_names)
        if names and source.parents[old.node] is source.tree:
            if first is None:
                first = names
            else:
                first += [name for name in names if name not in first]
                names = []
        places[old] = names
    return places


def _edited(sources: list[Source]) -> tuple[list[tuple[Source, str]], dict[Source, str]]:
    """The files that change, and those whose edits do not fit together."""
    changes = []
    failed = {}
    for source in sources:
        try:
            new = source.edited()
            new.encode(source.encoding)
        except (ValueError, SyntaxError) as error:
            failed[source] = str(error)
            continue
        if new != source.text:
            changes.append((source, new))
    return changes, failed
