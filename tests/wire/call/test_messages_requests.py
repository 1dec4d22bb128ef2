"""What the Python side sends by Messages: typed answers, tools, files, and turns that go back."""

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


def replied(*content: dict[str, Any]) -> bytes:
    """Return a reply with these blocks."""
    body = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-4-8",
        "content": list(content),
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return response(200, json.dumps(body).encode(), "content-type: application/json")


def said(text: str) -> dict[str, Any]:
    """Return a block with this text."""
    return {"type": "text", "text": text}


@pytest.fixture
def server() -> Iterator[Origin]:
    """A server that answers every call with a number."""
    with Origin(answers=[replied(said('{"number": 4}'))] * 4) as origin:
        yield origin


def client_of(
    server: Origin, model: str = "anthropic:claude-opus-4-8", **settings: Any
) -> tw.ChatClient:
    return tw.ChatClient(model, api="messages", api_key="k", base_url=server.base_url, **settings)


def body(server: Origin) -> Any:
    return json.loads(server.requests[-1].body)


def test_a_type_is_asked_for_by_its_schema(server: Origin, ask: Asking) -> None:
    assert ask.parse(client_of(server, system="Count."), Answer, "2 + 2?") == Answer(number=4)
    sent = body(server)
    assert sent["system"] == "Count."
    assert sent["messages"] == [{"role": "user", "content": "2 + 2?"}]
    assert sent["output_config"]["format"] == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "title": "Answer",
            "description": "An answer.",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
            "additionalProperties": False,
        },
    }


def test_a_schema_that_cannot_be_expressed_is_refused_with_its_path(
    server: Origin, ask: Asking
) -> None:
    schema = {"type": "object", "properties": {"a": {"additionalProperties": {"type": "null"}}}}
    with pytest.raises(tw.LlmValidationError) as caught:
        ask.complete(client_of(server), "hi", response_format=schema)
    assert "params.response_format.json_schema.schema.properties.a" in str(caught.value)
    assert not server.requests


def test_tools_and_the_choice_between_them(server: Origin, ask: Asking) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    hosted = {"type": "web_search_20260318", "name": "web_search"}
    tools: list[Any] = [add, hosted]
    ask.complete(client_of(server), "hi", tools=tools, tool_choice=add, parallel_tool_calls=False)
    sent = body(server)
    function, web = sent["tools"]
    assert (function["name"], function["description"]) == ("add", "Add.")
    assert function["input_schema"]["type"] == "object"
    assert set(function["input_schema"]["properties"]) == {"a", "b"}
    assert web == hosted
    assert sent["tool_choice"] == {
        "type": "tool",
        "name": "add",
        "disable_parallel_tool_use": True,
    }


def test_messages_in_the_form_of_the_api_pass_as_they_are_also_in_a_request(
    server: Origin, ask: Asking
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "image", "source": source}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "1"}],
        },
    ]
    ask.complete(client_of(server), messages)
    ask.complete(client_of(server), tw.LlmRequest(messages=messages))
    request = tw.LlmRequest.model_validate_json(tw.LlmRequest(messages).model_dump_json())
    ask.complete(client_of(server), request)
    assert [json.loads(sent.body)["messages"] for sent in server.requests] == [messages] * 3


def test_parts_become_blocks_and_marks(server: Origin, ask: Asking) -> None:
    messages = [
        tw.LlmMessage("system", [tw.TextPart("Be brief.", cache=True)]),
        tw.LlmMessage(
            "user",
            [
                "What is this?",
                tw.ImagePart(data=b"\x89PNG\r\n\x1a\n"),
                tw.FilePart(data=b"%PDF-1.7", filename="a.pdf", cache="1h"),
                tw.FilePart(data="é".encode(), filename="a.txt"),
            ],
        ),
    ]
    ask.complete(client_of(server), messages)
    sent = body(server)
    mark = {"type": "ephemeral"}
    assert sent["system"] == [{"type": "text", "text": "Be brief.", "cache_control": mark}]
    text, image, pdf, plain = sent["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["source"]["media_type"] == "image/png"
    assert pdf["cache_control"] == {**mark, "ttl": "1h"}
    assert (pdf["type"], pdf["title"]) == ("document", "a.pdf")
    assert pdf["source"] == {
        "type": "base64",
        "media_type": "application/pdf",
        "data": "JVBERi0xLjc=",
    }
    assert plain["source"] == {"type": "text", "media_type": "text/plain", "data": "é"}


def test_a_beta_that_a_request_needs_joins_those_of_the_caller(server: Origin, ask: Asking) -> None:
    image = [tw.LlmMessage("user", [tw.ImagePart(file_id="file_1")])]
    needed = "files-api-2025-04-14"
    for given, expected in [
        (None, needed),
        ("a-1, b-2", f"a-1, b-2,{needed}"),
        (f"a-1,{needed}", f"a-1,{needed}"),
    ]:
        own = {} if given is None else {"anthropic-beta": given}
        ask.complete(client_of(server, headers=own), image)
        assert server.requests[-1].headers["anthropic-beta"] == expected
    ask.complete(client_of(server), "hi", extra_headers={"anthropic-beta": "a-1"})
    assert server.requests[-1].headers["anthropic-beta"] == "a-1"


TURN: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "", "signature": "s1"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "text", "text": "Wait", "citations": [{"type": "x", "cited_text": "y"}]},
    {"type": "text", "text": "…"},
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    {
        "type": "tool_use",
        "id": "toolu_1",
        "name": "f",
        "input": {"a": 1},
        "caller": {"type": "direct"},
    },
    {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {}},
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
def test_a_turn_goes_back_as_it_came_and_its_results_in_one_message(
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
            tw.LlmMessage("user", "so?"),
        ]
        assert ask.complete(client, messages).dropped == ()
        assert body(server)["messages"] == [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": TURN},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": '{"b":2}'},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_2",
                        "content": "no",
                        "is_error": True,
                    },
                    {"type": "text", "text": "so?"},
                ],
            },
        ]


def test_a_turn_of_messages_reaches_chat_without_what_only_messages_has(ask: Asking) -> None:
    with Origin(answers=[replied(*TURN)]) as server:
        client = client_of(server)
        message = ask.complete(client, "hi").message
        reply = ask.complete(client.with_options(api="chat"), [message])
        (sent,) = body(server)["messages"]
        assert [call["id"] for call in sent["tool_calls"]] == ["toolu_1", "toolu_2"]
        places = ("[0]", "[1]", "[4]", "[5].extra")
        assert reply.dropped == tuple(f"messages[0].content{place}" for place in places)
