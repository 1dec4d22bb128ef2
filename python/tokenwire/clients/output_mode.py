"""Typed output of providers that take no schema: it becomes part of the prompt."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire._pydantic import dumped
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
    system = steering.get("system")
    if system is not None:
        steering["system"] = f"{system}\n\n{text}"
    elif not isinstance(asked, list) or not any(map(_is_system, asked)):
        steering["system"] = text
    elif _is_system(asked[0]):
        asked = [_extended(asked[0], text), *asked[1:]]
    else:
        asked = [{"role": "system", "content": text}, *asked]
    return asked, params, steering


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
