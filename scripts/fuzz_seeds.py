"""Write seeds for the fuzz target `mutated_reply` from recorded replies.

    python scripts/fuzz_seeds.py

The recordings are read from `$TOKENWIRE_DATA` or `../shared/data`. Of all bodies with the same set
of keys, the smallest one becomes a seed in `rust/fuzz/grown/mutated_reply/`, which git ignores.
Without recordings, the fuzzer has the seeds in `rust/fuzz/corpus/mutated_reply/`.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GROWN = ROOT / "rust" / "fuzz" / "grown" / "mutated_reply"
KEY = re.compile(r'"([A-Za-z_]+)"\s*:')
LARGEST = 32 << 10


def main() -> None:
    """Find the recordings, and write the seeds."""
    folder = Path(os.environ.get("TOKENWIRE_DATA", ROOT.parent / "shared" / "data"))
    recordings = folder / "wire_open.jsonl.gz"
    if not recordings.exists():
        print(f"fuzz seeds: no {recordings}: the fuzzer starts with the seeds of the project")
        return
    smallest: dict[str, bytes] = {}
    with gzip.open(recordings, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["api"] not in {"chat.completions", "completions"}:
                continue
            text = row["response_body_text"]
            body = text.encode("utf-8", "surrogatepass")
            keys = " ".join(sorted({row["api"], str(row["is_sse"]), *KEY.findall(text)}))
            known = smallest.get(keys)
            if body and len(body) <= LARGEST and (known is None or len(body) < len(known)):
                smallest[keys] = body
    GROWN.mkdir(parents=True, exist_ok=True)
    for keys, body in smallest.items():
        digest = hashlib.sha256(keys.encode()).hexdigest()
        # The first byte says how long the chunks of the stream are.
        (GROWN / f"seed-{digest[:16]}").write_bytes(bytes([int(digest[:2], 16)]) + body)
    print(f"fuzz seeds: {len(smallest)} in {GROWN.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
