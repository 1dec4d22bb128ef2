"""The five time limits, and the error that each one raises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

HELLO = {"reply": {"tokens": ["Hel", "lo", " there"]}}
SHORT = 0.15


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, max_retries=0, **settings)


def behave(sim: SimServer, behaviour: dict[str, Any]) -> None:
    sim.set_script({"default": {**HELLO, **behaviour}})


NO_HEAD = {"fault": {"kind": "no_head"}}
HEAD_ONLY = {"fault": {"kind": "stall", "at": "after_head"}}
ROLE_ONLY = {"fault": {"kind": "stall", "at": {"events": 1}}}
SILENCE = {"fault": {"kind": "stall", "at": {"events": 2}}}
PINGS = {"fault": {"kind": "comments", "at": {"events": 2}, "interval_ms": 20, "count": 1000}}
PINGS_FIRST = {"fault": {"kind": "comments", "at": "after_head", "interval_ms": 20, "count": 1000}}


@pytest.mark.parametrize(
    "late",
    [
        (NO_HEAD, {"first_token": SHORT}, tw.LlmFirstByteTimeoutError, None),
        (HEAD_ONLY, {"first_token": SHORT}, tw.LlmContentTimeoutError, None),
        (ROLE_ONLY, {"first_token": SHORT}, tw.LlmContentTimeoutError, None),
        (PINGS_FIRST, {"first_token": SHORT}, tw.LlmContentTimeoutError, None),
        (SILENCE, {"idle": SHORT}, tw.LlmStallTimeoutError, "Hel"),
        (PINGS, {"idle": SHORT}, tw.LlmContentTimeoutError, "Hel"),
        (SILENCE, {"total": SHORT}, tw.LlmDeadlineExceededError, "Hel"),
        (NO_HEAD, {"total": SHORT}, tw.LlmDeadlineExceededError, None),
    ],
    ids=lambda late: f"{late[0]['fault']['kind']} {late[1]}",
)
def test_a_stream_that_is_late_says_how(
    sim: SimServer,
    ask: Asking,
    late: tuple[dict[str, Any], dict[str, float], type[tw.LlmTimeoutError], str | None],
) -> None:
    behaviour, limits, error, text = late
    behave(sim, behaviour)
    with pytest.raises(tw.LlmTimeoutError) as caught:
        ask.read(chat_on(sim), "-", timeout=tw.Timeout(**limits))
    assert type(caught.value) is error
    assert isinstance(caught.value, TimeoutError)
    (name,) = limits
    assert f"`{name}`" in str(caught.value)
    assert len(caught.value.attempts) == 1
    partial = caught.value.partial
    assert (partial.text if partial is not None else None) == text
    sim.wait_for("client_closed")


@pytest.mark.parametrize("timeout", [SHORT, tw.Timeout(total=SHORT)], ids=str)
@pytest.mark.parametrize("how", ["client", "call"])
def test_a_whole_reply_has_one_deadline(
    sim: SimServer, ask: Asking, timeout: Any, how: str
) -> None:
    behave(sim, NO_HEAD)
    limit = {"timeout": timeout}
    with pytest.raises(tw.LlmDeadlineExceededError, match="total"):
        ask.complete(
            chat_on(sim, **(limit if how == "client" else {})),
            "-",
            **(limit if how == "call" else {}),
        )
    sim.wait_for("client_closed")


@pytest.mark.parametrize("behaviour", [NO_HEAD, SILENCE], ids=["no head", "silence"])
def test_a_bare_number_holds_for_a_streams_silence(
    sim: SimServer, ask: Asking, behaviour: dict[str, Any]
) -> None:
    behave(sim, behaviour)
    with pytest.raises(tw.LlmTimeoutError) as caught:
        ask.read(chat_on(sim, timeout=SHORT), "-")
    assert not isinstance(caught.value, tw.LlmDeadlineExceededError)


def test_a_bare_number_does_not_end_a_stream_that_talks(sim: SimServer, ask: Asking) -> None:
    behave(sim, {"reply": {"tokens": ["x"] * 20}, "pacing": {"per_token_us": 20_000}})
    _, reply = ask.read(chat_on(sim, timeout=0.2), "-")
    assert reply.text == "x" * 20
    assert reply.timing.total is not None
    assert reply.timing.total > 0.2


def test_none_is_no_limit(sim: SimServer, ask: Asking) -> None:
    behave(sim, {"pacing": {"head_delay_ms": 300}})
    chat = chat_on(sim, timeout=SHORT)
    assert ask.complete(chat, "-", timeout=None).text == "Hello there"
    assert ask.complete(chat, tw.LlmRequest("-", timeout=None)).text == "Hello there"
    assert ask.complete(chat.with_options(timeout=None), "-").text == "Hello there"


def test_a_timeout_is_not_tried_again_unless_asked(sim: SimServer, ask: Asking) -> None:
    behave(sim, NO_HEAD)
    limits = tw.Timeout(first_token=SHORT)
    chat = tw.ChatClient("m", base_url=sim.base_url, timeout=limits)
    with pytest.raises(tw.LlmFirstByteTimeoutError) as caught:
        ask.read(chat, "-")
    assert [attempt.maybe_processed for attempt in caught.value.attempts] == [True]
    policy = tw.RetryPolicy(max_retries=1, first=0.001, retry_timeouts=True)
    with pytest.raises(tw.LlmFirstByteTimeoutError) as caught:
        ask.read(chat.with_options(retry=policy), "-")
    assert len(caught.value.attempts) == 2


def test_the_deadline_covers_waits_between_attempts(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"error": {"status": 503, "headers": {"retry-after": "60"}}}})
    chat = tw.ChatClient("m", base_url=sim.base_url)
    with pytest.raises(tw.LlmError) as caught:
        ask.complete(chat, "-", timeout=0.5)
    assert len(caught.value.attempts) == 1
    assert isinstance(caught.value, (tw.LlmServerError, tw.LlmDeadlineExceededError))


def test_a_connection_that_never_stands_is_given_up(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"accept": {"kind": "hold"}})
    # There is a connection, because the system accepts it. Only TLS would wait for an answer.
    chat = tw.ChatClient(
        "m",
        base_url=sim.base_url.replace("http:", "https:"),
        timeout=tw.Timeout(connect=SHORT),
        max_retries=0,
    )
    with pytest.raises(tw.LlmConnectTimeoutError, match="connect"):
        ask.complete(chat, "-")
