"""What five hostile streams do to a hundred healthy ones, and to the limits of other calls.

    python benches/isolation.py                    # every kind, 3 s each
    python benches/isolation.py comments "1-byte"  # the kinds whose names contain one of these
    python benches/isolation.py --transport general
    python benches/isolation.py --transport general --healthy direct

The servers are `tests/fault/hostile.py`, in processes of their own; benches/README.md says why the
hostile one has a lower priority. The client is one process with one event loop:
100 healthy streams with an event each 100 ms, which holds the time when it was sent; a call to a
server that never answers, again and again, with a limit of 0.5 s; and five hostile streams, each
read in another way, with a limit of 1 s, which begin again when they end. Of each kind the table
has the delay of the healthy events, how late the limits of the innocent and the hostile calls
were, and how long cancelling took.

The last line is the verdict, and it exits with 1 if a 99th percentile of the delays is over 50 ms,
or a limit or a cancellation is more than 250 ms late. The first row has no attacker: it shows what
the machine itself does to a hundred streams.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import tokenwire as tw

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.fault.hostile import KINDS, hostile_server

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

HEALTHY, HOSTILE = 100, 5
WAIT, LIMIT = 0.5, 1.0
ALLOWED_DELAY, ALLOWED_LATE = 0.050, 0.250


class Seen:
    """What was measured beside one kind, in seconds."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.late: list[float] = []
        self.late_hostile: list[float] = []
        self.cancelled = 0.0


async def healthy(chat: tw.ChatClient, seen: Seen) -> None:
    async with chat.stream_async("q") as stream:
        async for text in stream.text_stream:
            for sent in text.split():
                seen.delays.append(time.monotonic() - float(sent))


async def innocent(chat: tw.ChatClient, seen: Seen) -> None:
    while True:
        began = time.monotonic()
        try:
            await chat.run_async("q", timeout=WAIT)
        except tw.LlmTimeoutError:
            seen.late.append(time.monotonic() - began - WAIT)


async def read(chat: tw.ChatClient, way: int) -> None:
    if way == 0:
        await chat.run_async("q", stream=True)
        return
    if way == 1:
        await chat.run_async("q")
        return
    async with chat.stream_async("q") as stream:
        ways = stream.text_stream, stream.batches(), stream
        async for _ in ways[way - 2]:
            pass


async def hostile(chat: tw.ChatClient, way: int, seen: Seen) -> None:
    while True:
        began = time.monotonic()
        try:
            await read(chat, way)
        except tw.LlmTimeoutError:
            seen.late_hostile.append(time.monotonic() - began - LIMIT)
        except tw.LlmError:
            pass
        await asyncio.sleep(0)


async def measure(
    kind: str | None, asked: argparse.Namespace, good: str, stalled: str, bad: str
) -> Seen:
    """Measure beside one kind; None measures without attackers."""
    seen = Seen()

    def chat(url: str, transport: Any, timeout: float | tw.Timeout = 60) -> tw.ChatClient:
        return tw.ChatClient("m", base_url=url, transport=transport, timeout=timeout, max_retries=0)

    def start(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    client = chat(good, asked.healthy)
    tasks = [start(healthy(client, seen)) for _ in range(HEALTHY)]
    await asyncio.sleep(0.5)
    tasks.append(start(innocent(chat(stalled, asked.healthy), seen)))
    attacker = chat(bad, asked.transport, tw.Timeout(total=LIMIT))
    attackers = [start(hostile(attacker, way, seen)) for way in range(HOSTILE if kind else 0)]
    await asyncio.sleep(0.3)
    seen.delays.clear()
    await asyncio.sleep(asked.seconds)
    began = time.monotonic()
    for task in attackers:
        task.cancel()
    await asyncio.gather(*attackers, return_exceptions=True)
    seen.cancelled = time.monotonic() - began
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


def shown(kind: str, seen: Seen) -> bool:
    """Print a row. Returns whether it is over the gate."""
    # If no event arrives at all, the delay has no end.
    delays = sorted(seen.delays) or [inf]
    p50, p99 = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    late, own = max(seen.late, default=0.0), max(seen.late_hostile, default=0.0)
    over = p99 > ALLOWED_DELAY or max(late, own, seen.cancelled) > ALLOWED_LATE
    numbers = (p50, p99, delays[-1], late, own, seen.cancelled)
    row = "".join(f"{1000 * number:9.1f}" for number in numbers)
    print(f"{kind:28}{len(delays):7}{row}{'  OVER' if over else ''}", flush=True)
    return over


def main() -> int:
    """Measure, and compare with the gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of kinds")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--transport", choices=("direct", "general"), default="direct")
    parser.add_argument("--healthy", choices=("direct", "general"), help="of the healthy calls")
    asked = parser.parse_args()
    asked.healthy = asked.healthy or asked.transport
    wanted = [kind for kind in KINDS if not asked.names or any(n in kind for n in asked.names)]
    print(f"{'ms':28}{'events':>7}{'p50':>9}{'p99':>9}{'max':>9}", end="")
    print(f"{'late':>9}{'own':>9}{'cancel':>9}")
    over: list[str] = []
    with hostile_server(niceness=10) as kind_of, hostile_server() as good_of:
        for kind in [None, *wanted]:
            bad = kind_of(kind or "stalled")
            work = measure(kind, asked, good_of("healthy"), good_of("stalled"), bad)
            if shown(kind or "(none)", asyncio.run(work)):
                over.append(kind or "(none)")
    verdict = f"over the gate: {', '.join(over)}" if over else "all are within the gate"
    gate = "p99 at most 50 ms, limits at most 250 ms late"
    print(f"{len(wanted)} kinds, {asked.transport} beside {asked.healthy}; {gate}: {verdict}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
