"""Replies as values: dicts, pickles, copies, equality, fields of a user's model, JSON."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

RICH = {
    "text": "It is blue.",
    "reasoning": "Rayleigh.",
    "tool_calls": [{"id": "c1", "name": "f", "arguments": '{"a": 1}'}],
    "headers": {"x-request-id": "req-1"},
}


class Kept(BaseModel):
    """A user's model with compiled values in it."""

    reply: tw.LlmResponse[Any]
    usage: tw.Usage | None = None
    call: tw.ToolCall | None = None
    timing: tw.Timing | None = None
    timeout: tw.Timeout | None = None
    limits: tw.Limits | None = None
    retry: tw.RetryPolicy | None = None
    attempts: list[tw.Attempt] = []


@pytest.fixture(params=["whole", "streamed"])
def reply(request: pytest.FixtureRequest, sim: SimServer, ask: Asking) -> tw.LlmResponse[Any]:
    failing = {"error": {"status": 500}}
    sim.set_script({"rules": [{"times": 1, "then": failing}], "default": {"reply": RICH}})
    chat = tw.ChatClient("m", base_url=sim.base_url, retry=tw.RetryPolicy(first=0.001))
    if request.param == "whole":
        return ask.complete(chat, "-", n=2, logprobs=1)
    return ask.read(chat, "-", n=2, logprobs=1)[1]


def facts(reply: tw.LlmResponse[Any]) -> dict[str, Any]:
    """Return everything that a reply says, except the raw body."""
    names = (
        "id model provider created text reasoning refusal tool_calls finish_reason choices logprobs"
        " provider_finish_reason usage request_id headers timing attempts dropped message api"
        " status stop_details citations"
    )
    return {name: getattr(reply, name) for name in names.split()}


def test_a_dict_is_plain_and_reads_back(reply: tw.LlmResponse[Any]) -> None:
    as_dict = reply.to_dict()
    assert json.loads(json.dumps(as_dict)) == as_dict
    assert as_dict["text"] == "It is blue."
    assert as_dict["finish_reason"] == "tool_calls"
    assert as_dict["tool_calls"] == [{"id": "c1", "name": "f", "arguments": '{"a": 1}'}]
    assert as_dict["usage"]["completion_tokens"] == reply.usage.completion_tokens  # type: ignore[union-attr]
    again = tw.LlmResponse.from_dict(as_dict)
    assert facts(again) == facts(reply)
    assert again.raw is None


def test_a_pickle_is_the_reply_with_its_body(reply: tw.LlmResponse[Any]) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(reply, protocol))
        assert again == reply
        assert facts(again) == facts(reply)
        assert again.raw == reply.raw


def test_a_copy_equals_the_reply(reply: tw.LlmResponse[Any]) -> None:
    for again in (copy.copy(reply), copy.deepcopy(reply)):
        assert again == reply
        assert facts(again) == facts(reply)


def test_equal_replies_have_equal_hashes(reply: tw.LlmResponse[Any]) -> None:
    again = pickle.loads(pickle.dumps(reply))
    assert hash(again) == hash(reply)
    assert len({again, reply}) == 1
    choice = pickle.loads(pickle.dumps(reply.choices[1]))
    assert (choice, hash(choice)) == (reply.choices[1], hash(reply.choices[1]))


def test_replies_that_differ_are_not_equal(reply: tw.LlmResponse[Any]) -> None:
    other = reply.to_dict()
    other["reply"]["id"] = "another"
    assert tw.LlmResponse.from_dict(other) != reply
    assert reply != "It is blue."
    assert reply.choices[0] != reply.choices[1]


def test_a_reply_is_short_in_its_repr(reply: tw.LlmResponse[Any]) -> None:
    assert repr(reply) == (
        "LlmResponse(model='m', text='It is blue.', finish_reason='tool_calls', "
        "tool_calls=1, choices=2)"
    )
    unfinished = tw.LlmResponse(provider="p", model="m", text="It is")
    assert "finish_reason=None" in repr(unfinished)


def test_a_reply_is_a_field_of_a_users_model(reply: tw.LlmResponse[Any]) -> None:
    kept = Kept(
        reply=reply,
        usage=reply.usage,
        call=reply.tool_calls[0],
        timing=reply.timing,
        timeout=tw.Timeout(idle=3),
        limits=tw.Limits(max_connections=3),
        retry=tw.RetryPolicy(max_retries=3),
        attempts=list(reply.attempts),
    )
    again = Kept.model_validate_json(kept.model_dump_json())
    assert facts(again.reply) == facts(reply)
    assert again.model_dump(exclude={"reply"}) == kept.model_dump(exclude={"reply"})
    assert (again.usage, again.call, again.timing) == (kept.usage, kept.call, kept.timing)
    assert (again.timeout, again.limits, again.retry) == (kept.timeout, kept.limits, kept.retry)
    assert again.attempts == kept.attempts
    assert Kept.model_validate(kept.model_dump()).usage == reply.usage
    assert "reply" in Kept.model_json_schema()["properties"]


def test_a_users_model_refuses_what_is_no_reply() -> None:
    for wrong in ("text", 3, {"no": "reply"}, None):
        with pytest.raises(ValueError, match="reply"):
            Kept(reply=wrong)  # type: ignore[arg-type]


def test_the_message_dumps_and_loads_without_loss(reply: tw.LlmResponse[Any]) -> None:
    message = reply.message
    again = tw.LlmMessage.model_validate_json(message.model_dump_json())
    assert again == message
    assert again.model_dump() == message.model_dump()
    assert message.text == "It is blue."
    assert [part.type for part in message.content] == ["reasoning", "text", "tool_call"]  # type: ignore[union-attr]


def test_values_are_frozen(reply: tw.LlmResponse[Any]) -> None:
    for value, name in ((reply, "text"), (reply.tool_calls[0], "name"), (reply.usage, "x")):
        with pytest.raises(AttributeError):
            setattr(value, name, "other")


def test_every_small_value_survives_pickle_copy_and_dict(reply: tw.LlmResponse[Any]) -> None:
    assert reply.logprobs is not None
    values: list[Any] = [
        reply.usage,
        reply.timing,
        *reply.tool_calls,
        *reply.attempts,
        *reply.logprobs,
        tw.TextDelta("x", 1),
        tw.ReasoningDelta("x"),
        tw.RefusalDelta("x"),
        tw.ToolCallDelta(tw.ToolCallFragment(0, "c", "f", "{")),
        tw.ToolCallDone(reply.tool_calls[0]),
        tw.UsageReported(tw.Usage(prompt_tokens=1)),
        tw.End(),
        tw.Timeout(),
        tw.Limits(),
        tw.RetryPolicy(),
    ]
    for value in values:
        assert pickle.loads(pickle.dumps(value)) == value
        assert copy.deepcopy(value) == value
        assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value, value
        assert repr(value).startswith(f"{type(value).__name__}(")


def test_chunks_survive_pickling(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"reply": RICH}})
    chunks, _ = ask.read(tw.ChatClient("m", base_url=sim.base_url), "-", logprobs=1)
    again = pickle.loads(pickle.dumps(chunks))
    assert again == chunks
    for name in ("text", "reasoning", "tool_calls", "finish_reason", "index", "usage", "logprobs"):
        assert [getattr(c, name) for c in again] == [getattr(c, name) for c in chunks], name
    as_dicts = json.loads(json.dumps([chunk.to_dict() for chunk in chunks]))
    assert [tw.LlmStreamChunk.from_dict(fields) for fields in as_dicts] == chunks


# Settings.


def test_settings_say_what_they_are() -> None:
    assert repr(tw.Timeout(total=5)) == (
        "Timeout(connect=10.0, first_token=600.0, idle=600.0, total=5.0)"
    )
    assert tw.Timeout.interactive() == tw.Timeout(connect=10, first_token=60, idle=30)
    assert tw.Timeout(idle=None) != tw.Timeout()
    assert tw.Limits().to_dict() == {
        "max_connections": None,
        "keepalive": None,
        "max_event_bytes": 64 << 20,
        "max_reply_bytes": 64 << 20,
        "buffer_bytes": 256 << 10,
        "max_head_bytes": 64 << 10,
    }
    assert tw.RetryPolicy().to_dict() == {
        "max_retries": 2,
        "first": 0.5,
        "cap": 8.0,
        "throttle_first": 1.0,
        "max_retry_after": 120.0,
        "budget": 500,
        "retry_ambiguous": True,
        "retry_timeouts": False,
        "idempotency_header": None,
    }


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *[
            (tw.Timeout, {name: value})
            for name in ("connect", "pool", "first_token", "idle", "total")
            for value in (0, -1, float("nan"), float("inf"), True, "5")
        ],
        (tw.Timeout, {"read": 5}),
        (tw.Limits, {"max_connections": 0}),
        (tw.Limits, {"max_connections": 1.5}),
        (tw.Limits, {"keepalive": -1}),
        (tw.Limits, {"buffer_bytes": 0}),
        (tw.Limits, {"max_head_bytes": 0}),
        (tw.Limits, {"max_event_bytes": "1"}),
        (tw.Limits, {"connections": 5}),
        (tw.RetryPolicy, {"max_retries": -1}),
        (tw.RetryPolicy, {"max_retries": 10**9}),
        (tw.RetryPolicy, {"max_retries": True}),
        (tw.RetryPolicy, {"first": None}),
        (tw.RetryPolicy, {"cap": -1}),
        (tw.RetryPolicy, {"budget": -1}),
        (tw.RetryPolicy, {"retry_ambiguous": "yes"}),
        (tw.RetryPolicy, {"idempotency_header": 3}),
        (tw.RetryPolicy, {"retries": 3}),
    ],
    ids=str,
)
def test_a_setting_that_cannot_work_is_named(kind: Any, wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(tw.LlmConfigError, match=rf"{kind.__name__}\.{name}"):
        kind(**wrong)
