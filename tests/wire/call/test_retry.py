"""Attempts and waits as Python sees them: what is retried, and what is recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

QUICK = tw.RetryPolicy(first=0.001, throttle_first=0.001)
OK = {"reply": {"text": "ok"}}


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    settings = {"retry": QUICK, **settings}
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


def failing(sim: SimServer, *behaviours: dict[str, Any]) -> None:
    """Behave in each way once, in order, and normally from then on."""
    rules = [{"times": 1, "then": behaviour} for behaviour in behaviours]
    sim.set_script({"rules": rules, "default": OK})


def error(status: int, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"error": {"status": status, "headers": named}}


def attempts_of(made: tuple[tw.Attempt, ...]) -> list[tuple[int | None, str | None]]:
    return [(attempt.status, attempt.error) for attempt in made]


@pytest.mark.parametrize(
    "status", [408, 409, 425, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529]
)
def test_a_passing_failure_is_tried_again(sim: SimServer, ask: Asking, status: int) -> None:
    failing(sim, error(status), error(status))
    replies = [ask.complete(chat_on(sim), "-")]
    failing(sim, error(status), error(status))
    replies.append(ask.read(chat_on(sim), "-")[1])
    for reply in replies:
        assert reply.text == "ok"
        assert [attempt.status for attempt in reply.attempts] == [status, status, 200]
        assert all(attempt.slept > 0 for attempt in reply.attempts[:2])
        assert [attempt.error is None for attempt in reply.attempts] == [False, False, True]
        assert reply.attempts[0].started <= reply.attempts[1].started <= reply.attempts[2].started


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422, 501, 505])
def test_a_lasting_failure_is_not_tried_again(sim: SimServer, ask: Asking, status: int) -> None:
    sim.set_script({"default": error(status)})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmAPIError) as caught:
            call(chat_on(sim), "-")
        assert caught.value.status_code == status
        assert len(caught.value.attempts) == 1
        assert caught.value.retryable is False
    assert len(sim.requests()) == 2


def test_retry_after_ms_is_waited_for(sim: SimServer, ask: Asking) -> None:
    failing(sim, error(429, retry_after_ms="30", retry_after="9"))
    reply = ask.complete(chat_on(sim), "-")
    assert attempts_of(reply.attempts) == [(429, "rate_limit"), (200, None)]
    assert 0.03 <= reply.attempts[0].slept < 0.2


def test_retry_after_in_seconds_is_waited_for(sim: SimServer, ask: Asking) -> None:
    failing(sim, error(503, retry_after="0.05"))
    assert 0.05 <= ask.complete(chat_on(sim), "-").attempts[0].slept < 0.3


@pytest.mark.parametrize("hint", ["", "-1", "nan", "soon", "1e999"])
def test_a_hint_that_is_none_is_passed_over(sim: SimServer, ask: Asking, hint: str) -> None:
    failing(sim, error(429, retry_after=hint))
    assert ask.complete(chat_on(sim), "-").attempts[0].slept < 0.05


def test_a_hint_that_is_too_long_raises_at_once(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": error(429, retry_after="3600")})
    with pytest.raises(tw.LlmRateLimitError) as caught:
        ask.complete(chat_on(sim), "-")
    assert (caught.value.retry_after, len(caught.value.attempts)) == (3600.0, 1)


def test_x_should_retry_decides(sim: SimServer, ask: Asking) -> None:
    failing(sim, error(400, x_should_retry="true"))
    assert attempts_of(ask.complete(chat_on(sim), "-").attempts) == [(400, "api"), (200, None)]
    sim.set_script({"default": error(503, x_should_retry="false")})
    with pytest.raises(tw.LlmServerError) as caught:
        ask.complete(chat_on(sim), "-")
    assert len(caught.value.attempts) == 1


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_hard_limit_reached"])
def test_a_spent_quota_is_never_tried_again(sim: SimServer, ask: Asking, code: str) -> None:
    sim.set_script(
        {"default": {"error": {"status": 429, "code": code, "headers": {"retry-after": "0.01"}}}}
    )
    with pytest.raises(tw.LlmQuotaExceededError) as caught:
        ask.complete(chat_on(sim), "-")
    assert (len(caught.value.attempts), caught.value.code) == (1, code)


@pytest.mark.parametrize("how", ["client", "call"])
def test_no_retries_means_one_attempt(sim: SimServer, ask: Asking, how: str) -> None:
    sim.set_script({"default": error(500)})
    chat = chat_on(sim, retry=None, max_retries=0) if how == "client" else chat_on(sim)
    own: dict[str, Any] = {} if how == "client" else {"max_retries": 0}
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmServerError) as caught:
            call(chat, "-", **own)
        assert len(caught.value.attempts) == 1
        assert caught.value.retryable is True


def test_a_refused_connection_is_tried_again(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"accept": {"kind": "reset", "times": 1}, "default": OK})
    reply = ask.complete(chat_on(sim), "-")
    assert reply.text == "ok"
    assert [attempt.error for attempt in reply.attempts] == ["connection_lost", None]


def test_nothing_listens(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim)
    sim.stop()
    with pytest.raises(tw.LlmConnectError) as caught:
        ask.complete(chat, "-")
    assert [attempt.error for attempt in caught.value.attempts] == ["connect"] * 3
    assert {attempt.phase for attempt in caught.value.attempts} == {"connect"}
    assert {attempt.maybe_processed for attempt in caught.value.attempts} == {False}
    assert caught.value.status_code is None


def test_an_ambiguous_failure_is_left_where_asked(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"fault": {"kind": "close", "at": "before_head"}}})
    careful = tw.RetryPolicy(first=0.001, retry_ambiguous=False)
    with pytest.raises(tw.LlmConnectionLostError) as caught:
        ask.complete(chat_on(sim, retry=careful), "-")
    assert [attempt.maybe_processed for attempt in caught.value.attempts] == [True]


def test_one_idempotency_key_covers_the_attempts_of_a_call(sim: SimServer, ask: Asking) -> None:
    policy = tw.RetryPolicy(first=0.001, idempotency_header="idempotency-key")
    chat = chat_on(sim, retry=policy)
    failing(sim, error(500))
    ask.complete(chat, "-")
    ask.complete(chat, "-")
    first, again, other = (headers["idempotency-key"] for headers in sent_headers(sim))
    assert first == again
    assert first != other


def test_an_error_carries_what_a_caller_needs(sim: SimServer, ask: Asking) -> None:
    said = {
        "status": 429,
        "message": "Slow down.",
        "type": "tokens",
        "code": "rate_limit_exceeded",
        "param": "max_tokens",
        "headers": {"x-request-id": "req-9", "retry-after": "0.001"},
    }
    sim.set_script({"default": {"error": said}})
    with pytest.raises(tw.LlmRateLimitError) as caught:
        ask.complete(chat_on(sim), "-")
    e = caught.value
    assert str(e) == e.message == "openai-compatible:m: HTTP 429: Slow down. (3 attempts)"
    assert (e.status_code, e.type, e.code, e.param) == (
        429,
        "tokens",
        "rate_limit_exceeded",
        "max_tokens",
    )
    assert (e.request_id, e.retry_after) == ("req-9", 0.001)
    assert (e.provider, e.model, e.partial) == ("openai-compatible", "m", None)
    assert e.body is not None
    assert b"Slow down." in e.body
    assert attempts_of(e.attempts) == [(429, "rate_limit")] * 3


BEGUN = {
    "text": {"type": "text", "text": ""},
    "a call": {"type": "tool_use", "id": "toolu_1", "name": "first", "input": {}},
    "a search": {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
}


def begun(content: list[Any], *more: dict[str, Any]) -> dict[str, Any]:
    """Answer with the first events of a stream of Messages, and no end."""
    usage = {"input_tokens": 7, "output_tokens": 1, "speed": "fast"}
    message = {"type": "message", "id": "msg_1", "content": content, "usage": usage}
    events = [{"type": "message_start", "message": message}, *more]
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return {"replay": {"text": text, "headers": {"content-type": "text/event-stream"}}}


@pytest.mark.parametrize("ends", ["cut", "with an error"])
@pytest.mark.parametrize("block", [*BEGUN, "content of the beginning"])
def test_nothing_of_an_attempt_that_was_not_seen_is_in_the_reply(
    sim: SimServer, ask: Asking, block: str, ends: str
) -> None:
    more: list[dict[str, Any]] = []
    content = [{"type": "text", "text": "unseen"}]
    if block in BEGUN:
        content = []
        more = [{"type": "content_block_start", "index": 0, "content_block": BEGUN[block]}]
    if ends == "with an error":
        error = {"type": "overloaded_error", "message": "Overloaded"}
        more.append({"type": "error", "error": error})
    failing(sim, begun(content, *more))
    chunks, reply = ask.read(chat_on(sim, api="messages"), "-")
    assert (reply.text, len(reply.attempts)) == ("ok", 2)
    assert [type(part) for part in reply.message.content] == [tw.TextPart]
    assert not reply.tool_calls
    assert reply.usage is not None
    assert reply.usage.details is None or "speed" not in reply.usage.details
    assert "".join(chunk.text for chunk in chunks) == "ok"
    # Without another attempt, it is in the partial reply.
    failing(sim, begun(content, *more))
    with pytest.raises(tw.LlmError) as caught:
        ask.read(chat_on(sim, api="messages", retry=None, max_retries=0), "-")
    partial = caught.value.partial
    assert partial is not None
    assert (partial.id, len(partial.message.content)) == ("msg_1", 1)


@pytest.mark.parametrize("text", ["<html>Bad gateway</html>", ""])
def test_a_page_or_nothing_instead_of_a_reply(sim: SimServer, ask: Asking, text: str) -> None:
    sim.set_script({"default": {"replay": {"text": text}}})
    for call in (ask.complete, ask.read):
        with pytest.raises((tw.LlmUnexpectedContentError, tw.LlmStreamingError)):
            call(chat_on(sim), "-")


def test_a_long_error_page_is_cut(sim: SimServer, ask: Asking) -> None:
    page = "<html>" + "x" * 100_000 + "\x1b[31m</html>"
    sim.set_script({"default": {"error": {"status": 502, "body": page}}})
    with pytest.raises(tw.LlmServerError) as caught:
        ask.complete(chat_on(sim, retry=None, max_retries=0), "-")
    assert len(str(caught.value)) < 1_200
    assert "\x1b" not in str(caught.value)
    assert caught.value.body is not None
    assert len(caught.value.body) == 65_536
