"""Parts note the provider and the API that they came by, wherever a message is kept."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire.tools import tool_schema
from tokenwire.types import (
    FilePart,
    ImagePart,
    LlmMessage,
    LlmRequest,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResult,
    message_from_parts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

# What the engine says of a reply with each kind of item.
PARTS: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "text": "One.",
        "signature": None,
        "field": "summary",
        "extra": {"item": {"id": "rs_1", "status": None}},
    },
    {
        "type": "reasoning",
        "text": "Two.",
        "signature": "ZW5j",
        "field": "summary",
        "extra": {"item": {"id": "rs_1", "continues": True}},
    },
    {
        "type": "text",
        "text": "I look it up.",
        "extra": {"item": {"id": "msg_1", "phase": "commentary"}, "annotations": []},
    },
    {"type": "opaque", "field": "output", "json": {"type": "web_search_call", "id": "ws_1"}},
    {"type": "text", "text": "Sunny.", "extra": {"item": {}, "annotations": [{"a": [None, 1.5]}]}},
    {"type": "text", "text": "", "extra": {"item": {"continues": True}}},
    {"type": "refusal", "text": "No.", "extra": {"item": {"id": "msg_3"}}},
    {
        "type": "tool_call",
        "id": "call_1",
        "name": "weather",
        "arguments": "{}",
        "extra": {"item": {"id": "fc_1", "status": "completed"}},
    },
    {
        "type": "tool_call",
        "id": "call_2",
        "name": "shell",
        "arguments": "ls",
        "extra": {"item": {"id": "ctc_1"}, "custom": {}},
    },
]
OURS: dict[str, Any] = {"provider": "openai", "api": "responses"}
MESSAGE = LlmMessage(
    "assistant",
    [
        ReasoningPart(
            "One.",
            field="summary",
            model="m",
            item={"id": "rs_1", "status": None},
            **OURS,
        ),
        ReasoningPart(
            "Two.",
            signature="ZW5j",
            field="summary",
            model="m",
            item={"id": "rs_1", "continues": True},
            **OURS,
        ),
        TextPart(
            "I look it up.", item={"id": "msg_1", "phase": "commentary"}, annotations=[], **OURS
        ),
        OpaquePart("openai", "output", {"type": "web_search_call", "id": "ws_1"}, api="responses"),
        TextPart("Sunny.", item={}, annotations=[{"a": [None, 1.5]}], **OURS),
        TextPart("", item={"continues": True}, **OURS),
        RefusalPart("No.", item={"id": "msg_3"}, **OURS),
        ToolCallPart(
            "call_1",
            "weather",
            "{}",
            {"item": {"id": "fc_1", "status": "completed"}},
            **OURS,
        ),
        ToolCallPart("call_2", "shell", "ls", {"item": {"id": "ctc_1"}, "custom": {}}, **OURS),
    ],
)


def test_the_parts_of_a_reply_note_where_they_came_from() -> None:
    assert message_from_parts(PARTS, "openai", "m", "responses") == MESSAGE


def sent(message: LlmMessage) -> list[Any]:
    parts = message.__tokenwire_json__()["parts"]
    assert isinstance(parts, list)
    return parts


def test_the_engine_reads_them_with_their_notes() -> None:
    for part, original in zip(sent(MESSAGE), PARTS, strict=True):
        extra = original.get("extra", {})
        own = {name: value for name, value in original.items() if value is not None}
        if original["type"] != "tool_call":
            own = {**extra, **{name: own[name] for name in own if name != "extra"}}
        if original["type"] == "reasoning":
            own["model"] = "m"
        assert part == {**own, **OURS}


@pytest.mark.parametrize("api", ["chat", "completions", None])
def test_parts_of_chat_do_not_note_their_api(api: str | None) -> None:
    message = message_from_parts(PARTS, "mistral", "m", api)
    assert not any("api" in part for part in sent(message))
    assert {part["provider"] for part in sent(message)} == {"mistral"}
    plain = message_from_parts([{"type": "text", "text": "a"}], "mistral", "m", "responses")
    assert sent(plain) == [{"type": "text", "text": "a"}]


def test_a_block_cannot_pass_for_another_api_s_part() -> None:
    parts = [
        {"type": kind, "text": "a", "extra": {"api": 7, "cache": "x", "provider": 1, "kept": 2}}
        for kind in ("text", "refusal", "reasoning")
    ]
    for part in sent(message_from_parts(parts, "mistral", None, "chat")):
        assert part == {"type": part["type"], "text": "a", "provider": "mistral", "kept": 2}


KEEPERS: dict[str, Callable[[LlmMessage], LlmMessage]] = {
    "json": lambda message: LlmMessage.model_validate_json(message.model_dump_json()),
    "dict": lambda message: LlmMessage.model_validate(message.model_dump()),
    "unset": lambda message: LlmMessage.model_validate(message.model_dump(exclude_unset=True)),
    "pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda message: message.model_copy(deep=True),
    "list": lambda message: LlmMessage("assistant", list(message.content)),
    "dicts": lambda message: LlmMessage(
        "assistant",
        [part.model_dump() for part in message.content],  # type: ignore[union-attr]
    ),
    "request": lambda message: _loaded(LlmRequest(messages=[message])),
    "reply": lambda message: _reply(message).message,
    "reply dict": lambda message: (
        tw.LlmResponse.from_dict(json.loads(json.dumps(_reply(message).to_dict()))).message
    ),
    "reply pickle": lambda message: pickle.loads(pickle.dumps(_reply(message))).message,
    "choice pickle": lambda message: pickle.loads(pickle.dumps(_reply(message).choices[0])).message,
}


def _loaded(request: LlmRequest) -> LlmMessage:
    messages = LlmRequest.model_validate_json(request.model_dump_json()).messages
    assert messages
    message = messages[0]
    assert isinstance(message, LlmMessage)
    return message


def _reply(message: LlmMessage) -> tw.LlmResponse:
    return tw.LlmResponse(provider="openai", model="m", api="responses", message=message)


@pytest.mark.parametrize("keep", KEEPERS.values(), ids=KEEPERS)
def test_a_message_stays_what_it_is(keep: Callable[[LlmMessage], LlmMessage]) -> None:
    kept = keep(MESSAGE)
    assert kept == MESSAGE
    assert sent(kept) == sent(MESSAGE)
    assert sent(keep(kept)) == sent(MESSAGE)


def test_texts_are_joined_but_stay_apart() -> None:
    reply = _reply(MESSAGE)
    assert reply.text == reply.message.text == "I look it up.Sunny."
    assert reply.reasoning == "One.Two."
    assert [part.text for part in reply.message.content if isinstance(part, TextPart)] == [
        "I look it up.",
        "Sunny.",
        "",
    ]


def test_a_call_of_a_reply_keeps_its_api_in_another_message() -> None:
    calls = _reply(MESSAGE).tool_calls
    message = LlmMessage("assistant", list(calls))
    assert [part["api"] for part in sent(message)] == ["responses", "responses"]
    assert [part["extra"] for part in sent(message)] == [call.extra for call in calls]
    plain = LlmMessage("assistant", [tw.ToolCall("c", "f", "{}", {"index": 0})])
    assert sent(plain)[0].keys() == {"type", "id", "name", "arguments", "extra"}


def test_what_a_part_lacks_is_in_no_dump_and_no_repr() -> None:
    text = TextPart("a", cache=False)
    assert text.model_dump() == {"type": "text", "text": "a"}
    assert repr(text) == "TextPart(type='text', text='a')"
    assert (text.item, text.api, text.provider, text.cache) == (None, None, None, None)
    assert "file_id" not in ImagePart("https://x.example/a.png").model_dump()


@pytest.mark.parametrize("cache", [True, "1h"])
def test_a_part_or_a_tool_can_be_cached(cache: Any) -> None:
    parts = [
        TextPart("a", cache=cache),
        ImagePart("https://x.example/a.png", cache=cache),
        FilePart(file_id="f", cache=cache),
    ]
    message = LlmMessage("user", parts)
    for kept in (message, LlmMessage.model_validate_json(message.model_dump_json())):
        assert [part["cache"] for part in sent(kept)] == [cache] * 3
    tool = Tool("f", cache=cache)
    assert tool_schema(tool)["cache"] == cache
    assert "cache" not in tool_schema(Tool("f", cache=False))

    def add(a: int) -> int:
        return a

    assert tool_schema(Tool.from_function(add, cache=cache))["cache"] == cache
    named = {"name": "f", "parameters": {}, "cache": cache}
    function = {"name": "f", "parameters": {}}
    assert tool_schema(named) == {"type": "function", "function": function, "cache": cache}


@pytest.mark.parametrize("wrong", ["5m", 1, "", 3600, ["1h"]])
def test_another_time_is_refused(wrong: Any) -> None:
    for make in (
        lambda: TextPart("a", cache=wrong),
        lambda: ImagePart("https://x.example/a.png", cache=wrong),
        lambda: FilePart(file_id="f", cache=wrong),
        lambda: Tool("f", cache=wrong),
    ):
        with pytest.raises(tw.LlmValidationError) as refused:
            make()
        _, _, problem = str(refused.value).partition(": ")
        assert problem == 'cache: give True, or "1h" to keep it for an hour'


def test_an_image_may_be_a_file_of_the_provider() -> None:
    image = ImagePart(file_id="file_1", detail="low")
    message = LlmMessage("tool", [ToolResult("c", [image, FilePart(file_id="file_2")])])
    for kept in (message, LlmMessage.model_validate_json(message.model_dump_json())):
        (result,) = sent(kept)
        assert result["content"] == [
            {"type": "image", "file_id": "file_1", "detail": "low"},
            {"type": "file", "file_id": "file_2"},
        ]
    with pytest.raises(tw.LlmValidationError, match="give exactly one of path=, url=, data="):
        ImagePart("https://x.example/a.png", file_id="file_1")


def test_an_item_of_the_provider_s_own_stays_as_it_is() -> None:
    items: list[Any] = [
        {"type": "function_call_output", "call_id": "c", "output": "x"},
        {"type": "item_reference", "id": "msg_1"},
    ]
    request = LlmRequest(messages=items)
    assert request.messages == items
    assert LlmRequest.model_validate_json(request.model_dump_json()).messages == items
    for wrong in ({"id": "x"}, {"type": 7}, {"role": None, "type": "message"}):
        with pytest.raises(tw.LlmValidationError, match="a message needs a role"):
            LlmRequest(messages=[wrong])
