"""What every worker does in the same way: clocks, loops, and the proof that no token was lost.

A worker reads one scenario as JSON from its standard input and prints one JSON object. A contestant
is an object with the methods of `Contestant`. It contains the loops over pieces of text, written
as a user of that client writes them, so no code of ours is between a client and its consumer.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from binascii import crc32
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Take = Callable[[str], None]
    Spec = dict[str, Any]
    Result = dict[str, Any]

PROMPT = "Tell a long story about a river and a bridge."
TICK = 0.01


class Contestant(Protocol):
    """What a worker provides for each contestant. A missing method is shown as unsupported."""

    def make(self, base_url: str) -> Any:
        """Return a new client, made as its documentation says."""

    async def make_async(self, base_url: str) -> Any:
        """Return a new client for asyncio, inside a running loop."""

    def read(self, client: Any, prompt: str, tokens: int, take: Take) -> None:
        """Stream one reply, and pass each piece of its text to `take`."""

    async def read_async(self, client: Any, prompt: str, tokens: int, take: Take) -> None:
        """Stream one reply, and pass each piece of its text to `take`."""

    def ask(self, client: Any, prompt: str, tokens: int) -> tuple[str, str, int]:
        """Return the text, finish reason and total tokens of one whole, typed reply."""

    async def ask_async(self, client: Any, prompt: str, tokens: int) -> tuple[str, str, int]:
        """Return the text, finish reason and total tokens of one whole, typed reply."""


class Clocks:
    """CPU of the process, CPU of this thread, and wall time, from `start` to `stop`."""

    def start(self) -> None:
        """Start to measure."""
        self._usage = resource.getrusage(resource.RUSAGE_SELF)
        self._cpu, self._thread, self._wall = (
            time.process_time(),
            time.thread_time(),
            time.perf_counter(),
        )

    def stop(self, units: int) -> Result:
        """Return the costs of `units` things, in seconds in total and in microseconds for each."""
        wall = time.perf_counter() - self._wall
        thread = time.thread_time() - self._thread
        cpu = time.process_time() - self._cpu
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "units": units,
            "cpu_s": cpu,
            "loop_thread_s": thread,
            "wall_s": wall,
            "cpu_us": cpu / units * 1e6,
            "loop_thread_us": thread / units * 1e6,
            "wall_us": wall / units * 1e6,
            "loop_share": thread / cpu if cpu else None,
            "switches": usage.ru_nvcsw
            + usage.ru_nivcsw
            - self._usage.ru_nvcsw
            - self._usage.ru_nivcsw,
            "rss_kib": resident_kib(),
        }


def resident_kib() -> int:
    """Return how much memory of this process is in RAM now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() // 1024


class Digest:
    """Takes the pieces of a stream without keeping them, for measurements of memory."""

    __slots__ = ("count", "crc")

    def __init__(self) -> None:
        self.count = self.crc = 0

    def append(self, piece: str) -> None:
        """Take one piece."""
        if piece:
            self.count += 1
            self.crc = crc32(piece.encode(), self.crc)


def digests_seen(texts: list[Digest]) -> dict[str, int]:
    """Return how often each text was read: `number of pieces:checksum`."""
    seen: dict[str, int] = {}
    for text in texts:
        name = f"{text.count}:{text.crc:08x}"
        seen[name] = seen.get(name, 0) + 1
    return seen


def texts_seen(texts: list[list[str]]) -> dict[str, int]:
    """Return how often each text was read: `number of pieces:checksum`."""
    seen: dict[str, int] = {}
    for pieces in texts:
        # The last piece may be empty (the finish). The server's tokens never are.
        full = [piece for piece in pieces if piece]
        name = f"{len(full)}:{crc32(''.join(full).encode()):08x}"
        seen[name] = seen.get(name, 0) + 1
    return seen


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of all values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def stream_sync(it: Contestant, spec: Spec) -> Result:
    """Read streams one after another, on this thread."""
    client = it.make(spec["base_url"])
    tokens = spec["tokens"]
    it.read(client, PROMPT, tokens, [].append)
    texts: list[list[str]] = [[] for _ in range(spec["streams"])]
    clocks = Clocks()
    clocks.start()
    for pieces in texts:
        it.read(client, PROMPT, tokens, pieces.append)
    result = clocks.stop(tokens * spec["streams"])
    return {**result, "texts": texts_seen(texts)}


async def stream_async(it: Contestant, spec: Spec) -> Result:
    """Read streams one after another, on this thread's event loop."""
    client = await it.make_async(spec["base_url"])
    tokens = spec["tokens"]
    await it.read_async(client, PROMPT, tokens, [].append)
    texts: list[list[str]] = [[] for _ in range(spec["streams"])]
    before = counters(it)
    clocks = Clocks()
    clocks.start()
    for pieces in texts:
        await it.read_async(client, PROMPT, tokens, pieces.append)
    result = clocks.stop(tokens * spec["streams"])
    return {**result, **counters(it, before, tokens * spec["streams"]), "texts": texts_seen(texts)}


async def paced_async(it: Contestant, spec: Spec) -> Result:
    """Read many paced streams at once, and measure how late the event loop runs."""
    import asyncio

    client = await it.make_async(spec["base_url"])
    tokens, streams = spec["tokens"], spec["streams"]
    await asyncio.gather(*(it.read_async(client, PROMPT, 3, [].append) for _ in range(20)))
    keeps = not spec.get("memory_after_s")
    texts: list[Any] = [[] if keeps else Digest() for _ in range(streams)]
    lags: list[float] = []
    at_work = asyncio.Event()

    async def watch() -> None:
        # What matters is the cost of the streams while they live, not the rush at their start.
        await asyncio.sleep(spec.get("ramp_s", 0.0))
        while not at_work.is_set():
            due = time.perf_counter() + TICK
            await asyncio.sleep(TICK)
            lags.append(time.perf_counter() - due)

    async def read(place: int, pieces: Any) -> None:
        if "ramp_s" in spec:
            await asyncio.sleep(spec["ramp_s"] * place / streams)
        await it.read_async(client, PROMPT, tokens, pieces.append)

    before = counters(it)
    memory = resident_kib()
    clocks = Clocks()
    clocks.start()
    watcher = asyncio.create_task(watch())
    readers = [asyncio.create_task(read(*numbered)) for numbered in enumerate(texts)]
    half = None
    if spec.get("memory_after_s"):
        await asyncio.sleep(spec["memory_after_s"])
        half = (resident_kib() - memory) / streams
    outcomes = await asyncio.gather(*readers, return_exceptions=True)
    at_work.set()
    await watcher
    result = clocks.stop(tokens * streams)
    failed = [error for error in outcomes if isinstance(error, BaseException)]
    return {
        **result,
        **counters(it, before, tokens * streams),
        "texts": texts_seen(texts) if keeps else digests_seen(texts),
        "failed": [f"{type(error).__name__}: {error}" for error in failed[:3]],
        "lag_p50_ms": percentile(lags, 0.5) * 1e3,
        "lag_p99_ms": percentile(lags, 0.99) * 1e3,
        "lag_max_ms": max(lags) * 1e3,
        "kib_per_stream": half,
    }


def first_token(it: Contestant, spec: Spec) -> Result:
    """Measure the time from the call of a stream to its first text. All of it is read."""
    client = it.make(spec["base_url"])
    now = time.perf_counter
    times: list[float] = []
    texts: list[list[str]] = [[] for _ in range(spec["streams"])]
    for number, pieces in enumerate(texts):
        arrived: list[float] = []

        def take(piece: str, pieces: list[str] = pieces, arrived: list[float] = arrived) -> None:
            if piece and not arrived:
                arrived.append(now())
            pieces.append(piece)

        start = now()
        it.read(client, PROMPT, spec["tokens"], take)
        if number >= 20:
            times.append(arrived[0] - start)
    return {
        "p50_us": percentile(times, 0.5) * 1e6,
        "p99_us": percentile(times, 0.99) * 1e6,
        "texts": texts_seen(texts),
    }


def ask_sync(it: Contestant, spec: Spec) -> Result:
    """Send requests one after another, on this thread."""
    client = it.make(spec["base_url"])
    for _ in range(20):
        last = it.ask(client, PROMPT, spec["tokens"])
    times: list[float] = []
    now = time.perf_counter
    clocks = Clocks()
    clocks.start()
    for _ in range(spec["requests"]):
        start = now()
        last = it.ask(client, PROMPT, spec["tokens"])
        times.append(now() - start)
    result = clocks.stop(spec["requests"])
    return {
        **result,
        "p50_us": percentile(times, 0.5) * 1e6,
        "p99_us": percentile(times, 0.99) * 1e6,
        "reply": reply_seen(last),
    }


async def ask_async(it: Contestant, spec: Spec) -> Result:
    """Send requests, a fixed number of them at a time, on this thread's event loop."""
    import asyncio

    client = await it.make_async(spec["base_url"])
    left = spec["requests"]
    replies: list[tuple[str, str, int]] = []
    tokens = spec["tokens"]

    async def work(count: int) -> None:
        for _ in range(count):
            replies.append(await it.ask_async(client, PROMPT, tokens))

    at_once = spec["at_once"]
    await asyncio.gather(*(work(2) for _ in range(at_once)))
    replies.clear()
    before = counters(it)
    clocks = Clocks()
    clocks.start()
    await asyncio.gather(*(work(left // at_once) for _ in range(at_once)))
    result = clocks.stop(len(replies))
    different = {reply_seen(reply) for reply in replies}
    return {
        **result,
        **counters(it, before, len(replies)),
        "reply": different.pop() if len(different) == 1 else "replies differ",
    }


def reply_seen(reply: tuple[str, str, int]) -> str:
    """Return the text, finish and usage of a reply as one word to compare."""
    text, finish, total = reply
    return f"{crc32(text.encode()):08x}:{finish}:{total}"


def create(it: Contestant, spec: Spec) -> Result:
    """Measure how long it takes to make a client, the first one separately."""
    now = time.perf_counter
    times: list[float] = []
    kept = []
    for _ in range(spec["clients"]):
        start = now()
        client = it.make(spec["base_url"])
        times.append(now() - start)
        kept.append(client)
    return {"first_us": times[0] * 1e6, "p50_us": percentile(times[1:], 0.5) * 1e6}


def tls(it: Contestant, spec: Spec) -> Result:
    """Measure what a process's first https call costs beyond a later one that reconnects."""
    now = time.perf_counter
    start = now()
    client = it.make(spec["base_url"])
    reply = it.ask(client, PROMPT, spec["tokens"])
    first = now() - start
    later: list[float] = []
    for _ in range(9):
        start = now()
        it.ask(client, PROMPT, spec["tokens"])
        later.append(now() - start)
    return {
        "first_ms": first * 1e3,
        "later_ms": percentile(later, 0.5) * 1e3,
        "setup_ms": (first - percentile(later, 0.5)) * 1e3,
        "reply": reply[0],
    }


def counters(it: Contestant, before: Result | None = None, units: int = 0) -> Result:
    """Return the contestant's counters; with an earlier reading, the averages for each wake."""
    read = getattr(it, "counters", None)
    if read is None:
        return {}
    rings, woken = read()
    if before is None:
        return {"rings": rings, "woken": woken}
    rings, woken = rings - before["rings"], woken - before["woken"]
    return {
        "wakes": rings,
        "units_per_wake": units / rings if rings else None,
        "units_per_waiter": units / woken if woken else None,
    }


SYNC: dict[str, Callable[[Contestant, Spec], Result]] = {
    "stream_sync": stream_sync,
    "first_token": first_token,
    "ask_sync": ask_sync,
    "create": create,
    "tls": tls,
}
ASYNC: dict[str, Callable[[Contestant, Spec], Awaitable[Result]]] = {
    "stream_async": stream_async,
    "paced_async": paced_async,
    "ask_async": ask_async,
}
NEEDS = {
    "stream_sync": "read",
    "first_token": "read",
    "ask_sync": "ask",
    "create": "make",
    "tls": "ask",
    "stream_async": "read_async",
    "paced_async": "read_async",
    "ask_async": "ask_async",
}


def run(it: Contestant, **more: Callable[[Any, Spec], Result]) -> None:
    """Run the scenario from standard input; `more` has what only this contestant is measured at."""
    spec = json.load(sys.stdin)
    SYNC.update(more)
    kind = spec["kind"]
    if spec.get("files"):
        resource.setrlimit(resource.RLIMIT_NOFILE, (spec["files"],) * 2)
    cannot = getattr(it, "cannot", {})
    if kind in cannot:
        result: Result = {"unsupported": cannot[kind]}
    elif kind not in more and not hasattr(it, NEEDS[kind]):
        result = {"unsupported": f"{type(it).__name__} has no such call"}
    else:
        result = _run(it, kind, spec)
    print(json.dumps(result))


def _run(it: Contestant, kind: str, spec: Spec) -> Result:
    if kind in SYNC:
        return SYNC[kind](it, spec)
    if spec["loop"] == "uvloop":
        import uvloop

        return uvloop.run(ASYNC[kind](it, spec))
    import asyncio

    return asyncio.run(ASYNC[kind](it, spec))
