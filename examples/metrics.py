"""See what a program's calls took and cost: a line for each, a table, and a page for Prometheus.

python examples/metrics.py        against the simulator; needs no key
"""

from __future__ import annotations

import asyncio
import contextlib

import tokenwire as tw
from tokenwire.testing import SimServer

SCRIPT = {
    "rules": [
        {"match": {"body": "too much"}, "then": {"error": {"status": 429}}},
        {"match": {"body": "busy"}, "times": 1, "then": {"error": {"status": 503}}},
    ],
    "default": {"pacing": {"first_token_ms": 20, "per_token_us": 1000}},
}


def show(event: tw.CallEvent) -> None:
    """Print a line for a finished call. A real program would log it."""
    usage = event.usage or tw.Usage()
    came = event.error_kind or f"{usage.completion_tokens} tokens"
    print(f"{event.model}: {came}, {len(event.attempts)} attempts")


def ask(server: SimServer) -> None:
    """Make calls of every kind: whole, streamed, retried, failed, and many at once."""
    retry = tw.RetryPolicy(max_retries=1, first=0.01)
    small = tw.ChatClient("small", base_url=server.base_url, retry=retry)
    large = tw.ChatClient("large", base_url=server.base_url, retry=retry)
    small.run("Why is the sky blue?")
    small.run("Are you busy?")
    large.run("Why is the sky blue?", stream=True)
    asyncio.run(large.run_async("Why is the sky blue?", stream=True))
    with contextlib.suppress(tw.LlmRateLimitError):
        large.run("Is this too much?")
    list(small.map(["one", "two", "three"], concurrency=3))


def main() -> None:
    """Count the calls to the simulator."""
    remove = tw.on_call(show)
    with SimServer(SCRIPT) as server, tw.MetricsCollector() as metrics:
        ask(server)
    remove()
    print(f"\n{metrics.summary()}\n")
    print(f"errors: {metrics.snapshot().total.errors}\n")
    print(metrics.prometheus(), end="")


if __name__ == "__main__":
    main()
