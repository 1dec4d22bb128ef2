"""A file of prompts into a file of answers, with a progress bar; run it again and it goes on.

python examples/bulk_map.py answers.jsonl                  200 made-up prompts for the simulator
python examples/bulk_map.py answers.jsonl --prompts prompts.txt --model openai:gpt-4o-mini

Each line of the prompts is one prompt. Each line of the answers is JSON: `index` with `text`, or
with `error` where the call failed; those are asked again by the next run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import tokenwire as tw
from tokenwire.testing import SimServer

# The simulator answers after 10 ms, and refuses two of the prompts.
REFUSED = {"error": {"status": 400, "message": "I do not like this number"}}
SCRIPT = {
    "rules": [{"match": {"body": f"number {n}?"}, "then": REFUSED} for n in (13, 113)],
    "default": {"pacing": {"head_delay_ms": 10}},
}


def answered(path: Path) -> set[int]:
    """Which prompts have their answer; a line that a crash cut off is removed."""
    if not path.exists():
        return set()
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    rows = map(json.loads, whole.splitlines())
    return {row["index"] for row in rows if "text" in row}


def show(done: int, total: int) -> None:
    """Draw the bar, on a terminal only."""
    if sys.stderr.isatty():
        filled = 30 * done // total
        print(f"\r[{'#' * filled:<30}] {done}/{total}", end="", file=sys.stderr, flush=True)


def work(chat: tw.ChatClient, prompts: list[str], path: Path, concurrency: int) -> None:
    """Ask what is not answered yet; each row is on disk before the next one is taken."""
    have = answered(path)
    left = [index for index in range(len(prompts)) if index not in have]
    failed = 0
    with path.open("a", encoding="utf-8") as out:
        asked = (prompts[index] for index in left)
        rows = chat.map(asked, concurrency=concurrency, ordered=False)
        for done, row in enumerate(rows, start=len(have) + 1):
            answer: dict[str, object] = {"index": left[row.index]}
            if row.response is not None:
                answer["text"] = row.response.text
            else:
                answer["error"] = str(row.error)
                failed += 1
            print(json.dumps(answer), file=out, flush=True)
            show(done, len(prompts))
    print(f"\n{len(left) - failed} answered, {failed} failed, {len(have)} from before")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("answers", type=Path, help="file to write, JSON lines")
    parser.add_argument("--prompts", type=Path, help="file to read, a prompt on each line")
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    parser.add_argument("--concurrency", type=int, default=64, help="calls in flight (64)")
    given = parser.parse_args()
    prompts = [f"Do you like the number {n}?" for n in range(200)]
    if given.prompts:
        prompts = given.prompts.read_text(encoding="utf-8").splitlines()
    try:
        if given.model:
            work(tw.ChatClient(given.model), prompts, given.answers, given.concurrency)
            return
        with SimServer(SCRIPT) as server:
            chat = tw.ChatClient("sim:chat", base_url=server.base_url)
            work(chat, prompts, given.answers, given.concurrency)
    except tw.LlmError as error:
        raise SystemExit(f"bulk_map: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit("\nbulk_map: stopped; the same command goes on") from None


if __name__ == "__main__":
    main()
