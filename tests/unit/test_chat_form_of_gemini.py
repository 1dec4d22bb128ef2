"""A request of Gemini reads as the request of chat that asks the same."""

from __future__ import annotations

from typing import Any

import pytest

from tokenwire.testing.chat_form import chat_form


def read(**sent: Any) -> dict[str, Any]:
    return chat_form(sent, "gemini")


def messages_of(*contents: Any, **more: Any) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = read(contents=list(contents), **more)["messages"]
    return messages


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def model(*parts: Any) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def test_a_text_and_the_system_prompt_are_messages():
    system = {"parts": [{"text": "Be brief."}]}
    assert messages_of(user({"text": "hi"}), systemInstruction=system) == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "hi"},
    ]
    assert read() == {"messages": []}


def test_calls_and_results_have_the_form_of_chat_and_thoughts_are_left_out():
    answer = model(
        {"text": "Hm.", "thought": True},
        {"text": "Let me look.", "thoughtSignature": "s"},
        {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "s"},
        {"functionCall": {"name": "g"}},
    )
    image = {"inlineData": {"mimeType": "image/png", "data": "AA"}}
    results = user(
        {"functionResponse": {"id": "1", "name": "f", "response": {"output": "ok"}}},
        {"functionResponse": {"name": "g", "response": {"error": {"a": 1}}, "parts": [image]}},
        {"text": "And?"},
    )
    assert messages_of(answer, results) == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": None, "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "name": "f", "content": "ok"},
        {
            "role": "tool",
            "tool_call_id": None,
            "name": "g",
            "content": [
                {"type": "text", "text": '{"a":1}'},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
            ],
        },
        {"role": "user", "content": "And?"},
    ]
    signed = model({"text": "It rains."}, {"text": "", "thoughtSignature": "s"})
    assert messages_of(signed) == [{"role": "assistant", "content": "It rains."}]
    only_call = model({"text": "", "thoughtSignature": "s"}, {"functionCall": {"name": "g"}})
    assert messages_of(only_call)[0]["content"] is None
    other = {"functionResponse": {"name": "g", "response": {"a": 1, "b": 2}}}
    assert messages_of(user(other))[0]["content"] == '{"a":1,"b":2}'


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "https://e.x/a.png"}},
            {"type": "image_url", "image_url": {"url": "https://e.x/a.png"}},
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AA"}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA"}},
        ),
        (
            {"fileData": {"mimeType": "video/mp4", "fileUri": "files/1"}},
            {"type": "file", "file": {"file_id": "files/1"}},
        ),
        (
            {"inlineData": {"mimeType": "audio/wav", "data": "AA"}},
            {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
        ),
        ({"executableCode": {"code": "1"}}, {"executableCode": {"code": "1"}}),
    ],
)
def test_a_part_has_the_form_of_chat(sent, expected):
    assert messages_of(user({"text": "hi"}, sent))[0]["content"][1] == expected


SCHEMA: dict[str, Any] = {"type": "object"}


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"generationConfig": {"maxOutputTokens": 9, "stopSequences": ["a"], "topK": 1, "x": 2}},
            {
                "max_completion_tokens": 9,
                "stop": ["a"],
                "top_k": 1,
                "generationConfig": {"x": 2},
            },
        ),
        (
            {"generationConfig": {"responseLogprobs": True, "logprobs": 2}},
            {"logprobs": True, "top_logprobs": 2},
        ),
        (
            {"generationConfig": {"responseMimeType": "application/json"}},
            {"response_format": {"type": "json_object"}},
        ),
        (
            {
                "generationConfig": {
                    "responseMimeType": "application/json",
                    "responseJsonSchema": SCHEMA,
                }
            },
            {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}},
        ),
        (
            {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low", "x": 1}}},
            {"reasoning_effort": "low", "generationConfig": {"thinkingConfig": {"x": 1}}},
        ),
        (
            {
                "tools": [
                    {"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]},
                    {"googleSearch": {}},
                ]
            },
            {
                "tools": [
                    {"type": "function", "function": {"name": "f", "parameters": SCHEMA}},
                    {"googleSearch": {}},
                ]
            },
        ),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}, "x": 1}},
            {"tool_choice": "required", "toolConfig": {"x": 1}},
        ),
        (
            {
                "toolConfig": {
                    "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}
                }
            },
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        ),
        ({"labels": {"a": "b"}}, {"metadata": {"a": "b"}}),
        ({"safetySettings": []}, {"safetySettings": []}),
    ],
)
def test_a_parameter_has_the_name_and_the_place_of_chat(sent, expected):
    assert read(**sent) == {"messages": [], **expected}
