"""The status line of `tokenwire run`: on a terminal only, and gone before the reply."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cli.terminal import OnTerminal, seen

import tokenwire as tw
from tokenwire.cli import run, status

if TYPE_CHECKING:
    from tokenwire.testing import SimServer

pytestmark = pytest.mark.linux

TERMINAL = {"TERM": "xterm", "NO_COLOR": "", "FORCE_COLOR": "", "TOKENWIRE_LOG": ""}
# The pause is longer than the half second after which the line appears.
SLOW = {"reply": {"text": "It is blue."}, "pacing": {"first_token_ms": 1500}}
NEVER: dict[str, Any] = {"pacing": {"first_token_ms": 100_000}}
CLEAR = "\r\x1b[2K"


def words(sim: SimServer, *more: str) -> list[str]:
    return ["run", "-m", "m", "--base-url", sim.base_url, *more, "hi"]


def lines(written: str) -> list[str]:
    """The texts of the line, in order."""
    return [text for text in re.split(r"\r\x1b\[2K", written)[1:] if text]


def test_a_slow_call_says_what_it_waits_for_and_the_line_is_gone_before_the_reply(
    sim: SimServer,
) -> None:
    sim.set_script({"default": SLOW})
    code, written = OnTerminal(words(sim), TERMINAL).end()
    assert code == 0
    assert written.startswith(f"{CLEAR}\x1b[2mwaiting for the first token, 0 s\x1b[0m{CLEAR}")
    assert seen(written).startswith("It is blue.\n[")
    assert "waiting" not in seen(written)


def test_a_retry_shows_status_wait_and_attempt(sim: SimServer) -> None:
    busy = {"error": {"status": 429, "headers": {"retry-after": "2"}}}
    sim.set_script({"rules": [{"times": 1, "then": busy}], "default": SLOW})
    code, written = OnTerminal(words(sim, "--max-retries", "3"), TERMINAL).end()
    assert code == 0
    assert re.search(r"429, again in [123] s, attempt 2 of 4", written)
    assert "waiting for the first token, 0 s, attempt 2 of 4" in written
    assert seen(written).startswith("It is blue.\n[")


def test_an_error_after_a_wait_begins_on_a_line_of_its_own(sim: SimServer) -> None:
    slow_error = {"error": {"status": 400, "message": "no"}, "pacing": {"first_token_ms": 1500}}
    sim.set_script({"default": slow_error})
    code, written = OnTerminal(words(sim), TERMINAL).end()
    assert code == 1
    assert seen(written).startswith("tokenwire: ")


@pytest.mark.parametrize(
    ("behaviour", "text"),
    [
        (NEVER, "waiting for the first token"),
        ({"error": {"status": 503, "headers": {"retry-after": "100"}}}, "503, again in"),
    ],
)
def test_ctrl_c_clears_the_line(sim: SimServer, behaviour: dict[str, Any], text: str) -> None:
    sim.set_script({"default": behaviour})
    command = OnTerminal(words(sim), TERMINAL)
    command.read_until(text)
    command.signal(signal.SIGINT)
    code, written = command.end()
    assert (code, seen(written)) == (130, "")


def test_a_signal_that_ends_the_program_clears_the_line(sim: SimServer) -> None:
    sim.set_script({"default": NEVER})
    command = OnTerminal(words(sim), TERMINAL)
    command.read_until("waiting")
    command.signal(signal.SIGTERM)
    code, written = command.end()
    assert (code, seen(written)) == (128 + signal.SIGTERM, "")
    sim.wait_for("client_closed")


@pytest.mark.parametrize(
    ("job", "has_line"), [('"$@"', True), ('"$@" </dev/null & wait $!', False)]
)
def test_a_job_in_the_background_leaves_the_terminal_to_the_shell(
    sim: SimServer, job: str, has_line: bool
) -> None:
    pytest.importorskip("pty")
    sim.set_script({"default": SLOW})
    # A terminal that controls its programs. `set -m` gives each job its own process group, as in a
    # shell that is typed into.
    spawn = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"
    shell = ["sh", "-c", f"set -m; {job}", "sh", sys.executable, "-m", "tokenwire", *words(sim)]
    done = subprocess.run(
        [sys.executable, "-c", spawn, *shell],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, **TERMINAL},
    )
    assert b"It is blue." in done.stdout
    assert (b"waiting for" in done.stdout) is has_line


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


def test_a_quick_call_shows_no_line(sim: SimServer) -> None:
    sim.set_script({"default": {"reply": {"text": "It is blue."}}})
    code, written = OnTerminal(words(sim), TERMINAL).end()
    assert code == 0
    assert CLEAR not in written


@pytest.mark.parametrize(
    "environment",
    [{"TERM": "dumb"}, {"TOKENWIRE_LOG": "warning"}, {"TERM": "dumb", "FORCE_COLOR": "1"}],
)
def test_no_line_where_it_could_not_be_cleared(sim: SimServer, environment: dict[str, str]) -> None:
    sim.set_script({"default": SLOW})
    code, written = OnTerminal(words(sim), {**TERMINAL, **environment}).end()
    assert code == 0
    assert "waiting" not in written


def test_no_color_leaves_out_the_style_only(sim: SimServer) -> None:
    sim.set_script({"default": SLOW})
    code, written = OnTerminal(words(sim), {**TERMINAL, "NO_COLOR": "1"}).end()
    assert code == 0
    assert written.startswith(f"{CLEAR}waiting for the first token, 0 s{CLEAR}")
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


def test_the_line_is_not_part_of_a_piped_reply(sim: SimServer) -> None:
    sim.set_script({"default": SLOW})
    command = OnTerminal(words(sim), TERMINAL, stdout=subprocess.PIPE)
    code, written = command.end()
    assert command.process.stdout is not None
    with command.process.stdout as reply:
        assert (code, reply.read()) == (0, b"It is blue.\n")
    assert seen(written) == ""
    assert "waiting for the first token" in written


def test_a_piped_reply_whose_model_thinks_says_so(sim: SimServer) -> None:
    reply = {"reasoning": "a b c d", "text": "It is blue."}
    sim.set_script({"default": {"reply": reply, "pacing": {"per_token_us": 400_000}}})
    command = OnTerminal(words(sim), TERMINAL, stdout=subprocess.DEVNULL)
    code, written = command.end()
    assert (code, seen(written)) == (0, "")
    assert "the model is thinking, 0 s" in written


def test_with_json_the_line_stays_to_the_end_of_the_reply(sim: SimServer) -> None:
    reply = {"tokens": ["a", "b", "c", "d"]}
    sim.set_script({"default": {"reply": reply, "pacing": {"per_token_us": 400_000}}})
    code, written = OnTerminal(words(sim, "--json"), TERMINAL).end()
    assert code == 0
    assert "receiving the reply, 0 s" in written
    assert seen(written).startswith('{\n  "id"')


def test_a_narrow_terminal_cuts_the_line(sim: SimServer) -> None:
    sim.set_script({"default": SLOW})
    code, written = OnTerminal(words(sim), {**TERMINAL, "NO_COLOR": "1"}, columns=12).end()
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
