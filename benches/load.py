"""Load with a check: many streams, threads or prompts at once, and a ledger of all tokens.

The simulator's ledger makes every token ` stream:number:checksum`, so a reader knows what the next
one must be. `soak.py` runs this for minutes, `tests/wire/connection/test_load.py` for seconds.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire import ChatClient

TICK = 0.01
_FNV_START, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, 0xFFFFFFFFFFFFFFFF


def _fnv(state: int, text: str) -> int:
    for byte in text.encode():
        state = ((state ^ byte) * _FNV_PRIME) & _64_BITS
    return state


class Ledger:
    """Reads the pieces of one stream, and keeps what was wrong with the first wrong one."""

    def __init__(self, stream_id: str) -> None:
        self._prefix = f" {stream_id}:"
        self._start = _fnv(_FNV_START, f"{stream_id}:")
        self.count = 0
        self.fault = ""

    def take(self, piece: str) -> None:
        """Compare a piece with the expected one."""
        number = str(self.count)
        state = _fnv(self._start, number)
        due = f"{self._prefix}{number}:{(state >> 32) ^ (state & 0xFFFFFFFF):08x}"
        if piece != due and not self.fault:
            self.fault = f"{piece!r} instead of {due!r}"
        self.count += 1

    def close(self, tokens: int) -> str:
        """Return what was wrong; empty if all `tokens` arrived, once each and in order."""
        if self.fault or self.count == tokens:
            return self.fault
        return f"{self._prefix.strip()} ended after {self.count} of {tokens}"


@dataclass
class Outcome:
    """The result of a load."""

    streams: int = 0
    tokens: int = 0
    faults: list[str] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    peak: Process | None = None
    per_stream_kib: float = 0.0

    @property
    def lag_p99_ms(self) -> float:
        """How late the event loop ran, at the 99th percentile."""
        ordered = sorted(self.lags)
        return ordered[int(len(ordered) * 0.99)] * 1e3 if ordered else 0.0


@dataclass(frozen=True)
class Process:
    """What this process holds now."""

    rss_kib: int
    descriptors: int
    threads: int

    @classmethod
    def now(cls) -> Process:
        """Read it from the kernel."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return cls(
            rss_kib=pages * os.sysconf("SC_PAGE_SIZE") // 1024,
            descriptors=sum(1 for _ in Path("/proc/self/fd").iterdir()),
            threads=sum(1 for _ in Path("/proc/self/task").iterdir()),
        )


async def stream_async(client: ChatClient, stream_id: str, tokens: int, outcome: Outcome) -> None:
    """Read one stream and check it against its ledger."""
    ledger = Ledger(stream_id)
    take = ledger.take
    async with client.stream_async("go", max_tokens=tokens, user=stream_id) as stream:
        async for piece in stream.text_stream:
            take(piece)
    settle(ledger, tokens, outcome)


def stream_sync(client: ChatClient, stream_id: str, tokens: int, outcome: Outcome) -> None:
    """Read one stream on this thread and check it against its ledger."""
    ledger = Ledger(stream_id)
    take = ledger.take
    with client.stream("go", max_tokens=tokens, user=stream_id) as stream:
        for piece in stream.text_stream:
            take(piece)
    settle(ledger, tokens, outcome)


def settle(ledger: Ledger, tokens: int, outcome: Outcome) -> None:
    """Add a finished stream to the outcome."""
    fault = ledger.close(tokens)
    if fault:
        outcome.faults.append(fault)
    outcome.streams += 1
    outcome.tokens += ledger.count


async def run_streams(client: ChatClient, streams: int, tokens: int, rounds: int = 1) -> Outcome:
    """Keep `streams` streams open. Each slot reads `rounds` streams of `tokens` tokens."""
    outcome = Outcome()
    before = Process.now()
    at_work = asyncio.Event()

    async def slot(place: int) -> None:
        for number in range(rounds):
            await stream_async(client, f"s{place}-{number}", tokens, outcome)

    async def watch() -> None:
        while not at_work.is_set():
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            outcome.lags.append(time.perf_counter() - due)
            if len(outcome.lags) % 50 == 0:
                now = Process.now()
                if outcome.peak is None or now.rss_kib > outcome.peak.rss_kib:
                    outcome.peak = now

    watcher = asyncio.create_task(watch())
    # A failed stream counts as a fault. The others go on.
    for result in await asyncio.gather(*map(slot, range(streams)), return_exceptions=True):
        if isinstance(result, BaseException):
            outcome.faults.append(f"{type(result).__name__}: {result}")
    at_work.set()
    await watcher
    if outcome.peak is not None:
        outcome.per_stream_kib = (outcome.peak.rss_kib - before.rss_kib) / streams
    return outcome


def run_threads(client: ChatClient, threads: int, tokens: int, rounds: int = 1) -> Outcome:
    """Read streams on `threads` threads at once, `rounds` on each."""
    outcomes = [Outcome() for _ in range(threads)]
    before = Process.now()

    def work(place: int) -> None:
        outcome = outcomes[place]
        try:
            for number in range(rounds):
                stream_sync(client, f"t{place}-{number}", tokens, outcome)
        except Exception as error:  # noqa: BLE001 (a thread's error is a fault of the load)
            outcome.faults.append(f"{type(error).__name__}: {error}")

    workers = [threading.Thread(target=work, args=(place,)) for place in range(threads)]
    for worker in workers:
        worker.start()
    peak = Process.now()
    for worker in workers:
        while worker.is_alive():
            worker.join(0.5)
            now = Process.now()
            peak = now if now.rss_kib > peak.rss_kib else peak
    merged = Outcome(peak=peak, per_stream_kib=(peak.rss_kib - before.rss_kib) / threads)
    for outcome in outcomes:
        merged.streams += outcome.streams
        merged.tokens += outcome.tokens
        merged.faults += outcome.faults
    return merged


# What goes wrong with one prompt in a hundred, and what its row must then contain: an error, or the
# right reply because the fault passes or a retry succeeds.
FAULTS: dict[str, tuple[dict[str, Any], bool]] = {
    "status500": ({"error": {"status": 500}}, False),
    "status400": ({"error": {"status": 400}}, False),
    "status429": ({"error": {"status": 429, "headers": {"retry-after": "0.01"}}}, False),
    "reset": ({"fault": {"kind": "reset", "at": "before_head"}}, False),
    "resetbody": ({"fault": {"kind": "reset", "at": {"bytes": 40}}}, False),
    "short": ({"fault": {"kind": "short_length", "missing": 10}}, False),
    "page": ({"fault": {"kind": "html", "status": 200}}, False),
    "slow": ({"fault": {"kind": "stall", "at": "before_head", "for_ms": 300}}, True),
    "idle": ({"fault": {"kind": "idle_close", "after_ms": 0}}, True),
    "onnext": ({"fault": {"kind": "close_on_next"}}, True),
}


def map_script() -> dict[str, Any]:
    """Each fault applies to the requests whose prompt names it."""
    rules = [
        {"match": {"body": f"fault={name}."}, "then": {"ledger": True, **then}}
        for name, (then, _) in FAULTS.items()
    ]
    return {"default": {"ledger": True}, "rules": rules}


def map_prompts(count: int) -> Iterator[str]:
    """Yield prompts that end with the number of their ledger. One in a hundred names a fault."""
    names = list(FAULTS)
    for index in range(count):
        name = names[index // 100 % len(names)] if index % 100 == 50 else "none"
        yield f"fault={name}. number q{index}"


def check_map(client: ChatClient, count: int, concurrency: int, tokens: int) -> dict[str, int]:
    """Map `count` prompts, check every row, and return how often each outcome occurred.

    Raises:
        AssertionError: A row is missing, occurs twice, or is neither right nor the expected error.
    """
    from tokenwire import LlmError

    seen: dict[str, int] = {}
    due = 0
    rows = client.map(map_prompts(count), concurrency=concurrency, max_tokens=tokens)
    for row, prompt in zip(rows, map_prompts(count), strict=True):
        assert row.index == due, f"row {row.index} instead of {due}"
        due += 1
        name = prompt.partition(".")[0].removeprefix("fault=")
        fails = name != "none" and not FAULTS[name][1]
        if fails:
            assert row.response is None, f"{prompt}: {row.response!r}"
            assert isinstance(row.error, LlmError), f"{prompt}: {row.error!r}"
            outcome = f"{name}: {type(row.error).__name__}"
        else:
            assert row.error is None, f"{prompt}: {row.error!r}"
            assert row.response is not None, prompt
            ledger = Ledger(prompt.rpartition(" ")[2])
            for word in row.response.text.split():
                ledger.take(f" {word}")
            assert not ledger.close(tokens), ledger.close(tokens)
            outcome = "right" if name == "none" else f"{name}: right"
        seen[outcome] = seen.get(outcome, 0) + 1
    assert due == count, f"{due} rows instead of {count}"
    return seen
