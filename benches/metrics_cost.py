"""What `on_call` and `MetricsCollector` add to the CPU time of a call and of a chunk.

    python -m benches.metrics_cost --rounds 40

The simulator is a process of its own, so all figures are the CPU time of this process, all threads
included. Each round measures the same load with the listener off and on, in alternating order.
`added` is the median of the differences; `+-` is half the distance between their quartiles, divided
by the root of the number of rounds. A gate is the most that may be added, in microseconds. If one
is exceeded, the program exits with 1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

from benches.peers.simulator import SimulatorProcess

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS, AT_ONCE = 1024, 64
STREAMS, CHUNKS = 20, 2000
# 10 % of a core at 10,000 calls a second.
COLLECTOR_GATE = 10.0
# One callback: 5 % of a core at 10,000 calls a second; 3 % at 100,000 chunks a second.
CALLBACK_GATE, CHUNK_GATE = 5.0, 0.3


class Row(NamedTuple):
    """A load, what listens to it, and the most that this may add to a unit."""

    name: str
    load: Callable[[], int]
    listening: Callable[[], contextlib.AbstractContextManager[object]]
    gate: float


def main() -> int:
    options = arguments()
    exceeded = []
    with SimulatorProcess() as sim:
        sim.set_script({"default": {"pacing": {"tokens_per_write": 64}}})
        chat = tw.ChatClient(options.model, base_url=sim.base_url, api_key="sk-bench")
        print(f"{'':26}{'off µs':>9}{'added µs':>10}{'+-':>7}{'gate':>7}")
        for row in rows(chat, cost=not options.no_cost):
            if options.only in row.name:
                off, added, error = measure(row, options.rounds)
                verdict = "met" if added <= row.gate else "EXCEEDED"
                figures = f"{off:9.3f}{added:10.3f}{error:7.3f}{row.gate:7.1f}"
                print(f"{row.name:26}{figures}  {verdict}", flush=True)
                if added > row.gate:
                    exceeded.append(row.name)
    return 1 if exceeded else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="only rows whose name contains this")
    parser.add_argument(
        "--model", default="openai:gpt-4o-mini", help="the default has a list price, `vllm:m` none"
    )
    parser.add_argument("--no-cost", action="store_true", help="MetricsCollector(cost=False)")
    return parser.parse_args()


def rows(chat: tw.ChatClient, *, cost: bool) -> list[Row]:
    collector = tw.MetricsCollector(cost=cost)
    took: dict[str, float] = {}

    @contextlib.contextmanager
    def callback() -> Iterator[None]:
        remove = tw.on_call(lambda event: took.__setitem__(event.model, event.elapsed))
        yield
        remove()

    @contextlib.contextmanager
    def both() -> Iterator[None]:
        with collector, callback():
            yield

    call, call_async = call_loads(chat)
    chunk, chunk_async = chunk_loads(chat)
    return [
        Row("collector, call, sync", call, lambda: collector, COLLECTOR_GATE),
        Row("collector, call, asyncio", call_async, lambda: collector, COLLECTOR_GATE),
        Row("callback, call, sync", call, callback, CALLBACK_GATE),
        Row("callback, call, asyncio", call_async, callback, CALLBACK_GATE),
        Row("both, chunk, sync", chunk, both, CHUNK_GATE),
        Row("both, chunk, asyncio", chunk_async, both, CHUNK_GATE),
    ]


def call_loads(chat: tw.ChatClient) -> tuple[Callable[[], int], Callable[[], int]]:
    """Sync and async; each makes calls and returns how many."""

    def sync() -> int:
        for _ in range(REQUESTS):
            chat.complete("hi", max_tokens=16)
        return REQUESTS

    async def some() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            await chat.complete_async("hi", max_tokens=16)

    async def everything() -> int:
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return REQUESTS // AT_ONCE * AT_ONCE

    return sync, lambda: asyncio.run(everything())


def chunk_loads(chat: tw.ChatClient) -> tuple[Callable[[], int], Callable[[], int]]:
    """Sync and async; each reads streams and returns how many chunks they had."""

    def sync() -> int:
        count = 0
        for _ in range(STREAMS):
            with chat.stream("hi", max_tokens=CHUNKS) as stream:
                count += sum(1 for _ in stream)
        return count

    async def one() -> int:
        count = 0
        async with chat.stream_async("hi", max_tokens=CHUNKS) as stream:
            async for _ in stream:
                count += 1
        return count

    async def everything() -> int:
        return sum(await asyncio.gather(*(one() for _ in range(STREAMS))))

    return sync, lambda: asyncio.run(everything())


def measure(row: Row, rounds: int) -> tuple[float, float, float]:
    """Microseconds per unit without a listener, what one adds (medians), and the error of that."""
    row.load()
    off, added = [], []
    for number in range(rounds):
        took = {}
        for is_on in (False, True) if number % 2 else (True, False):
            with row.listening() if is_on else contextlib.nullcontext():
                began = time.process_time()
                units = row.load()
                took[is_on] = (time.process_time() - began) / units * 1e6
        off.append(took[False])
        added.append(took[True] - took[False])
    low, _, high = quantiles(added, n=4)
    return median(off), median(added), (high - low) / 2 / len(added) ** 0.5


if __name__ == "__main__":
    sys.exit(main())
