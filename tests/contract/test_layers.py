"""The house: every module stands on a floor and imports only from its own room or from below.

A floor is a row of the lists here, the lowest one first. An import counts wherever it is written:
at the top of a module, inside a function, under `TYPE_CHECKING`. No two modules may import each
other, straight or around.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PYTHON = [
    ["errors", "process_lock", "_typing"],
    ["_pydantic", "settings", "streaming"],
    ["tools"],
    ["types"],
    ["interface"],
    ["catalog"],
    ["observability", "clients"],
    ["config"],
    ["factory"],
    # Public paths of what stands below.
    ["otel", "parsing", "registry", "testing"],
    ["__init__"],
    ["_bridge", "legacy"],
    ["cli"],
    ["__main__", "pytest_plugin"],
]
# The compiled module has no floor: its stub speaks of classes from everywhere.
COMPILED = "_engine"

Edges = dict[str, set[str]]


def room(module: str) -> str:
    """The package or the top-level module that a module of ours belongs to."""
    return module.split(".", maxsplit=1)[0]


def python_edges() -> Edges:
    """Which module imports which, names without `tokenwire.`."""
    package = ROOT / "python" / "tokenwire"
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        modules[".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)] = (
            ast.parse(path.read_text(encoding="utf-8"))
        )
    return {
        name: {known(target, modules) for target in imports(tree)} - {name}
        for name, tree in modules.items()
    }


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and is_ours(node.module or ""):
            assert not node.level, "a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] == "tokenwire"


def known(target: str, modules: Iterable[str]) -> str:
    """The module that an imported name stands in."""
    parts = target.split(".")[1:]
    while parts:
        if (name := ".".join(parts)) in modules or name == COMPILED:
            return name
        parts.pop()
    return "__init__"


def floors_of(rooms: list[list[str]]) -> dict[str, int]:
    return {name: floor for floor, row in enumerate(rooms) for name in row}


def upward(edges: Edges, rooms: list[list[str]]) -> list[str]:
    """The imports that do not lead to a lower floor."""
    floors = floors_of(rooms)
    return sorted(
        f"{importer} -> {imported}"
        for importer, all_imported in edges.items()
        for imported in all_imported
        if room(importer) != room(imported)
        and imported != COMPILED
        and floors[room(importer)] <= floors[room(imported)]
    )


def circle(edges: Edges) -> list[str]:
    """Modules that import each other, straight or around; empty where there are none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_python_modules_import_from_below():
    edges = python_edges()
    assert len(edges) >= 80, "the modules have moved: this would pass on nothing"
    assert sum(map(len, edges.values())) >= 150
    assert {room(module) for module in edges} == set(floors_of(PYTHON))
    assert upward(edges, PYTHON) == []
    assert circle(edges) == []
