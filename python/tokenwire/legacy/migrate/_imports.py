"""Imports of the old modules: finding them, and leading them to `tokenwire.legacy`."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tokenwire.legacy import llm_exceptions
from tokenwire.legacy._install import MODULES
from tokenwire.legacy.migrate._files import Note

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from tokenwire.legacy.migrate._files import PythonFile

HOME = "tokenwire.legacy"
_FACTORY = "llm_client_factory"
# An import of these names from a module of this name shows that its package held old clients.
_TELLTALE = {
    "base_llm_client": {"LlmClientInterface", "BaseLlmClient"},
    "completion_client": {"CompletionClient", "clean_llm_response"},
    "llm_client": {"LlmClient"},
    _FACTORY: {"LlmClientFactory"},
    "llm_completion": {"LlmCompletion", "CompletionStreamingContext"},
    "llm_data_types": {"LlmMessage", "LlmRequest", "LlmResponse", "LlmStreamChunk", "MessageRole"},
    "llm_exceptions": set(llm_exceptions.__all__),
}
# Spaces may surround the dots of a module's name, and a backslash may continue its line.
_GAP = r"(?:\s|\\(?:\r\n|\r|\n))*"
_NAME = rf"(?P<module>[.\w](?:{_GAP}[.\w])*?)"
_FROM = re.compile(rf"from{_GAP}{_NAME}{_GAP}\bimport\b")
_IMPORT = re.compile(rf"{_NAME}(?:\s|\\)+as\b")
# Modules that must be imported by their old name, and why.
ALWAYS_KEPT = {_FACTORY: "the factory reads the application's configuration; keep install() for it"}


def old_packages(sources: Iterable[PythonFile]) -> set[str]:
    """The packages that held old clients, judged by imports from them and calls of `install`."""
    found: set[str] = set()
    for source in sources:
        for node in source.nodes:
            if isinstance(node, ast.ImportFrom):
                package, _, module = module_of(source, node).rpartition(".")
                if {alias.name for alias in node.names} & _TELLTALE.get(module, set()):
                    found.add(package)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("legacy.install"):
                found |= {str(one.value) for one in node.args[:1] if isinstance(one, ast.Constant)}
    return found - {"", HOME}


def module_of(source: PythonFile, node: ast.ImportFrom, packages: Iterable[str] = ()) -> str:
    """The full name of the module that `from … import` names.

    A relative import may lead into the folder of one of `packages`.
    """
    if not node.level:
        return node.module or ""
    folder = source.path.resolve().parents[node.level - 1]
    target = folder.joinpath(*(node.module or "").split("."))
    for package in packages:
        if is_folder_of(target, package):
            return package
        if is_folder_of(target.parent, package):
            return f"{package}.{target.name}"
    names = [folder.name, *(node.module.split(".") if node.module else ())]
    for above in folder.parents:
        if not (above / "__init__.py").is_file():
            break
        names.insert(0, above.name)
    return ".".join(names)


def is_folder_of(folder: Path, package: str) -> bool:
    """Whether a package may have this folder: the names agree, and no package is above it."""
    names = tuple(package.split("."))
    return (
        folder.parts[-len(names) :] == names
        and not (folder.parents[len(names) - 1] / "__init__.py").is_file()
    )


def rewrite(source: PythonFile, packages: Collection[str], kept: Mapping[str, str]) -> list[Note]:
    """Edit the imports of a file; the notes say which ones stay as they are.

    `kept` has the modules that must be imported by their old name, and why.
    """
    notes = []
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom):
            problems = [_rewrite_from(source, node, packages, kept)]
        elif isinstance(node, ast.Import):
            problems = [_rewrite_alias(source, alias, packages, kept) for alias in node.names]
        else:
            continue
        notes += [Note(source.path, node.lineno, why) for why in problems if why]
    return notes


def _rewrite_from(
    source: PythonFile, node: ast.ImportFrom, packages: Collection[str], kept: Mapping[str, str]
) -> str:
    """Edit one statement, or say why it stays."""
    named = module_of(source, node, packages)
    package, _, module = named.rpartition(".")
    names = {alias.name for alias in node.names}
    if named in packages:
        old, new = names & set(MODULES), HOME
    else:
        old, new = {module} & set(MODULES), f"{HOME}.{module}"
        if package not in packages:
            return ""
    why = next((kept[name] for name in sorted(old & set(kept))), "")
    if not why and named in packages and old and old != names:
        why = "imports old modules together with others; write two statements"
    if not why and old == {module} and "*" in names:
        why = "import * hides which names are used; import them by name"
    if old and not why:
        _replace_name(source, source.offset(node), _FROM, new)
    return why


def _rewrite_alias(
    source: PythonFile, alias: ast.alias, packages: Collection[str], kept: Mapping[str, str]
) -> str:
    """Edit one name of an `import` statement, or say why it stays."""
    package, _, module = alias.name.rpartition(".")
    if package not in packages or module not in MODULES:
        return ""
    why = kept.get(module, "")
    if not why and alias.asname is None:
        why = "the module is used by its full name; write `import … as` or `from … import`"
    if not why:
        _replace_name(source, source.offset(alias), _IMPORT, f"{HOME}.{module}")
    return why


def _replace_name(source: PythonFile, start: int, form: re.Pattern[str], module: str) -> None:
    """Put another module's name into a statement, and leave the rest as it is."""
    match = form.match(source.text, start)
    if match is None:
        raise ValueError(f"{source.path}: no import at {source.text[start : start + 40]!r}")
    begin, end = match.span("module")
    # `from.llm_client import x` and `from .import x` need spaces around a longer name.
    before = " " if source.text[begin - 1].isalpha() else ""
    after = " " if source.text[end].isalpha() else ""
    source.replace(begin, end, f"{before}{module}{after}")
