"""Typed output of providers that take no schema: it becomes part of the prompt, or a tool."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire._pydantic import dumped
from tokenwire.errors import LlmConfigError
from tokenwire.types import LlmMessage, TextPart

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_schema_in_prompt(
    mode: str, asked: Any, params: Mapping[str, Any], steering: Mapping[str, Any]
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Move the schema from `response_format` to the end of the system prompt.

    There it comes after what is the same in all calls, so that providers find it in their caches.
    The caller's messages are not changed: a system message that is there already is copied.

    Args:
        mode: ``"json_object"`` or ``"prompt"``.
        asked: The prompt or the messages.
        params: The arguments of the call, whose `response_format` has a schema.
        steering: What the engine gets besides, such as the system prompt of the client.

    Returns:
        The prompt, the arguments and the rest, as they are sent.
    """
    params, steering = dict(params), dict(steering)
    described = params.pop("response_format")["json_schema"]
    if mode == "json_object":
        params["response_format"] = {"type": "json_object"}
    # DeepSeek, Qwen and OpenAI want the word JSON in the prompt.
    text = (
        "Answer with one JSON object that fits this JSON schema, and with nothing else:\n"
        f"{json.dumps(described.get('schema', {}), ensure_ascii=False)}"
    )
    return _told(text, asked, steering), params, steering


def with_answer_tool(
    asked: Any, params: Mapping[str, Any], steering: Mapping[str, Any], taken: set[str | None]
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Make a tool of the schema in `response_format`, which the model has to call.

    With tools of the caller's, it has to call one of them all. Anthropic's models and Kimi cannot
    be made to call a tool while they think, and answer 400. So if the call asks for reasoning, the
    system prompt asks for the call instead.

    Args:
        asked: The prompt or the messages.
        params: The arguments of the call, whose `response_format` has a schema.
        steering: What the engine gets besides, such as the system prompt of the client.
        taken: The names of the caller's tools.

    Returns:
        The prompt, the arguments and the rest, as they are sent. The engine makes text of the
        arguments of the call.

    Raises:
        LlmConfigError: The schema is not that of an object.
    """
    params, steering = dict(params), dict(steering)
    described = params.pop("response_format")["json_schema"]
    schema = described.get("schema", {})
    if schema.get("type", "object") != "object":
        raise LlmConfigError(
            "response_format: output_mode='tool' takes the schema of an object, because the "
            "arguments of a tool are one; put the value into a property"
        )
    tools = params.get("tools") or ()
    name = described["name"]
    number = 2
    while name in taken:
        name = f"{described['name'][:60]}_{number}"
        number += 1
    function = {
        "name": name,
        "description": "Gives the answer. Call it once, when you know the answer.",
        "parameters": schema,
    }
    if described.get("strict"):
        function["strict"] = True
    params["tools"] = [*tools, {"type": "function", "function": function}]
    choice = params.get("tool_choice")
    # One of the caller's own tools may be the one that has to be called.
    if choice in (None, "auto", "none"):
        if _reasons(params) and not (tools and choice == "none"):
            params["tool_choice"] = "auto"
            asked = _told(f"Give your answer by calling the tool {name}.", asked, steering)
        elif tools and choice != "none":
            params["tool_choice"] = "required"
        else:
            params["tool_choice"] = {"type": "function", "function": {"name": name}}
    steering["answer_tool"] = name
    return asked, params, steering


def _reasons(params: Mapping[str, Any]) -> bool:
    """Whether the call asks for reasoning."""
    if params.get("reasoning_effort") not in (None, "none"):
        return True
    body = params.get("extra_body")
    thinking = body.get("thinking") if isinstance(body, dict) else None
    return isinstance(thinking, dict) and thinking.get("type") != "disabled"


def _told(text: str, asked: Any, steering: dict[str, Any]) -> Any:
    """Add `text` to the end of the system prompt. Returns the prompt or the messages."""
    system = steering.get("system")
    if system is not None:
        steering["system"] = f"{system}\n\n{text}"
    elif not isinstance(asked, list) or not any(map(_is_system, asked)):
        steering["system"] = text
    elif _is_system(asked[0]):
        asked = [_extended(asked[0], text), *asked[1:]]
    else:
        asked = [{"role": "system", "content": text}, *asked]
    return asked


def _is_system(message: Any) -> bool:
    role = message.get("role") if isinstance(message, dict) else getattr(message, "role", None)
    return role in ("system", "developer")


def _extended(message: Any, text: str) -> Any:
    """Return a system message with more text at its end."""
    more: Any = {"type": "text", "text": text}
    if isinstance(message, LlmMessage):
        content: Any = message.content
        more = TextPart(text)
    else:
        if not isinstance(message, dict):
            message = dumped(message)
        content = message.get("parts", message.get("content"))
    if not content:
        content = text
    else:
        content = f"{content}\n\n{text}" if isinstance(content, str) else [*content, more]
    if isinstance(message, LlmMessage):
        return message.model_copy(update={"content": content})
    return {**message, "parts" if "parts" in message else "content": content}
