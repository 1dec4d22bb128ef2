"""Many streams, threads and prompts at once: each token once, in order, and nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from benches.load import (
    FAULTS,
    Ledger,
    Process,
    check_map,
    map_script,
    run_streams,
    run_threads,
)
from tests.fault.scenes import until

from tokenwire import ChatClient, Limits, RetryPolicy
from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.linux

# Idle connections end soon here, so that what is left behind can be counted.
LIMITS = Limits(keepalive=0.2)
PACED: dict[str, Any] = {"default": {"ledger": True, "pacing": {"per_token_us": 20_000}}}


@pytest.fixture
def paced() -> Iterator[SimServer]:
    with SimServer(PACED, log_capacity=0) as server:
        yield server


def client_of(sim: SimServer) -> ChatClient:
    return ChatClient("m", base_url=sim.base_url, api_key="sk-load", limits=LIMITS)


def warm_up(chat: ChatClient) -> None:
    """Start what lives as long as the process: the I/O thread and the first sync runtime."""
    chat.run("go", max_tokens=1)


def is_back(before: Process) -> bool:
    """Return whether nothing is held that was not held before.

    Holding fewer is fine: a thread that looked up a name for an earlier test may have ended. And
    for the system, a joined thread is gone only a moment later, which no event announces.
    """
    now = Process.now()
    return now.threads <= before.threads and now.descriptors <= before.descriptors


def test_a_ledger_sees_a_lost_a_doubled_and_a_changed_token(sim):
    sim.set_script({"default": {"ledger": True}})
    chat = client_of(sim)
    pieces = [f" {word}" for word in chat.run("go", max_tokens=4, user="x").split()]
    kept = Ledger("x")
    for piece in pieces:
        kept.take(piece)
    spoiled = {
        "lost": pieces[:1] + pieces[2:],
        "doubled": [pieces[0], *pieces],
        "swapped": [pieces[1], pieces[0], *pieces[2:]],
        "changed": [*pieces[:3], pieces[3][:-1] + "g"],
        "cut": pieces[:3],
    }
    verdicts = {}
    for name, wrong in spoiled.items():
        ledger = Ledger("x")
        for piece in wrong:
            ledger.take(piece)
        verdicts[name] = bool(ledger.close(4))
    assert (kept.close(4), verdicts) == ("", dict.fromkeys(spoiled, True))


@pytest.mark.slow
async def test_a_thousand_async_streams_lose_double_and_reorder_nothing(paced):
    chat = client_of(paced)
    warm_up(chat)
    outcome = await run_streams(chat, streams=1000, tokens=100, rounds=2)
    assert (outcome.faults, outcome.streams, outcome.tokens) == ([], 2000, 200_000)
    stats = paced.stats()
    # Besides its tokens, a stream has role, finish, usage and [DONE]. The warm-up has none.
    whole = 2000 * (100 + 4)
    assert (stats["finished"], stats["cancelled"], stats["events"]) == (2001, 0, whole)
    # In a prototype a stream took 20 KiB, so one leaked buffer per stream would show at once.
    assert outcome.per_stream_kib < 120


@pytest.mark.slow
def test_two_hundred_threads_lose_double_and_reorder_nothing(paced):
    chat = client_of(paced)
    warm_up(chat)
    outcome = run_threads(chat, threads=200, tokens=100)
    assert (outcome.faults, outcome.streams, outcome.tokens) == ([], 200, 20_000)
    assert paced.stats()["cancelled"] == 0


@pytest.mark.slow
async def test_after_async_streams_threads_and_descriptors_are_back_where_they_were(paced):
    chat = client_of(paced)
    warm_up(chat)
    await run_streams(chat, streams=1, tokens=2)
    paced.wait_for("client_closed", 1)
    before = Process.now()
    await run_streams(chat, streams=100, tokens=20)
    # All except the sync connection of the warm-up, which its runtime keeps.
    paced.wait_for("client_closed", paced.count("accepted") - 1)
    assert until(lambda: is_back(before)), (Process.now(), before)


@pytest.mark.slow
def test_threads_that_come_again_take_the_connections_that_are_there(paced):
    chat = client_of(paced).with_options(limits=Limits(keepalive=30.0))
    warm_up(chat)
    run_threads(chat, threads=50, tokens=20)
    before = Process.now()
    run_threads(chat, threads=50, tokens=20)
    assert paced.stats()["accepts"] <= 51
    assert until(lambda: is_back(before)), (Process.now(), before)


@pytest.mark.slow
def test_ten_thousand_mapped_prompts_are_each_right_or_a_typed_error():
    with SimServer(map_script(), log_capacity=0) as sim:
        chat = client_of(sim).with_options(retry=RetryPolicy(first=0.01, cap=0.05))
        seen = check_map(chat, count=10_000, concurrency=256, tokens=8)
    errors = {
        "status500": "LlmServerError",
        "status400": "LlmAPIError",
        "status429": "LlmRateLimitError",
        "reset": "LlmConnectionLostError",
        "resetbody": "LlmConnectionLostError",
        "short": "LlmConnectionLostError",
        "page": "LlmUnexpectedContentError",
    }
    due = {f"{name}: {errors.get(name, 'right')}": 10 for name in FAULTS}
    assert seen == {"right": 9_900, **due}
