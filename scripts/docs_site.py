"""What `make docs` adds to mkdocs: pages of examples, constructors of compiled classes, checks."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import TYPE_CHECKING

import griffe
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LINK = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")
# What a page loads by itself. Links that a reader clicks are allowed.
LOADED = re.compile(
    r"<(?:script|img|iframe|link(?! rel=\"canonical\"))[^>]* (?:src|href)=\"https?:"
)

BLOCK = re.compile(r"<pre\b[^>]*>(.*?)</pre>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
# What the theme's column has room for: 45.3 rem at most, of which a character takes 0.41 rem.
LONGEST_CODE = 110


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
    """Refuse a page that loads something from another host, or whose code is too wide."""
    found = LOADED.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} loads from another host: {found[0]}")
    for block in BLOCK.findall(output):
        for line in html.unescape(TAG.sub("", block)).splitlines():
            if len(line) > LONGEST_CODE:
                raise PluginError(
                    f"{page.file.src_uri}: code of {len(line)} characters does not fit: {line}"
                )
    return output


class Constructors(griffe.Extension):
    """The stub's `__new__` is what a page of the reference calls `__init__`."""

    def on_class(self, *, cls: griffe.Class, **_: object) -> None:
        """Rename it."""
        if "__new__" in cls.members and "__init__" not in cls.members:
            cls.members["__init__"] = cls.members.pop("__new__")
