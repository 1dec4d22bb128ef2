"""What the status line of `tokenwire run` says about a call that has not answered yet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import tokenwire as tw
from tokenwire.cli.status import WaitingText

FAILED = tw.Attempt(started=0.0, phase="head", status=429, error="rate_limit", slept=3.5)
UNREACHED = tw.Attempt(started=0.0, phase="connect", error="connect_timeout", slept=1.0)


class Call:
    """A call whose attempts and clock the test sets."""

    def __init__(self, most: int | None = 3) -> None:
        self.time = 100.0
        self.response = SimpleNamespace(attempts=())
        self.text = WaitingText(self, "api.example", most, clock=lambda: self.time)  # type: ignore[arg-type]

    def says(self, *attempts: tw.Attempt, after: float = 0.0) -> str:
        self.time += after
        self.response.attempts = attempts
        return self.text.now()


def running(phase: str, started: float = 0.0) -> tw.Attempt:
    return tw.Attempt(started=started, phase=phase)


def test_the_phase_of_the_first_attempt() -> None:
    call = Call()
    assert call.says(running("connect"), after=2.2) == "connecting to api.example, 2 s"
    assert call.says(running("head"), after=10) == "waiting for the first token, 12 s"
    assert call.says(running("body"), after=1) == "waiting for the first token, 13 s"


def test_a_wait_counts_down_and_the_next_attempt_counts_from_its_start() -> None:
    call = Call()
    assert call.says(FAILED) == "429, again in 4 s, attempt 2 of 3"
    assert call.says(FAILED, after=2) == "429, again in 2 s, attempt 2 of 3"
    assert call.says(FAILED, after=9) == "429, again in 0 s, attempt 2 of 3"
    second = running("head", started=11.0)
    assert call.says(FAILED, second, after=1) == "waiting for the first token, 1 s, attempt 2 of 3"
    assert call.says(FAILED, UNREACHED) == "connect timeout, again in 1 s, attempt 3 of 3"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("connect", "no connection"),
        ("dns", "host name not found"),
        ("stall_timeout", "stall timeout"),
    ],
)
def test_a_failure_without_a_status_is_in_words(kind: str, why: str) -> None:
    failed = tw.Attempt(started=0.0, phase="connect", error=kind, slept=1.0)
    assert Call().says(failed) == f"{why}, again in 1 s, attempt 2 of 3"


@pytest.mark.parametrize("most", [None, 1])
def test_a_number_of_attempts_that_is_not_known_is_not_invented(most: int | None) -> None:
    # A connection that was lost while it was idle is retried even with one attempt.
    assert Call(most).says(FAILED) == "429, again in 4 s, attempt 2"


def test_a_call_that_is_over_announces_no_attempt() -> None:
    call = Call()
    text = call.says(running("head"), after=5)
    closed = tw.Attempt(started=0.0, phase="head", error="client_closed", slept=0.0)
    assert call.says(closed) == text
    assert Call().says(closed) == "waiting for the reply"


def test_what_the_command_does_itself_counts_from_its_beginning() -> None:
    call = Call()
    call.says(running("body"), after=5)
    call.text.doing("the model is thinking")
    call.time += 3
    call.text.doing("the model is thinking")
    assert call.says(running("body")) == "the model is thinking, 3 s"
    call.text.doing("receiving the reply")
    assert call.says(running("body")) == "receiving the reply, 0 s"


def test_a_custom_stream_without_attempts_has_a_text_too() -> None:
    call = Call()
    assert call.says(after=4) == "waiting for the reply, 4 s"

    class Failing:
        @property
        def response(self) -> Any:
            raise tw.LlmStreamIncompleteError("not yet")

    text = WaitingText(Failing(), "x", None, clock=lambda: 0.0)  # type: ignore[arg-type]
    assert text.now() == "waiting for the reply, 0 s"
