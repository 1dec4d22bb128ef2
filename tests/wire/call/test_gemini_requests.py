"""What the Python side sends by Gemini: typed answers, tools, images, and turns that go back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from pydantic import BaseModel
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(24)


class Answer(BaseModel):
    """An answer."""

    number: int


class Call:
    """A call as the engine makes it, which does not say by which API it came."""

    id = None
    name = "f"
    arguments = "{}"
    extra: ClassVar = {"thoughtSignature": "s"}


def replied(*parts: dict[str, Any]) -> bytes:
    """Return a response with these parts."""
    content = {"role": "model", "parts": list(parts)}
    body = {"candidates": [{"content": content, "finishReason": "STOP"}]}
    return response(200, json.dumps(body).encode(), "content-type: application/json")


@pytest.fixture
def server() -> Iterator[Origin]:
    """A server that answers every call with a number."""
    with Origin(answers=[replied({"text": '{"number": 4}'})] * 8) as origin:
        yield origin


def client_of(server: Origin, model: str = "gemini-3-flash-preview", **settings: Any) -> Any:
    return tw.ChatClient(
        f"google:{model}", api="gemini", api_key="k", base_url=server.base_url, **settings
    )


def body(server: Origin) -> Any:
    return json.loads(server.requests[-1].body)


def test_a_type_is_asked_for_as_json_schema(server: Origin, ask: Asking) -> None:
    assert ask.parse(client_of(server, system="Count."), Answer, "2 + 2?") == Answer(number=4)
    schema = {
        "type": "object",
        "title": "Answer",
        "description": "An answer.",
        "properties": {"number": {"type": "integer"}},
        "required": ["number"],
    }
    assert body(server) == {
        "systemInstruction": {"parts": [{"text": "Count."}]},
        "contents": [{"role": "user", "parts": [{"text": "2 + 2?"}]}],
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": schema,
        },
    }


def test_functions_and_tools_of_its_own_are_sent(server: Origin, ask: Asking) -> None:
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    tools = [add, {"googleSearch": {}}, {"type": "function", "name": "own", "parameters": {}}]
    ask.complete(client_of(server), "2 + 2?", tools=tools, tool_choice="add")
    sent = body(server)
    functions, search = sent["tools"]
    assert search == {"googleSearch": {}}
    assert [one["name"] for one in functions["functionDeclarations"]] == ["add", "own"]
    parameters = functions["functionDeclarations"][0]["parametersJsonSchema"]
    assert parameters["properties"] == {"a": {"type": "integer"}, "b": {"type": "integer"}}
    assert sent["toolConfig"] == {
        "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["add"]}
    }


def test_a_conversation_with_a_call_an_image_and_a_failure_is_written(
    server: Origin, ask: Asking
) -> None:
    call = tw.types.ToolCallPart("c", "look", '{"at": "sky"}')
    messages = [
        tw.LlmMessage("system", "Be brief."),
        tw.LlmMessage("user", ["What is there?", tw.ImagePart(data=PIXEL)]),
        tw.LlmMessage("assistant", [call]),
        tw.LlmMessage("tool", [tw.ToolResult("c", ["this", tw.ImagePart(data=PIXEL)])]),
        tw.LlmMessage("assistant", [tw.types.ToolCallPart(None, "look", "")]),
        call.result("too dark", error=True),
    ]
    ask.complete(client_of(server), messages)
    sent = body(server)
    assert sent["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    data = {"inlineData": {"mimeType": "image/png", "data": sent_image(sent)}}
    dummy = "skip_thought_signature_validator"
    first = {"name": "look", "args": {"at": "sky"}, "id": "c"}
    seen = {"name": "look", "id": "c", "response": {"output": "this"}, "parts": [data]}
    failed = {"name": "look", "id": "c", "response": {"error": "too dark"}}
    assert sent["contents"] == [
        {"role": "user", "parts": [{"text": "What is there?"}, data]},
        {"role": "model", "parts": [{"functionCall": first, "thoughtSignature": dummy}]},
        {"role": "user", "parts": [{"functionResponse": seen}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "look", "args": {}}, "thoughtSignature": dummy}],
        },
        {"role": "user", "parts": [{"functionResponse": failed}]},
    ]


def sent_image(sent: dict[str, Any]) -> str:
    data: str = sent["contents"][0]["parts"][1]["inlineData"]["data"]
    assert data.startswith("iVBORw0KGgo")
    return data


def test_a_result_whose_function_nobody_named_is_refused(server: Origin, ask: Asking) -> None:
    messages = [tw.LlmMessage("user", "q"), tw.LlmMessage("tool", [tw.ToolResult("c", "5")])]
    with pytest.raises(tw.LlmValidationError, match=r"messages\[1\].*needs the name.*name=") as it:
        ask.complete(client_of(server), messages)
    assert "\n" not in str(it.value)
    assert server.requests == []


def test_a_recursive_type_is_asked_for_if_its_members_may_be_none(
    server: Origin, ask: Asking
) -> None:
    class Node(BaseModel):
        number: int
        next: Node | None = None

    Node.model_rebuild(_types_namespace={"Node": Node})
    assert ask.parse(client_of(server), Node, "a list?") == Node(number=4)
    schema = json.dumps(body(server)["generationConfig"]["responseJsonSchema"])
    assert '"required": ["number"]' in schema

    class Tree(BaseModel):
        children: list[Tree]

    Tree.model_rebuild(_types_namespace={"Tree": Tree})
    with pytest.raises(tw.LlmValidationError, match=r"children: it contains itself"):
        ask.parse(client_of(server), Tree, "a tree?")


def test_an_effort_is_written_in_the_form_of_the_family(server: Origin, ask: Asking) -> None:
    for model, written in [
        ("gemini-3-flash-preview", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-2.5-flash", {"thinkingBudget": 1024, "includeThoughts": True}),
    ]:
        ask.complete(client_of(server, model), "q", reasoning_effort="low")
        assert body(server)["generationConfig"] == {"thinkingConfig": written}
    thinking = {"generationConfig": {"thinkingConfig": {"thinkingBudget": 5}}}
    with pytest.raises(tw.LlmValidationError, match="give only one of them"):
        ask.complete(client_of(server), "q", reasoning_effort="low", extra_body=thinking)


def test_a_call_by_itself_keeps_its_signature(server: Origin, ask: Asking) -> None:
    called = {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "s"}
    message = tw.LlmMessage("assistant", [Call()])
    ask.complete(client_of(server), [tw.LlmMessage("user", "q"), message])
    assert body(server)["contents"][1]["parts"] == [called]
    # No other API gets it.
    other = tw.ChatClient("openai:m", api_key="k", base_url=server.base_url)
    with pytest.raises(tw.LlmError):
        ask.complete(other, [tw.LlmMessage("user", "q"), message])
    assert "thoughtSignature" not in server.requests[-1].body.decode()


def test_gemini_own_tool_passes_and_other_dicts_are_refused() -> None:
    from tokenwire.tools import tool_schema

    own = {"functionDeclarations": [{"name": "f"}], "codeExecution": {}}
    assert tool_schema(own) == own
    for tool in ({}, {"a": 1}):
        with pytest.raises(tw.LlmConfigError, match="a tool that is a dict needs"):
            tool_schema(tool)


@pytest.mark.parametrize("provider", ["google", "gemini"])
def test_an_address_in_a_model_string_gets_the_version_of_the_api(
    server: Origin, ask: Asking, provider: str
) -> None:
    host = server.base_url.partition("://")[2].partition("/")[0]
    for address, path in ((host, "/v1beta"), (f"{host}/v1", "/v1"), (f"{host}/x", "/x/v1beta")):
        client = tw.ChatClient(f"{provider}://{address}@gemini-x", api_key="k")
        assert client.base_url == f"http://{address}"
        ask.complete(client, "q")
        sent_to = server.requests[-1].line.split()[1]
        assert sent_to == f"{path}/models/gemini-x:generateContent"
