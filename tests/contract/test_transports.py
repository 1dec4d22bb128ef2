"""What runs over one transport only is a difference that docs/connections.md lists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARK = re.compile(r'\bonly_over\(\s*"(\w+)",\s*"([^"]+)"\s*\)')
TABLE = re.compile(
    r"^\| \| `direct` \| `general` \| reason \|\n\|[-|]+\|\n((?:\|.*\n)+)", re.MULTILINE
)


def differences() -> list[str]:
    """The first cell of each row, as plain text."""
    (rows,) = TABLE.findall((ROOT / "docs" / "connections.md").read_text(encoding="utf-8"))
    cells = [row.split("|")[1] for row in rows.splitlines()]
    return [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).replace("`", "").strip() for cell in cells
    ]


def marks() -> dict[str, set[str]]:
    """The differences that tests name, and the transports that they then run over."""
    found: dict[str, set[str]] = {}
    for folder in ("wire", "fault"):
        for path in (ROOT / "tests" / folder).rglob("test_*.py"):
            text = path.read_text(encoding="utf-8")
            named = MARK.findall(text)
            assert text.count("only_over(") == len(named), f"{path}: name both in literal strings"
            for transport, difference in named:
                found.setdefault(difference, set()).add(transport)
    return found


def test_a_test_of_one_transport_names_a_difference_that_the_guide_lists() -> None:
    listed = differences()
    assert listed
    unknown = [mark for mark in marks() if not any(row.startswith(mark) for row in listed)]
    assert unknown == []
