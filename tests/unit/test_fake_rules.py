"""The rules and replies of a fake, and the errors for wrong ones."""

from __future__ import annotations

import json

import pytest

from tokenwire import LlmConfigError
from tokenwire.testing import FakeRequest, cut, error, fake, reply, tool_call


def request(**changed):
    fields = {
        "provider": "openai",
        "model": "m",
        "api": "chat",
        "url": "https://api.openai.com/v1/chat/completions",
        "stream": False,
        "body": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "headers": {},
        "call": "1",
        "attempt": 1,
    }
    return FakeRequest(**{**fields, **changed})


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("hi", 'give a mapping, such as {"openai:*": "hi"}'),
        ({"gpt-4o": "hi"}, "'gpt-4o' matches no model; write \"provider:model\""),
        ({1: "hi"}, "1 matches no model"),
        ({"a:b": None}, 'fake: "a:b": a NoneType is not a reply; give a str, tool_call(...)'),
        ({"a:b": ["hi", 3]}, 'fake: "a:b", reply 2: a int is not a reply'),
        ({"a:b": {"replay": 1}}, 'fake: "a:b": bad script: invalid type'),
        ({"a:b": {"reply": {"txt": "hi"}}}, "unknown field `txt`"),
        (
            {"a:b": {"reply": {"text": "hi", "status": 9}}},
            "behaviour.reply.status is 9; it must be from 200 to 999",
        ),
        ({"a:b": {"reply": {"extra": {"x": object()}}}}, "Object of type object is not JSON"),
        ({"a:b": ()}, "a reply of several parts needs a tool call among them"),
        ({"a:b": ("hi",)}, "a reply of several parts needs a tool call among them"),
        ({"a:b": ("hi", "ho")}, "only tool calls and one text can be parts of a reply"),
        (
            {"a:b": [[tool_call("f"), error(429)]]},
            'fake: "a:b", reply 1: only tool calls and one text',
        ),
    ],
)
def test_a_wrong_rule_is_refused_by_name(rules, said):
    with pytest.raises(LlmConfigError) as raised:
        fake(rules)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: error(200), "error: 200 is not the status of an error; give 400 to 599"),
        (lambda: error(True), "error: True is not the status"),
        (lambda: error(429, kind="x"), "error: bad script: unknown field `kind`"),
        (lambda: reply("hi", usages={}), "reply: bad script: unknown field `usages`"),
        (lambda: tool_call("f", x=float("nan")), "tool_call('f'): Out of range float"),
        (lambda: tool_call("f", x={1}), "tool_call('f'): Object of type set"),
        (lambda: cut("hi", after_events=-1), "cut: bad script: invalid"),
    ],
)
def test_a_wrong_reply_is_refused_by_name(make, said):
    with pytest.raises(LlmConfigError) as raised:
        make()
    assert said in str(raised.value)


def test_each_reply_function_returns_its_behaviour():
    assert reply("hi", usage={}) == {"reply": {"text": "hi", "verbatim": True, "usage": {}}}
    assert tool_call("f", name="x") == {
        "reply": {"tool_calls": [{"name": "f", "arguments": {"name": "x"}}]}
    }
    assert error(429, "Slow down.", retry_after=2, code="c", headers={"x-a": "b"}) == {
        "error": {
            "status": 429,
            "message": "Slow down.",
            "code": "c",
            "headers": {"x-a": "b", "retry-after": "2"},
        }
    }
    assert cut("a b", after_events=2)["fault"] == {"kind": "reset", "at": {"events": 2}}


def test_a_request_separates_the_prompt_from_its_parameters():
    asked = request(body={"model": "m", "messages": [], "stream": True, "seed": 1})
    assert (asked.messages, asked.prompt, asked.params) == ([], None, {"seed": 1})
    assert request(api="completions", body={"model": "m", "prompt": "a"}).prompt == "a"
    assert request(body={"model": "m", "prompt": "a"}).messages == []


def test_unused_replies_are_named():
    served = fake({"a:*": ["1", "2"], "b:*": "always", "c:*": []})
    with pytest.raises(AssertionError) as raised:
        served.assert_all_used()
    assert str(raised.value) == 'unused replies: "a:*" has 2 of 2 left; "b:*" was never asked for'


def answered(served, model="m", path="/v1/chat/completions", call="1"):
    """The behaviour for a request."""
    record = {
        "path": path,
        "headers": [
            ["x-tokenwire-call", call],
            ["x-tokenwire-provider", "openai"],
            ["x-tokenwire-api", "chat" if "/chat/" in path else "completions"],
        ],
        "body": {"model": model, "messages": []},
    }
    return json.loads(served._answer(json.dumps(record)))


def text(behaviour):
    return behaviour["reply"]["text"]


def mistake(behaviour):
    """The message of the LlmConfigError that the caller gets."""
    assert behaviour["error"]["headers"] == {"x-tokenwire-mistake": "1"}
    return behaviour["error"]["body"]


def test_the_first_matching_rule_answers_and_later_rules_come_first():
    served = fake({"openai:gpt-*": "one", "openai:*": "two"})
    assert text(answered(served, "gpt-4o")) == "one"
    assert text(answered(served, "GPT-4o")) == "two"
    served.add({"openai:GPT-4o": "three"})
    assert text(answered(served, "GPT-4o")) == "three"
    assert [one.attempt for one in served.requests] == [1, 2, 3]


def test_a_list_is_used_in_order_and_then_a_mistake():
    served = fake({"openai:*": ["one", lambda asked: f"{asked.attempt}", error(429)]})
    assert [text(answered(served)) for _ in range(2)] == ["one", "2"]
    assert answered(served)["error"]["status"] == 429
    served.assert_all_used()
    # A further attempt of that call, and then another call.
    assert answered(served)["error"]["status"] == 429
    assert "has 3, and this is request 5" in mistake(answered(served, call="2"))
    assert len(served.requests) == 5


async def coroutine(_asked):
    return "never"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda _: None, "returned a wrong reply: a NoneType is not a reply"),
        (coroutine, "is async; give a plain function"),
    ],
)
def test_a_function_that_fails_is_a_mistake(answer, said):
    assert said in mistake(answered(fake({"openai:*": answer})))


def test_a_request_without_a_rule_or_a_possible_reply_is_a_mistake():
    served = fake({"openai:f": tool_call("f")})
    assert (
        mistake(answered(served)) == 'the fake has no rule for "openai:m"; its patterns: "openai:f"'
    )
    assert mistake(answered(fake())).endswith("its patterns: none")
    message = mistake(answered(served, "f", "/v1/completions"))
    assert (
        message == 'fake: the reply of "openai:f" calls a tool, and "openai:f" is a text completion'
    )


@pytest.mark.parametrize(
    "fields", [{"retry_after": "soon"}, {"retry_after": None}, {"headers": 5}, {"headers": [1]}]
)
def test_an_error_with_a_wrong_value_names_it(fields):
    (name,) = fields
    with pytest.raises(LlmConfigError, match=f"^error: {name}: give a"):
        error(429, **fields)
