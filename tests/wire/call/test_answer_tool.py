"""`output_mode="tool"`: the model is made to call one tool, whose arguments are the answer."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

APIS = ("chat", "responses", "messages", "gemini")


class Answer(BaseModel):
    """A caller's type."""

    colour: str
    sure: bool = True


BLUE = Answer(colour="blue")
QUESTION = {"role": "user", "content": "q"}


def get_sky(city: str) -> str:
    """Look up at the sky."""
    return f"blue over {city}"


@pytest.fixture(params=APIS)
def chat(request: pytest.FixtureRequest, sim: SimServer) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url, api=request.param, output_mode="tool")


def call(arguments: Any, name: str = "Answer") -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def calling(sim: SimServer, *calls: dict[str, Any], **facts: Any) -> None:
    sim.set_script({"default": {"reply": {"tool_calls": list(calls), **facts}}})


def functions(body: Any) -> list[Any]:
    declared = body["tools"][0].get("functionDeclarations")
    return declared or [tool.get("function", tool) for tool in body["tools"]]


def names(body: Any) -> list[str]:
    return [function["name"] for function in functions(body)]


def chosen(body: Any) -> Any:
    """The tool that has to be called, or the provider's word."""
    if config := body.get("toolConfig"):
        config = config["functionCallingConfig"]
        word = {"ANY": "required"}.get(config["mode"], config["mode"].lower())
        return config.get("allowedFunctionNames", [word])[0]
    choice = body["tool_choice"]
    if not isinstance(choice, dict):
        return choice
    # Anthropic's word is `any`.
    word = {"any": "required"}.get(choice["type"], choice["type"])
    return choice.get("function", choice).get("name", word)


def test_the_arguments_of_the_call_are_the_answer_in_every_way_to_ask(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    calling(sim, call({"colour": "blue"}))
    assert ask.parse(chat, Answer, "q") == BLUE
    grown, streamed = ask.read(chat, "q", view="partial", response_format=Answer)
    assert grown[-1] == BLUE
    assert "blue".startswith(grown[0].colour or "")
    texts, _ = ask.read(chat, "q", view="text", response_format=Answer)
    # The simulator's Gemini sends a call whole.
    assert len(texts) > 1 or chat.api == "gemini"
    replies = [
        streamed,
        ask.complete(chat, "q", response_format=Answer),
        ask.map(chat, ["q"], concurrency=1, response_format=Answer)[0].result(),
        ask.complete(chat.with_options(response_format=Answer), "q"),
        ask.complete(chat, tw.LlmRequest("q", response_format=Answer, output_mode="tool")),
    ]
    for reply in replies:
        assert reply.parsed == BLUE
        assert reply.text == "".join(texts)
        assert (reply.tool_calls, reply.finish_reason) == ((), "stop")
        assert Answer.model_validate_json(ask.run(chat, "q", response_format=Answer)) == BLUE
    for body in sent(sim):
        assert names(body) == ["Answer"]
        assert chosen(body) == "Answer"
        assert not body.keys() & {"response_format", "text", "output_mode"}


def test_the_tool_has_the_schema_of_the_type(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    ask.parse(chat, Answer, "q")
    (function,) = functions(sent(sim)[0])
    assert function["description"]
    if chat.api == "messages":
        # Models that have no typed answers do not know `strict` either.
        assert "strict" not in function
        assert function["input_schema"]["required"] == ["colour"]
    elif chat.api == "gemini":
        assert function["parametersJsonSchema"]["required"] == ["colour"]
    else:
        assert function["strict"] is True
        assert function["parameters"]["required"] == ["colour", "sure"]


def test_a_type_that_is_no_object_is_asked_for_within_one(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    calling(sim, call({"value": [1, 2]}, "list"))
    assert ask.parse(chat, list[int], "q") == [1, 2]


def test_a_schema_of_no_object_is_refused(sim: SimServer, chat: tw.ChatClient, ask: Asking) -> None:
    with pytest.raises(tw.LlmConfigError, match=r"response_format: .* takes the schema of an obj"):
        ask.complete(chat, "q", response_format={"type": "array", "items": {"type": "integer"}})
    assert sim.requests() == []


def test_the_caller_s_tools_are_called_first_and_the_answer_ends_the_loop(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    looks = {"reply": {"tool_calls": [call({"city": "Paris"}, "get_sky")]}}
    answers = {"reply": {"tool_calls": [call({"colour": "blue"})]}}
    sim.set_script({"rules": [{"times": 1, "then": looks}], "default": answers})
    asked: dict[str, Any] = {"tools": [get_sky], "response_format": Answer}
    messages: list[Any] = [QUESTION]
    reply = ask.complete(chat, messages, **asked)
    assert [one.name for one in reply.tool_calls] == ["get_sky"]
    assert reply.finish_reason == "tool_calls"
    with pytest.raises(tw.LlmModelError, match=r"calls tools \(get_sky\)"):
        _ = reply.parsed
    messages += [reply.message, reply.tool_calls[0].result(get_sky("Paris"))]
    reply = ask.complete(chat, messages, **asked)
    assert (reply.parsed, reply.tool_calls) == (BLUE, ())
    for body in sent(sim):
        assert names(body) == ["get_sky", "Answer"]
        assert chosen(body) == "required"


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [("auto", "required"), ("required", "required"), ("none", "Answer"), (get_sky, "get_sky")],
)
def test_what_has_to_be_called_next_to_the_caller_s_tools(
    sim: SimServer, chat: tw.ChatClient, ask: Asking, choice: Any, wanted: str
) -> None:
    calling(sim, call({"colour": "blue"}))
    ask.complete(chat, "q", response_format=Answer, tools=[get_sky], tool_choice=choice)
    assert chosen(sent(sim)[0]) == wanted


def test_a_tool_of_the_caller_s_with_the_name_of_the_type_stays_itself(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    tool = {"type": "function", "function": {"name": "Answer", "parameters": {"type": "object"}}}
    calling(sim, call({}), call({"colour": "blue"}, "Answer_2"))
    reply = ask.complete(chat, "q", response_format=Answer, tools=[tool])
    assert names(sent(sim)[0]) == ["Answer", "Answer_2"]
    assert [one.name for one in reply.tool_calls] == ["Answer"]
    assert reply.parsed == BLUE


# Gemini takes no `thinking`, and lets a model that thinks be forced.
@pytest.mark.parametrize("chat", APIS[:3], indirect=True)
@pytest.mark.parametrize(
    "arguments",
    [
        {"reasoning_effort": "low"},
        {"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    ],
)
def test_a_model_that_thinks_is_told_to_call_and_not_forced(
    sim: SimServer, chat: tw.ChatClient, ask: Asking, arguments: dict[str, Any]
) -> None:
    calling(sim, call({"colour": "blue"}))
    asked = {"response_format": Answer, **arguments}
    messages = [{"role": "system", "content": "Be brief."}, QUESTION]
    for prompt in ("q", messages):
        assert ask.complete(chat, prompt, **asked).parsed == BLUE
    for request in sim.requests():
        assert chosen(request["body"]) == "auto"
        assert "Give your answer by calling the tool Answer." in str(request["body"])
    ask.complete(chat, "q", response_format=Answer, reasoning_effort="none")
    assert chosen(sent(sim)[-1]) == "Answer"


def test_an_answer_that_is_only_text_is_the_answer_too(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    sim.set_script({"default": {"reply": {"text": '{"colour": "blue"}'}}})
    assert ask.parse(chat, Answer, "q") == BLUE
    assert ask.read(chat, "q", response_format=Answer)[1].parsed == BLUE


def test_text_next_to_the_call_is_reasoning(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    calling(sim, call({"colour": "blue"}), text="I look up.")
    replies = [
        ask.complete(chat, "q", response_format=Answer),
        ask.read(chat, "q", response_format=Answer)[1],
        ask.read(chat, "q", view="partial", response_format=Answer)[1],
    ]
    for reply in replies:
        assert (reply.reasoning, reply.parsed) == ("I look up.", BLUE)
        assert pickle.loads(pickle.dumps(reply)).message == reply.message


def test_an_answer_that_does_not_fit_is_asked_for_again(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    wrong = {"times": 1, "then": {"reply": {"tool_calls": [call({"color": "blue"})]}}}
    right = {"reply": {"tool_calls": [call({"colour": "blue"})]}}
    sim.set_script({"rules": [wrong], "default": right})
    assert ask.parse(chat, Answer, "q", reask=1) == BLUE
    again = str(sent(sim)[1])
    assert "does not have the required form" in again
    assert '{"color":"blue"}' in again.replace(" ", "")


# In Gemini the arguments are an object, which is never cut off.
@pytest.mark.parametrize("chat", APIS[:3], indirect=True)
def test_a_limit_that_cut_the_arguments_off_is_said(
    sim: SimServer, chat: tw.ChatClient, ask: Asking
) -> None:
    calling(sim, call('{"colour": "bl'), finish_reason="length")
    with pytest.raises(tw.LlmModelError, match="max_tokens=5 cut the reply off"):
        ask.parse(chat, Answer, "q", max_tokens=5)


def test_a_custom_provider_and_a_call_choose_it(sim: SimServer, ask: Asking) -> None:
    calling(sim, call({"colour": "blue"}))
    row = tw.LlmProvider("acme", base_url=sim.base_url, output_mode="tool")
    assert ask.parse(tw.ChatClient("m", provider=row), Answer, "q") == BLUE
    plain = tw.ChatClient("m", base_url=sim.base_url)
    assert ask.parse(plain, Answer, "q", output_mode="tool") == BLUE
    assert [chosen(body) for body in sent(sim)] == ["Answer"] * 2


def test_a_text_completion_has_no_tools(sim: SimServer, ask: Asking) -> None:
    client = tw.CompletionClient("m", base_url=sim.base_url, output_mode="tool")
    with pytest.raises(tw.LlmConfigError, match="a tool, which text completions lack"):
        ask.parse(client, Answer, "q")
    assert sim.requests() == []
