"""The recorded exchanges: requests, replies that are served again, and which follow each other."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from tests.wire.origins import response

if TYPE_CHECKING:
    from pathlib import Path


# Long base64 is elided in the recordings (wire.md 0.1): its length and the start of its hash.
_ELIDED = re.compile(r"ELIDED_(\d+)_([0-9a-f]{12})=*")


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


def recorded_body(row: dict[str, Any]) -> dict[str, Any]:
    """Return the body of the request, with other base64 in place of what was elided."""
    stand_in = base64.b64encode(b"elided").decode()
    body: dict[str, Any] = json.loads(_ELIDED.sub(stand_in, row["request_body"]))
    return body


def turns(rows: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each pair of exchanges that follow each other in one recording."""
    numbered = {row["source"]: row for row in rows if row["request_body"]}
    pairs = []
    for source, row in numbered.items():
        cassette, _, index = source.rpartition("#")
        following = numbered.get(f"{cassette}#{int(index) + 1}")
        if following is not None:
            pairs.append((row, following))
    return pairs


def same_value(recorded: Any, sent: Any) -> bool:
    """Whether two values are equal; of a long text the recording has length and hash alone.

    Null is absent (wire.md 1).
    """
    if isinstance(recorded, str) and isinstance(sent, str) and (m := _ELIDED.fullmatch(recorded)):
        return (len(sent), hashlib.sha256(sent.encode()).hexdigest()[:12]) == (int(m[1]), m[2])
    if isinstance(recorded, list) and isinstance(sent, list):
        return len(recorded) == len(sent) and all(map(same_value, recorded, sent))
    if isinstance(recorded, dict) and isinstance(sent, dict):
        return all(same_value(recorded.get(k), sent.get(k)) for k in {*recorded, *sent})
    return bool(recorded == sent)
