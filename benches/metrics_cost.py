"""What metrics and one callback cost: CPU of calls and chunks with them and without, in turns.

    python -m benches.metrics_cost --rounds 40

The simulator is a process of its own. Both columns are CPU of this whole process, all threads. A
round measures without and with, the next one the other way round; the medians of the rounds are
shown, `+-` with half the distance of their quartiles over the root of their number. `of a core` is
what the difference takes of one at the rate of the goal.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time
from statistics import median, quantiles
from typing import TYPE_CHECKING

from benches.peers.simulator import SimulatorProcess

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS, AT_ONCE = 1024, 64
STREAMS, CHUNKS = 20, 2000
# Each row: the rate it is for, the most that is to be added to the CPU there, in percent.
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
        chat = tw.ChatClient(asked.model, base_url=sim.base_url, api_key="sk-bench")
        print(
            f"{'':18}{'off µs':>9}{'on µs':>9}{'added µs':>10}{'+-':>7}{'more':>8}  at 1/s"
            "  of a core  goal"
        )
        for name, load in loads(chat).items():
            if asked.only in name:
                print(row(name, *measure(load, asked.rounds, cost=not asked.no_cost)), flush=True)
        print(f"{'one event alone':18}{'':18}{alone(chat, cost=not asked.no_cost):10.3f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="rows whose name has this in it")
    parser.add_argument(
        "--model", default="openai:gpt-4o-mini", help="the default has a list price, `vllm:m` none"
    )
    parser.add_argument("--no-cost", action="store_true", help="MetricsCollector(cost=False)")
    return parser.parse_args()


def row(name: str, off: float, added: float, spread: float) -> str:
    rate, goal = GOALS[name]
    more = added / off * 100
    core = added * rate / 1e6 * 100
    return (
        f"{name:18}{off:9.3f}{off + added:9.3f}{added:10.3f}{spread:7.3f}{more:+7.1f}%{rate:8}"
        f"{core:9.2f} %  {goal:.0f} %: {'met' if more <= goal else 'missed'}"
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


@contextlib.contextmanager
def switched_on(collector: tw.MetricsCollector) -> Iterator[None]:
    """Metrics, and a callback such as a program would have."""
    took: dict[str, float] = {}

    def note(event: tw.CallEvent) -> None:
        took[event.model] = event.elapsed

    remove = tw.on_call(note)
    with collector:
        yield
    remove()


def measure(load: Callable[[], int], rounds: int, *, cost: bool) -> tuple[float, float, float]:
    """Microseconds a unit without, what comes on top with it (medians of the rounds), its error."""
    load()
    collector = tw.MetricsCollector(cost=cost)
    off, added = [], []
    for number in range(rounds):
        took = {}
        for with_it in (False, True) if number % 2 else (True, False):
            with switched_on(collector) if with_it else contextlib.nullcontext():
                began = time.process_time()
                units = load()
                took[with_it] = (time.process_time() - began) / units * 1e6
        off.append(took[False])
        added.append(took[True] - took[False])
    low, _, high = quantiles(added, n=4)
    return median(off), median(added), (high - low) / 2 / len(added) ** 0.5


def alone(chat: tw.ChatClient, *, cost: bool) -> float:
    """Microseconds to count an event, its share of the counting of a batch included."""
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    chat.complete("hi", max_tokens=16)
    remove()
    collector, many = tw.MetricsCollector(cost=cost), 20_000
    began = time.process_time()
    for _ in range(many):
        collector._count(events[0])
    return (time.process_time() - began) / many * 1e6


if __name__ == "__main__":
    main()
