"""Reads Google-style docstrings: the description, and the text about each argument."""

from __future__ import annotations

import inspect
import re

_SECTIONS = re.compile(
    r"(Args|Arguments|Parameters|Returns?|Yields?|Raises|Examples?|Notes?|Attributes|See Also|"
    r"References|Todo|Warnings?):\s*"
)
_ARGUMENT_SECTIONS = ("Args", "Arguments", "Parameters")
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


def read_docstring(documented: object) -> tuple[str, dict[str, str]]:
    """Return the text before the first section, and the texts of ``Args:`` by argument.

    The description keeps its line breaks. The text about an argument becomes one line. Both are
    empty if there is no docstring.
    """
    text = inspect.getdoc(documented) or ""
    section = ""
    description: list[str] = []
    notes: dict[str, list[str]] = {}
    indent = 0
    name = ""
    for line in text.splitlines():
        heading = _SECTIONS.fullmatch(line)
        if heading:
            section, name, indent = heading[1], "", 0
        elif not section:
            description.append(line)
        elif section in _ARGUMENT_SECTIONS and line.strip():
            depth = len(line) - len(line.lstrip())
            # The first entry sets the depth. A deeper line continues the entry above it.
            indent = indent or depth
            entry = _ENTRY.fullmatch(line.strip()) if depth <= indent else None
            if entry:
                name = entry[1]
                notes[name] = [entry[2]]
            elif name:
                notes[name].append(line.strip())
    joined = {name: " ".join(lines).strip() for name, lines in notes.items()}
    return "\n".join(description).strip(), {name: note for name, note in joined.items() if note}
