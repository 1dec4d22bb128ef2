"""The status line of `tokenwire run`: on a terminal only, and gone before the reply."""

from __future__ import annotations

import logging
import os
import re
import select
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cli.terminal import OnTerminal, seen
from tests.wire.origins import STREAM, Origin, Request, Seen, chunked, delta, event, response

import tokenwire as tw
from tokenwire.cli import run, status

if TYPE_CHECKING:
    import socket

    from tokenwire.testing import SimServer

pytestmark = pytest.mark.linux

TERMINAL = {"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": "", "TOKENWIRE_LOG": ""}
# The pause is longer than the half second after which the line would appear.
SLOW = {"reply": {"text": "It is blue."}, "pacing": {"first_token_ms": 1500}}
NEVER: dict[str, Any] = {"pacing": {"first_token_ms": 100_000}}
CLEAR = "\r\x1b[2K"


# Where a `Held` server stops.
HOLD = b"\0hold\0"
# A stream whose beginning was written before.
REST = STREAM.partition(b"\r\n\r\n")[2]
WAITING = re.compile(r"\r\x1b\[2K\x1b\[2mwaiting for the first token, \d+ s\x1b\[0m\r\x1b\[2K")


class Held(Origin):
    """A server that stops at each `HOLD` in its answers until `go` is called."""

    def __init__(self, *answers: bytes) -> None:
        self._permits = threading.Semaphore(0)
        super().__init__(answers=[*answers])

    def go(self) -> None:
        """Write up to the next `HOLD`."""
        self._permits.release()

    def __exit__(self, *error: object) -> None:
        """Let all answers go, and close."""
        self._permits.release(100)
        super().__exit__(*error)

    def _reply(self, peer: socket.socket, seen: Seen, request: Request, written: bytes) -> None:
        first, *rest = written.split(HOLD)
        super()._reply(peer, seen, request, first)
        for piece in rest:
            self._permits.acquire()
            super()._reply(peer, seen, request, piece)


def words(server: SimServer | Origin, *more: str) -> list[str]:
    return ["run", "-m", "m", "--base-url", server.base_url, *more, "hi"]


def shown_until(text: str, server: Held, command: OnTerminal) -> tuple[int, str]:
    """Let the server go on when the line has this text. Returns the code and what was written."""
    command.read_until(text)
    server.go()
    return command.end()


def lines(written: str) -> list[str]:
    """The texts of the line, in order."""
    return [text for text in re.split(r"\r\x1b\[2K", written)[1:] if text]


def test_a_slow_call_says_what_it_waits_for_and_the_line_is_gone_before_the_reply() -> None:
    with Held(HOLD + STREAM) as server:
        command = OnTerminal(words(server), TERMINAL)
        code, written = shown_until("waiting for the first token", server, command)
    assert code == 0
    assert WAITING.match(written)
    assert seen(written).startswith("One two three.\n")
    assert "waiting" not in seen(written)


def test_a_retry_counts_its_attempts() -> None:
    busy = response(503, b"", "retry-after: 0")
    with Held(busy, HOLD + STREAM) as server:
        command = OnTerminal(words(server, "--max-retries", "3"), TERMINAL)
        code, written = shown_until(", attempt 2 of 4", server, command)
    assert code == 0
    assert seen(written).startswith("One two three.\n")


def test_an_error_after_a_wait_begins_on_a_line_of_its_own() -> None:
    with Held(HOLD + response(400, b'{"error": {"message": "no"}}')) as server:
        code, written = shown_until("waiting for", server, OnTerminal(words(server), TERMINAL))
    assert code == 1
    assert seen(written).startswith("tokenwire: ")


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        (NEVER, "waiting for the first token"),
        ({"error": {"status": 429, "headers": {"retry-after": "100"}}}, " s, attempt 2 of 3"),
    ],
)
def test_ctrl_c_clears_the_line(sim: SimServer, behaviour: dict[str, Any], text: str) -> None:
    sim.set_script({"default": behaviour})
    command = OnTerminal(words(sim), TERMINAL)
    command.read_until(text)
    command.signal(signal.SIGINT)
    code, written = command.end()
    assert (code, seen(written)) == (130, "")
    assert text in written


def test_a_signal_that_ends_the_program_clears_the_line(sim: SimServer) -> None:
    sim.set_script({"default": NEVER})
    command = OnTerminal(words(sim), TERMINAL)
    command.read_until("waiting")
    command.signal(signal.SIGTERM)
    code, written = command.end()
    assert (code, seen(written)) == (128 + signal.SIGTERM, "")
    sim.wait_for("client_closed")


@pytest.mark.parametrize("job", ['"$@"', '"$@" </dev/null & wait $!'])
def test_a_job_in_the_background_leaves_the_terminal_to_the_shell(job: str) -> None:
    pytest.importorskip("pty")
    # A terminal that controls its programs. `set -m` gives each job its own process group, as in a
    # shell that is typed into.
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    shell = ["sh", "-c", f"set -m; {job}", "sh", sys.executable, "-m", "tokenwire"]
    is_in_background = "&" in job
    with (
        Held(HOLD + STREAM) as server,
        subprocess.Popen(
            [sys.executable, "-c", spawn, *shell, *words(server)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            env={**os.environ, **TERMINAL},
        ) as process,
    ):
        assert process.stdout is not None
        written = b""
        if is_in_background:
            server.wait_until(lambda: bool(server.requests))
            # The line would appear after half a second.
            assert not select.select([process.stdout], [], [], 1.0)[0]
        while not is_in_background and b"waiting for" not in written:
            written += os.read(process.stdout.fileno(), 4096)
        server.go()
        written += process.stdout.read()
    assert process.returncode == 0
    assert b"One two three." in written
    assert (b"waiting for" in written) is not is_in_background


def test_a_warning_of_the_log_gets_a_line_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    shown: list[str] = []
    end = status._log_to(shown.append)
    logging.getLogger("tokenwire").warning("the key is sent over %s", "plain http")
    end()
    logging.getLogger("tokenwire").warning("later")
    assert shown == ["the key is sent over plain http"]
    assert "plain http" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("settings", "params", "most"),
    [
        ({}, {}, 3),
        ({"max_retries": 5}, {}, 6),
        ({"retry": {"max_retries": 4}}, {}, 5),
        ({"retry": {"max_retries": 4}}, {"max_retries": 0}, 1),
    ],
)
def test_the_number_of_attempts_is_that_of_the_call(
    settings: dict[str, Any], params: dict[str, Any], most: int
) -> None:
    factory = tw.LlmClientFactory({"models": {"x": {"model": "sim:chat", **settings}}})
    assert run._most_attempts(factory.get_client("x"), params) == most


def test_a_quick_call_shows_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pty = pytest.importorskip("pty")
    for name, value in TERMINAL.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal, os.fdopen(theirs, "w") as output:
        monkeypatch.setattr(sys, "stderr", output)
        stream = tw.ChatClient("sim:chat").stream("hi")
        with status.StatusLine(stream, "x", None), stream:
            assert [thread.name for thread in threading.enumerate()].count("tokenwire-status") == 1
        assert "tokenwire-status" not in [thread.name for thread in threading.enumerate()]
        assert select.select([terminal], [], [], 0)[0] == []


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TOKENWIRE_LOG": "warning"}, {"TERM": "dumb", "FORCE_COLOR": "1"}],
)
def test_no_line_where_it_could_not_be_cleared(sim: SimServer, environment: dict[str, str]) -> None:
    sim.set_script({"default": SLOW})
    code, written = OnTerminal(words(sim), {**TERMINAL, **environment}).end()
    assert code == 0
    assert "waiting" not in written


def test_no_color_leaves_out_the_style_only() -> None:
    with Held(HOLD + STREAM) as server:
        command = OnTerminal(words(server), {**TERMINAL, "NO_COLOR": "1"})
        code, written = shown_until("waiting for", server, command)
    assert code == 0
    assert re.match(r"\r\x1b\[2Kwaiting for the first token, \d+ s\r\x1b\[2K", written)
    assert "\x1b[2m" not in written


def test_pipes_get_no_line(sim: SimServer) -> None:
    sim.set_script({"default": SLOW})
    done = subprocess.run(
        [sys.executable, "-m", "tokenwire", *words(sim)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        env={**os.environ, **TERMINAL, "FORCE_COLOR": "1"},
    )
    assert (done.stdout, done.stderr) == (b"It is blue.\n", b"")


def test_the_line_is_not_part_of_a_piped_reply() -> None:
    with Held(HOLD + STREAM) as server:
        command = OnTerminal(words(server), TERMINAL, stdout=subprocess.PIPE)
        code, written = shown_until("waiting for the first token", server, command)
    assert command.process.stdout is not None
    with command.process.stdout as reply:
        assert (code, reply.read()) == (0, b"One two three.\n")
    assert seen(written) == ""


def test_a_piped_reply_whose_model_thinks_says_so() -> None:
    choice = {"index": 0, "delta": {"reasoning_content": "Hm."}, "finish_reason": None}
    thinking = chunked(event({"id": "c1", "model": "m", "choices": [choice]}), end=False)
    with Held(thinking + HOLD + REST) as server:
        command = OnTerminal(words(server), TERMINAL, stdout=subprocess.DEVNULL)
        code, written = shown_until("the model is thinking, ", server, command)
    assert (code, seen(written)) == (0, "")


def test_with_json_the_line_stays_to_the_end_of_the_reply() -> None:
    held = chunked(delta("One"), end=False) + HOLD + REST
    with Held(held) as server:
        command = OnTerminal(words(server, "--json"), TERMINAL)
        code, written = shown_until("receiving the reply, ", server, command)
    assert code == 0
    assert seen(written).startswith('{\n  "id"')


def test_a_narrow_terminal_cuts_the_line() -> None:
    with Held(HOLD + STREAM) as server:
        command = OnTerminal(words(server), {**TERMINAL, "NO_COLOR": "1"}, columns=12)
        code, written = shown_until("waiting for", server, command)
    assert code == 0
    assert written.startswith(f"{CLEAR}waiting for{CLEAR}")


def test_a_terminal_that_is_resized_gets_a_line_of_its_new_width(sim: SimServer) -> None:
    sim.set_script({"default": NEVER})
    command = OnTerminal(words(sim), {**TERMINAL, "NO_COLOR": "1"})
    command.read_until("waiting for the first token")
    command.resize(9)
    while lines(command.written)[-1] != "waiting ":
        command.read_more()
    command.signal(signal.SIGINT)
    _, written = command.end()
    assert lines(written)[-1] == "waiting "
