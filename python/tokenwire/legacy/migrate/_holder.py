"""What holds the old clients of an application, and where they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from tokenwire.legacy.migrate._arguments import NewCall
    from tokenwire.legacy.migrate._source import Source


@dataclass(eq=False)
class Site:
    """A call of an old constructor."""

    source: Source
    call: ast.Call
    local: str
    kind: str
    new: NewCall | None = None


@dataclass(eq=False)
class Holder:
    """What holds clients: a name of a file, an attribute anywhere, or nothing."""

    sites: list[Site] = field(default_factory=list)
    runs: list[tuple[Source, ast.Call]] = field(default_factory=list)
    problem: str = ""
