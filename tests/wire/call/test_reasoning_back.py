"""What a conversation sends back of the model's reasoning, provider by provider."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

QUESTION = {"role": "user", "content": "q"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def says(sim: SimServer, *messages: dict[str, Any]) -> None:
    """Reply with each of the messages in turn, whole."""
    rules = []
    for message in messages:
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
        text = json.dumps({"choices": [choice]})
        headers = {"content-type": "application/json"}
        rules.append({"times": 1, "then": {"replay": {"text": text, "headers": headers}}})
    sim.set_script({"rules": rules, "default": {"reply": {"text": "ok"}}})


def chat_on(sim: SimServer, model: str) -> tw.ChatClient:
    return tw.ChatClient(model, api_key="k", base_url=sim.base_url)


def assistant_messages(sim: SimServer) -> list[dict[str, Any]]:
    """Return those of the last request."""
    messages = sent(sim)[-1]["messages"]
    return [message for message in messages if message["role"] == "assistant"]


@pytest.mark.parametrize("model", ["deepseek:deepseek-v4-pro", "openai:deepseek-v4-pro", "vllm:m"])
def test_every_message_of_a_turn_with_tools_has_its_reasoning(
    sim: SimServer, ask: Asking, model: str
) -> None:
    says(
        sim,
        {"content": "", "reasoning_content": "R1", "tool_calls": [CALL]},
        {"content": "done", "reasoning_content": "R2"},
    )
    chat = chat_on(sim, model)
    messages: list[Any] = [QUESTION]
    reply = ask.complete(chat, messages)
    messages += [reply.message, reply.tool_calls[0].result("ok")]
    messages += [ask.complete(chat, messages).message, QUESTION]
    assert ask.complete(chat, messages).dropped == ()
    assert [m.get("reasoning_content") for m in assistant_messages(sim)] == ["R1", "R2"]


def test_deepseek_gets_an_empty_text_where_there_was_no_reasoning(
    sim: SimServer, ask: Asking
) -> None:
    says(sim, {"content": "a", "reasoning_content": ""})
    chat = chat_on(sim, "deepseek:deepseek-v4-pro")
    reply = ask.complete(chat, [QUESTION])
    stored = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    result = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    ask.complete(chat, [QUESTION, reply.message, QUESTION, stored, result])
    assert [m["reasoning_content"] for m in assistant_messages(sim)] == ["", ""]


@pytest.mark.parametrize(
    ("reasons", "does_not"),
    [
        ("groq:openai/gpt-oss-120b", "groq:llama-3.3-70b-versatile"),
        ("groq:qwen/qwen3-32b", "groq:moonshotai/kimi-k2-instruct"),
        ("cerebras:gpt-oss-120b", "cerebras:llama3.1-8b"),
    ],
)
def test_a_model_that_does_not_reason_gets_none(
    sim: SimServer, ask: Asking, reasons: str, does_not: str
) -> None:
    says(sim, {"content": "hi", "reasoning": "Hm."})
    chat = chat_on(sim, reasons)
    reply = ask.complete(chat, [QUESTION])
    ask.complete(chat, [QUESTION, reply.message, QUESTION])
    assert assistant_messages(sim) == [{"role": "assistant", "content": "hi", "reasoning": "Hm."}]
    switched = ask.complete(chat, [QUESTION, reply.message, QUESTION], model=does_not)
    assert assistant_messages(sim) == [{"role": "assistant", "content": "hi"}]
    assert switched.dropped == ("messages[1].content[0]",)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("groq:openai/gpt-oss-120b", "reasoning"),
        ("groq:llama-3.3-70b-versatile", None),
        ("deepseek:deepseek-v4-pro", "reasoning_content"),
        ("mistral:mistral-large", None),
        ("openai:gpt-5", None),
        ("openai-compatible:m", "reasoning_text"),
    ],
)
def test_a_stored_message_has_the_field_that_the_provider_takes(
    sim: SimServer, ask: Asking, model: str, name: str | None
) -> None:
    stored = {"role": "assistant", "content": "hi", "reasoning_text": "Hm."}
    reply = ask.complete(chat_on(sim, model), [QUESTION, stored, QUESTION])
    expected = {"role": "assistant", "content": "hi"}
    assert assistant_messages(sim) == [{**expected, **({name: "Hm."} if name else {})}]
    assert reply.dropped == (() if name else ("messages[1].reasoning_text",))
    # The caller's own dict stays as it was.
    assert stored == {"role": "assistant", "content": "hi", "reasoning_text": "Hm."}


@pytest.mark.parametrize(
    ("back", "name"), [("as_sent", "reasoning"), ("never", None), ("thoughts", "thoughts")]
)
def test_a_row_of_the_caller_says_what_goes_back(
    sim: SimServer, ask: Asking, back: str, name: str | None
) -> None:
    says(sim, {"content": "hi", "reasoning": "Hm."})
    row = tw.LlmProvider("acme", base_url=sim.base_url, reasoning_back=back)
    chat = tw.ChatClient("m", provider=row)
    reply = ask.complete(chat, [QUESTION])
    ask.complete(chat, [QUESTION, reply.message, QUESTION])
    (message,) = assistant_messages(sim)
    del message["role"], message["content"]
    assert message == ({name: "Hm."} if name else {})
