"""F50, F51: Ctrl-C ends a sync call in every phase and closes its socket."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest
from tests.fault.scenes import (
    TEXT,
    CtrlC,
    FullBacklog,
    Mute,
    always,
    chat,
    completion,
    stalled,
    until,
)

from tokenwire import ChatClient, RetryPolicy

# The goal is 200 ms. A busy machine with two cores gets more.
LATE = 1.0


def read(stream):
    with stream:
        for _ in stream:
            pass


CALLS = {
    "run": lambda client: client.run("hi"),
    "stream": lambda client: read(client.stream("hi")),
    "text": lambda client: list(client.stream("hi").text_stream),
    "map": lambda client: list(client.map(["a", "b", "c"], concurrency=2)),
}


@pytest.fixture
def usable(sim):
    """Checks after the test that a call still works."""
    clients: list[Any] = []
    yield clients.append
    sim.set_script(always())
    for client in clients:
        assert client.run("hi") == TEXT


@pytest.mark.linux
@pytest.mark.parametrize("call", CALLS)
def test_f50_ctrl_c_ends_a_connect_without_answer(call):
    with FullBacklog() as server:
        client = ChatClient("m", base_url=f"http://127.0.0.1:{server.port}")
        with CtrlC(lambda: until(lambda: server.waiting() > 0)) as ctrl_c:
            with pytest.raises(KeyboardInterrupt):
                CALLS[call](client)
        assert ctrl_c.late < LATE
        assert until(lambda: server.waiting() == 0)


@pytest.mark.parametrize("call", ["run", "stream"])
def test_f50_ctrl_c_ends_a_handshake(call):
    with Mute() as server:
        client = ChatClient("m", base_url=f"https://127.0.0.1:{server.port}")
        with CtrlC(server.hears) as ctrl_c, pytest.raises(KeyboardInterrupt):
            CALLS[call](client)
        assert ctrl_c.late < LATE
        assert server.hears_the_end()


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("call", CALLS)
def test_f50_ctrl_c_ends_the_wait_for_a_head(sim, usable, call, make):
    sim.set_script(always(fault={"kind": "no_head"}))
    client = make(sim)
    usable(client)
    calls = 2 if call == "map" else 1
    with CtrlC(lambda: sim.wait_for("request", calls)) as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            CALLS[call](client)
    assert ctrl_c.late < LATE
    sim.wait_for("client_closed", calls)


@pytest.mark.parametrize("make", [chat, completion])
@pytest.mark.parametrize("call", CALLS)
def test_f50_ctrl_c_ends_a_silent_body(sim, usable, call, make):
    at = {"bytes": 20} if call in {"run", "map"} else {"events": 2}
    sim.set_script(always(fault={"kind": "stall", "at": at}))
    client = make(sim)
    usable(client)
    calls = 2 if call == "map" else 1
    with CtrlC(lambda: sim.wait_for("fault", calls)) as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            CALLS[call](client)
    assert ctrl_c.late < LATE
    sim.wait_for("client_closed", calls)


@pytest.mark.parametrize("call", ["stream", "text"])
def test_f50_ctrl_c_ends_a_stream_that_flows(sim, usable, call):
    sim.set_script({"default": {"pacing": {"tokens": 100_000, "per_token_us": 1_000}}})
    client = chat(sim)
    usable(client)
    with CtrlC(lambda: sim.wait_for("events_sent", 200)) as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            CALLS[call](client)
    assert ctrl_c.late < LATE
    # Without `with`, the traceback keeps the stream until it is dropped.
    sim.wait_for("client_closed", 1)


@pytest.mark.parametrize("call", CALLS)
def test_f50_ctrl_c_ends_a_back_off(sim, usable, call):
    sim.set_script(always(error={"status": 503, "headers": {"retry-after": "30"}}))
    client = chat(sim, max_retries=2)
    usable(client)
    calls = 2 if call == "map" else 1
    with CtrlC(lambda: sim.wait_for("finished", calls)) as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            CALLS[call](client)
    assert ctrl_c.late < LATE
    assert sim.count("request") == calls


def test_f50_the_reply_so_far_outlives_ctrl_c(sim):
    sim.set_script(stalled(3))
    stream = chat(sim).stream("hi")
    has_both = threading.Event()
    with CtrlC(has_both.wait), pytest.raises(KeyboardInterrupt), stream:
        for chunk in stream:
            # The server's last event may be on its way for a while after the server has sent it.
            if chunk.text == " two":
                has_both.set()
    assert stream.response.text == "One two"


class OwnError(Exception):
    """The exception that a user's handler raises."""


def raise_own(number, frame):
    raise OwnError


@pytest.fixture
def handled():
    """Installs a handler of SIGUSR1 for the test."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda handler: signal.signal(signal.SIGUSR1, handler)
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("call", CALLS)
def test_f51_an_exception_of_a_signal_handler_ends_the_call(sim, usable, handled, call):
    sim.set_script(always(fault={"kind": "no_head"}))
    client = chat(sim)
    usable(client)
    handled(raise_own)
    calls = 2 if call == "map" else 1
    with CtrlC(lambda: sim.wait_for("request", calls), signal.SIGUSR1) as sent:
        with pytest.raises(OwnError):
            CALLS[call](client)
    assert sent.late < LATE
    sim.wait_for("client_closed", calls)


@pytest.mark.parametrize("call", CALLS)
def test_f51_a_signal_handler_that_returns_disturbs_nothing(sim, handled, call):
    sim.set_script(always(pacing={"head_delay_ms": 300}))
    seen = []
    handled(lambda *_: seen.append(1))
    with CtrlC(lambda: sim.wait_for("request"), signal.SIGUSR1):
        CALLS[call](chat(sim))
    assert (seen, sim.count("client_closed")) == ([1], 0)


@pytest.mark.parametrize("call", CALLS)
def test_f51_a_signal_handler_may_make_calls_of_its_own(sim, handled, call):
    sim.set_script(always(pacing={"head_delay_ms": 300}))
    client = chat(sim)
    texts = []
    handled(lambda *_: texts.append([client.run("inner"), "".join(client.stream("x").text_stream)]))
    with CtrlC(lambda: sim.wait_for("request"), signal.SIGUSR1):
        CALLS[call](client)
    assert texts == [[TEXT, TEXT]]


def test_f51_a_signal_handler_may_drop_a_stream(sim, handled):
    sim.set_script({"rules": [{"match": {"body": "held"}, "then": stalled(2)["default"]}]})
    client = chat(sim)
    held = [client.stream("held").__enter__()]
    handled(lambda *_: held.clear())
    sim.set_script(always(pacing={"head_delay_ms": 300}))
    with CtrlC(lambda: sim.wait_for("request", 2), signal.SIGUSR1):
        assert client.run("hi") == TEXT
    sim.wait_for("client_closed")


def test_f50_ctrl_c_while_a_retry_policy_would_try_again(sim):
    sim.set_script(always(fault={"kind": "reset", "at": "before_head"}))
    client = chat(sim, retry=RetryPolicy(max_retries=5, first=30.0, cap=30.0))
    with CtrlC(lambda: sim.wait_for("reset")) as ctrl_c, pytest.raises(KeyboardInterrupt):
        client.run("hi")
    assert (ctrl_c.late < LATE, sim.count("request")) == (True, 1)
