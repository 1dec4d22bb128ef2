"""The table of README.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
ROW = re.compile(r"^\| .+ \| `(test_\w+\.py)::(test_\w+)` \|$", re.MULTILINE)


def test_every_row_names_a_test():
    rows = ROW.findall((HERE / "README.md").read_text(encoding="utf-8"))
    assert len(rows) >= 70
    missing = [
        f"{file}::{name}"
        for file, name in rows
        if f"def {name}(" not in (HERE / file).read_text(encoding="utf-8")
    ]
    assert missing == []
