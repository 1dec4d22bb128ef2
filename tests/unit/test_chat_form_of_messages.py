"""A request of Messages reads as the request of chat that asks the same."""

from __future__ import annotations

from typing import Any

import pytest

from tokenwire.testing.chat_form import chat_form


def read(**sent: Any) -> dict[str, Any]:
    return chat_form({"model": "m", "max_tokens": 9, **sent}, "messages")


def messages_of(*sent: Any, **more: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = read(messages=list(sent), **more)["messages"]
    return messages


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


TEXT = {"type": "text", "text": "hi"}


def test_a_text_and_the_system_prompt_are_messages():
    system = {"role": "system", "content": "Be brief."}
    hi = {"role": "user", "content": "hi"}
    assert messages_of(hi, system="Be brief.") == [system, hi]
    said = [{"type": "text", "text": "Be brief."}]
    assert messages_of(user(TEXT), system=said) == [system, hi]
    cached = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert messages_of(hi, system=cached)[0]["content"] == cached
    assert messages_of(hi, {"role": "system", "content": "More."})[1] == {
        "role": "system",
        "content": "More.",
    }
    assert read() == {"model": "m", "messages": [], "max_completion_tokens": 9}


def test_calls_and_results_have_the_form_of_chat_and_thinking_is_left_out():
    answer = {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
        ],
    }
    results = user(
        {"type": "tool_result", "tool_use_id": "t2", "content": [TEXT], "is_error": True},
        {"type": "tool_result", "tool_use_id": "t1", "content": "ok"},
        TEXT,
    )
    assert messages_of(answer, results) == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {
                    "id": "t1",
                    "type": "function",
                    "function": {"name": "f", "arguments": '{"a":1}'},
                },
                {"id": "t2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "t2", "name": "g", "content": "hi"},
        {"role": "tool", "tool_call_id": "t1", "name": "f", "content": "ok"},
        {"role": "user", "content": "hi"},
    ]
    only_calls = {"role": "assistant", "content": answer["content"][3:]}
    assert messages_of(only_calls)[0]["content"] is None
    assert messages_of({"role": "assistant", "content": "hi"}) == [
        {"role": "assistant", "content": "hi"}
    ]


PDF = {"type": "base64", "media_type": "application/pdf", "data": "AA"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://e.x/a.png"}},
            {"type": "image_url", "image_url": {"url": "https://e.x/a.png"}},
        ),
        (
            {"type": "image", "source": {**PDF, "media_type": "image/png"}},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        ),
        (
            {"type": "document", "source": PDF, "title": "a.pdf"},
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"},
            },
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "f"}},
            {"type": "file", "file": {"file_id": "f"}},
        ),
        (
            {"type": "document", "source": {"type": "text", "data": "a"}},
            {"type": "document", "source": {"type": "text", "data": "a"}},
        ),
        ({"type": "server_tool_use", "id": "s"}, {"type": "server_tool_use", "id": "s"}),
    ],
)
def test_a_part_has_the_form_of_chat(sent, expected):
    assert messages_of(user(TEXT, sent))[0]["content"] == [TEXT, expected]


SCHEMA: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"stop_sequences": ["a"]}, {"stop": ["a"]}),
        ({"metadata": {"user_id": "u"}}, {"user": "u"}),
        ({"output_config": {"effort": "low"}}, {"reasoning_effort": "low"}),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}, "x": 1}},
            {
                "response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}},
                "output_config": {"x": 1},
            },
        ),
        (
            {"tools": [{"name": "f", "input_schema": SCHEMA, "strict": True}, {"type": "x_1"}]},
            {
                "tools": [
                    {
                        "type": "function",
                        "function": {"name": "f", "strict": True, "parameters": SCHEMA},
                    },
                    {"type": "x_1"},
                ]
            },
        ),
        ({"tool_choice": {"type": "any"}}, {"tool_choice": "required"}),
        ({"tool_choice": {"type": "none"}}, {"tool_choice": "none"}),
        (
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
            {"parallel_tool_calls": False},
        ),
        (
            {"tool_choice": {"type": "tool", "name": "f"}},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        ({"temperature": 0.5, "thinking": {}}, {"temperature": 0.5, "thinking": {}}),
    ],
)
def test_a_parameter_has_the_name_and_the_place_of_chat(sent, expected):
    assert read(**sent) == {
        "model": "m",
        "messages": [],
        "max_completion_tokens": 9,
        **expected,
    }
