"""Recorded request bodies of the Responses API, read into messages and arguments of a call.

Written from wire.md 4.1, 16 and 18.1, without the engine's encoder: what a user would write who
wants this body. A thing that has no neutral form stays a dict, or goes through `extra_body`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tokenwire import (
    FilePart,
    ImagePart,
    LlmMessage,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolResult,
)
from tokenwire.types import ToolCallPart

API = "responses"
# What a call has an argument for, under which name.
_ARGUMENTS = {
    "max_output_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "tool_choice": "tool_choice",
    "parallel_tool_calls": "parallel_tool_calls",
    "store": "store",
    "previous_response_id": "previous_response_id",
    "conversation": "conversation",
    "background": "background",
    "prompt_cache_key": "prompt_cache_key",
}
_FUNCTION = ("name", "description", "parameters", "strict")
_ITEMS_OF_THE_CALLER = ("additional_tools", "compaction_trigger", "item_reference")


@dataclass
class Asked:
    """A request as a user would make it."""

    model: str
    messages: list[LlmMessage | dict[str, Any]]
    system: str | None = None
    stream: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def read_request(body: dict[str, Any], provider: str, *, says_state: bool = True) -> Asked:
    """Read a recorded body, as a user of `provider` would write it.

    Args:
        body: The body.
        provider: The provider's name.
        says_state: Whether to say the API's default where the recorded client says nothing of
            `store`, because ours is another.
    """
    rest = dict(body)
    asked = Asked(rest.pop("model"), _messages(rest.pop("input", []), provider))
    asked.system = rest.pop("instructions", None)
    asked.stream = rest.pop("stream", False)
    if says_state:
        rest.setdefault("store", True)  # wire.md 18.1
    if "tools" in rest:
        asked.params["tools"] = [_tool(tool) for tool in rest.pop("tools")]
    choice = rest.get("tool_choice")
    if isinstance(choice, dict) and choice.keys() == {"type", "name"}:
        rest["tool_choice"] = choice["name"]
    extra = _nested(rest.pop("text", {}), rest.pop("reasoning", {}), asked.params)
    for key, value in rest.items():
        if key in _ARGUMENTS and value is not None:
            asked.params[_ARGUMENTS[key]] = value
        else:
            extra[key] = value
    if extra:
        asked.params["extra_body"] = extra
    return asked


def _nested(
    text: dict[str, Any], reasoning: dict[str, Any], params: dict[str, Any]
) -> dict[str, Any]:
    """Put what has an argument into `params`. Returns what is left, for `extra_body`."""
    if form := text.get("format"):
        schema = {key: value for key, value in form.items() if key != "type"}
        is_schema = form["type"] == "json_schema"
        params["response_format"] = (
            {"type": "json_schema", "json_schema": schema} if is_schema else form
        )
    if reasoning.get("effort"):
        params["reasoning_effort"] = reasoning["effort"]
        reasoning = {key: value for key, value in reasoning.items() if key != "effort"}
    text = {key: value for key, value in text.items() if key != "format"}
    return {key: value for key, value in (("text", text), ("reasoning", reasoning)) if value}


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """Return a function in chat's form, which all APIs share; any other tool as it is."""
    if tool["type"] != "function" or not tool.keys() <= {"type", *_FUNCTION}:
        return tool
    return {"type": "function", "function": {key: tool[key] for key in _FUNCTION if key in tool}}


def _messages(given: Any, provider: str) -> list[LlmMessage | dict[str, Any]]:
    if isinstance(given, str):
        return [LlmMessage("user", given)]
    messages: list[LlmMessage | dict[str, Any]] = []
    turn: list[Any] = []  # what the assistant said, one message of ours

    def end_turn() -> None:
        if turn:
            messages.append(LlmMessage("assistant", list(turn)))
            turn.clear()

    for item in given:
        kind = item.get("type") or "message"
        if kind == "message" and item["role"] != "assistant":
            end_turn()
            content = item["content"]
            parts = content if isinstance(content, str) else [_given(one) for one in content]
            messages.append(LlmMessage(item["role"], parts))
        elif kind == "function_call_output":
            end_turn()
            messages.append(_result(item))
        elif kind in _ITEMS_OF_THE_CALLER:
            end_turn()
            messages.append(item)
        else:
            parts = said_parts(item, kind, provider)
            if kind == "message" and not getattr(parts[0], "item", None):
                # Only its own message keeps it apart from the text before it.
                end_turn()
            turn += parts
    end_turn()
    return messages


def _given(block: dict[str, Any]) -> Any:
    """Read a block of a user's message, or of a tool's result."""
    rest = {key: value for key, value in block.items() if key != "type"}
    if block["type"] == "input_text":
        return TextPart(**rest)
    if block["type"] == "input_image":
        if "image_url" in rest:
            rest["url"] = rest.pop("image_url")
        return ImagePart(**rest)
    assert block["type"] == "input_file"
    if "file_url" in rest:
        rest["url"] = rest.pop("file_url")
    if "file_data" in rest:
        head, rest["data"] = rest.pop("file_data").split(",", 1)
        rest["media_type"] = head.removeprefix("data:").removesuffix(";base64")
    return FilePart(**rest)


def _result(item: dict[str, Any]) -> LlmMessage:
    output = item["output"]
    content = output if isinstance(output, str) else [_given(one) for one in output]
    rest = {k: v for k, v in item.items() if k not in ("type", "call_id", "output")}
    return LlmMessage("tool", [ToolResult(item["call_id"], content, **rest)])


def said_parts(item: dict[str, Any], kind: str, provider: str) -> list[Any]:
    """Read an item that the assistant said, as the parts of a reply would have it."""
    origin = {"provider": provider, "api": API}
    if kind == "function_call":
        known = ("type", "call_id", "name", "arguments")
        rest = {key: value for key, value in item.items() if key not in known}
        extra: dict[str, Any] = {"extra": {"item": rest}, **origin} if rest else {}
        return [ToolCallPart(item["call_id"], item["name"], item["arguments"], **extra)]
    if kind == "reasoning":
        return _reasoning(item, provider)
    if kind != "message":
        return [OpaquePart(provider, "output", item, api=API)]
    if isinstance(item["content"], str):
        return [TextPart(item["content"])]
    rest = {key: value for key, value in item.items() if key not in ("type", "role", "content")}
    parts: list[Any] = []
    for block in item["content"]:
        kept = {k: v for k, v in block.items() if k not in ("type", "text", "refusal")}
        noted: dict[str, Any] = {}
        if rest or kept:
            continues = {"id": item["id"], "continues": True} if "id" in item else {}
            noted = {"item": continues if parts else rest, **kept, **origin}
        if block["type"] == "refusal":
            parts.append(RefusalPart(block["refusal"], **noted))
        else:
            parts.append(TextPart(block["text"], **noted))
    return parts


def _reasoning(item: dict[str, Any], provider: str) -> list[ReasoningPart]:
    known = ("type", "summary", "content", "encrypted_content")
    rest = {key: value for key, value in item.items() if key not in known}
    blocks: list[tuple[str | None, str]] = [
        (place, block["text"])
        for place in ("summary", "content")
        for block in item.get(place) or []
    ]
    continues = {"continues": True, **({"id": item["id"]} if "id" in item else {})}
    parts = [
        ReasoningPart(
            text,
            provider=provider,
            field=place,
            item=continues if position else rest,
            api=API,
        )
        for position, (place, text) in enumerate(blocks or [(None, "")])
    ]
    parts[-1].signature = item.get("encrypted_content")
    return parts
