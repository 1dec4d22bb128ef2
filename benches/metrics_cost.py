"""What `MetricsCollector` costs: CPU of calls and chunks with it and without, in turns.

    python -m benches.metrics_cost --rounds 15

The simulator is a process of its own. Both columns are CPU of this whole process, all threads. A
round measures without and with, the next one the other way round; the medians of the rounds are
shown. `at` is the rate of the goal, `of a core` what the difference takes of one at that rate.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from statistics import median
from typing import TYPE_CHECKING

from benches.peers.simulator import SimulatorProcess

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS, AT_ONCE = 2000, 64
STREAMS, CHUNKS = 40, 2000
# Each row: the rate it is for, the most that is to be added there, in percent.
GOALS = {
    "request, sync": (10_000, 5.0),
    "request, asyncio": (10_000, 5.0),
    "chunk, sync": (100_000, 3.0),
    "chunk, asyncio": (100_000, 3.0),
}


def main() -> None:
    asked = arguments()
    with SimulatorProcess() as sim:
        sim.set_script({"default": {"pacing": {"tokens_per_write": 64}}})
        chat = tw.ChatClient("m", base_url=sim.base_url, api_key="sk-bench")
        print(
            f"{'':18}{'off µs':>9}{'on µs':>9}{'added µs':>10}{'more':>8}  at 1/s  of a core  goal"
        )
        for name, load in loads(chat).items():
            if asked.only in name:
                print(row(name, *measure(load, asked.rounds, cost=not asked.no_cost)), flush=True)
        print(f"{'one event alone':18}{'':18}{alone(chat, cost=not asked.no_cost):10.2f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument("--no-cost", action="store_true", help="MetricsCollector(cost=False)")
    return parser.parse_args()


def row(name: str, off: float, added: float) -> str:
    rate, goal = GOALS[name]
    more = added / off * 100
    core = added * rate / 1e6 * 100
    return (
        f"{name:18}{off:9.3f}{off + added:9.3f}{added:10.3f}{more:+7.1f}%{rate:8}{core:9.2f} %"
        f"  {goal:.0f} %: {'met' if min(more, core) <= goal else 'missed'}"
    )


def loads(chat: tw.ChatClient) -> dict[str, Callable[[], int]]:  # noqa: C901 (four loads)
    """Each does its work and returns how much it was."""

    def requests() -> int:
        for _ in range(REQUESTS):
            chat.complete("hi", max_tokens=16)
        return REQUESTS

    def requests_async() -> int:
        async def one() -> None:
            for _ in range(REQUESTS // AT_ONCE):
                await chat.complete_async("hi", max_tokens=16)

        async def all_of_them() -> None:
            await asyncio.gather(*(one() for _ in range(AT_ONCE)))

        asyncio.run(all_of_them())
        return REQUESTS // AT_ONCE * AT_ONCE

    def chunks() -> int:
        count = 0
        for _ in range(STREAMS):
            with chat.stream("hi", max_tokens=CHUNKS) as stream:
                count += sum(1 for _ in stream)
        return count

    def chunks_async() -> int:
        async def one() -> int:
            count = 0
            async with chat.stream_async("hi", max_tokens=CHUNKS) as stream:
                async for _ in stream:
                    count += 1
            return count

        async def all_of_them() -> int:
            return sum(await asyncio.gather(*(one() for _ in range(STREAMS))))

        return asyncio.run(all_of_them())

    return dict(zip(GOALS, (requests, requests_async, chunks, chunks_async), strict=True))


def measure(load: Callable[[], int], rounds: int, *, cost: bool) -> tuple[float, float]:
    """Microseconds a unit without, and what comes on top with it: medians over the rounds."""
    load()
    off, added = [], []
    for number in range(rounds):
        took = {}
        for with_it in (False, True) if number % 2 else (True, False):
            collector = tw.MetricsCollector(cost=cost) if with_it else contextlib.nullcontext()
            with collector:
                began = time.process_time()
                units = load()
                took[with_it] = (time.process_time() - began) / units * 1e6
        off.append(took[False])
        added.append(took[True] - took[False])
    return median(off), median(added)


def alone(chat: tw.ChatClient, *, cost: bool) -> float:
    """Microseconds to count an event, its share of the counting of a batch included."""
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    chat.complete("hi", max_tokens=16)
    remove()
    collector, many = tw.MetricsCollector(cost=cost), 20_000
    began = time.process_time()
    for _ in range(many):
        collector._record(events[0])
    return (time.process_time() - began) / many * 1e6


if __name__ == "__main__":
    main()
