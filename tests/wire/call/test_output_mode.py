"""Typed output of servers that take no JSON schema: the schema is part of the prompt."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest
from pydantic import BaseModel
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

Mode = Literal["json_schema", "json_object", "prompt"]


class Answer(BaseModel):
    """A caller's type."""

    colour: str


@dataclass
class Said:
    """A message of the caller's own class."""

    role: str
    content: str


INSTRUCTION = "Answer with one JSON object that fits this JSON schema, and with nothing else:\n"
QUESTION = {"role": "user", "content": "q"}


def answering(sim: SimServer, text: str = '{"colour": "blue"}') -> None:
    sim.set_script({"default": {"reply": {"text": text, "verbatim": True}}})


def deepseek_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("deepseek:deepseek-chat", api_key="k", base_url=sim.base_url, **settings)


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


def schema_in(text: str) -> Any:
    return json.loads(text.split(INSTRUCTION)[1])


def test_a_provider_that_takes_no_schema_gets_it_in_the_prompt(sim: SimServer, ask: Asking) -> None:
    answering(sim)
    assert ask.parse(deepseek_on(sim), Answer, "q") == Answer(colour="blue")
    (body,) = sent(sim)
    assert body["response_format"] == {"type": "json_object"}
    system, question = body["messages"]
    assert question == QUESTION
    assert system["role"] == "system"
    assert schema_in(system["content"])["required"] == ["colour"]
    assert "output_mode" not in body


def test_each_way_to_ask_puts_the_schema_into_the_prompt(sim: SimServer, ask: Asking) -> None:
    answering(sim)
    chat = deepseek_on(sim)
    replies = [
        ask.complete(chat, "q", response_format=Answer),
        ask.read(chat, "q", response_format=Answer)[1],
        next(iter(chat.map(["q"], concurrency=1, response_format=Answer))).result(),
        ask.complete(chat, tw.LlmRequest("q", response_format=Answer)),
        ask.complete(deepseek_on(sim, response_format=Answer), "q"),
    ]
    assert [reply.parsed for reply in replies] == [Answer(colour="blue")] * 5
    for body in sent(sim):
        assert body["response_format"] == {"type": "json_object"}
        assert schema_in(body["messages"][0]["content"])["type"] == "object"


@pytest.mark.parametrize("mode", ["json_schema", "json_object", "prompt"])
def test_a_caller_chooses_the_mode(sim: SimServer, ask: Asking, mode: Mode) -> None:
    answering(sim)
    for asked in (
        lambda: ask.parse(deepseek_on(sim), Answer, "q", output_mode=mode),
        lambda: ask.parse(chat_on(sim, output_mode=mode), Answer, "q"),
        lambda: ask.parse(chat_on(sim), Answer, tw.LlmRequest("q", output_mode=mode)),
        lambda: ask.parse(deepseek_on(sim).with_options(output_mode=mode), Answer, "q"),
    ):
        assert asked() == Answer(colour="blue")
    for body in sent(sim):
        kind = body.get("response_format", {}).get("type")
        assert kind == (None if mode == "prompt" else mode)
        assert len(body["messages"]) == (1 if mode == "json_schema" else 2)


def test_a_custom_provider_chooses_its_mode(sim: SimServer, ask: Asking) -> None:
    answering(sim)
    row = tw.LlmProvider("acme", base_url=sim.base_url, output_mode="prompt")
    assert ask.parse(tw.ChatClient("m", provider=row), Answer, "q").colour == "blue"
    assert "response_format" not in sent(sim)[0]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(
            [{"role": "system", "content": "Be brief."}, QUESTION],
            "Be brief.\n\n",
            id="system-dict",
        ),
        pytest.param(
            [tw.LlmMessage("developer", "Be brief."), QUESTION], "Be brief.\n\n", id="message"
        ),
        pytest.param([Said("system", "Be brief."), QUESTION], "Be brief.\n\n", id="own-class"),
        pytest.param([QUESTION, {"role": "system", "content": "Be brief."}], "", id="later-one"),
        pytest.param([tw.LlmMessage("user", "q")], "", id="none"),
    ],
)
def test_the_schema_follows_a_system_message(
    sim: SimServer, ask: Asking, messages: list[Any], expected: str
) -> None:
    answering(sim)
    before = repr(messages)
    ask.parse(deepseek_on(sim), Answer, messages)
    first = sent(sim)[0]["messages"][0]
    assert first["content"].startswith(f"{expected}{INSTRUCTION}")
    assert repr(messages) == before


def test_the_schema_is_a_part_after_the_parts_of_a_system_message(
    sim: SimServer, ask: Asking
) -> None:
    answering(sim)
    part = {"type": "text", "text": "Be brief."}
    for system in ({"role": "system", "content": [part]}, tw.LlmMessage("system", [part])):
        ask.parse(deepseek_on(sim), Answer, [system, QUESTION])
    for body in sent(sim):
        first, second = body["messages"][0]["content"]
        assert first == part
        assert second["text"].startswith(INSTRUCTION)


def test_the_schema_follows_the_system_prompt_of_the_client(sim: SimServer, ask: Asking) -> None:
    answering(sim)
    ask.parse(deepseek_on(sim, system="Be brief."), Answer, "q")
    assert sent(sim)[0]["messages"][0]["content"].startswith(f"Be brief.\n\n{INSTRUCTION}")


def test_a_type_that_is_no_object_is_asked_for_within_one(sim: SimServer, ask: Asking) -> None:
    answering(sim, '{"value": [1, 2]}')
    assert ask.parse(deepseek_on(sim), list[int], "q") == [1, 2]
    assert list(schema_in(sent(sim)[0]["messages"][0]["content"])["properties"]) == ["value"]


def test_an_answer_that_does_not_fit_is_asked_for_again_with_the_schema(
    sim: SimServer, ask: Asking
) -> None:
    rules = [{"times": 1, "then": {"reply": {"text": '{"color": "blue"}'}}}]
    sim.set_script({"rules": rules, "default": {"reply": {"text": '{"colour": "blue"}'}}})
    assert ask.parse(deepseek_on(sim), Answer, "q", reask=1).colour == "blue"
    for body in sent(sim):
        systems = [said for said in body["messages"] if said["role"] == "system"]
        assert [INSTRUCTION in said["content"] for said in systems] == [True]


@pytest.mark.parametrize(
    "form",
    [
        {"type": "json_object"},
        {"type": "text"},
        {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
    ],
)
def test_a_form_in_the_provider_s_words_is_sent_as_it_is(
    sim: SimServer, ask: Asking, form: dict[str, Any]
) -> None:
    answering(sim)
    ask.complete(deepseek_on(sim), "q", response_format=form)
    (body,) = sent(sim)
    assert body["response_format"] == form
    assert body["messages"] == [QUESTION]


def test_what_is_wrong_with_the_messages_is_named_as_ever(sim: SimServer, ask: Asking) -> None:
    for messages, problem in (
        ([], "messages: the list is empty"),
        ([QUESTION, "x"], r"messages\[1\]: it is a string"),
    ):
        with pytest.raises(tw.LlmValidationError, match=problem):
            ask.parse(deepseek_on(sim), Answer, messages)
    assert sim.requests() == []


def test_a_call_without_a_type_is_sent_as_ever(sim: SimServer, ask: Asking) -> None:
    answering(sim)
    ask.run(deepseek_on(sim, output_mode="prompt"), "q")
    ask.run(deepseek_on(sim), "q", output_mode="prompt")
    for body in sent(sim):
        assert body.keys() == {"model", "messages"}
        assert body["messages"] == [QUESTION]


def test_a_mode_that_does_not_exist_is_refused(sim: SimServer, ask: Asking) -> None:
    wanted = "output_mode: 'json' does not exist; give one of "
    wanted += "'json_schema', 'json_object', 'prompt', 'tool'"
    with pytest.raises(tw.LlmConfigError, match=wanted):
        ask.parse(chat_on(sim), Answer, "q", output_mode="json")
    with pytest.raises(tw.LlmConfigError, match=wanted):
        chat_on(sim, output_mode="json")
    with pytest.raises(tw.LlmValidationError, match="output_mode"):
        tw.LlmProvider("acme", output_mode="json")  # type: ignore[arg-type]
    assert sim.requests() == []


@pytest.mark.parametrize("content", ["", None, []])
def test_an_empty_system_message_becomes_the_schema(
    sim: SimServer, ask: Asking, content: Any
) -> None:
    answering(sim)
    ask.parse(deepseek_on(sim), Answer, [{"role": "system", "content": content}, QUESTION])
    assert sent(sim)[0]["messages"][0]["content"].startswith(INSTRUCTION)


@pytest.mark.parametrize("mode", ["json_object", "prompt"])
def test_a_text_completion_has_no_place_for_the_schema(
    sim: SimServer, ask: Asking, mode: Mode
) -> None:
    client = tw.CompletionClient("m", base_url=sim.base_url, output_mode=mode)
    with pytest.raises(tw.LlmConfigError, match="which text completions lack; use ChatClient"):
        ask.parse(client, Answer, "q")
    assert sim.requests() == []
