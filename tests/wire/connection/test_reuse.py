"""Connections: reused when that is safe, never otherwise, and no reply goes to another request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import TEXT, Origin, answer, response

from tokenwire import (
    ChatClient,
    Limits,
    LlmConnectionLostError,
    LlmProtocolError,
    RetryPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

    Call = Callable[[ChatClient], str]


def client(sim: SimServer, **settings: Any) -> ChatClient:
    return ChatClient("m", base_url=sim.base_url, **settings)


def echoing(**fault: Any) -> dict[str, Any]:
    """A script whose answers name their request, and end with this fault."""
    rules = [
        {"match": {"body": name}, "then": {"reply": {"text": f"to {name}"}, "fault": fault}}
        for name in NAMES
    ]
    return {"rules": rules}


NAMES = ["first", "second", "third", "fourth", "fifth"]


def connections(sim: SimServer) -> list[int]:
    """The connection of each request."""
    return [record["connection"] for record in sim.log() if record["kind"] == "request"]


def test_one_connection_serves_one_caller(sim: SimServer, call: Call):
    chat = client(sim)
    for _ in range(5):
        call(chat)
    assert connections(sim) == [1] * 5


def test_clients_of_one_server_share_a_connection(sim: SimServer, call: Call):
    for _ in range(3):
        call(client(sim))
    assert connections(sim) == [1] * 3


async def test_as_many_connections_as_calls_at_a_time_and_no_more(sim: SimServer):
    chat = client(sim, limits=Limits(max_connections=4))
    for _ in range(3):
        await asyncio.gather(*(chat.run_async("hi") for _ in range(20)))
    assert len(connections(sim)) == 60
    assert set(connections(sim)) <= {1, 2, 3, 4}


@pytest.mark.only_over("direct", "idle connections beyond max_connections")
def test_an_idle_connection_makes_room_for_a_call_from_elsewhere(tmp_path: Path):
    with Origin(path=tmp_path / "socket") as unix, Origin() as tcp:
        for server in (tcp, unix):
            chat = ChatClient("m", base_url=server.base_url, limits=Limits(max_connections=1))
            # Sync calls and async calls do not share their idle connections.
            for call in range(3):
                assert chat.run("hi") == TEXT
                server.wait_for_ends(2 * call)
                assert asyncio.run(chat.run_async("hi")) == TEXT
                server.wait_for_ends(2 * call + 1)


def test_a_connection_that_ends_under_the_next_request_costs_one_attempt_and_no_wait(
    sim: SimServer, ask: Asking
):
    sim.set_script({"default": {"fault": {"kind": "close_on_next"}}})
    # A wait would last half an hour.
    chat = client(sim, retry=RetryPolicy(first=3600, cap=3600))
    ask.complete(chat, "hi")
    reply = ask.complete(chat, "hi")
    assert [attempt.error for attempt in reply.attempts] == ["connection_lost", None]
    assert [attempt.maybe_processed for attempt in reply.attempts] == [True, True]
    assert [attempt.slept for attempt in reply.attempts] == [0.0, 0.0]
    # The server reads the lost request, but does not answer it.
    assert connections(sim) == [1, 1, 2]


@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
def test_the_race_of_keep_alive_loses_no_call(reset: bool, sim: SimServer, ask: Asking):
    sim.set_script(echoing(kind="close_on_next", reset=reset))
    chat = client(sim)
    for _ in range(40):
        for name in NAMES:
            assert ask.run(chat, name) == f"to {name}"


@pytest.mark.parametrize("after_ms", [0, 1])
def test_an_idle_connection_that_the_server_closes_is_not_missed(
    after_ms: int, sim: SimServer, ask: Asking
):
    sim.set_script(echoing(kind="idle_close", after_ms=after_ms))
    chat = client(sim)
    for _ in range(40):
        for name in NAMES:
            assert ask.run(chat, name) == f"to {name}"


def test_an_end_that_was_there_before_the_request_costs_no_attempt(call: Call):
    with Origin(hang_up=True) as server:
        # The caller would get the error of a lost connection.
        chat = ChatClient("m", base_url=server.base_url, max_retries=0)
        for number in range(1, 21):
            assert call(chat) == TEXT
            server.wait_for_ends(number)
        assert len(server.requests) == 20


def test_who_forbids_a_second_send_gets_the_error_of_the_race(sim: SimServer, ask: Asking):
    sim.set_script({"default": {"fault": {"kind": "close_on_next"}}})
    chat = client(sim, retry=RetryPolicy(retry_ambiguous=False))
    ask.run(chat, "hi")
    with pytest.raises(LlmConnectionLostError) as raised:
        ask.run(chat, "hi")
    assert [attempt.maybe_processed for attempt in raised.value.attempts] == [True]
    assert sim.count("request") == 2


def test_a_connection_that_is_said_to_close_is_not_used_again(sim: SimServer, call: Call):
    sim.set_script({"default": {"close_after": True}})
    chat = client(sim)
    for _ in range(3):
        call(chat)
    assert connections(sim) == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    ["JUNK", "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n", "\r\n", "0"],
)
@pytest.mark.parametrize("kind", ["trailing_bytes", "idle_bytes"])
def test_bytes_behind_a_body_never_become_the_next_answer(
    kind: str, text: str, sim: SimServer, ask: Asking
):
    sim.set_script(echoing(kind=kind, text=text))
    chat = client(sim, retry=RetryPolicy(first=0.001))
    for _ in range(10):
        for name in NAMES:
            assert ask.run(chat, name) == f"to {name}"


def test_a_whole_answer_behind_a_body_never_becomes_the_next_answer(call: Call):
    poison = response(200, b'{"choices": [{"message": {"content": "poison"}}]}')
    with Origin() as server:
        chat = ChatClient("m", base_url=server.base_url, retry=RetryPolicy(first=0.001))
        for _ in range(10):
            assert call(chat) == TEXT
            streams = server.requests[-1].streams
            server.answer_next(answer(server.requests[-1]) + poison)
            assert call(chat) == TEXT
            assert server.requests[-1].streams == streams


def test_a_body_of_two_lengths_is_refused_and_its_connection_left(ask: Asking):
    two = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}x"
    with Origin(answers=[two]) as server:
        chat = ChatClient("m", base_url=server.base_url, max_retries=0)
        with pytest.raises(LlmProtocolError):
            ask.run(chat, "hi")
        assert ask.run(chat, "hi") == TEXT
        assert [len(seen.requests) for seen in server.seen] == [1, 1]


def test_a_stream_left_early_gives_its_connection_to_nobody(sim: SimServer):
    sim.set_script({"default": {"pacing": {"tokens": 1000, "per_token_us": 1000}}})
    chat = client(sim)
    with chat.stream("hi") as stream:
        next(iter(stream))
    sim.wait_for("client_closed")
    sim.set_script({})
    chat.run("hi")
    assert connections(sim) == [1, 2]


def test_an_error_reply_leaves_its_connection_to_the_next_call(sim: SimServer, call: Call):
    sim.set_script({"rules": [{"times": 1, "then": {"error": {"status": 503}}}]})
    chat = client(sim, retry=RetryPolicy(first=0.001))
    call(chat)
    assert connections(sim) == [1, 1]
