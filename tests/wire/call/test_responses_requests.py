"""What the Python side sends by Responses: typed answers, tools, and turns that go back."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking


class Answer(BaseModel):
    """An answer."""

    number: int


def replied(*output: dict[str, Any]) -> bytes:
    """Return a response with these items."""
    body = {"id": "resp_1", "object": "response", "status": "completed", "output": list(output)}
    return response(200, json.dumps(body).encode(), "content-type: application/json")


def said(text: str) -> dict[str, Any]:
    """Return a message with this text."""
    block = {"type": "output_text", "text": text, "annotations": []}
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": [block]}


@pytest.fixture
def server() -> Iterator[Origin]:
    """A server that answers every call with a number."""
    with Origin(answers=[replied(said('{"number": 4}'))] * 4) as origin:
        yield origin


def client_of(server: Origin, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient(
        "openai:gpt-4.1", api="responses", api_key="k", base_url=server.base_url, **settings
    )


def body(server: Origin) -> Any:
    return json.loads(server.requests[-1].body)


def test_a_type_is_asked_for_in_its_strict_form(server: Origin, ask: Asking) -> None:
    assert ask.parse(client_of(server, system="Count."), Answer, "2 + 2?") == Answer(number=4)
    sent = body(server)
    assert (sent["instructions"], sent["input"]) == ("Count.", "2 + 2?")
    assert sent["text"]["format"] == {
        "type": "json_schema",
        "name": "Answer",
        "strict": True,
        "schema": {
            "type": "object",
            "title": "Answer",
            "description": "An answer.",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
            "additionalProperties": False,
        },
    }


def test_json_is_asked_for_in_the_input_where_openai_looks_for_the_word(
    server: Origin, ask: Asking
) -> None:
    client = client_of(server, system="Count.", output_mode="json_object")
    assert ask.parse(client, Answer, "2 + 2?") == Answer(number=4)
    sent = body(server)
    assert (sent["text"], sent.get("instructions")) == ({"format": {"type": "json_object"}}, None)
    system, user = sent["input"]
    assert (system["role"], user) == ("system", {"role": "user", "content": "2 + 2?"})
    assert system["content"].startswith("Count.\n\nAnswer with one JSON object")


def test_a_schema_in_the_prompt_is_among_the_instructions(server: Origin, ask: Asking) -> None:
    assert ask.parse(client_of(server, output_mode="prompt"), Answer, "2 + 2?") == Answer(number=4)
    sent = body(server)
    assert sent["instructions"].startswith("Answer with one JSON object")
    assert "text" not in sent


def test_a_tool_is_chosen_by_its_name_in_every_form(server: Origin, ask: Asking) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    flat = {"type": "function", "name": "own", "parameters": {}}
    custom = {"type": "custom", "name": "sql"}
    tools: list[Any] = [add, flat, custom, {"type": "web_search"}]
    for choice, written in [
        ("add", {"type": "function", "name": "add"}),
        (add, {"type": "function", "name": "add"}),
        ("own", {"type": "function", "name": "own"}),
        ("sql", {"type": "custom", "name": "sql"}),
        ({"type": "function", "name": "own"}, {"type": "function", "name": "own"}),
        ({"type": "web_search"}, {"type": "web_search"}),
    ]:
        server.answer_next(replied(said("ok")))
        ask.complete(client_of(server), "hi", tools=tools, tool_choice=choice)
        assert body(server)["tool_choice"] == written
    with pytest.raises(tw.LlmConfigError, match="no tool is named 'x'; the tools are 'add', 'own'"):
        ask.complete(client_of(server), "hi", tools=tools, tool_choice="x")


def test_items_of_the_api_pass_as_they_are_also_in_a_request(server: Origin, ask: Asking) -> None:
    items: list[Any] = [
        {"role": "user", "content": "hi"},
        {"type": "item_reference", "id": "msg_1"},
        {"type": "function_call_output", "call_id": "c", "output": "4"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
    ]
    ask.complete(client_of(server), items)
    ask.complete(client_of(server), tw.LlmRequest(messages=items))
    request = tw.LlmRequest.model_validate_json(tw.LlmRequest(items).model_dump_json())
    ask.complete(client_of(server), request)
    assert [json.loads(request.body)["input"] for request in server.requests] == [items] * 3


TURN: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        "encrypted_content": "sealed",
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "phase": "commentary",
        "content": [
            {"type": "output_text", "text": "Wait", "annotations": []},
            {"type": "output_text", "text": "…", "annotations": [{"type": "x", "index": 1}]},
        ],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "q"}},
    {
        "type": "function_call",
        "id": "fc_1",
        "status": "completed",
        "namespace": "n",
        "call_id": "call_1",
        "name": "f",
        "arguments": '{"a": 1}',
    },
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "g", "input": "x"},
]


def _again(message: tw.LlmMessage) -> tw.LlmMessage:
    return tw.LlmMessage(message.role, list(message.content))


COPIES: list[Callable[[tw.LlmMessage], tw.LlmMessage]] = [
    lambda message: message,
    _again,
    lambda message: tw.LlmMessage.model_validate(message.model_dump()),
    lambda message: tw.LlmMessage.model_validate_json(message.model_dump_json()),
    lambda message: pickle.loads(pickle.dumps(message)),
]


@pytest.mark.parametrize("copy", COPIES)
def test_a_turn_goes_back_as_it_came_and_its_results_with_it(
    ask: Asking, copy: Callable[[tw.LlmMessage], tw.LlmMessage]
) -> None:
    with Origin(answers=[replied(*TURN), replied(said("done"))]) as server:
        client = client_of(server)
        reply = ask.complete(client, "hi")
        calls = reply.tool_calls
        messages = [
            tw.LlmMessage("user", "hi"),
            copy(reply.message),
            calls[0].result({"b": 2}),
            calls[1].result("no", error=True),
        ]
        assert ask.complete(client, messages).dropped == ()
        assert body(server)["input"] == [
            {"role": "user", "content": "hi"},
            *TURN,
            {"type": "function_call_output", "call_id": "call_1", "output": '{"b":2}'},
            {"type": "custom_tool_call_output", "call_id": "call_2", "output": "Error: no"},
        ]


def test_a_turn_of_responses_reaches_chat_without_what_only_responses_has(ask: Asking) -> None:
    with Origin(answers=[replied(*TURN)]) as server:
        client = client_of(server)
        message = ask.complete(client, "hi").message
        reply = ask.complete(client.with_options(api="chat"), [message])
        assert body(server)["messages"] == [
            {
                "role": "assistant",
                "content": "Wait…",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "f", "arguments": '{"a": 1}'},
                    },
                    {"id": "call_2", "type": "custom", "custom": {"name": "g", "input": "x"}},
                ],
            }
        ]
        places = ("[0]", "[1]", "[4]", "[5].extra", "[6].extra")
        assert reply.dropped == tuple(f"messages[0].content{place}" for place in places)
