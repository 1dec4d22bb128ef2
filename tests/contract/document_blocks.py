"""The blocks of Python in README.md and docs/, also as modules for type checkers."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^([^\n]*)\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# A document awaits at the top level, as a notebook does. A module cannot.
SYNCHRONOUS = """\
from collections.abc import AsyncIterable, Awaitable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

class Entered(Protocol[T_co]):
    def __aenter__(self) -> Awaitable[T_co]: ...

def awaited(value: Awaitable[T]) -> T: raise NotImplementedError
def entered(value: Entered[T]) -> AbstractContextManager[T]: raise NotImplementedError
def iterated(value: AsyncIterable[T]) -> Iterator[T]: raise NotImplementedError
"""
# A line, a column and a length in bytes, and what to put there.
Edit: TypeAlias = tuple[int, int, int, bytes]
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def blocks(text: str) -> list[tuple[int, str, str]]:
    """Return each block of Python: its first line's number, the line before it, and its code."""
    return [(text.count("\n", 0, m.start(2)) + 1, m[1], m[2]) for m in BLOCK.finditer(text)]


def write_modules(folder: Path) -> dict[str, tuple[Path, int]]:
    """Write each block as a module into a folder, for type checkers.

    A module imports from those before it the names that it takes from them, because the blocks of a
    document share their names.

    Returns:
        The document of each file, and how many lines further down the lines of the file are in it.
    """
    (folder / "synchronous.py").write_text(SYNCHRONOUS, encoding="utf-8")
    places = {}
    for document in DOCUMENTS:
        stem = re.sub(r"\W", "_", str(document.relative_to(ROOT)).removesuffix(".md"))
        homes: dict[str, str] = {}
        for number, (line, _, code) in enumerate(blocks(document.read_text(encoding="utf-8"))):
            module = f"{stem}_{number}"
            taken, bound = names(code)
            head = ["from synchronous import awaited, entered, iterated"]
            head += [f"from {homes[name]} import {name}" for name in sorted(taken & homes.keys())]
            # An import of the future must come first.
            future = "from __future__ import annotations\n"
            body = synchronous(code).replace(future, "\n")
            text = "\n".join([future.strip(), *head, body])
            (folder / f"{module}.py").write_text(text, encoding="utf-8")
            places[f"{module}.py"] = (document, line - len(head) - 2)
            homes |= dict.fromkeys(bound, module)
    return places


def names(code: str) -> tuple[set[str], set[str]]:
    """The names that a module takes from elsewhere, and those that it binds."""
    taken: set[str] = set()
    bound: set[str] = set()
    for statement in ast.parse(code).body:
        own = _bound(statement)
        # What `with` or `for` binds is there in its body. An assignment reads its value first.
        known = bound | own if isinstance(getattr(statement, "body", None), list) else bound
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                taken |= {node.id} - known
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                taken |= {node.target.id} - bound
        bound |= own
    return taken, bound


def _bound(node: ast.AST) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return set()
    own = set()
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        own.add(node.id)
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        own.add(node.name)
    return own.union(*map(_bound, ast.iter_child_nodes(node)))


def synchronous(code: str) -> str:
    """Replace what a module cannot await by calls of the same types, on the same lines."""
    lines = [line.encode() for line in code.split("\n")]
    edits = _edits(ast.parse(code), lines)
    # From the end, so that the places before stay what they are.
    for line, column, length, text in sorted(edits, key=lambda edit: edit[:2], reverse=True):
        there = lines[line - 1]
        lines[line - 1] = there[:column] + text + there[column + length :]
    return b"\n".join(lines).decode()


def _edits(node: ast.AST, lines: list[bytes]) -> Iterator[Edit]:
    if isinstance(node, _SCOPES):
        return
    if isinstance(node, ast.Await):
        yield from _wrapped(node, "awaited", len("await "))
    elif isinstance(node, (ast.AsyncWith, ast.AsyncFor)):
        yield node.lineno, node.col_offset, len("async "), b""
    if isinstance(node, ast.AsyncWith):
        for item in node.items:
            yield from _wrapped(item.context_expr, "entered")
    elif isinstance(node, ast.AsyncFor):
        yield from _wrapped(node.iter, "iterated")
    elif isinstance(node, ast.comprehension) and node.is_async:
        before = lines[node.target.lineno - 1][: node.target.col_offset]
        yield node.target.lineno, before.rindex(b"async "), len("async "), b""
        yield from _wrapped(node.iter, "iterated")
    for child in ast.iter_child_nodes(node):
        yield from _edits(child, lines)


def _wrapped(node: ast.expr, function: str, left_out: int = 0) -> Iterator[Edit]:
    yield node.lineno, node.col_offset, left_out, f"{function}(".encode()
    yield node.end_lineno or 0, node.end_col_offset or 0, 0, b")"
