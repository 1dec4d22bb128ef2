"""Reads docstrings: the description, and the text about each argument.

It knows the styles of Google (``Args:``), NumPy (``Parameters`` over a line of dashes) and Sphinx
(``:param name:``).
"""

from __future__ import annotations

import inspect
import itertools
import re

_NAMES = (
    "Args|Arguments|Parameters|Other Parameters|Keyword Args|Keyword Arguments|Returns?|Yields?|"
    "Receives|Raises|Examples?|Notes?|Attributes|See Also|References|Todo|Warns|Warnings?"
)
_HEADING = re.compile(rf"({_NAMES}):\s*")
_UNDERLINED = re.compile(rf"({_NAMES})\s*")
_DASHES = re.compile(r"-{3,}\s*")
_OF_ARGUMENTS = (
    *("Args", "Arguments", "Parameters", "Attributes"),
    *("Other Parameters", "Keyword Args", "Keyword Arguments"),
)
_GOOGLE_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\)\s*)?:\s*(.*)")
# A name, or several that share a type.
_NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?")
# https://www.sphinx-doc.org/en/master/usage/domains/python.html#info-field-lists
_FIELD = re.compile(r"[:@](\w+)(?:\s+([^\s:][^:]*)?)?:(?:\s+(.*))?")
_PARAM_FIELDS = ("param", "parameter", "arg", "argument", "key", "keyword", "ivar", "var")
_FIELDS = (
    *_PARAM_FIELDS,
    *("type", "raises", "raise", "except", "exception", "cvar", "vartype"),
    *("return", "returns", "rtype", "yield", "yields", "meta"),
)


def read_docstring(documented: object) -> tuple[str, dict[str, str]]:
    """Return the text before the first section, and the texts about the arguments by name.

    The arguments of a class are its attributes. The description keeps its line breaks. The text
    about an argument becomes one line. Both are empty if there is no docstring.
    """
    reader = _Reader((inspect.getdoc(documented) or "").splitlines())
    joined = {name: " ".join(lines).strip() for name, lines in reader.notes.items()}
    description = "\n".join(reader.description).strip()
    return description, {name: note for name, note in joined.items() if note}


class _Reader:
    """Reads the lines of one docstring."""

    def __init__(self, lines: list[str]) -> None:
        self.description: list[str] = []
        self.notes: dict[str, list[str]] = {}
        # The arguments whose text continues.
        self._open: list[str] = []
        self._read_line = self._describe
        self._indent = 0
        for line, after in itertools.pairwise([*lines, ""]):
            self._read(line, after)

    def _read(self, line: str, after: str) -> None:
        heading = _HEADING.fullmatch(line)
        underlined = _UNDERLINED.fullmatch(line) if _DASHES.fullmatch(after) else None
        field = _FIELD.fullmatch(line)
        if heading or underlined:
            self._open, self._indent = [], 0
            about = (heading or underlined or line)[1] in _OF_ARGUMENTS
            arguments = self._numpy_line if underlined else self._google_line
            self._read_line = arguments if about else self._skip
        elif field and field[1] in _FIELDS:
            self._read_line = self._field_line
            # The type may stand before the name.
            named = (field[2] or "").split() if field[1] in _PARAM_FIELDS else []
            self._start([name.lstrip("*\\") for name in named[-1:]], field[3] or "")
        else:
            self._read_line(line)

    def _start(self, names: list[str], text: str) -> None:
        self._open = names
        for name in names:
            self.notes[name] = [text]

    def _go_on(self, line: str) -> None:
        for name in self._open:
            self.notes[name].append(line.strip())

    def _describe(self, line: str) -> None:
        self.description.append(line)

    def _skip(self, line: str) -> None:
        """Leave the line out: it is about something else."""

    def _field_line(self, line: str) -> None:
        if line.strip():
            self._go_on(line)
        else:
            self._open = []

    def _google_line(self, line: str) -> None:
        if not line.strip():
            return
        depth = len(line) - len(line.lstrip())
        # The first entry sets the depth. A deeper line continues the entry above it.
        self._indent = self._indent or depth
        entry = _GOOGLE_ENTRY.fullmatch(line.strip()) if depth <= self._indent else None
        if entry:
            self._start([entry[1]], entry[2])
        else:
            self._go_on(line)

    def _numpy_line(self, line: str) -> None:
        entry = _NUMPY_ENTRY.fullmatch(line)
        if entry:
            self._start([name.strip().lstrip("*") for name in entry[1].split(",")], "")
        elif line.strip() and not _DASHES.fullmatch(line):
            self._go_on(line)
