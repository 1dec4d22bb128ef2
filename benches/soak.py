"""Run thousands of streams for minutes: nothing lost, doubled or reordered, nothing left behind.

    make soak ARGS='--seconds 300'

The simulator is a separate process. Three loads follow each other: asyncio streams, threads, and
prompts through `map`, of which one in a hundred meets a fault. The exit status is 1 if any token,
row, thread or descriptor is not where it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

from benches.load import Outcome, Process, check_map, map_script, run_streams, run_threads
from benches.peers.simulator import SimulatorProcess, raise_file_limit

from tokenwire import ChatClient, RetryPolicy

RATE = 50
TOKENS = 500
# Idle runtimes of sync calls are kept for 60 s.
IDLE_S = 75.0


def main() -> int:
    """Run the three loads and report."""
    asked = arguments()
    raise_file_limit()
    rounds = max(1, round(asked.seconds * RATE / TOKENS))
    troubles: list[str] = []
    with SimulatorProcess() as sim:
        pacing = {"per_token_us": 1_000_000 // RATE}
        sim.set_script({"default": {"ledger": True, "pacing": pacing}})
        chat = ChatClient("m", base_url=sim.base_url, api_key="sk-soak")
        # Start what lives as long as the process before the first reading.
        asyncio.run(run_streams(chat, 1, 2))
        chat.run("go", max_tokens=1)
        before = Process.now()
        started = time.monotonic()
        outcome = asyncio.run(run_streams(chat, asked.streams, TOKENS, rounds))
        troubles += reported(f"{asked.streams} async streams", outcome, started)
        troubles += compared(sim.stats(), outcome.streams, TOKENS)
        started = time.monotonic()
        outcome = run_threads(chat, asked.threads, TOKENS, max(1, rounds // 2))
        troubles += reported(f"{asked.threads} sync threads", outcome, started)
        sim.set_script(map_script())
        started = time.monotonic()
        patient = chat.with_options(retry=RetryPolicy(first=0.01, cap=0.05))
        try:
            seen = check_map(patient, asked.prompts, 256, 16)
        except AssertionError as error:
            troubles.append(f"map: {error}")
        else:
            print(f"map: {asked.prompts} rows in {time.monotonic() - started:.1f} s: {seen}")
        troubles += left_behind(chat, before)
    for trouble in troubles:
        print(f"WRONG: {trouble}")
    return 1 if troubles else 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=10_000)
    return parser.parse_args()


def reported(what: str, outcome: Outcome, started: float) -> list[str]:
    """Print the result of a load, and return what was wrong."""
    peak = outcome.peak or Process.now()
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    print(
        f"{what}: {outcome.streams} streams, {outcome.tokens} tokens in "
        f"{time.monotonic() - started:.1f} s; {outcome.per_stream_kib:.1f} KiB a stream, "
        f"loop lag p99 {outcome.lag_p99_ms:.1f} ms, peak {peak}, load {load}"
    )
    return [f"{what}: {fault}" for fault in outcome.faults[:10]]


def compared(stats: dict[str, int], streams: int, tokens: int) -> list[str]:
    """Check the server's ledger: it must have sent what was read, and no client may have left."""
    # The warm-up adds a stream and a reply. A stream has four events besides its tokens.
    sent = streams * (tokens + 4) + 2 + 4
    found = {name: stats[name] for name in ("events", "cancelled", "finished")}
    due = {"events": sent, "cancelled": 0, "finished": streams + 2}
    print(f"the server: {json.dumps(found)}")
    return [] if found == due else [f"the server's counters: {found} instead of {due}"]


def left_behind(chat: ChatClient, before: Process) -> list[str]:
    """Wait until idle connections are closed, and compare with the start."""
    deadline = time.monotonic() + IDLE_S
    while (now := Process.now()).descriptors > before.descriptors and time.monotonic() < deadline:
        time.sleep(1)
        # Runtimes that were idle for too long go when another call is made.
        chat.run("go", max_tokens=1)
    print(f"before {before}\nafter  {now}")
    return [
        f"{name}: {getattr(before, name)} before, {getattr(now, name)} after"
        for name in ("descriptors", "threads")
        if getattr(now, name) > getattr(before, name)
    ]


if __name__ == "__main__":
    if not Path("benches").is_dir():
        raise SystemExit("run it from the root of the repository")
    sys.exit(main())
