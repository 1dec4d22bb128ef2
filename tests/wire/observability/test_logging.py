"""What is logged: by default almost nothing, on request each call, and never a key."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "sk-canary-7Gq2"
PROGRAM = f"""
import sys, tokenwire as tw
chat = tw.ChatClient("openai:m", base_url=sys.argv[1], api_key="{KEY}",
                     retry=tw.RetryPolicy(first=0.001))
chat.run("prompt-words")
with chat.stream("prompt-words") as stream:
    print("".join(stream.text_stream))
"""


def chat_on(sim: SimServer) -> tw.ChatClient:
    retry = tw.RetryPolicy(first=0.001)
    return tw.ChatClient("openai:m", base_url=sim.base_url, api_key=KEY, retry=retry)


def logged_by_a_program(sim: SimServer, **environment: str) -> str:
    """The standard error of a program with this environment."""
    script = {
        "rules": [{"times": 1, "then": {"error": {"status": 500}}}],
        "default": {"reply": {"text": "reply-words"}},
    }
    sim.set_script(script)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sim.base_url],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "reply-words\n"
    assert KEY not in done.stderr
    return done.stderr


def test_a_call_that_succeeds_logs_nothing(
    sim: SimServer, ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tokenwire")
    ask.complete(chat_on(sim), "-")
    ask.read(chat_on(sim), "-")
    assert caplog.records == []


def test_a_retry_is_logged_as_info(
    sim: SimServer, ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tokenwire")
    for call in (ask.complete, ask.read):
        caplog.clear()
        failing = {"error": {"status": 503, "message": f"{KEY} is bad"}}
        sim.set_script({"rules": [{"times": 1, "then": failing}]})
        call(chat_on(sim), "-")
        (record,) = caplog.records
        assert (record.name, record.levelname) == ("tokenwire", "INFO")
        assert "503" in record.getMessage()
        assert KEY not in record.getMessage()


def test_without_the_variable_a_program_is_silent(sim: SimServer) -> None:
    assert logged_by_a_program(sim) == ""


def test_info_shows_the_retry(sim: SimServer) -> None:
    (line,) = logged_by_a_program(sim, TOKENWIRE_LOG="info").splitlines()
    assert "tokenwire INFO" in line
    assert "500" in line


def test_debug_shows_the_calls_without_their_content(sim: SimServer) -> None:
    shown = logged_by_a_program(sim, TOKENWIRE_LOG="debug")
    assert shown.count("/chat/completions") >= 2
    assert "tokenwire DEBUG" in shown
    assert "tokenwire INFO" in shown
    assert "prompt-words" not in shown
    assert "reply-words" not in shown


@pytest.mark.parametrize("level", ["", " ", "0", "off", "error"])
def test_no_level_and_a_high_one_log_no_call(sim: SimServer, level: str) -> None:
    assert logged_by_a_program(sim, TOKENWIRE_LOG=level) == ""


@pytest.mark.parametrize("level", ["loud", '"debug"', "1", "\ufeffdebug"])
def test_an_unknown_level_is_said_and_logs_no_call(sim: SimServer, level: str) -> None:
    (line,) = logged_by_a_program(sim, TOKENWIRE_LOG=level).splitlines()
    assert "TOKENWIRE_LOG is not a level" in line


def test_bodies_are_not_switched_on_by_another_value(sim: SimServer) -> None:
    shown = logged_by_a_program(sim, TOKENWIRE_LOG="debug", TOKENWIRE_LOG_BODIES="true")
    assert shown.count("TOKENWIRE_LOG_BODIES is ignored: only 1") == 1
    assert "prompt-words" not in shown


def test_no_line_steers_a_terminal(sim: SimServer) -> None:
    evil = "a\x1b[2J\x9b2J\u202eb\u2028c"
    program = f"""
import tokenwire as tw
chat = tw.ChatClient("m", base_url={sim.base_url!r})
chat.complete("q")
list(chat.stream("q"))
"""
    sim.set_script({"default": {"reply": {"text": evil, "extra": {"x": evil}}}})
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TOKENWIRE_LOG": "debug", "TOKENWIRE_LOG_BODIES": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.count("received") == 2
    assert not set("\x1b\x9b\u202e\u2028") & set(done.stderr)


def test_bodies_are_shown_only_on_request(sim: SimServer) -> None:
    calls_alone = logged_by_a_program(sim, TOKENWIRE_LOG="debug")
    assert "prompt-words" not in calls_alone
    assert "reply-words" not in calls_alone
    everything = logged_by_a_program(sim, TOKENWIRE_LOG="debug", TOKENWIRE_LOG_BODIES="1")
    # One line for each call, the retried one included; both calls receive a reply.
    assert everything.count("sent {") == 2
    assert everything.count("prompt-words") == 2
    assert everything.count("reply-words") == 2


# What each of these providers takes as a key, in the header that it is sent in.
KEYS = {
    "anthropic": ("sk-ant-api03-canary-7Gq2", "sk-ant-oat01-canary-7Gq2"),
    "google": ("AIzaSyCanary7Gq2", "ya29.canary-7Gq2"),
    "vertex": ("AIzaSyCanary7Gq2", "ya29.canary-7Gq2"),
    "foundry": ("canary-7Gq2-of-azure", "eyJhbGciOi.canary7.Gq2"),
    "bedrock": ("bedrock-api-key-canary-7Gq2",),
    "minimax": ("canary-7Gq2-of-minimax",),
    "vercel": ("vck_canary7Gq2",),
}
ROWS = [(provider, key) for provider, keys in KEYS.items() for key in keys]


@pytest.mark.parametrize(("provider", "key"), ROWS)
def test_no_key_of_any_kind_is_logged(
    provider: str, key: str, sim: SimServer, ask: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="tokenwire")
    retry = tw.RetryPolicy(first=0.001)
    client = tw.ChatClient("m", provider=provider, base_url=sim.base_url, api_key=key, retry=retry)
    failing = {"error": {"status": 503, "message": f"bad key {key}, x-goog-api-key: {key}"}}
    for call in (ask.complete, ask.read):
        sim.set_script({"rules": [{"times": 1, "then": failing}]})
        call(client, "-")
    sim.set_script({"default": {"error": {"status": 401, "message": f"bad key {key}"}}})
    with pytest.raises(tw.LlmAuthenticationError) as refused:
        ask.complete(client, "-")
    assert "503" in caplog.text
    assert key not in caplog.text + str(refused.value) + repr(refused.value)
