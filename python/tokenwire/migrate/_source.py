"""A source file, and changes to it at the places that `ast` names."""

from __future__ import annotations

import ast
import difflib
import io
import re
import tokenize
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        self.tree = ast.parse(self.text, str(path))
        self.parents: dict[ast.AST, ast.AST] = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        self._edits: list[tuple[int, int, int, str]] = []

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

    def edited(self) -> str:
        """The text with all edits.

        Raises:
            ValueError: Two edits touch the same text, or the result is no Python.
        """
        parts: list[bytes] = []
        at = 0
        for start, end, _, text in sorted(self._edits):
            if start < at:
                raise ValueError("changes inside changes")
            parts += [self._bytes[at:start], text.encode()]
            at = end
        new = b"".join([*parts, self._bytes[at:]]).decode()
        ast.parse(new)
        return new

    def diff(self, new: str) -> str:
        """What changes, as a unified diff."""
        old_lines, new_lines = (text.splitlines(keepends=True) for text in (self.text, new))
        lines = difflib.unified_diff(old_lines, new_lines, str(self.path), str(self.path))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in lines
        )
