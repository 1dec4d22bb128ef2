"""The recorded exchanges of the Responses API, and of the APIs that are not spoken."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 905
STREAMS = 239


def recorded_rows(data_dir: Path, *apis: str) -> list[dict[str, Any]]:
    """Return every recorded exchange of the APIs, in the file's order, with its `number`."""
    marks = [f'"api":"{api}"' for api in apis]
    with gzip.open(data_dir / "wire_open.jsonl.gz", "rt", encoding="utf-8") as lines:
        # Most rows belong to other APIs, and parsing all of them takes a second.
        return [
            {"number": number, **json.loads(line)}
            for number, line in enumerate(lines)
            if any(mark in line for mark in marks)
        ]
