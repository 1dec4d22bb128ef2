"""Recorded request bodies of the Messages API, read into messages and arguments of a call.

Written from wire.md 5.1, 16 and 18.2, without the engine's encoder: what a user would write who
wants this body. A thing that has no neutral form stays a dict, or goes through `extra_body`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from tokenwire import (
    FilePart,
    ImagePart,
    LlmMessage,
    OpaquePart,
    ReasoningPart,
    TextPart,
    Tool,
    ToolResult,
)
from tokenwire.types import ToolCallPart

API = "messages"
# What a call has an argument for, under which name.
_ARGUMENTS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop_sequences": "stop",
}
_FUNCTION = ("name", "description", "input_schema", "strict", "cache_control")
# What `reasoning_effort` writes for the models that think adaptively (wire.md 18.2).
_SHOWN = {"type": "adaptive", "display": "summarized"}


@dataclass
class Asked:
    """A request as a user would make it."""

    model: str
    messages: list[LlmMessage | dict[str, Any]]
    stream: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def read_request(body: dict[str, Any], provider: str, model: str) -> Asked:
    """Read a recorded body, as a user of `provider` would write it.

    Args:
        body: The body.
        provider: The provider's name.
        model: The model, where the body does not name it (Vertex; wire.md 18.2).
    """
    rest = dict(body)
    asked = Asked(rest.pop("model", model), [])
    rest.pop("anthropic_version", None)
    if "system" in rest:
        system = rest.pop("system")
        parts = system if isinstance(system, str) else [_part(block) for block in system]
        asked.messages.append(LlmMessage("system", parts))
    for message in rest.pop("messages"):
        asked.messages += _messages(message, provider)
    asked.stream = rest.pop("stream", False)
    if "tools" in rest:
        asked.params["tools"] = [_tool(tool) for tool in rest.pop("tools")]
    _read_choice(rest, asked.params)
    _read_reasoning(rest, asked.params)
    _read_format(rest, asked.params)
    extra: dict[str, Any] = {}
    for key, value in rest.items():
        if key in _ARGUMENTS and value is not None:
            asked.params[_ARGUMENTS[key]] = value
        else:
            extra[key] = value
    if extra:
        asked.params["extra_body"] = extra
    return asked


def _read_choice(rest: dict[str, Any], params: dict[str, Any]) -> None:
    choice = dict(rest.pop("tool_choice", None) or {})
    if "disable_parallel_tool_use" in choice:
        params["parallel_tool_calls"] = not choice["disable_parallel_tool_use"]
    kind = choice.get("type")
    if kind is not None:
        params["tool_choice"] = {"any": "required", "tool": choice.get("name")}.get(kind, kind)


def _read_reasoning(rest: dict[str, Any], params: dict[str, Any]) -> None:
    config = rest.get("output_config") or {}
    if rest.get("thinking") == _SHOWN and "effort" in config:
        del rest["thinking"]
        rest["output_config"] = {k: v for k, v in config.items() if k != "effort"}
        params["reasoning_effort"] = config["effort"]


def _read_format(rest: dict[str, Any], params: dict[str, Any]) -> None:
    config = dict(rest.pop("output_config", None) or {})
    form = config.pop("format", None)
    if form is not None:
        params["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": form["schema"]},
        }
    if config:
        rest["output_config"] = config


def _tool(tool: dict[str, Any]) -> Tool | dict[str, Any]:
    """Return a function as a `Tool`; a tool of the provider's own stays a dict."""
    if not tool.keys() <= {*_FUNCTION} or not isinstance(tool.get("input_schema"), dict):
        return tool
    return Tool(
        tool["name"],
        tool.get("description"),
        tool["input_schema"],
        strict=tool.get("strict"),
        **_cache(tool.get("cache_control")),
    )


def _cache(control: dict[str, Any] | None) -> dict[str, Any]:
    """Return the argument that writes this `cache_control`; five minutes is its default."""
    if control is None:
        return {}
    return {"cache": "1h" if control.get("ttl") == "1h" else True}


def _messages(message: dict[str, Any], provider: str) -> list[LlmMessage | dict[str, Any]]:
    """Read a message: results of tools are messages of their own."""
    role, content = message["role"], message["content"]
    if isinstance(content, str):
        return [LlmMessage(role, content)]
    if role == "assistant":
        return [LlmMessage(role, [said_part(block, provider) for block in content])]
    if not all(map(_has_a_part, content)):
        return [message]
    results = [_result(block) for block in content if block["type"] == "tool_result"]
    others = [_part(block) for block in content if block["type"] != "tool_result"]
    return [*results, *([LlmMessage(role, others)] if others else [])]


def _has_a_part(block: dict[str, Any]) -> bool:
    """Whether there is a neutral form of a block that is not the assistant's."""
    if block["type"] != "tool_result":
        return block["type"] in ("text", "image", "document")
    content = block.get("content") or ""
    return isinstance(content, str) or all(map(_has_a_part, content))


def _part(block: dict[str, Any]) -> TextPart | ImagePart | FilePart:
    rest = {key: value for key, value in block.items() if key not in ("type", "cache_control")}
    cache = _cache(block.get("cache_control"))
    if block["type"] == "text":
        return TextPart(**rest, **cache)
    return _file(block["type"], rest, cache)


def _file(kind: str, rest: dict[str, Any], cache: dict[str, Any]) -> ImagePart | FilePart:
    source = dict(rest.pop("source"))
    how = source.pop("type")
    if how == "text":
        source["data"] = base64.b64encode(source["data"].encode()).decode()
    if kind == "image":
        return ImagePart(**source, **rest, **cache)
    if "title" in rest:
        rest["filename"] = rest.pop("title")
    return FilePart(**source, **rest, **cache)


def _result(block: dict[str, Any]) -> LlmMessage:
    content = block.get("content") or ""
    if not isinstance(content, str):
        content = [_part(one) for one in content]
    known = ("type", "tool_use_id", "content", "is_error", "cache_control")
    rest = {key: value for key, value in block.items() if key not in known}
    if "cache_control" in block:
        # A result has no `cache` of its own: a key of Anthropic's is kept and sent.
        rest["cache_control"] = block["cache_control"]
    error = bool(block.get("is_error"))
    return LlmMessage("tool", [ToolResult(block["tool_use_id"], content, error=error, **rest)])


def said_part(block: dict[str, Any], provider: str) -> Any:
    """Read a block that the assistant said, as the part of a reply would have it."""
    origin: dict[str, Any] = {"provider": provider, "api": API}
    kind = block["type"]
    if kind == "text":
        rest = {key: value for key, value in block.items() if key not in ("type", "text")}
        return TextPart(block["text"], **(origin if rest else {}), **rest)
    if kind == "thinking":
        return ReasoningPart(block["thinking"], block.get("signature"), field="thinking", **origin)
    if kind == "tool_use":
        known = ("type", "id", "name", "input")
        rest = {key: value for key, value in block.items() if key not in known}
        return ToolCallPart(
            block["id"],
            block["name"],
            json.dumps(block["input"]),
            **({"extra": rest, **origin} if rest else {}),
        )
    return OpaquePart(provider, "content", block, api=API)
