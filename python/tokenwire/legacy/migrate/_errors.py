"""Errors: which are caught, and whether it matters that the new clients raise others."""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any

from tokenwire.legacy.migrate._imports import ERRORS, HOME
from tokenwire.legacy.migrate._reach import dotted, uses
from tokenwire.legacy.migrate._source import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenwire.legacy.migrate._holder import Holder
    from tokenwire.legacy.migrate._imports import OldImport
    from tokenwire.legacy.migrate._source import Source

_MODULE = "llm_exceptions"
_FIELDS = {"error_code", "metadata", "response_body"}
_SAME_FIELDS = {"status_code", "retry_after"}
# Builtin classes that new errors are instances of, and old ones were not.
_NEW_BASES = {"EnvironmentError", "IOError", "OSError", "TimeoutError", "ValueError"}
_BUILTIN = set(dir(builtins))
_CATCH_ALL = {"Exception", "BaseException"}
_KEEPS = (ast.Compare, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)
_SHOWS = {"format", "isinstance", "print", "repr", "str", "type"}
_LOGS = {"critical", "debug", "error", "exception", "info", "log", "warning", "write"}


def catching(imports: Iterable[OldImport]) -> list[OldImport]:
    """The imports of old error classes that may lead elsewhere."""
    return [
        old
        for old in imports
        if old.module == _MODULE and all(alias.name != "*" for alias in old.node.names)
    ]


def why_they_stay(
    sources: list[Source],
    holders: list[Holder],
    imports: list[OldImport],
    blocked: Iterable[Source],
) -> str:
    """Why what is caught must stay, and with it all that raises; empty where both may go."""
    caught = catching(imports)
    odd = _caught_otherwise(sources, imports, caught)
    if not (caught or odd):
        return ""
    if not holders:
        # Without a client in sight nobody knows which classes are raised.
        return "no client is made here; run this on the whole application"
    return odd or _of_the_clients(holders, imports) or _of_the_uses(caught, blocked)


def errors_differ(calls: Sequence[tuple[Source, ast.Call]], everything: list[Source]) -> str:
    """Why it would be seen that other errors leave these calls; empty where it would not."""
    for source, call in calls:
        node: Any = call
        while node in source.parents:
            below, node = node, source.parents[node]
            # `except*` makes a node of another class, with the same fields.
            if hasattr(node, "handlers") and below in node.body:
                found = {name for one in node.handlers for name in _names(one)} & _NEW_BASES
                if found:
                    return (
                        f"{min(found)} of line {node.lineno} would catch the new errors, which are "
                        "of that class, too"
                    )
    homes = {source for source, _ in calls}
    for source in everything:
        if source not in homes and not any(uses(source, home) for home in homes):
            continue
        line = _searched(source, by_their_class=False)
        if line:
            return f"the text of an error is used at {source.path}:{line}, and the new ones differ"
    return ""


def _caught_otherwise(
    sources: list[Source], imports: list[OldImport], caught: list[OldImport]
) -> str:
    """The first place that reaches old error classes in a way that cannot lead elsewhere."""
    for old in imports:
        if old not in caught and any(
            alias.name.rpartition(".")[2] == _MODULE for alias in old.node.names
        ):
            return _at(old.source, old.node)
        if old.module == _MODULE and old not in caught:
            return _at(old.source, old.node)
    ours = {id(old.node) for old in caught}
    passing = {old.source.module for old in caught}
    for source in sources:
        for name in (*sorted(ERRORS), _MODULE):
            for node in source.using.get(name, ()):
                if isinstance(node, ast.ImportFrom) and id(node) not in ours:
                    module = absolute(source, node)
                    if module != "tokenwire" and (
                        module.startswith(HOME) or (name != _MODULE and module not in passing)
                    ):
                        return _at(source, node)
                elif (
                    isinstance(node, ast.Attribute)
                    and name != _MODULE
                    and dotted(source, node.value) != "tokenwire"
                ):
                    return _at(source, node)
    return ""


def _at(source: Source, node: ast.AST) -> str:
    line = getattr(node, "lineno", 1)
    return f"the old error classes are reached at {source.path}:{line} in a way that stays"


def _of_the_clients(holders: list[Holder], imports: list[OldImport]) -> str:
    for holder in holders:
        if holder.problem:
            site = holder.sites[0]
            return (
                f"the old error classes are caught, and the client at {site.source.path}:"
                f"{site.call.lineno} stays old ({holder.problem})"
            )
    known = {_MODULE, "chat_client", "completion_client", "llm_client"}
    for old in imports:
        if old.module not in known or not isinstance(old.node, ast.ImportFrom):
            return (
                "the old error classes are caught, and those raised by what is imported at "
                f"{old.source.path}:{old.node.lineno} stay"
            )
    return ""


def _of_the_uses(caught: list[OldImport], blocked: Iterable[Source]) -> str:
    for old in caught:
        if old.source in set(blocked):
            return f"the old error classes are caught in {old.source.path}, which is left alone"
        for node in ast.walk(old.source.tree):
            if isinstance(node, ast.Attribute) and node.attr in _FIELDS:
                return f".{node.attr} of line {node.lineno} is not a field of the new errors"
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ERRORS:
                return f"an error is made at line {node.lineno}; the new classes take other fields"
            if isinstance(node, ast.ClassDef) and any(
                getattr(base, "id", "") in ERRORS for base in node.bases
            ):
                return f"a class is made of one at line {node.lineno}"
        line = _searched(old.source, by_their_class=True)
        if line:
            return f"the text of an error is used at {old.source.path}:{line}, and the new differ"
    return ""


def _names(handler: ast.ExceptHandler) -> set[str]:
    """The last words of the classes that a handler catches."""
    if handler.type is None:
        return set()
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {str(getattr(kind, "attr", getattr(kind, "id", "?"))) for kind in kinds}


def _searched(source: Source, *, by_their_class: bool) -> int:
    """The line that does more with a caught error than show it; 0 where there is none.

    Args:
        source: A file.
        by_their_class: Look where the old classes are named, else where all errors are caught.
    """
    handlers = [
        node
        for nodes in source.binding.values()
        for node in nodes
        if isinstance(node, ast.ExceptHandler)
    ]
    for handler in handlers:
        names = _names(handler)
        old = names & ERRORS
        others = {name for name in names - ERRORS if name in _CATCH_ALL or name not in _BUILTIN}
        if not (old if by_their_class else others):
            continue
        for statement in handler.body:
            for use in ast.walk(statement):
                if (
                    isinstance(use, ast.Name)
                    and use.id == handler.name
                    and not _only_shows(source, use, handler)
                ):
                    return use.lineno
    return 0


def _only_shows(source: Source, use: ast.Name, handler: ast.ExceptHandler) -> bool:
    above = source.parents[use]
    if isinstance(above, ast.Attribute) and above.attr in _SAME_FIELDS:
        return True
    node: ast.AST = use
    while node is not handler:
        below, node = node, source.parents[node]
        if isinstance(node, ast.Raise):
            return True
        looks_inside = isinstance(node, ast.Attribute) and node.value is below
        if looks_inside or isinstance(node, _KEEPS) or _passes_on(source, node):
            return False
    return True


def _passes_on(source: Source, node: ast.AST) -> bool:
    """Whether this calls what may look into the error."""
    if not isinstance(node, ast.Call) or isinstance(source.parents[node], ast.Raise):
        return False
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return name not in (_SHOWS if isinstance(node.func, ast.Name) else _LOGS)
