"""What the body of an error decides: its class, and the wait before another attempt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

OK = {"reply": {"text": "ok"}}
QUICK = tw.RetryPolicy(first=0.001, throttle_first=0.001)
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, **{"retry": QUICK, **settings})


def answer(status: int, body: object, **headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"error": {"status": status, "body": body, "headers": named}}


def google(delay: str, said: str = QUOTA, quota: str = "TokensPerModelPerMinute") -> Any:
    """Return Google's 429, as its address for OpenAI clients sends it."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": quota}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    error = {"code": 429, "message": said, "status": "RESOURCE_EXHAUSTED", "details": details}
    return [{"error": error}]


def says(message: str, **more: object) -> dict[str, Any]:
    return {"error": {"message": message, "type": None, **more}}


def replay(body: object) -> dict[str, Any]:
    headers = {"content-type": "application/json"}
    return {"replay": {"text": json.dumps(body), "headers": headers}}


def replay_events(*events: object) -> dict[str, Any]:
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return {"replay": {"text": text, "headers": {"content-type": "text/event-stream"}}}


TOO_LONG = (
    # SGLang; vLLM; LM Studio.
    "The input (33000 tokens) is longer than the model's context length (32768 tokens).",
    "The decoder prompt (length 33000) is longer than the maximum model length of 32768.",
    (
        "Trying to keep the first 5000 tokens when context the overflows. However, the model is "
        "loaded with context length of only 4096 tokens, which is not enough."
    ),
)


@pytest.mark.parametrize("text", TOO_LONG)
def test_a_prompt_that_is_too_long_is_known_by_its_text(
    sim: SimServer, ask: Asking, text: str
) -> None:
    body = {"object": "error", "message": text, "type": "BadRequestError", "code": 400}
    sim.set_script({"default": answer(400, body)})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmContextLengthError) as caught:
            call(chat_on(sim), "-")
        assert caught.value.status_code == 400
        assert isinstance(caught.value, tw.LlmModelError)


@pytest.mark.parametrize(
    "body",
    [
        # DeepSeek; Alibaba.
        says("Content Exists Risk", type="invalid_request_error", code="invalid_request_error"),
        says("Input data may contain …", type="data_inspection_failed"),
    ],
)
def test_a_content_filter_is_known_by_its_text_or_type(
    sim: SimServer, ask: Asking, body: object
) -> None:
    sim.set_script({"default": answer(400, body)})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmContentFilterError):
            call(chat_on(sim), "-")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, says("This model's maximum context length is 8 tokens."), "ContextLength"),
        (503, says("x", code="content_filter"), "ContentFilter"),
        (500, says("insufficient balance (1008)", type="api_error"), "QuotaExceeded"),
        (429, says("used all available credits or reached its limit"), "QuotaExceeded"),
        (502, says("x", code="invalid_api_key"), "Authentication"),
        (429, google("22s", quota="RequestsPerDayPerProject-FreeTier"), "QuotaExceeded"),
    ],
)
def test_what_another_attempt_cannot_change_is_not_tried_again(
    sim: SimServer, ask: Asking, status: int, body: object, expected: str
) -> None:
    sim.set_script({"default": answer(status, body)})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmAPIError) as caught:
            call(chat_on(sim), "-")
        assert type(caught.value).__name__ == f"Llm{expected}Error"
        assert (len(caught.value.attempts), caught.value.retryable) == (1, False)
        assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, google("0.06s")),
        (429, google("0.01s", f"{QUOTA} Please retry in 0.06s.")),
        (429, says("Rate limit reached. Please try again in 60ms. See https://x")),
        (429, says("Provider returned error", metadata={"raw": '{"retryDelay": "0.06s"}'})),
        (503, says("Please retry after 0.06 seconds.")),
        (503, {"title": "overloaded", "retry_after": 0.06}),
    ],
)
def test_the_wait_in_a_body_is_waited_for(
    sim: SimServer, ask: Asking, status: int, body: object
) -> None:
    for call in (ask.complete, lambda *args: ask.read(*args)[1]):
        sim.set_script({"rules": [{"times": 1, "then": answer(status, body)}], "default": OK})
        reply = call(chat_on(sim), "-")
        assert [attempt.status for attempt in reply.attempts] == [status, 200]
        assert 0.06 <= reply.attempts[0].slept < 0.5


def test_the_wait_in_a_header_comes_first(sim: SimServer, ask: Asking) -> None:
    failure = answer(429, google("3600s"), retry_after="0.03")
    sim.set_script({"rules": [{"times": 1, "then": failure}], "default": OK})
    assert 0.03 <= ask.complete(chat_on(sim), "-").attempts[0].slept < 0.5


@pytest.mark.parametrize(
    ("delay", "settings"),
    [
        ("3600s", {}),
        ("1.5s", {"retry": tw.RetryPolicy(max_retry_after=1)}),
        ("30s", {"timeout": tw.Timeout(total=20)}),
        ("999999999999s", {}),
    ],
)
def test_a_wait_that_is_too_long_raises_at_once(
    sim: SimServer, ask: Asking, delay: str, settings: dict[str, Any]
) -> None:
    sim.set_script({"default": answer(429, google(delay))})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmRateLimitError) as caught:
            call(chat_on(sim, **settings), "-")
        assert caught.value.retry_after == float(delay.rstrip("s"))
        assert (len(caught.value.attempts), caught.value.retryable) == (1, True)
        assert caught.value.attempts[0].slept == 0


def test_an_error_inside_a_reply_has_its_wait(sim: SimServer, ask: Asking) -> None:
    """The server has answered 200 when it finds that it cannot go on."""
    error = says("Provider returned error", code=429, metadata={"retry_after_seconds": 0.06})
    whole, streamed = replay(error), replay_events(error)
    for call, failure in ((ask.complete, whole), (ask.read, streamed)):
        sim.set_script({"rules": [{"times": 1, "then": failure}], "default": OK})
        result: Any = call(chat_on(sim), "-")
        reply = result if isinstance(result, tw.LlmResponse) else result[1]
        assert [attempt.error for attempt in reply.attempts] == ["rate_limit", None]
        assert 0.06 <= reply.attempts[0].slept < 0.5
        sim.set_script({"default": failure})
        with pytest.raises(tw.LlmRateLimitError) as caught:
            call(chat_on(sim, retry=tw.RetryPolicy(max_retries=0)), "-")
        assert caught.value.retry_after == 0.06


def test_an_error_after_the_first_event_has_its_wait(sim: SimServer, ask: Asking) -> None:
    begun = {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "It"}}]}
    sim.set_script({"default": replay_events(begun, says("x. Try again in 5s", code=429))})
    with pytest.raises(tw.LlmStreamServerError) as caught:
        ask.read(chat_on(sim), "-")
    assert caught.value.retry_after == 5
