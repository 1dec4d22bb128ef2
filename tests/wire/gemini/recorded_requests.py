"""Recorded request bodies of Gemini, read into messages and arguments of a call.

Written from wire.md 6.1, 16 and 18.3, without the engine's encoder: what a user would write who
wants this body. A thing that has no neutral form stays a dict, or goes through `extra_body`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.wire.gemini.bodies import canonical

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

API = "gemini"
_MODEL = re.compile(r"/models/([^:/?]+):")
# What a call has an argument for, under which name.
_ARGUMENTS = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "maxOutputTokens": "max_tokens",
    "candidateCount": "n",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
_MODES = {"AUTO": "auto", "NONE": "none", "ANY": "required"}
_DECLARATION = ("name", "description", "parameters", "parametersJsonSchema")


@dataclass
class Asked:
    """A request as a user would make it."""

    model: str
    messages: list[LlmMessage | dict[str, Any]] = field(default_factory=list)
    stream: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def read_request(body: dict[str, Any], row: dict[str, Any], provider: str) -> Asked:
    """Read a recorded body, as a user of `provider` would write it."""
    found = _MODEL.search(row["url"] or "")
    asked = Asked(found[1] if found else "m", stream=row["api"] == "gemini.stream")
    rest = canonical(body)
    # The address names the model.
    rest.pop("model", None)
    if "systemInstruction" in rest:
        parts = rest.pop("systemInstruction").get("parts") or []
        if parts:
            asked.messages.append(LlmMessage("system", [_part(part) for part in parts]))
    for content in rest.pop("contents"):
        asked.messages += _messages(content, provider)
    if "tools" in rest:
        asked.params["tools"] = [one for tool in rest.pop("tools") for one in _tools(tool)]
    _read_choice(rest, asked.params)
    _read_config(rest, asked.params)
    if "labels" in rest:
        asked.params["metadata"] = rest.pop("labels")
    if rest:
        asked.params["extra_body"] = rest
    return asked


def _read_choice(rest: dict[str, Any], params: dict[str, Any]) -> None:
    config = rest.get("toolConfig")
    if config is None or config.keys() - {"functionCallingConfig"}:
        return
    calling = config.get("functionCallingConfig") or {}
    names = calling.get("allowedFunctionNames") or []
    if calling.get("mode") not in _MODES or len(names) > 1:
        return
    del rest["toolConfig"]
    params["tool_choice"] = names[0] if names else _MODES[calling["mode"]]


def _read_config(rest: dict[str, Any], params: dict[str, Any]) -> None:
    config = dict(rest.pop("generationConfig", None) or {})
    for key, name in _ARGUMENTS.items():
        if key in config:
            value = config.pop(key)
            # A count is written without a fraction of zero.
            params[name] = int(value) if key == "topK" else value
    if "responseJsonSchema" in config and config.get("responseMimeType") == "application/json":
        del config["responseMimeType"]
        schema = config.pop("responseJsonSchema")
        params["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema},
        }
    elif config.get("responseMimeType") == "application/json" and "responseSchema" not in config:
        del config["responseMimeType"]
        params["response_format"] = {"type": "json_object"}
    thinking = config.get("thinkingConfig") or {}
    if thinking.keys() == {"thinkingLevel", "includeThoughts"} and thinking["includeThoughts"]:
        params["reasoning_effort"] = thinking["thinkingLevel"].lower()
        del config["thinkingConfig"]
    if config:
        rest["generationConfig"] = config


def _tools(tool: dict[str, Any]) -> list[Tool | dict[str, Any]]:
    """Return functions as `Tool`s; a tool of the provider's own stays a dict."""
    declared = tool.get("functionDeclarations")
    if declared is None:
        return [tool]
    found: list[Tool | dict[str, Any]] = []
    for one in declared:
        schema = one.get("parametersJsonSchema") or one.get("parameters")
        if one.keys() <= {*_DECLARATION} and (schema is None or is_json_schema(schema)):
            found.append(Tool(one["name"], one.get("description"), schema))
        else:
            found.append({"functionDeclarations": [one]})
    return found


def is_json_schema(schema: Any) -> bool:
    """Whether it is JSON Schema, and not the form of OpenAPI, with types in upper case."""
    if isinstance(schema, list):
        return all(map(is_json_schema, schema))
    if not isinstance(schema, dict):
        return True
    kind = schema.get("type")
    if "nullable" in schema or (isinstance(kind, str) and kind != kind.lower()):
        return False
    return all(map(is_json_schema, schema.values()))


def _messages(content: dict[str, Any], provider: str) -> list[LlmMessage | dict[str, Any]]:
    """Read a content: results of tools are messages of their own."""
    role, parts = content.get("role") or "user", content["parts"]
    if role == "model":
        return [LlmMessage("assistant", [said_part(part, provider) for part in parts])]
    if role not in ("user", "function") or not all(map(_has_a_part, parts)):
        return [content]
    found: list[LlmMessage | dict[str, Any]] = []
    others: list[Any] = []
    for part in parts:
        if "functionResponse" not in part:
            others.append(_part(part))
            continue
        if others:
            found.append(LlmMessage("user", others))
            others = []
        found.append(_result(part["functionResponse"]))
    return [*found, LlmMessage("user", others)] if others else found


def _has_a_part(part: dict[str, Any]) -> bool:
    """Whether there is a neutral form of a part that is not the model's."""
    return bool(part.keys() & {"text", "inlineData", "fileData", "functionResponse"})


def _part(part: dict[str, Any]) -> TextPart | ImagePart | FilePart:
    rest = {key: value for key, value in part.items() if (key, value) != ("thought", False)}
    if "text" in rest:
        return TextPart(rest.pop("text"), **rest)
    given = rest.pop("inlineData", None) or rest.pop("fileData")
    kind = given.get("mimeType")
    place = {"data": given["data"]} if "data" in given else {"url": given["fileUri"]}
    if kind is not None and kind.startswith("image/"):
        return ImagePart(**place, media_type=kind, **rest)
    return FilePart(**place, media_type=kind, **rest)


def _result(given: dict[str, Any]) -> LlmMessage:
    said: Any = given["response"]
    error = said.keys() == {"error"}
    if error or said.keys() == {"output"}:
        said = said["error" if error else "output"]
    text = said if isinstance(said, str) else json.dumps(said)
    content: Any = text
    if given.get("parts"):
        content = [TextPart(text), *(_part(part) for part in given["parts"])]
    result = ToolResult(given.get("id"), content, error=error, name=given["name"])
    return LlmMessage("tool", [result])


def said_part(part: dict[str, Any], provider: str) -> Any:
    """Read a part that the model said, as the part of a reply would have it."""
    origin: dict[str, Any] = {"provider": provider, "api": API}
    rest = {key: value for key, value in part.items() if (key, value) != ("thought", False)}
    if "text" in part:
        text, thought = rest.pop("text"), rest.pop("thought", False)
        if thought:
            signature = rest.pop("thoughtSignature", None)
            return ReasoningPart(text, signature, field="thought", **origin, **rest)
        return TextPart(text, **(origin if rest else {}), **rest)
    if "functionCall" in part:
        call = rest.pop("functionCall")
        return ToolCallPart(
            call.get("id"),
            call["name"],
            json.dumps(call.get("args") or {}),
            **({"extra": rest, **origin} if rest else {}),
        )
    return OpaquePart(provider, "parts", rest, api=API)
