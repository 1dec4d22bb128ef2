"""The layers: a module imports only from its own package or from a lower floor.

Each row of the lists below is a floor, the lowest first. An import counts wherever it is: at the
top of a module, inside a function, or under `TYPE_CHECKING`. No two Python modules may import each
other, directly or indirectly. In Rust, this applies to folders.
"""

from __future__ import annotations

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[2]

PYTHON = [
    ["errors", "process_lock", "_typing"],
    ["_files", "_pydantic", "settings", "streaming", "httpx_transport"],
    ["tools"],
    ["types"],
    ["interface"],
    ["catalog"],
    ["observability", "clients"],
    ["config"],
    ["factory"],
    # Public paths of modules on lower floors.
    ["handler", "httpx", "httpx2", "metrics", "otel", "parsing", "registry", "testing"],
    ["openai"],
    ["__init__"],
    ["_bridge", "legacy"],
    ["cli"],
    ["__main__", "migrate", "pytest_plugin"],
]
# The compiled module has no floor: its stub names classes from every floor.
COMPILED = "_engine"
# The only package of ours that Rust may name, besides the compiled module itself.
BRIDGE = "tokenwire._bridge"

BINDINGS = [
    ["ground"],
    ["wake", "values"],
    ["process"],
    ["observe"],
    ["call", "stream"],
    ["raw"],
    ["engine", "simulator"],
]
CORE = [
    ["json", "local_file", "places", "request", "redact", "words"],
    ["message"],
    ["error"],
    ["config", "log", "panic", "sse", "workers"],
    ["framing"],
    ["retry", "wire", "http"],
    ["client"],
    ["call"],
    ["stream"],
    ["raw"],
]
SIM = [
    ["hash", "http"],
    ["log", "script"],
    ["reply", "simulator"],
    ["control", "send"],
    ["connection"],
    ["server"],
    ["cli"],
    ["main"],
]

Edges = dict[str, set[str]]


def room(module: str) -> str:
    """Return the package or the top-level module that a module belongs to."""
    return module.split(".", maxsplit=1)[0]


def python_edges() -> Edges:
    """Return which module imports which, without `tokenwire.` in the names."""
    modules = python_trees(ROOT / "python" / "tokenwire")
    return {
        name: {known(target, modules) for target in imports(tree)} - {name}
        for name, tree in modules.items()
    }


def python_trees(package: Path) -> dict[str, ast.AST]:
    """Return the syntax tree of each module, by its name without `tokenwire.`."""
    trees: dict[str, ast.AST] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if len(parts) > 1 and parts[-1] == "__init__":
            parts = parts[:-1]
        trees[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"a relative import in line {node.lineno}"
            if not is_ours(node.module or ""):
                continue
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def strings(tree: ast.AST) -> Iterator[str]:
    """Yield our modules that a module names in a string, except in docstrings and messages."""
    texts = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for name in re.findall(r"\btokenwire(?:\.[a-z_]+)+", node.value):
                if " " not in node.value and id(node) not in texts and known_file(name):
                    yield name


def known_file(module: str) -> bool:
    path = ROOT / "python" / Path(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def is_ours(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] == "tokenwire"


def known(target: str, modules: Iterable[str]) -> str:
    """Return the module that defines an imported name."""
    parts = target.split(".")[1:]
    while parts:
        if (name := ".".join(parts)) in modules or name == COMPILED:
            return name
        parts.pop()
    return "__init__"


def floors_of(rooms: list[list[str]]) -> dict[str, int]:
    return {name: floor for floor, row in enumerate(rooms) for name in row}


def upward(edges: Edges, rooms: list[list[str]]) -> list[str]:
    """Return the imports that do not lead to a lower floor."""
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
    """Return modules that import each other, directly or indirectly; normally none."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_python_modules_import_from_below():
    edges = python_edges()
    assert len(edges) >= 80, "the modules have moved, so this test checks nothing"
    assert sum(map(len, edges.values())) >= 150
    assert {room(module) for module in edges} == set(floors_of(PYTHON))
    assert upward(edges, PYTHON) == []
    assert circle(edges) == []


def rust_edges(source: Path) -> tuple[Edges, int]:
    """Return which folder of a crate imports from which, and how many files were read.

    A file next to `lib.rs` counts as a folder. `lib.rs` itself does not count, because it lists
    them all. Nor do imports that only tests use.
    """
    edges: Edges = {}
    files = [
        path
        for path in sorted(source.rglob("*.rs"))
        if path != source / "lib.rs" and not is_test_of_rust(path, source)
    ]
    for path in files:
        parts = path.relative_to(source).with_suffix("").parts
        text = code_of(path.read_text(encoding="utf-8"))
        # How often `super` may occur before it leaves the file's own folder.
        depth = len(parts) - 1 - (parts[-1] == "mod")
        climbs = re.findall(r"\bsuper(?:\s*::\s*super)*", text)
        assert all(climb.count("super") <= depth for climb in climbs), (
            f"{path}: use crate:: instead"
        )
        assert not re.search(r"\bcrate\s+as\b", text), f"{path}: the crate under another name"
        found = edges.setdefault(parts[0], set())
        found |= {name for name in crate_names(text) if name != parts[0]}
    return edges, len(files)


def is_test_of_rust(path: Path, source: Path) -> bool:
    """Return whether the file is a `tests.rs`, or in a folder `tests` that only tests use."""
    parts = path.relative_to(source).parts
    if path.stem != "tests" and "tests" not in parts:
        return False
    folder = path.parent
    while "tests" in folder.relative_to(source).parts:
        folder = folder.parent
    above = (folder / ("lib.rs" if folder == source else "mod.rs")).read_text(encoding="utf-8")
    assert re.search(r"#\[cfg\(test\)\]\s*mod tests;", above), f"{path}: not only for tests"
    return True


def code_of(text: str) -> str:
    """Return a file's code without comments, and without the tests at its end."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    assert "#[path" not in text, "a module in another place"
    assert "extern crate self" not in text, "the crate under another name"
    code, *tests = re.split(
        r"^#\[cfg\(test\)\]\s*(?:pub\(\w+\) )?mod \w+ \{", text, flags=re.MULTILINE
    )
    assert all(test.rstrip().endswith("\n}") and "\n}\n" not in test.rstrip() for test in tests), (
        "code after the tests of a file"
    )
    return code


def crate_names(text: str) -> Iterator[str]:
    """Yield the first name after each `crate::`, including names in braces."""
    for place in re.finditer(r"\bcrate\s*::\s*", text):
        rest = text[place.end() :]
        if not rest.startswith("{"):
            yield re.match(r"\w+", rest)[0]  # type: ignore[index]
            continue
        depth = 0
        for part in re.finditer(r"[{}]|\w+(?=\s*(?:::|,|\}| as ))", rest):
            depth += {"{": 1, "}": -1}.get(part[0], 0)
            before = rest[: part.start()].rstrip()
            if depth == 1 and part[0] not in "{}" and before.endswith(("{", ",")):
                yield part[0]
            if depth == 0:
                break


def strings_for_python(source: Path) -> dict[str, set[str]]:
    """Return the modules of `tokenwire` that each file of the bindings names in a string."""
    named = {}
    for path in sorted(source.rglob("*.rs")):
        # The module that a class claims to be in is not an import.
        text = re.sub(r'module = "[^"]*"', "", code_of(path.read_text(encoding="utf-8")))
        found = set(re.findall(r'"(tokenwire(?:\.\w+)*)"', text))
        if found:
            named[str(path.relative_to(source))] = found
    return named


# The modules that import by a computed name: packages that import their exports on first use, the
# command line's table of its own modules, and legacy, which serves applications.
IMPORT_BY_NAME = {"__init__", "_bridge", "cli", "legacy._install", "types"}


def test_strings_name_only_modules_of_the_same_package():
    seen = 0
    elsewhere = {}
    by_name = set()
    for name, tree in python_trees(ROOT / "python" / "tokenwire").items():
        found = set(strings(tree))
        seen += len(found)
        other = {one for one in found if room(one.removeprefix("tokenwire.")) != room(name)}
        if other:
            elsewhere[name] = other
        if any(imports_by_name(node) for node in ast.walk(tree)):
            by_name.add(name)
    assert seen >= 10, "the strings have moved, so this test checks nothing"
    # The classes of tools are also types of requests, and tools are below types.
    assert elsewhere == {"types": {"tokenwire.tools.functions"}}
    assert by_name == IMPORT_BY_NAME


def imports_by_name(node: ast.AST) -> bool:
    """Return whether this may import a module by a computed name, or run code that does."""
    if isinstance(node, ast.ImportFrom):
        return node.module in {"importlib", "pkgutil", "runpy"} and any(
            alias.asname for alias in node.names
        )
    if isinstance(node, ast.Import):
        return any(alias.name in {"pkgutil", "runpy"} for alias in node.names)
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called not in {"__import__", "import_module", "exec", "eval"}:
        return False
    # A constant is found by `strings`, or is not ours. A relative name needs a second argument.
    name = node.args[0] if len(node.args) == 1 and not node.keywords else None
    return not (isinstance(name, ast.Constant) and not str(name.value).startswith("."))


@pytest.mark.parametrize(
    ("crate", "floors", "least_files", "least_edges"),
    [("bindings", BINDINGS, 40, 15), ("core", CORE, 70, 30), ("sim", SIM, 35, 25)],
)
def test_folders_of_a_crate_import_from_below(crate, floors, least_files, least_edges):
    edges, files = rust_edges(ROOT / "rust" / crate / "src")
    assert files >= least_files, "the files have moved, so this test checks nothing"
    assert sum(map(len, edges.values())) >= least_edges
    assert set(edges) == set(floors_of(floors))
    assert upward(edges, floors) == []


def test_rust_names_only_the_bridge():
    named = strings_for_python(ROOT / "rust" / "bindings" / "src")
    assert named == {"ground/python.rs": {BRIDGE}}


def test_contributing_lists_the_floors():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = text.partition("The floors, lowest first:\n\n```\n")[2].partition("```")[0]
    # The end of a line ends a floor. A line that is not indented begins with the folder.
    listed: dict[str, list[set[str]]] = {}
    folder = ""
    for line in block.splitlines():
        start, _, floors = line.partition(" ")
        folder = start or folder
        listed.setdefault(folder, []).extend(set(floor.split()) for floor in floors.split("·"))
    expected = {
        "python/tokenwire/": PYTHON,
        "rust/bindings/src/": BINDINGS,
        "rust/core/src/": CORE,
        "rust/sim/src/": SIM,
    }
    assert listed == {folder: list(map(set, floors)) for folder, floors in expected.items()}


def test_the_scan_finds_every_import():
    """This test finds every way to write an import that points up."""
    python = {
        "settings.a": "def f():\n    from tokenwire.types import x",
        "settings.b": "if TYPE_CHECKING:\n    import tokenwire.types",
        "errors": "from tokenwire import settings",
    }
    modules = {*python, "types", "settings"}
    edges = {
        name: {known(target, modules) for target in imports(ast.parse(source))}
        for name, source in python.items()
    }
    assert upward(edges, PYTHON) == [
        "errors -> settings",
        "settings.a -> types",
        "settings.b -> types",
    ]
    assert circle({"types.a": {"types.b"}, "types.b": {"types.c"}, "types.c": {"types.a"}})
    rust = """
use crate::{call::Call, fork, values::{self, Reply, reply::Data}};
// crate::comment is not code
fn f() { crate::stream::open() }
#[cfg(test)]
mod tests { use crate::engine;
}
"""
    assert set(crate_names(code_of(rust))) == {"call", "fork", "values", "stream"}
