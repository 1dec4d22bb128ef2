"""F01 to F16: no connection, a lost connection, a reused connection."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from tests.fault.scenes import TEXT, FullBacklog, Mute, always, chat

from tokenwire import (
    ChatClient,
    Limits,
    LlmConnectError,
    LlmConnectionLostError,
    LlmConnectTimeoutError,
    LlmDeadlineExceededError,
    LlmDNSError,
    LlmError,
    LlmPoolTimeoutError,
    LlmProtocolError,
    LlmProxyError,
    LlmTimeoutError,
    LlmTLSError,
    RetryPolicy,
    Timeout,
)

SOON = RetryPolicy(max_retries=2, first=0.02)


def ask_sync(client, **params):
    return client.run("hi", **params)


def ask_async(client, **params):
    return asyncio.run(client.run_async("hi", **params))


def ask_stream(client, **params):
    return client.run("hi", stream=True, **params)


def ask_async_stream(client, **params):
    return asyncio.run(client.run_async("hi", stream=True, **params))


ASKS = [ask_sync, ask_async, ask_stream, ask_async_stream]


@pytest.fixture(params=ASKS)
def ask(request):
    return request.param


def failure(kind, call) -> Any:
    with pytest.raises(kind) as caught:
        call()
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    return caught.value


class OneAnswer:
    """A server or proxy that gives the same answer to everything, and keeps what it received."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:hunter2@127.0.0.1:{self._listener.getsockname()[1]}"
        self.seen = b""
        self.accepted = 0
        self._thread = threading.Thread(target=self._serve)

    def _serve(self):
        while True:
            peer, _ = self._listener.accept()
            with peer:
                data = peer.recv(65536)
                if not data:
                    return
                self.accepted += 1
                self.seen += data
                peer.sendall(self._answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        # An empty connection ends the loop.
        socket.create_connection(self._listener.getsockname()).close()
        self._thread.join()
        self._listener.close()


def test_f01_a_refused_connection_is_tried_three_times(ask, unused_port):
    client = ChatClient("m", base_url=f"http://127.0.0.1:{unused_port}/v1", retry=SOON)
    error = failure(LlmConnectError, lambda: ask(client))
    first, second, third = error.attempts
    assert 0.01 <= first.slept <= 0.02 <= second.slept * 2 <= 0.08
    assert third.slept == 0
    assert {(one.phase, one.error, one.maybe_processed) for one in error.attempts} == {
        ("connect", "connect", False)
    }
    assert (error.phase, error.retryable) == ("connect", True)


def test_f01_a_server_that_comes_back_is_reached(sim):
    sim.set_script({**always(), "accept": {"kind": "refuse", "for_ms": 100}})
    client = chat(sim, retry=RetryPolicy(max_retries=5, first=0.1))
    reply = client.complete("hi")
    assert reply.text == TEXT
    assert {attempt.error for attempt in reply.attempts[:-1]} == {"connect"}


@pytest.mark.linux
def test_f02_a_connect_without_answer_ends_at_its_limit(ask):
    with FullBacklog() as server:
        url = f"http://127.0.0.1:{server.port}"
        client = ChatClient("m", base_url=url, timeout=Timeout(connect=0.2), max_retries=0)
        began = time.monotonic()
        error = failure(LlmConnectTimeoutError, lambda: ask(client))
        assert 0.2 <= time.monotonic() - began < 0.6
        assert (error.phase, error.attempts[0].maybe_processed) == ("connect", False)
        assert "`connect` timeout" in str(error)


def burst(client, count):
    """The errors of calls that are all made at once, and how long they took."""

    async def together():
        calls = [client.run_async("hi", stream=True) for _ in range(count)]
        return await asyncio.gather(*calls, return_exceptions=True)

    began = time.monotonic()
    errors = asyncio.run(together())
    assert {error.phase for error in errors} == {"connect"}
    assert not any(error.attempts[0].maybe_processed for error in errors)
    return errors, time.monotonic() - began


@pytest.mark.linux
def test_f02_the_wait_for_a_turn_to_connect_ends_at_the_pool_limit():
    """64 calls at a time connect to one address; the others wait."""
    with FullBacklog() as server:
        limits = Timeout(connect=1, pool=0.4)
        url = f"http://127.0.0.1:{server.port}"
        errors, _ = burst(ChatClient("m", base_url=url, timeout=limits, max_retries=0), 300)
        late = [error for error in errors if type(error) is LlmPoolTimeoutError]
        assert len(late) == 300 - 64
        place = f"127.0.0.1:{server.port}"
        expected = f"no connection to {place} within 0.4 s (the `pool` timeout): 64 others were"
        assert all(str(error).startswith(expected) for error in late)
        connecting = [error for error in errors if type(error) is LlmConnectTimeoutError]
        assert len(connecting) == 64
        assert all("within 1 s (the `connect` timeout)" in str(error) for error in connecting)


@pytest.mark.linux
def test_f02_without_a_pool_limit_an_outage_ends_all_calls_after_the_connect_limit():
    with FullBacklog() as server:
        url = f"http://127.0.0.1:{server.port}"
        client = ChatClient("m", base_url=url, timeout=Timeout(connect=1), max_retries=0)
        errors, took = burst(client, 1_000)
        assert {type(error) for error in errors} == {LlmConnectTimeoutError}
        assert any("and none succeeded" in str(error) for error in errors)
        # One after another, 64 at a time, they would take 16 s.
        assert took < 8


def test_a_burst_of_connections_gets_its_turns_within_the_pool_limit(sim):
    sim.set_script(always())
    client = ChatClient("m", base_url=fresh(sim), timeout=Timeout(pool=20), max_retries=0)

    async def together():
        return await asyncio.gather(*[client.run_async("hi") for _ in range(200)])

    assert asyncio.run(together()) == [TEXT] * 200


@pytest.mark.linux
def test_f02_the_total_limit_wins_over_the_attempts(ask):
    with FullBacklog() as server:
        url = f"http://127.0.0.1:{server.port}"
        limits = Timeout(connect=0.2, total=0.5)
        client = ChatClient("m", base_url=url, timeout=limits, retry=RetryPolicy(first=0.01))
        began = time.monotonic()
        error = failure(LlmDeadlineExceededError, lambda: ask(client))
        assert 0.5 <= time.monotonic() - began < 0.9
        assert len(error.attempts) == 3


def test_f04_a_name_that_does_not_exist_is_not_retried(ask):
    client = ChatClient("m", base_url="http://nowhere.invalid/v1", retry=SOON)
    error = failure(LlmDNSError, lambda: ask(client))
    assert "nowhere.invalid" in str(error)
    # Without a resolver, the system reports the same failure as a temporary one.
    assert len(error.attempts) in {1, 3}


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_f06_a_connection_lost_on_accept_is_tried_again(sim, ask, kind):
    sim.set_script({**always(), "accept": {"kind": kind, "times": 1}})
    assert ask(chat(sim, retry=SOON)) == TEXT
    sim.set_script({**always(), "accept": {"kind": kind}})
    error = failure(
        LlmConnectionLostError, lambda: ask(ChatClient("m", base_url=fresh(sim), retry=SOON))
    )
    assert len(error.attempts) == 3
    # If the end is seen before the request is written, the server cannot have worked on it.
    assert {one.phase for one in error.attempts} <= {"connect", "head"}


def fresh(sim):
    """The simulator's address under another name, so that no idle connection is reused."""
    return sim.base_url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("how", ["close_on_next", "idle_close"])
def test_f12_an_idle_connection_that_is_lost_is_replaced_at_once(sim, ask, how):
    client = chat(sim, retry=RetryPolicy(max_retries=1, first=30.0))
    sim.set_script({**always(), "rules": [{"times": 1, "then": {"fault": {"kind": how}}}]})
    ask(client)
    if how == "idle_close":
        sim.wait_for("closed")
    began = time.monotonic()
    assert ask(client) == TEXT
    assert time.monotonic() - began < 5


def test_f12_the_lost_attempt_is_reported(sim):
    client = chat(sim, retry=RetryPolicy(max_retries=1, first=30.0))
    sim.set_script(
        {**always(), "rules": [{"times": 1, "then": {"fault": {"kind": "close_on_next"}}}]}
    )
    client.run("hi")
    lost, good = client.complete("hi").attempts
    assert (lost.error, lost.slept, lost.maybe_processed, good.error) == (
        "connection_lost",
        0.0,
        True,
        None,
    )


def test_f12_without_ambiguous_retries_the_loss_is_raised(sim):
    policy = RetryPolicy(max_retries=2, first=0.02, retry_ambiguous=False)
    client = chat(sim, retry=policy)
    sim.set_script(
        {**always(), "rules": [{"times": 1, "then": {"fault": {"kind": "close_on_next"}}}]}
    )
    client.run("hi")
    error = failure(LlmConnectionLostError, lambda: client.run("hi"))
    assert (len(error.attempts), error.attempts[0].maybe_processed) == (1, True)


@pytest.mark.parametrize("kind", ["reset", "close"])
def test_f13_a_fresh_connection_that_is_lost_is_retried_after_a_wait(sim, ask, kind):
    fault = {"kind": kind, "at": "before_head"}
    sim.set_script({**always(), "rules": [{"times": 1, "then": {"fault": fault}}]})
    assert ask(ChatClient("m", base_url=fresh(sim), retry=SOON)) == TEXT
    assert sim.count("request") == 2


def test_f14_a_close_that_was_seen_costs_no_attempt(sim):
    client = chat(sim)
    sim.set_script({**always(), "rules": [{"times": 1, "then": {"fault": {"kind": "idle_close"}}}]})
    asyncio.run(client.run_async("hi"))
    sim.wait_for("closed")

    async def again():
        # The I/O thread notices the end of the connection while it makes another call.
        await client.models_async()
        return await client.complete_async("hi")

    reply = asyncio.run(again())
    assert (reply.text, len(reply.attempts)) == (TEXT, 1)


def test_f15_a_connection_that_is_to_be_closed_is_not_used_again(sim, ask):
    sim.set_script(always(close_after=True))
    client = chat(sim)
    assert [ask(client), ask(client)] == [TEXT, TEXT]
    assert sim.stats()["accepts"] == 2


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "idle_bytes", "text": "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"},
        {"kind": "trailing_bytes", "text": "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno"},
        {"kind": "trailing_bytes", "text": "junk"},
    ],
)
def test_f15_bytes_that_nobody_asked_for_never_answer_the_next_request(sim, ask, fault):
    client = chat(sim, retry=SOON)
    rules = [{"match": {"body": "first"}, "then": {**always()["default"], "fault": fault}}]
    sim.set_script({"default": {"reply": {"text": "second reply"}}, "rules": rules})
    for _ in range(5):
        # A complete reply with extra bytes may be refused, but must never answer another request.
        with suppress(LlmError):
            ask(client, extra_body={"tag": "first"})
        assert ask(client) == "second reply"


def test_f07_a_server_without_tls_is_told_from_one_with(ask):
    with OneAnswer(b"HTTP/1.1 400 Bad Request\r\n\r\n") as plain:
        url = plain.url.replace("http://user:hunter2@", "https://")
        error = failure(LlmTLSError, lambda: ask(ChatClient("m", base_url=url, retry=SOON)))
    assert "does base_url need http:// instead of https://?" in str(error)
    assert (len(error.attempts), plain.accepted) == (1, 1)


def test_f07_an_end_in_the_handshake_is_retried():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        accepted = []

        def hang_up():
            for _ in range(3):
                peer, _ = listener.accept()
                accepted.append(peer.recv(1))
                peer.close()

        server = threading.Thread(target=hang_up)
        server.start()
        client = ChatClient("m", base_url=f"https://127.0.0.1:{port}", retry=SOON)
        error = failure(LlmTLSError, lambda: client.run("hi"))
        server.join()
    assert (len(error.attempts), len(accepted)) == (3, 3)


def test_f07_a_handshake_without_answer_ends_at_the_connect_limit():
    with Mute() as server:
        url = f"https://127.0.0.1:{server.port}"
        client = ChatClient("m", base_url=url, timeout=Timeout(connect=0.2), max_retries=0)
        assert "`connect`" in str(failure(LlmConnectTimeoutError, lambda: client.run("hi")))


@pytest.mark.only_over("general", "proxies")
@pytest.mark.parametrize(
    ("answer", "attempts", "connections", "message"),
    [
        # For another status than 407 each attempt asks the proxy again.
        (b"HTTP/1.1 407 Authenticate\r\ncontent-length: 0\r\n\r\n", 1, 1, "credentials"),
        (b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n", 1, 2, "401, Unauthorized"),
        (b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", 3, 6, "502, Bad Gateway"),
        (b"", 3, 3, "proxy"),
    ],
)
def test_f09_a_proxy_that_gives_no_tunnel_is_named_and_sees_no_key(
    answer, attempts, connections, message
):
    with OneAnswer(answer) as proxy:
        client = ChatClient(
            "m", base_url="https://api.example/v1", api_key="sk-canary", proxy=proxy.url, retry=SOON
        )
        error = failure(LlmProxyError, lambda: client.run("hi"))
    assert message in str(error)
    assert "hunter2" not in str(error)
    assert (len(error.attempts), proxy.accepted) == (attempts, connections)
    assert b"CONNECT api.example:443" in proxy.seen
    assert b"canary" not in proxy.seen


@pytest.mark.only_over("general", "proxies")
def test_f09_a_proxy_without_answer_ends_at_the_connect_limit():
    with Mute() as server:
        client = ChatClient(
            "m",
            base_url="https://api.example/v1",
            proxy=f"http://127.0.0.1:{server.port}",
            timeout=Timeout(connect=0.2),
            max_retries=0,
        )
        failure(LlmConnectTimeoutError, lambda: client.run("hi"))


PROXIED = [
    ({"http_proxy": "P"}, True),
    ({"all_proxy": "P"}, True),
    ({"HTTP_PROXY": "P", "REQUEST_METHOD": "GET"}, False),
    ({"http_proxy": "P", "no_proxy": "elsewhere.invalid"}, False),
    ({"http_proxy": "P", "NO_PROXY": "*"}, False),
    ({"http_proxy": "P", "no_proxy": ".invalid"}, False),
    ({"http_proxy": "P", "no_proxy": "example.com"}, True),
    ({"https_proxy": "P"}, False),
]


@pytest.mark.only_over("general", "proxies")
@pytest.mark.chooses_transport  # without the environment, the direct one
@pytest.mark.parametrize(("environment", "used"), PROXIED)
def test_f10_the_environments_proxy_follows_curls_rules(sim, monkeypatch, environment, used):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for name, value in environment.items():
            monkeypatch.setenv(name, value.replace("P", dead) if value == "P" else value)
        # A name that never resolves: without a proxy the lookup fails.
        away: dict[str, Any] = {
            "base_url": "http://elsewhere.invalid/v1",
            "api_key": "k",
            "max_retries": 0,
        }
        client = ChatClient("m", **away)
        failure(LlmProxyError if used else LlmDNSError, lambda: client.run("hi"))
        direct = ChatClient("m", trust_env=False, **away)
        failure(LlmDNSError, lambda: direct.run("hi"))
        # The simulator is on this machine, so no proxy is between.
        assert chat(sim).run("hi")


@pytest.mark.linux
def test_f11_no_descriptor_left_is_told_and_passes(sim):
    """The limit is lowered for a moment, which only this process can notice."""
    sim.set_script(always())
    client = ChatClient("m", base_url=fresh(sim), max_retries=0)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert client.run("hi") == TEXT
    held = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        with (
            contextlib.ExitStack() as streams,
            pytest.raises(LlmError, match=r"(?i)descriptor|too many"),
        ):
            for _ in range(100):
                # Idle connections of earlier tests close in the meantime, which frees descriptors.
                with contextlib.suppress(OSError):
                    while True:
                        held.append(socket.socket())
                # If one is left, it is the client's, and the server in this process has none.
                with contextlib.suppress(LlmTimeoutError):
                    streams.enter_context(client.stream("hi", timeout=1))
    finally:
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert client.run("hi") == TEXT


def test_the_wait_for_a_permit_ends_at_its_limit(sim):
    sim.set_script(always(fault={"kind": "stall", "at": {"events": 2}}))
    client = chat(sim, limits=Limits(max_connections=1), timeout=Timeout(pool=0.1))
    with client.stream("hi"):
        error = failure(LlmPoolTimeoutError, lambda: client.run("hi"))
        assert "Limits(max_connections=1)" in str(error)
    sim.set_script(always())
    assert client.run("hi") == TEXT


def test_f06_an_answer_before_its_question_is_no_answer():
    """A server that sends data first breaks the HTTP protocol."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def talk():
            peer, _ = listener.accept()
            peer.sendall(b"220 mail.example ESMTP\r\n")
            peer.recv(65536)
            peer.close()

        server = threading.Thread(target=talk)
        server.start()
        client = ChatClient("m", base_url=f"http://127.0.0.1:{port}", max_retries=0)
        with pytest.raises((LlmProtocolError, LlmConnectionLostError)):
            client.run("hi")
        server.join()
