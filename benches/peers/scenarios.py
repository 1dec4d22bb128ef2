"""What is measured, and what tokenwire has to reach: the rows of the project's table of numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from contestants import (
    ANTHROPIC,
    ANTHROPIC_OVER,
    FRAMEWORKS_OVER,
    GENERAL,
    HTTPX2,
    HTTPX2_OVER,
    LANGCHAIN,
    LITELLM,
    OPENAI,
    OPENAI_AIOHTTP,
    OPENAI_OURS,
    OPENAI_OVER,
    OPENAI_RESPONSES,
    OTHER_APIS,
    OURS,
    OURS_RESPONSES,
    PYDANTIC_AI,
)
from payloads import conversation, vectors


@dataclass(frozen=True)
class Gate:
    """The `metric` of `ours` is at most `factor` times the peer's, or at most `limit`."""

    factor: float = 0.0
    peer: str = ""
    ours: str = OURS
    metric: str = ""
    limit: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class Scenario:
    """One table of the report."""

    name: str
    title: str
    kind: str
    metric: str
    unit: str
    amount: str = ""
    """The field of `spec` that a slow contestant gets less of."""
    spec: dict[str, Any] = field(default_factory=dict)
    pacing: dict[str, Any] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()
    pins: tuple[int, int] | None = None
    """CPU of the client and CPU of the simulator."""
    shows: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    """Where given, the contestants that take part."""
    replay: str = ""
    """Where given, the body of every reply."""

    @property
    def script(self) -> dict[str, Any]:
        """What the simulator does. In Messages, it takes no length from the limit of a request."""
        if self.replay:
            return {"default": {"replay": {"text": self.replay}}}
        length = {"tokens": self.spec["tokens"]} if "tokens" in self.spec else {}
        return {"default": {"pacing": {**self.pacing, **length}}}


def _paced(per_token_us: int) -> dict[str, Any]:
    return {"per_token_us": per_token_us}


# Other clients over our transport, beside the same clients without it, in asyncio.
TRANSPORT_REPLY = (
    Gate(0.30, HTTPX2, ours=HTTPX2_OVER),
    Gate(0.55, OPENAI, ours=OPENAI_OVER),
    Gate(0.50, ANTHROPIC, ours=ANTHROPIC_OVER),
)


def _openai(factor: float, metric: str = "") -> Gate:
    return Gate(factor, OPENAI, ours=OPENAI_OURS, metric=metric)


FRAMEWORKS = tuple(
    Gate(factor, name, ours=FRAMEWORKS_OVER[name])
    for name, factor in ((PYDANTIC_AI, 0.7), (LANGCHAIN, 0.35), (LITELLM, 0.6))
)

BURST = (
    Gate(1 / 110, "openai"),
    Gate(0.20, "pyreqwest + orjson"),
    *(Gate(1.5, OURS, ours=name) for name in OTHER_APIS.values()),
)

SCENARIOS = [
    Scenario(
        "burst8-asyncio",
        "Streamed chunk, burst, 8 events a write, asyncio",
        "stream_async",
        "cpu_us",
        "µs CPU / chunk",
        amount="streams",
        spec={"streams": 40, "tokens": 5000},
        pacing={"tokens_per_write": 8},
        gates=(
            *BURST,
            Gate(1.0, OPENAI_AIOHTTP, ours=OPENAI_OVER),
            _openai(0.05),
            Gate(0.07, OPENAI_RESPONSES, ours=OURS_RESPONSES),
            *FRAMEWORKS,
        ),
        shows=("loop_thread_us", "units_per_wake"),
    ),
    Scenario(
        "burst8-sync",
        "Streamed chunk, burst, 8 events a write, sync",
        "stream_sync",
        "cpu_us",
        "µs CPU / chunk",
        amount="streams",
        spec={"streams": 40, "tokens": 5000},
        pacing={"tokens_per_write": 8},
        gates=(*BURST, _openai(0.05)),
    ),
    Scenario(
        "burst1-asyncio",
        "Streamed chunk, burst, 1 event a write, asyncio",
        "stream_async",
        "cpu_us",
        "µs CPU / chunk",
        amount="streams",
        spec={"streams": 20, "tokens": 5000},
        pacing={"tokens_per_write": 1},
        gates=(
            Gate(0.4, "pyreqwest + orjson"),
            Gate(0.30, HTTPX2, ours=HTTPX2_OVER),
            Gate(0.75, ANTHROPIC, ours=ANTHROPIC_OVER),
            _openai(0.06),
        ),
        shows=("loop_thread_us", "units_per_wake"),
    ),
    Scenario(
        "first-token",
        "Time to the first text of a stream, sync",
        "first_token",
        "p50_us",
        "µs wall p50",
        amount="streams",
        spec={"streams": 4000, "tokens": 8},
        pacing={"tokens_per_write": 8},
        gates=tuple(Gate(1.05, OURS, ours=name) for name in OTHER_APIS.values()),
        shows=("p99_us",),
    ),
    Scenario(
        "paced-200",
        "Streamed chunk, 200 streams × 100/s, asyncio",
        "paced_async",
        "cpu_us",
        "µs CPU / chunk",
        spec={"streams": 200, "tokens": 300},
        pacing=_paced(10_000),
        gates=(
            Gate(0.30, "aiohttp + orjson"),
            Gate(0.30, "pyreqwest + orjson"),
            Gate(0.6, "aiohttp + orjson, uvloop"),
            Gate(metric="lag_p99_ms", limit=3.0, unit="ms"),
        ),
        shows=("loop_thread_us", "units_per_wake", "lag_p50_ms", "lag_p99_ms", "lag_max_ms"),
    ),
    Scenario(
        "paced-100",
        "Streamed chunk, 100 streams × 100/s, asyncio, openai's clients",
        "paced_async",
        "cpu_us",
        "µs CPU / chunk",
        spec={"streams": 100, "tokens": 100},
        pacing=_paced(10_000),
        gates=(
            _openai(0.18),
            Gate(metric="lag_p99_ms", limit=10.0, unit="ms", ours=OPENAI_OURS),
            Gate(metric="wall_s", limit=1.5, unit="s", ours=OPENAI_OURS),
        ),
        shows=("loop_thread_us", "wall_s", "lag_p50_ms", "lag_p99_ms", "lag_max_ms"),
        only=(OPENAI, OPENAI_OURS, OURS),
    ),
    Scenario(
        "request-sync-same-cpu",
        "Request, sync, keep-alive, typed reply; server on the same CPU",
        "ask_sync",
        "p50_us",
        "µs wall p50",
        amount="requests",
        spec={"requests": 4000, "tokens": 16},
        gates=(
            Gate(0.60, "pyreqwest + orjson"),
            Gate(0.85, "pyreqwest + orjson", ours=GENERAL),
            _openai(0.45, "cpu_us"),
        ),
        pins=(0, 0),
        shows=("cpu_us", "p99_us"),
    ),
    Scenario(
        "request-sync-other-cpu",
        "Request, sync, keep-alive, typed reply; server on another CPU",
        "ask_sync",
        "p50_us",
        "µs wall p50",
        amount="requests",
        spec={"requests": 4000, "tokens": 16},
        gates=(
            Gate(0.75, "pyreqwest + orjson"),
            Gate(0.95, "pyreqwest + orjson", ours=GENERAL),
            _openai(0.45, "cpu_us"),
        ),
        pins=(0, 1),
        shows=("cpu_us", "p99_us"),
    ),
    Scenario(
        "request-asyncio-100",
        "Request, asyncio, 100 at a time",
        "ask_async",
        "cpu_us",
        "µs CPU / request",
        amount="requests",
        spec={"requests": 8000, "at_once": 100, "tokens": 16},
        gates=(Gate(0.33, "pyreqwest + orjson"), *TRANSPORT_REPLY),
        shows=("loop_thread_us", "units_per_wake"),
    ),
    Scenario(
        "reply-asyncio-50",
        "Reply, asyncio, 50 at a time, openai's clients",
        "ask_async",
        "cpu_us",
        "µs CPU / request",
        amount="requests",
        spec={"requests": 4000, "at_once": 50, "tokens": 16},
        gates=(_openai(0.45),),
        shows=("loop_thread_us",),
        only=(OPENAI, OPENAI_OURS),
    ),
    *(
        Scenario(
            f"request-long-{tools}",
            f"Request of 100 messages with {tools} tools, sync, openai's clients",
            "send_sync",
            "cpu_us",
            "µs CPU / request",
            amount="requests",
            spec={"requests": 1000, "tokens": 16, "request": conversation(100, tools)},
            gates=(_openai(0.08),),
            shows=("loop_thread_us",),
            only=(OPENAI, OPENAI_OURS),
        )
        for tools in (51, 20)
    ),
    Scenario(
        "embeddings-100",
        "100 embeddings of 1,536 floats, sync, openai's clients",
        "embed_sync",
        "cpu_us",
        "µs CPU / reply",
        amount="requests",
        spec={"requests": 200, "texts": 100},
        gates=(_openai(0.1),),
        only=(OPENAI, OPENAI_OURS),
        replay=vectors(100, 1536),
    ),
    Scenario(
        "import",
        "Import, over bare Python",
        "import",
        "wall_ms",
        "ms wall",
        gates=(
            Gate(metric="wall_ms", limit=15.0, unit="ms"),
            # Over that of openai.
            Gate(metric="wall_ms", limit=10.0, unit="ms", ours=OPENAI_OURS),
        ),
        shows=("cpu_ms", "rss_mib", "modules"),
    ),
    Scenario(
        "create",
        "Client creation (second and later)",
        "create",
        "p50_us",
        "µs wall p50",
        spec={"clients": 100},
        gates=(Gate(metric="p50_us", limit=20.0, unit="µs"), _openai(0.01)),
        shows=("first_us",),
    ),
    Scenario(
        "tls",
        "TLS setup: client and first https call, less a later call that reconnects",
        "tls",
        "setup_ms",
        "ms wall",
        spec={"tokens": 16},
        gates=(Gate(metric="setup_ms", limit=5.0, unit="ms"),),
        shows=("first_ms", "later_ms"),
    ),
    Scenario(
        "live-5000",
        "5,000 live streams, 25,000 chunks/s, asyncio",
        "paced_async",
        "cpu_us",
        "µs CPU / chunk",
        spec={
            "streams": 5000,
            "tokens": 60,
            "ramp_s": 3.0,
            "memory_after_s": 8.0,
            "files": 20_000,
        },
        pacing=_paced(200_000),
        gates=(
            Gate(metric="kib_per_stream", limit=20.0, unit="KiB a stream"),
            Gate(metric="kib_per_stream", limit=32.0, unit="KiB a stream", ours=GENERAL),
            *(Gate(1.05, OURS, ours=name, metric="kib_per_stream") for name in OTHER_APIS.values()),
            Gate(metric="lag_p99_ms", limit=10.0, unit="ms"),
        ),
        shows=("loop_thread_us", "units_per_wake", "kib_per_stream", "lag_p50_ms", "lag_p99_ms"),
        only=(OURS, GENERAL, *OTHER_APIS.values()),
    ),
    Scenario(
        "bursts-1000",
        "1,000 live streams in bursts of 200 events, asyncio",
        "paced_async",
        "kib_per_stream",
        "KiB / stream",
        spec={"streams": 1000, "tokens": 600, "ramp_s": 2.0, "memory_after_s": 7.0},
        pacing={"tokens_per_write": 200, **_paced(20_000)},
        gates=(Gate(metric="kib_per_stream", limit=24.0, unit="KiB a stream"),),
        shows=("cpu_us", "lag_p99_ms"),
        only=(OURS, GENERAL),
    ),
]
