"""Rewriting code of the older interface for the new one; `tokenwire migrate` prints and writes it.

Imports of the old modules lead to `tokenwire.legacy` afterwards, or to `tokenwire` itself; clients
are made and called in the new way where it can be proved from the code that nothing else changes.
Everything else stays as it is, and is listed with its line and the reason. Text is changed at the
places that `ast` names, so formatting and comments around them stay.
"""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy._install import MODULES
from tokenwire.legacy.migrate import _clients, _errors, _files, _holder, _imports
from tokenwire.legacy.migrate._files import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from tokenwire.legacy.migrate._source import Source


class Plan(NamedTuple):
    """What changes, and what stays."""

    changes: list[tuple[Source, str]]
    notes: list[Note]


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
) -> list[_holder.Holder]:
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
    holders: list[_holder.Holder],
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
