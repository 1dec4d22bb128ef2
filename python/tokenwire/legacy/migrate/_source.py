"""A source file, and changes to it at the places that `ast` names."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class Source:
    """One file: its tree, who stands above each node, and the edits collected so far.

    Raises:
        SyntaxError: It is no Python, or its encoding cannot be read.
    """

    def __init__(self, path: Path, module: str, package: str) -> None:
        self.path = path
        self.module = module
        self.package = package
        raw = path.read_bytes()
        self.encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        try:
            self.text = raw.decode(self.encoding)
        except UnicodeError as error:
            raise SyntaxError(f"not {self.encoding}") from error
        # Columns of `ast` count bytes of UTF-8, whatever the file's encoding is.
        self._bytes = self.text.encode()
        self._lines = [0]
        for line in _LINE.finditer(self._bytes):
            self._lines.append(line.end())
        ends = re.search(r"\r\n|\r|\n", self.text)
        self.newline = ends[0] if ends else "\n"
        self.tree = _parsed(self.text, str(path))
        self.parents: dict[ast.AST, ast.AST] = {}
        # Names with the nodes that use them, or bind them otherwise than by an assignment.
        self.using: dict[str, list[ast.AST]] = {}
        self.binding: dict[str, list[ast.AST]] = {}
        self.strings: list[tuple[str, ast.Constant]] = []
        self.imports: list[ast.Import | ast.ImportFrom] = []
        nodes: list[ast.AST] = [self.tree]
        # One walk for all that is asked later: applications have thousands of files.
        for node in nodes:
            self._index(node)
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                nodes.append(child)
        self._edits: list[tuple[int, int, int, str]] = []

    @cached_property
    def imported(self) -> dict[str, str]:
        """The names that the file imports, and what they lead to."""
        return dict(_imported(self))

    def belongs_to(self, package: str) -> None:
        """Say that the file's package has a longer name."""
        below = self.module.removeprefix(self.package).removeprefix(".")
        self.module = f"{package}.{below}" if below else package
        self.package = package
        self.__dict__.pop("imported", None)

    def _index(self, node: ast.AST) -> None:
        uses: list[str] = []
        binds: list[str] = []
        if isinstance(node, ast.Name):
            uses = [node.id]
        elif isinstance(node, ast.Attribute):
            uses = [node.attr]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.strings.append((node.value, node))
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self.imports.append(node)
            uses = [alias.name for alias in node.names]
            binds = [alias.asname or alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.arg):
            uses = binds = [node.arg]
        elif isinstance(node, ast.MatchMapping):
            binds = [node.rest or ""]
        elif isinstance(
            node,
            (
                ast.ClassDef,
                ast.FunctionDef,
                ast.AsyncFunctionDef,
                ast.ExceptHandler,
                ast.MatchAs,
                ast.MatchStar,
            ),
        ):
            binds = [node.name or ""]
        for name in uses:
            self.using.setdefault(name, []).append(node)
        for name in binds:
            self.binding.setdefault(name, []).append(node)

    def start(self, node: ast.AST) -> int:
        """The offset of a node's first byte."""
        place: Any = node
        return int(self._lines[place.lineno - 1] + place.col_offset)

    def end(self, node: ast.AST) -> int:
        """The offset behind a node's last byte."""
        place: Any = node
        return int(self._lines[place.end_lineno - 1] + place.end_col_offset)

    def code(self, node: ast.AST) -> str:
        """A node's text."""
        return self._bytes[self.start(node) : self.end(node)].decode()

    def between(self, start: int, end: int) -> str:
        """The text between two offsets."""
        return self._bytes[start:end].decode()

    def follows(self, text: str, offset: int) -> bool:
        """Whether a text stands at an offset."""
        return self._bytes.startswith(text.encode(), offset)

    def indent(self, node: ast.AST) -> str:
        """The white space before the line on which a node begins."""
        place: Any = node
        line = self._bytes[self._lines[place.lineno - 1] : self.start(node)]
        return line[: len(line) - len(line.lstrip())].decode()

    def has_comment(self, node: ast.AST) -> bool:
        """Whether a comment stands inside a node."""
        text = f"({self.code(node)}\n)"
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        return any(token.type == tokenize.COMMENT for token in tokens)

    def replace(self, start: int, end: int, text: str) -> None:
        """Collect an edit; an empty range inserts."""
        self._edits.append((start, end, len(self._edits), text))

    def forget_edits(self) -> None:
        """Begin anew."""
        self._edits.clear()

    def edited(self) -> str:
        """The text with all edits.

        Raises:
            ValueError: Two edits touch the same text, or the result is no Python.
        """
        if not self._edits:
            return self.text
        parts: list[bytes] = []
        at = 0
        for start, end, _, text in sorted(self._edits):
            if start < at:
                raise ValueError("changes inside changes")
            parts += [self._bytes[at:start], text.encode()]
            at = end
        new = b"".join([*parts, self._bytes[at:]]).decode()
        _parsed(new, str(self.path))
        return new

    def diff(self, new: str) -> str:
        """What changes, as a unified diff."""
        # A line ends where `patch` says it does, not at form feeds and their like.
        old_lines, new_lines = (re.findall(r"[^\n]*\n|[^\n]+\Z", text) for text in (self.text, new))
        lines = difflib.unified_diff(old_lines, new_lines, str(self.path), str(self.path))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )


def absolute(source: Source, node: ast.ImportFrom) -> str:
    """The module that a `from … import` names, without dots at its beginning."""
    if not node.level:
        return node.module or ""
    parts = source.package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _imported(source: Source) -> Iterator[tuple[str, str]]:
    """The names that a file imports, and what they lead to."""
    for node in source.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        else:
            module = absolute(source, node)
            for alias in node.names:
                yield alias.asname or alias.name, f"{module}.{alias.name}"


def _parsed(text: str, name: str) -> ast.Module:
    with warnings.catch_warnings():
        # What Python would warn of is the application's business.
        warnings.simplefilter("ignore")
        return ast.parse(text, name)
