"""Extends mkdocs for `make docs`: pages for the examples, and the docs of the compiled module."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING

import griffe
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel

from tokenwire import _engine

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LINK = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")
# What a page loads by itself. Links that a reader clicks are allowed.
LOADED = re.compile(
    r"<(?:script|img|iframe|link(?! rel=\"canonical\"))[^>]* (?:src|href)=\"https?:"
)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Give each example a page."""
    for path in sorted(EXAMPLES.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        page = f"# {path.name}\n\n```python\n{text}```\n"
        name = f"examples/{path.stem}.md"
        files.append(
            File.generated(config, name, content=page, inclusion=InclusionLevel.NOT_IN_NAV)
        )
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Point links to an example at its page. In the repository they point at the file."""
    return LINK.sub(r"](examples/\1.md)", markdown)


def on_post_page(output: str, *, page: Page, **_: object) -> str:
    """Refuse a page that loads something from another host."""
    found = LOADED.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")
    return output


class CompiledDocs(griffe.Extension):
    """Combines the types from the stub with the docstrings of the compiled module."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Combine the two."""
        for name, described in pkg["_engine"].members.items():
            compiled = getattr(_engine, name, None)
            if isinstance(described, griffe.Class) and isinstance(compiled, type):
                _describe(described, compiled)


def _describe(described: griffe.Class, compiled: type) -> None:
    # mkdocstrings knows constructors as `__init__`.
    if "__new__" in described.members and "__init__" not in described.members:
        described.members["__init__"] = described.members.pop("__new__")
    described.docstring = _text(compiled, described)
    for name, member in described.members.items():
        if isinstance(member, griffe.Object) and not name.startswith("_"):
            member.docstring = _text(vars(compiled).get(name), member)


def _text(compiled: object, described: griffe.Object) -> griffe.Docstring | None:
    text = inspect.getdoc(compiled)
    return griffe.Docstring(text, parent=described, parser="google") if text else None
