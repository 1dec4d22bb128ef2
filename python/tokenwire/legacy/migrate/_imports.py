"""Imports of the old modules: which there are, and where they lead."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from tokenwire.legacy import llm_exceptions
from tokenwire.legacy._install import MODULES
from tokenwire.legacy.migrate._reach import dotted
from tokenwire.legacy.migrate._source import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenwire.legacy.migrate._source import Source

HOME = "tokenwire.legacy"
ERRORS = frozenset(llm_exceptions.__all__)
# Names by which an import of a module of this name is known for one of the old modules.
_TELLING = {
    "base_llm_client": {"LlmClientInterface", "BaseLlmClient"},
    "completion_client": {"CompletionClient", "clean_llm_response"},
    "llm_client": {"LlmClient"},
    "llm_client_factory": {"LlmClientFactory"},
    "llm_completion": {"LlmCompletion", "CompletionStreamingContext"},
    "llm_data_types": {"LlmMessage", "LlmRequest", "LlmResponse", "LlmStreamChunk", "MessageRole"},
    "llm_exceptions": set(ERRORS),
}
# Names that other packages have, too.
_UNSURE = {"chat_client": {"ChatClient"}, "token_counter": {"TokenCounter"}} | {
    "model_registry": {"ModelRegistry", "ModelConfig", "LlmProvider"}
}


_GAP = r"(?:\s|\\(?:\r\n|\r|\n))*"
# The dots and names of a module may stand apart, and on lines that a backslash joins.
_FROM = re.compile(rf"from{_GAP}(?P<module>[.\w](?:{_GAP}[.\w])*?){_GAP}\bimport\b")


class OldImport(NamedTuple):
    """A statement that imports from an old module."""

    source: Source
    node: ast.ImportFrom | ast.Import
    module: str


def old_packages(sources: Iterable[Source]) -> set[str]:
    """The packages that held old clients: installed ones, and those that an import gives away."""
    found: set[str] = set()
    for source in sources:
        for node in source.imports:
            if isinstance(node, ast.ImportFrom):
                package, _, module = absolute(source, node).rpartition(".")
                names = {alias.name for alias in node.names}
                if package and names & _TELLING.get(module, set()):
                    found.add(package)
        for text, constant in source.strings:
            above = source.parents[constant]
            if isinstance(above, ast.Call) and _is_install(above) and above.args[:1] == [constant]:
                found.add(text)
    return {package for package in found if package != HOME}


def doubtful(source: Source, packages: Iterable[str]) -> list[tuple[int, str, str]]:
    """Imports that may be of old clients: line, module and package."""
    found = []
    for node in source.imports:
        if isinstance(node, ast.ImportFrom):
            named = absolute(source, node)
            package, _, module = named.rpartition(".")
            names = {alias.name for alias in node.names}
            if package not in packages and package != HOME and names & _UNSURE.get(module, set()):
                found.append((node.lineno, named, package))
    return found


def _is_install(call: ast.Call) -> bool:
    name = call.func
    return getattr(name, "attr", getattr(name, "id", None)) == "install" and "legacy" in ast.dump(
        name
    )


def old_imports(source: Source, packages: Iterable[str]) -> list[OldImport]:
    """The statements that import old modules, or names from them."""
    modules = {f"{package}.{name}" for package in packages for name in MODULES}
    found = []
    for node in source.imports:
        if isinstance(node, ast.ImportFrom):
            named = absolute(source, node)
            if named in modules:
                found.append(OldImport(source, node, named.rpartition(".")[2]))
            elif named in packages and any(alias.name in MODULES for alias in node.names):
                found.append(OldImport(source, node, ""))
        elif any(alias.name in modules for alias in node.names):
            found.append(OldImport(source, node, ""))
    return found


def strings_that_name(source: Source, packages: Iterable[str]) -> list[int]:
    """Lines of strings with an old module's path: targets of patches, names of modules."""
    paths = [re.escape(f"{package}.{name}") for package in packages for name in MODULES]
    pattern = re.compile(rf"(?:{'|'.join(paths)})(?![\w])") if paths else None
    return [node.lineno for text, node in source.strings if pattern and pattern.match(text)]


def patched(sources: Iterable[Source], packages: Iterable[str]) -> dict[str, str]:
    """The old modules that a string names more of than themselves, and where.

    A test that replaces `root.agents.chat_client.ChatClient.run` must find that class in use.
    """
    paths = {f"{package}.{name}": name for package in packages for name in MODULES}
    found: dict[str, str] = {}
    for source in sources:
        for text, node in source.strings:
            for path, name in paths.items():
                if text.startswith(f"{path}."):
                    found.setdefault(name, f"{source.path}:{node.lineno} names it in a string")
    return found


def reached_through_package(sources: Iterable[Source], packages: Iterable[str]) -> dict[str, str]:
    """The old modules that files reach as attributes of a package that others import, and where."""
    paths = {f"{package}.{name}": name for package in packages for name in MODULES}
    found: dict[str, str] = {}
    for source in sources:
        own = {
            alias.name
            for node in source.imports
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        for name in MODULES:
            for node in source.using.get(name, ()):
                if not isinstance(node, ast.Attribute):
                    continue
                path = dotted(source, node)
                if path in paths and path not in own:
                    found.setdefault(name, f"{source.path}:{node.lineno}")
    return found


def brought(old: OldImport) -> set[str]:
    """The old modules that a statement binds in their package."""
    if old.module:
        return {old.module}
    return {alias.name.rpartition(".")[2] for alias in old.node.names}


def moved_names(old: OldImport, new_names: dict[str, str]) -> list[str]:
    """What a statement imports that `tokenwire` itself has now."""
    if not old.module or old.module == "llm_client_factory":
        return []
    return [
        _alias(ast.alias(new_names[alias.name], alias.asname))
        for alias in old.node.names
        if alias.name in new_names
    ]


def move_import(
    old: OldImport, new_names: dict[str, str], moved: list[str], extra: Iterable[str] = ()
) -> str | None:
    """Collect the edits of one statement.

    Args:
        old: The statement.
        new_names: Names that `tokenwire` itself has now, by the name imported here.
        moved: What to import from `tokenwire` here.
        extra: Whole import lines to add behind it.

    Returns:
        Why the statement stays as it is; None where it was changed.
    """
    source, node = old.source, old.node
    if isinstance(node, ast.Import):
        return _move_plain(source, node)
    if not old.module:
        return _move_modules(source, node)
    if old.module == "llm_client_factory":
        return (
            "the factory reads the application's configuration; keep "
            'tokenwire.legacy.install("…") for it, or make its clients by name'
        )
    if any(alias.name == "*" for alias in node.names):
        return "import * says not which names are used"
    _move_names(old, node, new_names, moved, list(extra))
    return None


def _move_names(
    old: OldImport,
    node: ast.ImportFrom,
    new_names: dict[str, str],
    moved: list[str],
    extra: list[str],
) -> None:
    source = old.source
    kept = [alias for alias in node.names if alias.name not in new_names]
    if not (extra or moved) and len(kept) == len(node.names):
        _replace_module(source, node, f"{HOME}.{old.module}")
        return
    if not extra and moved == [_alias(alias) for alias in node.names]:
        _replace_module(source, node, "tokenwire")
        return
    lines = []
    if kept:
        lines.append(f"from {HOME}.{old.module} import {', '.join(map(_alias, kept))}")
    if moved:
        lines.append(f"from tokenwire import {', '.join(sorted(set(moved)))}")
    lines += extra
    separator = f"{source.newline}{source.indent(node)}"
    end = source.end(node)
    if not lines and not node.col_offset and source.follows(source.newline, end):
        # Nothing is left of the line.
        end += len(source.newline)
    source.replace(source.start(node), end, separator.join(lines))


def _move_plain(source: Source, node: ast.Import) -> str | None:
    alias = node.names[0]
    if len(node.names) > 1 or alias.asname is None:
        return "the module is used by its whole path; write `import … as` or `from … import`"
    new = f"import {HOME}.{alias.name.rpartition('.')[2]} as {alias.asname}"
    source.replace(source.start(node), source.end(node), new)
    return None


def _move_modules(source: Source, node: ast.ImportFrom) -> str | None:
    names = [alias.name for alias in node.names]
    if "llm_client_factory" in names:
        return "the factory reads the application's configuration; keep install() for it"
    if not set(names) <= set(MODULES):
        return "old modules and the application's own stand in one statement; write two"
    _replace_module(source, node, HOME)
    return None


def _replace_module(source: Source, node: ast.ImportFrom, module: str) -> None:
    """Put another module between `from` and `import`, and leave the rest as it is."""
    start = source.start(node)
    text = source.between(start, source.end(node))
    found = _FROM.match(text)
    if found is None:
        raise ValueError(f"{source.path}:{node.lineno}: no module in {text!r}")
    at = start + len(text[: found.start("module")].encode())
    before, behind = (
        "" if neighbour.isspace() or neighbour == "\\" else " "
        for neighbour in (text[found.start("module") - 1], text[found.end("module")])
    )
    source.replace(at, at + len(found["module"].encode()), f"{before}{module}{behind}")


def _alias(alias: ast.alias) -> str:
    return alias.name if alias.asname is None else f"{alias.name} as {alias.asname}"
