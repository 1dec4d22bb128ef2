"""The errors of the old clients, and their texts."""

from __future__ import annotations

import asyncio
import copy
import pickle
import traceback

import pytest
from tests.legacy.asking import BOTH_WAYS, MAKE, ask, bare, chat, says

import tokenwire as tw
from tokenwire.legacy import llm_exceptions as old
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.completion_client import CompletionClient
from tokenwire.testing import SimServer

KEY = "sk-very-secret-1234"
EVERY_WAY = pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in BOTH_WAYS for way in ("run", "run_async")]
    + [("LlmCompletion", "run")],
)
# Retries are tested with the new clients, and would cost a second in each of these tests.
ONCE = {"x-should-retry": "false"}


def failing(status: int, message: str, **more: object) -> dict[str, object]:
    error = {"status": status, "message": message, "headers": ONCE, **more}
    return {"default": {"error": error}}


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (old.LlmError, (Exception,)),
        (old.LlmConfigError, (old.LlmError,)),
        (old.LlmAPIError, (old.LlmError,)),
        (old.LlmTimeoutError, (old.LlmError,)),
        (old.LlmAuthenticationError, (old.LlmAPIError,)),
        (old.LlmRateLimitError, (old.LlmAPIError,)),
        (old.LlmModelError, (old.LlmError,)),
        (old.LlmStreamingError, (old.LlmError,)),
        (old.LlmValidationError, (old.LlmError,)),
    ],
)
def test_the_class_tree_of_errors_and_their_attributes(kind, bases):
    assert kind.__bases__ == bases
    error = kind("no", error_code="c", metadata={"a": 1})
    assert (str(error), error.args, error.error_code, error.metadata) == (
        "no",
        ("no",),
        "c",
        {"a": 1},
    )
    assert kind("no").metadata == {}
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(again), str(again), vars(again)) == (kind, "no", vars(error))


def test_positional_arguments_of_the_errors():
    error = old.LlmAPIError("no", 500, "body", error_code="c")
    assert (error.status_code, error.response_body, error.error_code) == (500, "body", "c")
    limited = old.LlmRateLimitError("no", 2.5, status_code=429)
    assert (limited.retry_after, limited.status_code, limited.metadata) == (2.5, 429, {})


@pytest.mark.parametrize("status", [400, 401, 403, 422, 429, 500, 503])
@EVERY_WAY
def test_the_error_of_a_refused_request_contains_the_servers_reply(sim, kind, way, status):
    expected = kind_of(status)
    sim.set_script(failing(status, "the dog ate it"))
    with pytest.raises(expected) as caught:
        ask(MAKE[kind](sim), "hi", way=way)
    error = caught.value
    assert type(error) is expected
    assert "the dog ate it" in str(error)
    assert error.args == (str(error),)
    assert (error.status_code, "the dog ate it" in str(error.response_body)) == (status, True)


def kind_of(status: int) -> type[old.LlmAPIError]:
    kinds: dict[int, type[old.LlmAPIError]] = {
        401: old.LlmAuthenticationError,
        403: old.LlmAuthenticationError,
        429: old.LlmRateLimitError,
    }
    return kinds.get(status, old.LlmAPIError)


def test_a_rate_limit_error_has_the_servers_retry_after(sim):
    sim.set_script(failing(429, "slow down", headers={"retry-after": "1", **ONCE}))
    with pytest.raises(old.LlmRateLimitError, match="slow down") as caught:
        chat(sim).run("hi")
    assert caught.value.retry_after == 1.0


def test_an_error_reply_of_any_form_is_in_the_text(sim):
    body = {"detail": [{"loc": ["body", "n"], "msg": "a number is wanted"}], "hint": "see §4"}
    sim.set_script({"default": {"error": {"status": 422, "body": body}}})
    with pytest.raises(old.LlmAPIError) as caught:
        chat(sim).run("hi")
    assert "a number is wanted" in str(caught.value)
    assert "see §4" in str(caught.value)


def test_an_unknown_model_is_a_model_error_and_an_api_error(sim):
    sim.set_script(failing(404, "no model m", code="model_not_found"))
    for expected in (old.LlmModelError, old.LlmAPIError):
        with pytest.raises(expected, match="no model m") as caught:
            chat(sim).run("hi")
        assert isinstance(caught.value, old.LlmAPIError)
        assert (caught.value.status_code, caught.value.error_code) == (404, "model_not_found")


@EVERY_WAY
def test_a_timeout_error_says_timeout(sim, kind, way):
    sim.set_script({"default": {"fault": {"kind": "no_head"}}})
    client = MAKE[kind](sim)
    client.__dict__["_client"] = client._client.with_options(timeout=0.2)
    with pytest.raises(old.LlmTimeoutError) as caught:
        ask(client, "hi", way=way)
    assert "timeout" in str(caught.value) or "timed out" in str(caught.value)


def test_the_constructors_timeout_applies(sim):
    sim.set_script({"default": {"fault": {"kind": "no_head"}}})
    with pytest.raises(old.LlmTimeoutError):
        chat(sim, timeout=0.2).run("hi")


@pytest.mark.parametrize(
    ("kind", "way", "stream"),
    [
        ("ChatClient", "run", False),
        ("ChatClient", "run_async", True),
        ("CompletionClient", "run", True),
        ("LlmCompletion", "run", False),
    ],
)
def test_a_refused_connection_says_connect(kind, way, stream):
    with SimServer() as gone:
        gone.set_script({"accept": {"kind": "refuse"}})
        client = MAKE[kind](gone)
        with pytest.raises(old.LlmAPIError, match="connect"):
            ask(client, "hi", stream, way=way)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset", "at": {"events": 2}},
        {"kind": "close", "at": {"events": 2}},
        {"kind": "drop_done", "before_finish": True},
    ],
)
@EVERY_WAY
def test_an_interrupted_stream_is_an_error(sim, kind, way, fault, capsys):
    sim.set_script({"default": {"reply": {"text": "one two three"}, "fault": fault}})
    with pytest.raises(old.LlmStreamingError, match="connect") as caught:
        ask(MAKE[kind](sim), "hi", True, way=way)
    assert caught.value.metadata["attempts"] == 1
    assert "one two three".startswith(caught.value.metadata["partial_text"])
    capsys.readouterr()


def test_a_stream_context_raises_the_same_errors(sim):
    sim.set_script(failing(500, "the dog ate it"))

    async def read():
        async with bare(sim).run_stream("hi") as stream:
            return [text async for text in stream.stream_text()]

    with pytest.raises(old.LlmAPIError, match="the dog ate it"):
        asyncio.run(read())
    sim.set_script({"default": {"fault": {"kind": "reset", "at": {"events": 2}}}})
    with pytest.raises(old.LlmStreamingError, match="connect"):
        asyncio.run(read())


def test_a_filtered_reply_without_text_is_a_model_error(sim):
    sim.set_script({"default": {"reply": {"text": "", "finish_reason": "content_filter"}}})
    with pytest.raises(old.LlmModelError, match="filter stopped"):
        chat(sim).run("hi")


def test_a_refusal_is_a_model_error(sim):
    sim.set_script({"default": {"reply": {"refusal": "I would rather not"}}})
    with pytest.raises(old.LlmModelError, match="I would rather not"):
        chat(sim).run("hi")


def test_an_argument_that_cannot_be_sent_is_a_validation_error(sim):
    with pytest.raises(old.LlmValidationError, match="temperature"):
        chat(sim, temperature="hot").run("hi")
    assert sim.count("request") == 0


def test_an_address_that_cannot_be_called_is_a_config_error():
    with pytest.raises(old.LlmConfigError, match="base_url"):
        CompletionClient("nowhere", "m").run("hi")


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_error_contains_a_key(sim, status):
    sim.set_script(failing(status, f"your key {KEY} and your Bearer {KEY}2 are wrong"))
    header = {"X-Api-Key": f"{KEY}2"}
    with pytest.raises(old.LlmAPIError) as caught:
        ChatClient("openai:m", KEY, sim.base_url, extra_headers=header).run("hi")
    error = caught.value
    shown = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for text in (str(error), repr(error), shown, str(vars(error)), repr(pickle.dumps(error))):
        assert KEY not in text


def test_the_cause_is_the_new_clients_error(sim):
    sim.set_script(says("") | {"default": {"error": {"status": 400, "message": "no"}}})
    with pytest.raises(old.LlmAPIError) as caught:
        chat(sim).run("hi")
    assert isinstance(caught.value.__cause__, tw.LlmAPIError)
