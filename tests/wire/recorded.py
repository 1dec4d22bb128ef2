"""The recorded exchanges, and how one is answered again."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.wire.origins import response

if TYPE_CHECKING:
    from pathlib import Path


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


def recorded_response(row: dict[str, Any]) -> bytes:
    """Return an HTTP response with the recorded body, and the status 200."""
    kind = "text/event-stream" if row["is_sse"] else "application/json"
    return response(200, row["response_body_text"].encode(), f"content-type: {kind}")
