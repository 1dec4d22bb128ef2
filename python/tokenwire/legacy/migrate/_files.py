"""Finding an application's files, reading their text and syntax, and writing them back."""

from __future__ import annotations

import ast
import difflib
import io
import os
import re
import shutil
import tempfile
import tokenize
import warnings
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tokenwire._files import read_file
from tokenwire.errors import LlmConfigError
from tokenwire.legacy._install import MODULES
from tokenwire.legacy._settings import INSTEAD

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_SKIPPED = {"__pycache__", "node_modules", "site-packages", "venv", "build", "dist"}
_PYTHON = (".py", ".pyi", ".pyw")
_NOTEBOOK = ".ipynb"
# Reading and parsing raise these. Deep nesting is a RecursionError or a MemoryError.
_UNREADABLE = (OSError, SyntaxError, ValueError, RecursionError, MemoryError)
_OLD_NAME = re.compile("|".join((*MODULES, *INSTEAD, r"legacy\.install")))
_SHEBANG = re.compile(rb"#!.*python")
_IMPORT = re.compile(rf"\b(?:from|import)\s+(?P<package>[\w.]+)\.(?:{'|'.join(MODULES)})\b")


class Note(NamedTuple):
    """A place that has to be changed by hand."""

    path: Path
    line: int
    why: str


class PythonFile:
    """One Python file: its text, its syntax and the edits to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        raw = read_file(path)
        self.encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        try:
            self.text = raw.decode(self.encoding)
        except UnicodeError as error:
            raise SyntaxError(f"not {self.encoding}") from error
        with warnings.catch_warnings():
            # Python's warnings about this code concern the application.
            warnings.simplefilter("ignore")
            tree = ast.parse(self.text, str(path))
        # Applications have thousands of files, and most of them contain no old name.
        self.nodes = list(ast.walk(tree)) if _OLD_NAME.search(self.text) else []
        # `ast` counts columns in bytes of UTF-8, whatever the file's encoding is.
        self._bytes = self.text.encode()
        self._lines = [0, *accumulate(map(len, self._bytes.splitlines(keepends=True)))]
        self._edits: list[tuple[int, int, str]] = []

    def offset(self, node: ast.ImportFrom | ast.alias) -> int:
        """The index in `text` at which a node begins."""
        return len(self._bytes[: self._lines[node.lineno - 1] + node.col_offset].decode())

    def replace(self, start: int, end: int, text: str) -> None:
        """Collect an edit of a part of `text`."""
        self._edits.append((start, end, text))

    def edited(self) -> str:
        """The text with all edits."""
        text = self.text
        for start, end, new in sorted(self._edits, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def diff(self, new: str) -> str:
        """The change as a unified diff."""
        # `patch` ends a line at a line feed only; `splitlines` would also split at form feeds.
        old_lines, new_lines = (re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (self.text, new))
        lines = difflib.unified_diff(old_lines, new_lines, str(self.path), str(self.path))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )

    def write(self, new: str) -> None:
        """Replace the file in one step, so that a full disk leaves the old text."""
        target = self.path.resolve()
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(new.encode(self.encoding))
            shutil.copymode(target, temporary)
            Path(temporary).replace(target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def read(path: Path, notes: list[Note]) -> list[PythonFile]:
    """Read all Python below a path, and note the files that cannot be read."""
    sources = []
    for file in _python(path, notes):
        try:
            sources.append(PythonFile(file))
        except _UNREADABLE as error:  # noqa: PERF203 (the other files are still read)
            reason = str(error).removeprefix(f"{file}: ") or "it is nested too deeply"
            why = f"cannot be read as Python: {reason}"
            notes.append(Note(file, getattr(error, "lineno", None) or 1, why))
    return sources


def notebooks(path: Path, packages: Collection[str]) -> list[Note]:
    """The notebooks that import old modules."""
    notes = []
    for file in _walked(path):
        if file.suffix != _NOTEBOOK:
            continue
        try:
            text = read_file(file).decode("utf-8", errors="replace")
        except LlmConfigError:
            continue
        for match in _IMPORT.finditer(text):
            if match["package"] in packages:
                line = text.count("\n", 0, match.start()) + 1
                notes.append(Note(file, line, "a notebook; change its imports by hand"))
    return notes


def _python(path: Path, notes: list[Note]) -> Iterator[Path]:
    if path.is_file():
        if path.suffix != _NOTEBOOK:
            yield path
        return
    home = path.resolve()
    for file in _walked(path):
        if not (file.suffix in _PYTHON or (not file.suffix and _is_script(file))):
            continue
        if not file.is_symlink():
            yield file
            continue
        # The target of a link is read under its own name.
        # `Path.resolve` raises an error for a link to itself.
        target = Path(os.path.realpath(file))
        if not (target.is_relative_to(home) and target.exists()):
            notes.append(Note(file, 1, f"a link to {target}, which is not a file below {path}"))


def _walked(path: Path) -> list[Path]:
    """All files below a folder except those of tools, sorted."""
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
