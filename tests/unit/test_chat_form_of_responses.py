"""A request of Responses reads as the request of chat that asks the same."""

from __future__ import annotations

from typing import Any

import pytest

from tokenwire.testing.chat_form import chat_form, text_of


def messages_of(*items: Any, **more: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = chat_form({"input": list(items), **more}, "responses")[
        "messages"
    ]
    return messages


def test_a_text_and_the_system_prompt_are_messages():
    sent = {"model": "m", "instructions": "Be brief.", "input": "hi"}
    assert chat_form(sent, "responses") == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
        ],
    }


def test_what_the_model_said_in_one_turn_is_one_message():
    call = {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}"}
    custom = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "c2", "name": "g", "input": "x"}
    said = {"type": "output_text", "text": "Let me look.", "annotations": []}
    got = messages_of(
        {"role": "user", "content": [{"type": "input_text", "text": "Is it?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "…"},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [said]},
        call,
        custom,
        {"type": "function_call_output", "call_id": "c1", "output": "1"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
        {"role": "assistant", "content": "It is."},
        {"role": "assistant", "content": "Really."},
    )
    function = {"name": "f", "arguments": "{}"}
    assert got == [
        {"role": "user", "content": "Is it?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": function},
                {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "x"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "f", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "name": "g", "content": "2"},
        {"role": "assistant", "content": "It is."},
        {"role": "assistant", "content": "Really."},
    ]


def test_a_call_without_a_text_has_no_content():
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    (message,) = messages_of(call)
    assert message["content"] is None
    assert len(message["tool_calls"]) == 1


def test_parts_have_the_form_of_chat():
    [message] = messages_of(
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "See: "},
                {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
                {"type": "input_image", "file_id": "file-1"},
                {"type": "input_file", "file_data": "data:…", "filename": "a.pdf"},
                {"type": "input_text", "text": "Well?"},
            ],
        }
    )
    assert message["content"] == [
        {"type": "text", "text": "See: "},
        {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "file", "file": {"file_data": "data:…", "filename": "a.pdf"}},
        {"type": "text", "text": "Well?"},
    ]
    assert text_of(message["content"]) == "See: Well?"
    assert (text_of("a"), text_of(None), text_of([])) == ("a", "", "")


def test_an_item_that_chat_does_not_know_stays():
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    assert messages_of(search) == [search]


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"max_output_tokens": 5}, {"max_completion_tokens": 5}),
        ({"store": False, "include": ["reasoning.encrypted_content"]}, {}),
        ({"store": True}, {"store": True}),
        (
            {"include": ["message.output_text.logprobs", "file_search_call.results"]},
            {"logprobs": True, "include": ["file_search_call.results"]},
        ),
        ({"reasoning": {"effort": "low"}}, {"reasoning_effort": "low"}),
        (
            {"reasoning": {"effort": "low", "summary": "auto"}},
            {"reasoning_effort": "low", "reasoning": {"summary": "auto"}},
        ),
        (
            {"text": {"verbosity": "low", "format": {"type": "json_object"}}},
            {"verbosity": "low", "response_format": {"type": "json_object"}},
        ),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "schema": {}},
                }
            },
        ),
        (
            {"tools": [{"type": "function", "name": "f", "strict": False}, {"type": "mcp"}]},
            {"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "mcp"}]},
        ),
        ({"tool_choice": "auto"}, {"tool_choice": "auto"}),
        (
            {"tool_choice": {"type": "function", "name": "f"}},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "mode": "auto",
                    "tools": [{"type": "function", "name": "f"}],
                }
            },
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {
                        "mode": "auto",
                        "tools": [{"type": "function", "function": {"name": "f"}}],
                    },
                }
            },
        ),
        ({"tool_choice": {"type": "web_search"}}, {"tool_choice": {"type": "web_search"}}),
        ({"temperature": 0.5, "x": [1]}, {"temperature": 0.5, "x": [1]}),
    ],
)
def test_a_parameter_has_the_name_and_the_place_of_chat(sent, read):
    assert chat_form({"input": "hi", **sent}, "responses") == {
        "messages": [{"role": "user", "content": "hi"}],
        **read,
    }
