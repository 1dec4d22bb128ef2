"""Moving an application off the older interface; `tokenwire migrate` prints and writes the plan.

The imports of old modules are rewritten to `tokenwire.legacy`. Everything else stays as it is: the
uses of the old classes, and the imports that cannot be rewritten safely, are listed with their line
and what to write instead. Read in this order:

- `_files` finds the files, reads them and writes them back;
- `_imports` finds the imports of old modules and rewrites them;
- `_by_hand` lists what is left to do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy._install import MODULES
from tokenwire.legacy.migrate import _by_hand, _files, _imports
from tokenwire.legacy.migrate._files import Note

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tokenwire.legacy.migrate._files import Source


class Plan(NamedTuple):
    """The files that change, with their new text, and the places to change by hand."""

    changes: list[tuple[Source, str]]
    notes: list[Note]


def planned(path: Path, packages: Sequence[str] = ()) -> Plan:
    """Plan the migration of all Python below a path, without changing anything.

    Args:
        path: A file or a folder.
        packages: The packages that held the old clients; found by their imports if empty.
    """
    notes: list[Note] = []
    sources = _files.read(path, notes)
    old = set(packages) or _imports.old_packages(sources)
    notes += _files.notebooks(path, old)
    callers = []
    for source in sources:
        folder, name = source.path.resolve().parent, source.path.stem
        if name in MODULES and any(_imports.is_folder_of(folder, package) for package in old):
            notes.append(Note(source.path, 1, "an old client; delete it, as install() replaces it"))
        else:
            callers.append(source)
    kept = _imports.ALWAYS_KEPT | _by_hand.reached_through_package(callers, old)
    changes = []
    for source in callers:
        notes += _imports.rewrite(source, old, kept)
        notes += _by_hand.notes_on(source, old)
        new = source.edited()
        if new == source.text:
            continue
        if os.access(source.path, os.W_OK):
            changes.append((source, new))
        else:
            notes.append(Note(source.path, 1, "the file is read-only, so its imports stay"))
    return Plan(changes, sorted(set(notes)))
