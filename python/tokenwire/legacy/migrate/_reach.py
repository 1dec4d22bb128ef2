"""Who reaches a name of a file: by another binding, from another file, or by a string."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tokenwire.legacy.migrate._source import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenwire.legacy.migrate._source import Source

# What takes the name of an attribute as a string; `object` is that of `patch.object`.
_BY_NAME = {
    "attrgetter",
    "delattr",
    "getattr",
    "hasattr",
    "methodcaller",
    "object",
    "setattr",
}


def rebound(source: Source, name: str, besides: Iterable[ast.AST] = ()) -> str:
    """Where a file binds a name by something else than an assignment; empty where it does not."""
    known = set(besides)
    for node in source.binding.get(name, ()):
        if node not in known:
            return f"{name} is also something else at line {_line(source, node)}"
    return ""


def reached(home: Source, name: str, everything: Iterable[Source]) -> str:
    """Where a name of a file's module is used from outside, or by a string; empty where nowhere."""
    for source in everything:
        for node in (*source.using.get(name, ()), *source.using.get("*", ())):
            if source is not home and _is_of(source, node, home):
                return _may_be(source, node, name)
        for text, node in source.strings:
            module, dot, last = text.rpartition(".")
            if last == name and (_same(module, home.module) if dot else _names(source, node, home)):
                return _may_be(source, node, name)
    return ""


def named(attribute: str, everything: Iterable[Source]) -> str:
    """Where an attribute is reached by its name as a string; empty where nowhere."""
    for source in everything:
        for text, node in source.strings:
            if text == attribute and _is_by_name(source, node):
                return _may_be(source, node, attribute)
    return ""


def defined(attribute: str, everything: Iterable[Source]) -> str:
    """Where a method, a property or a class has an attribute's name; empty where none has."""
    for source in everything:
        for node in source.binding.get(attribute, ()):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                return f"{attribute} is also defined at {source.path}:{node.lineno}"
    return ""


def dotted(source: Source, node: ast.AST) -> str:
    """What a chain of names such as `a.b.c` leads to, by the file's imports; empty if unknown."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in source.imported:
        return ""
    return ".".join([source.imported[node.id], *parts])


def uses(source: Source, home: Source) -> bool:
    """Whether a file imports another, or something from it."""
    return any(
        _same(name, home.module) or _same(name.rpartition(".")[0], home.module)
        for name in source.imported.values()
    )


def _is_of(source: Source, node: ast.AST, home: Source) -> bool:
    if isinstance(node, ast.ImportFrom):
        return _same(absolute(source, node), home.module)
    if isinstance(node, ast.Attribute):
        return _same(dotted(source, node.value), home.module)
    return False


def _names(source: Source, node: ast.AST, home: Source) -> bool:
    if _is_by_name(source, node):
        return True
    above = source.parents[node]
    if source is home and isinstance(above, (ast.List, ast.Tuple)):
        above = source.parents[above]
        targets = above.targets if isinstance(above, ast.Assign) else [getattr(above, "target", 0)]
        return any(isinstance(one, ast.Name) and one.id == "__all__" for one in targets)
    return False


def _is_by_name(source: Source, node: ast.AST) -> bool:
    above = source.parents[node]
    return (
        isinstance(above, ast.Call)
        and getattr(above.func, "attr", getattr(above.func, "id", "")) in _BY_NAME
    )


def _same(one: str, other: str) -> bool:
    """Whether two names may be of one module: the folder given need not be where imports begin."""
    return bool(one and other) and (
        one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
    )


def _may_be(source: Source, node: ast.AST, name: str) -> str:
    return f"{name} may be used by another file ({source.path}:{_line(source, node)})"


def _line(source: Source, node: ast.AST) -> int:
    while not hasattr(node, "lineno"):
        node = source.parents[node]
    return int(node.lineno)
