"""Moving an application off the older interface; `tokenwire migrate` prints and writes the plan.

The imports of old modules are rewritten to `tokenwire.legacy`. Everything else stays as it is: the
uses of the old classes, and the imports that cannot be rewritten safely, are listed with their line
and what to write instead. `planned` is here, with the list; `_imports` finds and rewrites the
imports, and `_files` reads and writes the files.
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy._install import MODULES
from tokenwire.legacy._settings import INSTEAD
from tokenwire.legacy.migrate import _files, _imports
from tokenwire.legacy.migrate._files import Note
from tokenwire.legacy.migrate._imports import HOME, module_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from tokenwire.legacy.migrate._files import PythonFile

# Modules and names that other packages have, too.
_AMBIGUOUS = {
    "chat_client": {"ChatClient"},
    "token_counter": {"TokenCounter"},
    "model_registry": {"ModelRegistry", "ModelConfig", "LlmProvider"},
}


class Plan(NamedTuple):
    """The files that change, with their new text, and the places to change by hand."""

    changes: list[tuple[PythonFile, str]]
    notes: list[Note]


def planned(path: Path, packages: Sequence[str] = ()) -> Plan:
    """Plan the migration of all Python below a path, without changing anything.

    `packages` held the old clients. Without them, imports and calls of `install` give them away.
    """
    notes: list[Note] = []
    sources = _files.read(path, notes)
    old = set(packages) or _imports.old_packages(sources)
    notes += _files.notebooks(path, old)
    callers = []
    for source in sources:
        folder, name = source.path.resolve().parent, source.path.stem
        if name in MODULES and any(_imports.is_folder_of(folder, package) for package in old):
            notes.append(
                Note(source.path, 1, "an old client; tokenwire.legacy replaces it, so delete it")
            )
        else:
            callers.append(source)
    kept = _imports.ALWAYS_KEPT | _reached_through_package(callers, old)
    changes = []
    for source in callers:
        notes += _imports.rewrite(source, old, kept)
        notes += _notes_on(source, old)
        new = source.edited()
        if new == source.text:
            continue
        if os.access(source.path, os.W_OK):
            changes.append((source, new))
        else:
            notes.append(Note(source.path, 1, "the file is read-only, so its imports stay"))
    return Plan(changes, sorted(set(notes)))


def _notes_on(source: PythonFile, packages: Collection[str]) -> list[Note]:
    """The places in a file that still depend on the older interface."""
    homes = {*packages, HOME}
    imported = _imported(source, packages)
    old_path = re.compile(rf"(?:{'|'.join(map(re.escape, packages))})\.({'|'.join(MODULES)})\b")
    found: set[tuple[int, str]] = set()
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            package, _, module = module_of(source, node, packages).rpartition(".")
            names = {alias.name for alias in node.names}
            if package in homes and module == "llm_exceptions":
                why = "tokenwire has errors of these names; change them together with the clients"
                found.add((node.lineno, why))
            elif package not in homes and names & _AMBIGUOUS.get(module, set()):
                why = f"{package}.{module}: say `--package {package}` if that held the old clients"
                found.add((node.lineno, why))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if packages and (match := old_path.match(node.value)):
                why = f"a string names {match[0]}; write {HOME}.{match[1]}, or keep install()"
                found.add((node.lineno, why))
        elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
            module, _, name = _dotted(node, imported).rpartition(".")
            if name in INSTEAD and homes & {module, module.rpartition(".")[0]}:
                found.add((node.lineno, f"{name}: write {INSTEAD[name]}"))
    return [Note(source.path, line, why) for line, why in found]


def _reached_through_package(
    sources: Iterable[PythonFile], packages: Collection[str]
) -> dict[str, str]:
    """Old modules reached as attributes of their package, which only an import by name sets."""
    modules = {f"{package}.{name}": name for package in packages for name in MODULES}
    found: dict[str, str] = {}
    for source in sources:
        imported = _imported(source, packages)
        # The file itself imports these, in statements that stay.
        stays = {one.name for one in source.nodes if isinstance(one, ast.alias) and not one.asname}
        for node in source.nodes:
            if isinstance(node, ast.Attribute):
                path = _dotted(node, imported)
                if path in modules and path not in stays:
                    why = f"{source.path}:{node.lineno} reaches it through its package"
                    found.setdefault(modules[path], why)
    return found


def _imported(source: PythonFile, packages: Collection[str]) -> dict[str, str]:
    """The names that a file imports, and the full names of what they mean."""
    found: dict[str, str] = {}
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                found[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            module = module_of(source, node, packages)
            for alias in node.names:
                found[alias.asname or alias.name] = f"{module}.{alias.name}"
    return found


def _dotted(node: ast.AST, imported: dict[str, str]) -> str:
    """The full name that a chain such as `a.b.c` stands for; empty if unknown."""
    rest = ""
    while isinstance(node, ast.Attribute):
        rest = f".{node.attr}{rest}"
        node = node.value
    known = imported.get(node.id, "") if isinstance(node, ast.Name) else ""
    return f"{known}{rest}" if known else ""
