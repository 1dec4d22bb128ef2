"""Measure the memory that hostile replies take: at most 8 times their bytes, and 48 MiB.

    .venv/bin/python benches/memory.py               # 8 MiB of each, 62 MiB of the worst
    .venv/bin/python benches/memory.py --shape logprobs --size 62

Each reply of `hostile.py` is read to its end, whole or as a stream, in a new process; a typed error
is fine, too. Then there are streams without an end, which are read in two ways:

- `unread`: the reader takes one piece and waits. The server has to wait, too: what is held is
  bounded by `buffer_bytes`.
- `endless`: the reader takes everything, and `max_reply_bytes` is 1 MiB.

The baseline is the process after a small call of the same kind. The peak is that of the resident
memory (VmHWM, because the ru_maxrss of a child begins with what its parent had).
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, repeat
from typing import TYPE_CHECKING

from hostile import END, OK, TEXT, Shape, call, shapes
from loopback import serve, stream, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 1 << 20
TIMES, BESIDES = 8, 48 * MIB
SIZES = 8, 62
# Of the second size, this many shapes of each form are measured: those that took most of the first.
WORST = 4
BUFFER_BYTES = 256 << 10
MAX_REPLY_BYTES = MIB
ENDLESS_BYTES = 256 * MIB
# A child that takes more fails, before the machine swaps.
MOST_MEMORY, MOST_CPU_S = 3 << 30, 120

CHILD = """
import asyncio, resource, sys, time
from pathlib import Path
import tokenwire as tw

way, small, url = sys.argv[1:4]
most_memory, most_cpu = map(int, sys.argv[4:])

def memory(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(field)]
    return int(line.split()[1]) << 10

def chat(url):
    limits = tw.Limits(max_reply_bytes=1 << 20) if way == "endless" else None
    return tw.ChatClient("m", base_url=url, api_key="k", max_retries=0, timeout=600, limits=limits)

def settle():
    known, calm = 0, 0
    while calm < 20:
        time.sleep(0.1)
        now = memory("VmRSS")
        calm = calm + 1 if now <= known + (1 << 18) else 0
        known = max(known, now)

async def wait_async(url):
    async for _ in chat(url).stream_async("q").text_stream:
        return await asyncio.to_thread(settle)

def read(url):
    if way == "unread":
        asyncio.run(wait_async(url))
        for _ in chat(url).stream("q").text_stream:
            return settle()
    elif way == "endless":
        for _ in chat(url).stream("q"):
            pass
    else:
        chat(url).run("q", stream=way == "stream")

read(small)
before = memory("VmRSS")
resource.setrlimit(resource.RLIMIT_AS, (most_memory, most_memory))
resource.setrlimit(resource.RLIMIT_CPU, (most_cpu, most_cpu))
try:
    read(url)
    outcome = "ok"
except tw.LlmError as error:
    outcome = type(error).__name__
print(memory("VmHWM") - before, outcome)
"""


@dataclass(frozen=True)
class Measured:
    """What one child took."""

    name: str
    way: str
    bytes: int
    allowed: int
    #: None if the child did not end by itself.
    took: int | None
    outcome: str

    @property
    def is_over(self) -> bool:
        return self.took is None or self.took > self.allowed

    def __str__(self) -> str:
        took = "?" if self.took is None else f"{self.took / MIB:.0f}"
        return (
            f"memory: {self.name} | {self.way} | {self.bytes / MIB:.1f} MiB | took {took} MiB"
            f" of {self.allowed / MIB:.0f} | {self.outcome}{'  OVER' if self.is_over else ''}"
        )


def main() -> int:
    """Measure, print a table, and say whether all is within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="", help="only shapes with this in their name")
    parser.add_argument("--form", default="whole,event,events", help="only these forms")
    parser.add_argument("--size", type=int, help="only this many MiB of each shape")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    forms = asked.form.split(",")
    chosen = [it for it in shapes() if asked.shape in it.name and it.form in forms]
    over = 0
    with ThreadPoolExecutor(asked.processes) as pool:

        def report(measured: Iterator[Measured]) -> list[Measured]:
            nonlocal over
            done = []
            for one in measured:
                print(one, flush=True)
                over += one.is_over
                done.append(one)
            return done

        first = asked.size or SIZES[0]
        done = report(pool.map(of_shape, chosen, repeat(first)))
        if asked.size is None:
            report(pool.map(of_shape, worst(chosen, done), repeat(SIZES[1])))
        ways = [(name, event) for name, event in endless() if asked.shape in name]
        report(chain.from_iterable(pool.map(of_endless, ways)))
    print(f"memory: {over} over the bound of {TIMES} times the bytes and {BESIDES >> 20} MiB")
    return 1 if over else 0


def worst(chosen: list[Shape], done: list[Measured]) -> list[Shape]:
    """Return the shapes of each form that took most for each byte."""
    cost = dict(zip(chosen, (one.took or sys.maxsize for one in done), strict=True))
    by_form: dict[str, list[Shape]] = {}
    for shape in sorted(chosen, key=lambda it: -cost[it]):
        by_form.setdefault(shape.form, []).append(shape)
    return [it for all_of_form in by_form.values() for it in all_of_form[:WORST]]


def of_shape(shape: Shape, mib: int) -> Measured:
    response = shape.of_size(mib * MIB)
    way = "stream" if shape.streams else "whole"
    took, outcome = run(way, response)
    allowed = TIMES * len(response) + BESIDES
    return Measured(shape.name, shape.form, len(response), allowed, took, outcome)


def endless() -> Iterator[tuple[str, bytes]]:
    """Yield events of which a stream may have any number."""
    long = "a" * 50_000
    token = '{"token":"a","logprob":-1.0,"bytes":[97],"top_logprobs":[]}'
    tokens, empty = ",".join([token] * 800), ",".join(["{}"] * 9000)
    for name, delta, more in (
        ("text", f'"content":"{long}"', ""),
        ("short texts", '"content":"a"', ""),
        ("reasoning", f'"reasoning_content":"{long}"', ""),
        ("a refusal", f'"refusal":"{long}"', ""),
        ("arguments", f'"tool_calls":[{call(0, "c", "f", long)}]', ""),
        ("a name", f'"tool_calls":[{call(0, "c", long, "")}]', ""),
        ("calls", f'"tool_calls":[{call(None, None, "f", "{}")}]', ""),
        ("an object", f'"audio":{{"data":"{long}"}}', ""),
        ("details", f'"reasoning_details":[{{"type":"x","data":"{long}"}}]', ""),
        ("blocks", f'"content":[{empty}]', ""),
        ("logprobs", '"content":"a"', f',"logprobs":{{"content":[{tokens}]}}'),
        ("empty logprobs", '"content":"a"', f',"logprobs":{{"content":[{empty}]}}'),
        ("unknown members", f'"content":"a","k":"{long}"', ""),
        ("usage", '"content":"a"}}],"usage":{"total_tokens":1},"x":[{"y":{"z":1', ""),
        ("a finish reason", '"content":"a"', f',"finish_reason":"{long}"'),
    ):
        event = f'data: {{"choices":[{{"index":0,"delta":{{{delta}}}{more}}}]}}\n\n'
        yield name, event.encode()


def of_endless(kind: tuple[str, bytes]) -> list[Measured]:
    """Read a stream that does not end, and one of which only the first piece is read."""
    name, event = kind
    part = event * max(1, 65_536 // len(event))
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n"

    def response() -> Iterator[bytes]:
        yield head + TEXT
        yield from repeat(part, ENDLESS_BYTES // len(part))
        yield END

    measured = []
    for way, held in (("endless", MAX_REPLY_BYTES), ("unread", BUFFER_BYTES)):
        took, outcome = run(way, response)
        allowed = TIMES * held + BESIDES
        measured.append(Measured(name, way, ENDLESS_BYTES, allowed, took, outcome))
    return measured


def run(way: str, response: object) -> tuple[int | None, str]:
    """Return how many bytes a new process took to read a response, and how that ended."""
    small = whole(OK) if way == "whole" else stream(TEXT + END + b"data: [DONE]\n\n")
    with serve(small) as first, serve(response) as url:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, way, first, url, str(MOST_MEMORY), str(MOST_CPU_S)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode == 0:
        took, outcome = done.stdout.split()
        return int(took), outcome
    said = (done.stderr.strip().splitlines() or [""])[-1]
    return None, f"ended with {done.returncode}: {said[:80]}"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.exit(main())
