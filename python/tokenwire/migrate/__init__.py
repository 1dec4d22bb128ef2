"""`tokenwire migrate`: rewrite code of the older interface for the new one.

Imports of the old modules lead to `tokenwire.legacy` afterwards, or to `tokenwire` itself; clients
are made and called in the new way where it can be proved from the code that nothing else changes.
Everything else stays as it is, and is listed with its line and the reason. Text is changed at the
places that `ast` names, so formatting and comments around them stay.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.cli.output import examples, print_json
from tokenwire.errors import LlmConfigError
from tokenwire.legacy._install import MODULES
from tokenwire.migrate import _clients, _imports
from tokenwire.migrate._source import Source

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

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
    usage="there is no such file or folder",
)
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv", "build", "dist"}
_CLIENTS = ("chat_client", "completion_client", "llm_client")
_FIELDS = {"error_code", "metadata", "response_body"}


class Note(NamedTuple):
    """Something that stays, and why."""

    path: Path
    line: int
    why: str


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
        0, or 2 where PATH does not exist.
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
    plan = planned(parsed.path, parsed.package)
    diffs = [(source, source.diff(new)) for source, new in plan.changes]
    if parsed.write:
        for source, new in plan.changes:
            source.path.write_bytes(new.encode(source.encoding))
    if parsed.json:
        changes = [{"path": str(source.path), "diff": diff} for source, diff in diffs]
        notes = [
            {"path": str(note.path), "line": note.line, "why": note.why} for note in plan.notes
        ]
        print_json({"written": parsed.write, "changes": changes, "notes": notes})
        return 0
    sys.stdout.write("".join(diff for _, diff in diffs))
    sys.stdout.flush()
    for note in plan.notes:
        sys.stderr.write(f"{note.path}:{note.line}: {note.why}\n")
    done = "changed" if parsed.write else "to change (--write does it)"
    sys.stderr.write(f"{len(plan.changes)} files {done}, {len(plan.notes)} places left alone\n")
    return 0


def planned(path: Path, packages: Sequence[str] = ()) -> Plan:
    """Find out what changes below a path, without changing it."""
    notes: list[Note] = []
    sources: list[Source] = []
    for place in _files(path):
        source = _read(*place, notes)
        if source is not None:
            sources.append(source)
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
    holders = _found_clients(sources, found)
    errors_move = _settle(holders, found, notes)
    extra: set[Source] = set()
    for holder in holders:
        if holder.problem:
            notes += [Note(s.source.path, s.call.lineno, holder.problem) for s in holder.sites]
        else:
            extra |= _clients.rewrite(holder)
    _move_imports(found, holders, extra, notes, errors_move=errors_move)
    return _finished(sources, notes)


def _read(file: Path, module: str, package: str, notes: list[Note]) -> Source | None:
    try:
        return Source(file, module, package)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        notes.append(Note(file, line, f"cannot be read as Python: {error}"))
        return None


def _found_clients(
    sources: list[Source], found: dict[Source, list[_imports.OldImport]]
) -> list[_clients.Holder]:
    bound: dict[Source, dict[str, str]] = {}
    stays: dict[tuple[Source, str], str] = {}
    for source, imports in found.items():
        bound[source] = {}
        for old in imports:
            if isinstance(old.node, ast.ImportFrom) and old.module in _CLIENTS:
                names = _clients.bindings([old.node])
                bound[source].update(names)
                if source.has_comment(old.node):
                    why = f"comments stand inside the import of line {old.node.lineno}"
                    stays.update({(source, name): why for name in names})
    return _clients.holders(bound, sources, stays)


def _settle(
    holders: list[_clients.Holder],
    found: dict[Source, list[_imports.OldImport]],
    notes: list[Note],
) -> bool:
    """Decide about errors: the classes that are caught must be those that are raised."""
    everything = [old for imports in found.values() for old in imports]
    catching = [old for old in everything if old.module == "llm_exceptions"]
    if not catching:
        return False
    # Without a client in sight nobody knows which classes are raised.
    why = "no client is made here; run this on the whole application" if not holders else ""
    why = why or _why_errors_stay(holders, everything, catching)
    if why:
        for holder in holders:
            if not holder.problem:
                holder.problem = why
        notes += [Note(old.source.path, old.node.lineno, why) for old in catching]
    return not why


def _why_errors_stay(
    holders: list[_clients.Holder],
    everything: list[_imports.OldImport],
    catching: list[_imports.OldImport],
) -> str:
    for holder in holders:
        if holder.problem:
            site = holder.sites[0]
            return (
                f"the old error classes are caught, and the client at {site.source.path}:"
                f"{site.call.lineno} stays old ({holder.problem})"
            )
    known = {"llm_exceptions", *_CLIENTS}
    for old in everything:
        if old.module not in known or not isinstance(old.node, ast.ImportFrom):
            return (
                "the old error classes are caught, and those raised by what is imported at "
                f"{old.source.path}:{old.node.lineno} stay"
            )
    for old in catching:
        for node in ast.walk(old.source.tree):
            if isinstance(node, ast.Attribute) and node.attr in _FIELDS:
                return f".{node.attr} of line {node.lineno} is not a field of the new errors"
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _imports.ERRORS:
                return f"an error is made at line {node.lineno}; the new classes take other fields"
    return ""


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
            alias.name == "clean_llm_response" for old in imports for alias in old.node.names
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


def _finished(sources: list[Source], notes: list[Note]) -> Plan:
    changes = []
    for source in sources:
        try:
            new = source.edited()
        except (ValueError, SyntaxError) as error:
            notes.append(Note(source.path, 1, f"left alone as a whole: {error}"))
            continue
        if new != source.text:
            changes.append((source, new))
    return Plan(changes, sorted(set(notes)))


def _files(path: Path) -> Iterator[tuple[Path, str, str]]:
    """Each Python file with its module's name and its package's."""
    if path.is_file():
        files = [path]
    else:
        files = sorted(
            file
            for file in path.rglob("*.py")
            if not any(
                part in _SKIPPED or part.startswith(".")
                for part in file.relative_to(path).parts[:-1]
            )
        )
    for file in files:
        top = file.resolve().parent
        parts: list[str] = []
        while (top / "__init__.py").is_file():
            parts.insert(0, top.name)
            top = top.parent
        if not parts and path.is_dir():
            # Packages without __init__.py: the folder given is where they begin.
            parts = list(file.relative_to(path).parts[:-1])
        package = ".".join(parts)
        is_package = file.name == "__init__.py"
        module = package if is_package else ".".join([*parts, file.stem])
        yield file, module, package
