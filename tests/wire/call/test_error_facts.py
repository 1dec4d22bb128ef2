"""What the error of a call says and carries: who was asked, for what, and the reply's head."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import tokenwire as tw
from tokenwire.testing import error as failing
from tokenwire.testing import fake

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

LIMITS = {"x-ratelimit-reset-tokens": "41s", "cf-ray": "8a1-FRA", "x-request-id": "r-1"}
WHO = "openai-compatible:m: "


def chat_on(sim: SimServer, *, tries: int = 1, **settings: Any) -> tw.ChatClient:
    retry = tw.RetryPolicy(max_retries=tries - 1, first=0.001, throttle_first=0.001)
    return tw.ChatClient("m", base_url=sim.base_url, retry=retry, **settings)


def replay(text: str, kind: str = "application/json") -> dict[str, Any]:
    return {"replay": {"text": text, "headers": {"content-type": kind, **LIMITS}}}


def event(data: dict[str, Any]) -> str:
    return f"data: {json.dumps(data)}\n\n"


PIECE = event({"choices": [{"delta": {"content": "a"}}]})
MESSAGE = {"role": "assistant", "content": "a"}

FAILURES = {
    "a status": {"error": {"status": 429, "headers": LIMITS}},
    "a status with a page": {"error": {"status": 502, "body": "<html>", "headers": LIMITS}},
    "an error in a reply": replay('{"error": {"message": "no"}}'),
    "a reply that is no JSON": replay("{]"),
    "a reply of another kind": replay("hello"),
    "a page": replay("<html>"),
    "no body": replay(""),
    "a reply without choices": replay("{}"),
    "an error in a choice": replay(
        json.dumps({"choices": [{"message": MESSAGE, "finish_reason": "error"}]})
    ),
}
FAILURES_OF_STREAMS = {
    "an error as the first event": replay(event({"error": {"message": "no"}}), "text/event-stream"),
    "an error in the middle": replay(
        PIECE + event({"error": {"message": "no"}}), "text/event-stream"
    ),
    "an end too early": replay(PIECE, "text/event-stream"),
    "an event that is no JSON": replay(PIECE + "data: {]\n\n", "text/event-stream"),
}


def caught(call: Any, *arguments: Any, **params: Any) -> tw.LlmError:
    with pytest.raises(tw.LlmError) as raised:
        call(*arguments, **params)
    return raised.value


def carries_the_head(error: tw.LlmError) -> None:
    for one in (error, pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(one.headers) is dict
        assert LIMITS.items() <= one.headers.items()
        assert one.request_id == "r-1"
        assert (one.provider, one.model) == ("openai-compatible", "m")
    if error.partial is not None:
        assert error.partial.headers == error.headers
        assert error.partial.request_id == "r-1"


@pytest.mark.parametrize("name", FAILURES)
def test_every_error_of_a_response_has_its_headers(sim: SimServer, ask: Asking, name: str) -> None:
    sim.set_script({"default": FAILURES[name]})
    for call in (ask.complete, ask.read):
        carries_the_head(caught(call, chat_on(sim), "-"))
    [row] = ask.map(chat_on(sim), ["-"], concurrency=1)
    carries_the_head(row.error)


@pytest.mark.parametrize("name", FAILURES_OF_STREAMS)
def test_every_error_of_a_stream_has_its_headers(sim: SimServer, ask: Asking, name: str) -> None:
    sim.set_script({"default": FAILURES_OF_STREAMS[name]})
    carries_the_head(caught(ask.read, chat_on(sim), "-"))


def test_a_reply_that_is_too_large_or_too_late_has_its_headers(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": replay(json.dumps({"choices": [{"message": MESSAGE}]}))})
    small = chat_on(sim, limits=tw.Limits(max_reply_bytes=10))
    too_large = caught(ask.complete, small, "-")
    assert isinstance(too_large, tw.LlmResponseTooLargeError)
    carries_the_head(too_large)
    sim.set_script({"default": {"pacing": {"tokens": 100_000, "per_token_us": 1_000}}})
    late = caught(ask.read, chat_on(sim, timeout=tw.Timeout(total=1)), "-")
    assert isinstance(late, tw.LlmDeadlineExceededError)
    assert late.partial is not None
    assert late.headers == late.partial.headers != {}


class Answer(BaseModel):
    value: int


def test_an_error_of_a_whole_reply_has_what_the_reply_has(sim: SimServer, ask: Asking) -> None:
    for message, call in (
        ({"role": "assistant", "refusal": "no"}, ask.run),
        ({"role": "assistant", "content": "no number"}, ask.parse),
    ):
        choice = {"message": message, "finish_reason": "stop"}
        sim.set_script({"default": replay(json.dumps({"choices": [choice]}))})
        first = [Answer] if call == ask.parse else []
        error = caught(call, chat_on(sim), *first, "-")
        carries_the_head(error)
        assert [attempt.status for attempt in error.attempts] == [200]


def test_a_reply_of_only_audio_is_not_an_empty_text(sim: SimServer, ask: Asking) -> None:
    audio = {"id": "a", "data": "AAAA", "transcript": "hello", "expires_at": 1}
    message = {"role": "assistant", "content": None, "audio": audio}
    choice = {"message": message, "finish_reason": "stop"}
    sim.set_script({"default": replay(json.dumps({"choices": [choice]}))})
    error = caught(ask.run, chat_on(sim), "-")
    assert "audio" in str(error)
    assert isinstance(error, tw.LlmModelError)
    assert error.response is not None
    part = error.response.message.content[0]
    assert isinstance(part, tw.OpaquePart)
    assert part.value == audio


def test_an_error_without_a_response_has_no_headers(ask: Asking) -> None:
    refused = caught(ask.complete, tw.ChatClient("m", base_url="http://127.0.0.1:1/v1"), "-")
    assert refused.headers == {}
    refused.headers["a"] = "b"
    assert tw.LlmError("one").headers == tw.LlmError("two").headers == {}
    assert caught(tw.ChatClient, "").headers == {}


def test_a_secret_in_a_header_is_masked(sim: SimServer, ask: Asking) -> None:
    key = "sk-canary-77"
    sim.set_script({"default": {"error": {"status": 401, "headers": {"x-echo": f"is {key}"}}}})
    error = caught(ask.complete, chat_on(sim, api_key=key), "-")
    assert error.headers["x-echo"] == "is [key]"


def test_the_message_names_the_model_and_the_number_of_attempts(
    sim: SimServer, ask: Asking
) -> None:
    sim.set_script({"default": {"error": {"status": 503, "message": "Busy."}}})
    once = caught(ask.complete, chat_on(sim), "-")
    assert str(once) == f"{WHO}HTTP 503: Busy."
    for call in (ask.complete, ask.read):
        often = caught(call, chat_on(sim, tries=3), "-", model="n")
        assert str(often) == "openai-compatible:n: HTTP 503: Busy. (3 attempts)"
        assert [attempt.message for attempt in often.attempts] == ["HTTP 503: Busy."] * 3


def test_a_message_that_names_the_server_names_no_one_else(ask: Asking) -> None:
    chat = tw.ChatClient(
        "m", base_url="http://127.0.0.1:1/v1", retry=tw.RetryPolicy(max_retries=1, first=0.001)
    )
    error = caught(ask.complete, chat, "-")
    assert str(error).startswith("nothing listens at 127.0.0.1:1 (")
    assert str(error).endswith(" (2 attempts)")


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"status": 404, "body": {"detail": "Not Found"}}},
        {"error": {"status": 404, "body": "404 page not found\n"}},
        {"error": {"status": 404, "body": ""}},
        {"error": {"status": 404, "body": "<html><title>Oops</title></html>"}},
        {"error": {"status": 405, "body": {"detail": "Method Not Allowed"}}},
        replay("<!doctype html><title>Open WebUI</title>", "text/html"),
        replay('{"status": "ok"}'),
    ],
)
def test_a_wrong_address_is_shown_with_what_was_asked(
    sim: SimServer, ask: Asking, answer: dict[str, Any]
) -> None:
    sim.set_script({"default": answer})
    root = sim.base_url.removesuffix("/v1")
    for call in (ask.complete, ask.read):
        for base_url in (root, root + "/"):
            text = str(caught(call, tw.ChatClient("m", base_url=base_url, max_retries=0), "-"))
            assert f"(asked for POST {root}/chat/completions; base_url has no /v1" in text
            assert f"{root}/v1 work?)" in text
        text = str(caught(call, chat_on(sim), "-"))
        assert f"(asked for POST {root}/v1/chat/completions)" in text
    text = str(caught(ask.complete, chat_on(sim), "-", extra_query={"key": "hush"}))
    assert "hush" not in text


def test_a_text_in_place_of_a_reply_is_shown(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": replay("Ollama is running", "text/plain")})
    for call in (ask.complete, ask.read):
        assert "it begins with: Ollama is running" in str(caught(call, chat_on(sim), "-")).replace(
            "began", "begins"
        )


def test_a_model_that_does_not_exist_does_not_blame_the_address(
    sim: SimServer, ask: Asking
) -> None:
    body = {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}
    sim.set_script({"default": {"error": {"status": 404, "body": body}}})
    error = caught(ask.complete, chat_on(sim), "-")
    assert isinstance(error, tw.LlmModelNotFoundError)
    assert str(error) == f"{WHO}HTTP 404: The model `m` does not exist"


def test_an_intercepted_call_is_shown_with_the_address_that_it_was_meant_for(ask: Asking) -> None:
    with fake({"*": failing(404, "Not Found")}):
        chat = tw.ChatClient("m", base_url="http://gateway.example/llm", max_retries=0)
        text = str(caught(ask.complete, chat, "-"))
    assert "POST http://gateway.example/llm/chat/completions; base_url has no /v1" in text


@pytest.mark.parametrize("nested", [False, True])
def test_the_field_that_a_server_refuses_is_named_with_its_setting(
    sim: SimServer, ask: Asking, nested: bool
) -> None:
    place = ["body", "stream_options", "include_usage"]
    detail = [{"type": "extra_forbidden", "loc": place, "msg": "Extra inputs are not permitted"}]
    body: dict[str, Any] = {"detail": detail}
    if nested:
        body = {"object": "error", "message": body, "type": "invalid_request_error"}
    sim.set_script({"default": {"error": {"status": 422, "body": body}}})
    error = caught(ask.read, chat_on(sim), "-")
    assert str(error) == (
        f"{WHO}HTTP 422: body.stream_options.include_usage: Extra inputs are not permitted "
        "(stream_usage=False leaves it out)"
    )
    assert isinstance(error, tw.LlmAPIError)
    assert error.param == "stream_options.include_usage"


@pytest.mark.parametrize(
    "name",
    [
        "inference-id",
        "x-request-id",
        "request-id",
        "apim-request-id",
        "x-ms-request-id",
        "x-amzn-requestid",
        "mistral-correlation-id",
        "x-generation-id",
        "x-ds-trace-id",
        "x-inference-request-id",
        "msh-request-id",
        "nvcf-reqid",
        "x-debug-trace-id",
        "x-kong-request-id",
        "trace-id",
        "x-github-request-id",
        "x-global-transaction-id",
        "x-oneapi-request-id",
        "x-portkey-trace-id",
        "x-litellm-call-id",
    ],
)
def test_the_id_of_a_request_is_found_in_the_header_of_every_provider(
    sim: SimServer, ask: Asking, name: str
) -> None:
    # An empty name that stands before it does not hide it.
    headers = {"x-request-id": "", name: "id-1"}
    reply = json.dumps({"choices": [{"message": MESSAGE, "finish_reason": "stop"}]})
    sim.set_script({"default": {"replay": {"text": reply, "headers": headers}}})
    assert ask.complete(chat_on(sim), "-").request_id == "id-1"
    sim.set_script({"default": {"error": {"status": 400, "headers": headers}}})
    assert caught(ask.complete, chat_on(sim), "-").request_id == "id-1"


def test_the_id_of_a_request_in_the_body_of_an_error_is_found(sim: SimServer, ask: Asking) -> None:
    body = {"type": "error", "error": {"message": "no"}, "request_id": "req_9"}
    sim.set_script({"default": replay(json.dumps(body))})
    assert caught(ask.complete, chat_on(sim), "-").request_id == "r-1"
    answer = {"replay": {"text": json.dumps(body), "headers": {"x-request-id": ""}}}
    sim.set_script({"default": answer})
    assert caught(ask.complete, chat_on(sim), "-").request_id == "req_9"


def test_an_error_after_events_without_content_is_the_error_of_the_reply(
    sim: SimServer, ask: Asking
) -> None:
    alive = ': ping\n\nevent: ping\ndata: {"type": "ping"}\n\nevent: ping\ndata: 5 o\'clock\n\n'
    limited = event({"error": {"message": "busy, try again in 1ms", "code": 429}})
    whole = event({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]})
    first = {"times": 1, "then": replay(alive + limited, "text/event-stream")}
    sim.set_script({"rules": [first], "default": replay(alive + whole, "text/event-stream")})
    chunks, response = ask.read(chat_on(sim, tries=2), "-")
    assert response.text == "a"
    assert [attempt.status for attempt in response.attempts] == [200, 200]
    assert len(chunks) == 1
    sim.set_script({"default": replay(alive + limited, "text/event-stream")})
    error = caught(ask.read, chat_on(sim), "-")
    assert type(error) is tw.LlmRateLimitError


def test_an_event_that_is_no_json_is_shown(sim: SimServer, ask: Asking) -> None:
    broken = replay(PIECE + "data: [ERROR] engine lost\n\n", "text/event-stream")
    sim.set_script({"default": broken})
    error = caught(ask.read, chat_on(sim), "-")
    assert isinstance(error, tw.LlmDecodeError)
    assert str(error) == (
        f"{WHO}an event of the stream is not JSON; it begins with: [ERROR] engine lost"
    )
