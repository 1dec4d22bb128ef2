"""The rows of docs/drop-in.md: an SDK or a framework, and the line that gives it our code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "drop-in.md"
CELL = re.compile(r"(?<!\\)\|")


class Row(NamedTuple):
    """A row.

    Attributes:
        title: Its first cell.
        line: The line after, with a `;` where it is two.
        gains: What the row says that it gains.
    """

    title: str
    line: str
    gains: list[str]


def rows() -> list[Row]:
    """Return the rows of both tables."""
    found = []
    for text in DOCUMENT.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in CELL.split(text)[1:-1]]
        # The tables with a line before and a line after have five columns.
        if len(cells) == 5 and (code := re.search(r"`([^`]+)`", cells[2])):
            found.append(Row(cells[0], code[1], cells[3].split(", ")))
    return found
