"""`stream.response.attempts` shows what a stream waits for, while it is opened and read."""

from __future__ import annotations

import asyncio
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenwire.testing import SimServer

# The wait is far longer than the test; closing the stream ends it.
BUSY = {"error": {"status": 429, "headers": {"retry-after": "100"}}}
SILENT: dict[str, Any] = {"pacing": {"first_token_ms": 100_000}}


def facts(stream: tw.LlmStream | tw.AsyncLlmStream) -> list[tuple[Any, ...]]:
    return [(row.status, row.error, row.phase) for row in stream.response.attempts]


def wait_for(stream: tw.LlmStream | tw.AsyncLlmStream, wanted: Sequence[tuple[Any, ...]]) -> None:
    """Wait until these are the attempts of a stream."""
    latest = monotonic() + 30
    while facts(stream) != wanted:
        assert monotonic() < latest, facts(stream)


def opened_until(stream: tw.LlmStream, wanted: Sequence[tuple[Any, ...]]) -> list[tw.Attempt]:
    """Enter the stream in another thread until its attempts are these, then close it."""
    failures: list[BaseException] = []

    def enter() -> None:
        try:
            with stream:
                list(stream)
        except tw.LlmError as error:
            failures.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    wait_for(stream, wanted)
    attempts = list(stream.response.attempts)
    stream.close()
    thread.join(30)
    assert [type(failure) for failure in failures] == [tw.LlmClientClosedError]
    return attempts


def test_a_stream_that_was_not_sent_has_no_attempt(sim: SimServer) -> None:
    assert facts(tw.ChatClient("m", base_url=sim.base_url).stream("hi")) == []


def test_the_wait_for_the_next_attempt_shows_why_and_how_long(sim: SimServer) -> None:
    sim.set_script({"default": BUSY})
    stream = tw.ChatClient("m", base_url=sim.base_url).stream("hi")
    (failed,) = opened_until(stream, [(429, "rate_limit", "head")])
    assert failed.slept >= 100
    assert len(sim.requests()) == 1


def test_the_attempt_in_progress_is_the_last_one_and_has_no_error(sim: SimServer) -> None:
    once = {"error": {"status": 503, "headers": {"retry-after": "0"}}}
    sim.set_script({"rules": [{"times": 1, "then": once}], "default": SILENT})
    stream = tw.ChatClient("m", base_url=sim.base_url).stream("hi")
    failed, running = opened_until(stream, [(503, "server", "head"), (200, None, "body")])
    assert (running.slept, running.maybe_processed) == (0.0, True)
    assert running.started >= failed.started


def test_a_connection_that_is_not_made_yet_is_in_the_phase_connect(sim: SimServer) -> None:
    limits = tw.Limits(max_connections=1)
    sim.set_script({"default": SILENT})
    chat = tw.ChatClient("m", base_url=sim.base_url, limits=limits)
    with chat.stream("hi"):
        opened_until(chat.stream("hi"), [(None, None, "connect")])


async def test_an_async_stream_shows_the_same(sim: SimServer) -> None:
    sim.set_script({"default": BUSY})
    stream = tw.ChatClient("m", base_url=sim.base_url).stream_async("hi")
    opening = asyncio.ensure_future(stream.__aenter__())
    await asyncio.to_thread(wait_for, stream, [(429, "rate_limit", "head")])
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()


def test_a_stream_that_ended_has_only_attempts_that_are_over(sim: SimServer) -> None:
    sim.set_script({"default": {"reply": {"text": "a b"}}})
    with tw.ChatClient("m", base_url=sim.base_url).stream("hi") as stream:
        assert facts(stream)[-1][:2] == (200, None)
        for _ in stream:
            pass
    assert facts(stream) == [(200, None, "body")]
