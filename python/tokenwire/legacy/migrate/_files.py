"""Which files there are to read, and which of them cannot be rewritten."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy._install import MODULES
from tokenwire.legacy.migrate._source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv", "build", "dist"}
_PYTHON = (".py", ".pyi", ".pyw")
_NOTEBOOK = ".ipynb"
_SHEBANG = re.compile(rb"#!.*python")
_IMPORT = re.compile(rf"\b(?:from|import)\s+(?P<package>[\w.]+)\.(?:{'|'.join(MODULES)})\b")


class Note(NamedTuple):
    """Something that stays, and why."""

    path: Path
    line: int
    why: str


def read(path: Path, packages: Iterable[str], notes: list[Note]) -> list[Source]:
    """All Python below a path; `notes` gets what cannot be read."""
    read_files = (_read(file, path, notes) for file in _python(path, notes))
    sources = [source for source in read_files if source is not None]
    imports = set(packages)
    for source in sources:
        imports.update(source.imported.values())
    # Each name with all that it begins with.
    imports.update(".".join(name.split(".")[:2]) for name in list(imports))
    for source in sources:
        _lengthen(source, imports)
    return sources


def _lengthen(source: Source, imports: Collection[str]) -> None:
    """Put a folder without `__init__.py` before a package that somebody imports by way of it."""
    if not source.package:
        # The folder given is itself in such a package, as `root/agents` is.
        folder = source.path.resolve().parent
        if f"{folder.parent.name}.{folder.name}" not in imports:
            return
        source.belongs_to(folder.name)
    depth = source.package.count(".") + 1
    for folder in list(source.path.resolve().parents)[depth:]:
        longer = f"{folder.name}.{source.package.partition('.')[0]}"
        if longer not in imports:
            return
        source.belongs_to(f"{folder.name}.{source.package}")


def _read(file: Path, path: Path, notes: list[Note]) -> Source | None:
    line, why = 1, ""
    try:
        return Source(file, *_module(file, path))
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        why = f"cannot be read as Python: {error}"
    except (RecursionError, MemoryError):
        why = "cannot be read as Python: it is nested too deeply"
    notes.append(Note(file, line, why))
    return None


def notebooks(path: Path, packages: Collection[str]) -> list[Note]:
    """The notebooks that import old modules."""
    found = []
    for file in _walked(path):
        if file.suffix != _NOTEBOOK:
            continue
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        for match in _IMPORT.finditer(text):
            if match["package"] in packages:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Note(file, line, "a notebook; change its imports by hand"))
    return found


def _python(path: Path, notes: list[Note]) -> Iterator[Path]:
    if path.is_file():
        if path.suffix != _NOTEBOOK:
            yield path
        return
    home = path.resolve()
    for file in _walked(path):
        if not (file.suffix in _PYTHON or (not file.suffix and _is_script(file))):
            continue
        if file.is_symlink():
            target = file.resolve()
            if not target.is_relative_to(home):
                notes.append(Note(file, 1, f"a link to {target}, which is not below {path}"))
            elif not target.exists():
                notes.append(Note(file, 1, "a link that leads nowhere"))
            # What it leads to is read by its own name.
            continue
        yield file


def _walked(path: Path) -> list[Path]:
    """All files below a folder but those of tools, sorted."""
    if path.is_file():
        return [path]
    found = []
    for folder, folders, files in os.walk(path):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if name not in _SKIPPED
            and not name.startswith(".")
            and not (here / name / "pyvenv.cfg").exists()
        ]
        found += [here / name for name in files]
    return sorted(found)


def _is_script(file: Path) -> bool:
    try:
        if not file.is_file() or not os.access(file, os.X_OK):
            return False
        with file.open("rb") as opened:
            return _SHEBANG.match(opened.readline(200)) is not None
    except OSError:
        return False


def _module(file: Path, path: Path) -> tuple[str, str]:
    """The names of a file's module and of its package."""
    top = file.resolve().parent
    parts: list[str] = []
    while (top / "__init__.py").is_file():
        parts.insert(0, top.name)
        top = top.parent
    if not parts and path.is_dir():
        # Packages without __init__.py: the folder given is where they begin.
        parts = list(file.relative_to(path).parts[:-1])
    package = ".".join(parts)
    return (package if file.stem == "__init__" else ".".join([*parts, file.stem])), package
