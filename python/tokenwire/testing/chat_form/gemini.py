"""Requests of Gemini in the form of chat."""

from __future__ import annotations

import json
from typing import Any

from tokenwire.testing.chat_form.parts import rename, single_text

_CONFIG = {
    "maxOutputTokens": "max_completion_tokens",
    "stopSequences": "stop",
    "candidateCount": "n",
    "topP": "top_p",
    "topK": "top_k",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "logprobs": "top_logprobs",
    "responseLogprobs": "logprobs",
    "temperature": "temperature",
    "seed": "seed",
}
_CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none"}


def chat_form(body: dict[str, Any]) -> dict[str, Any]:
    """The body of the chat that asks the same as this one of Gemini."""
    left = dict(body)
    chat: dict[str, Any] = {"messages": _messages(left)}
    _read_config(left)
    _read_tools(left)
    rename(left, "labels", "metadata")
    return {**chat, **left}


def _read_config(body: dict[str, Any]) -> None:
    """Move the fields of `generationConfig` to where chat has them."""
    given = body.pop("generationConfig", None)
    if not isinstance(given, dict):
        return
    config = dict(given)
    for old, new in _CONFIG.items():
        if old in config:
            body[new] = config.pop(old)
    if config.get("responseMimeType") == "application/json":
        del config["responseMimeType"]
        schema = config.pop("responseJsonSchema", config.pop("responseSchema", None))
        form: dict[str, Any] = {"type": "json_object"}
        if schema is not None:
            form = {"type": "json_schema", "json_schema": {"schema": schema}}
        body["response_format"] = form
    thinking = config.get("thinkingConfig")
    if isinstance(thinking, dict) and "thinkingLevel" in thinking:
        body["reasoning_effort"] = thinking["thinkingLevel"]
        more = {key: value for key, value in thinking.items() if key != "thinkingLevel"}
        config["thinkingConfig"] = more
        if not more:
            del config["thinkingConfig"]
    if config:
        body["generationConfig"] = config


def _read_tools(body: dict[str, Any]) -> None:
    tools: list[Any] = []
    for tool in body.get("tools") or []:
        declared = tool.get("functionDeclarations") if isinstance(tool, dict) else None
        tools += [_tool(one) for one in declared] if isinstance(declared, list) else [tool]
    if tools:
        body["tools"] = tools
    config = body.get("toolConfig")
    calling = config.get("functionCallingConfig") if isinstance(config, dict) else None
    if not isinstance(calling, dict):
        return
    names = calling.get("allowedFunctionNames") or []
    named = [{"type": "function", "function": {"name": name}} for name in names]
    choice: Any = _CHOICES.get(calling.get("mode", "AUTO"))
    if choice == "required" and len(named) == 1:
        choice = named[0]
    elif named:
        mode = choice or "auto"
        choice = {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": named}}
    if choice is None:
        return
    body["tool_choice"] = choice
    more = {key: value for key, value in body.pop("toolConfig").items() if value is not calling}
    if more:
        body["toolConfig"] = more


def _tool(declared: dict[str, Any]) -> dict[str, Any]:
    inner = dict(declared)
    rename(inner, "parametersJsonSchema", "parameters")
    return {"type": "function", "function": inner}


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages. Removes `systemInstruction` and `contents` from the body."""
    messages: list[dict[str, Any]] = []
    system = body.pop("systemInstruction", None)
    if isinstance(system, dict):
        messages.append({"role": "system", "content": single_text(_parts(system))})
    given = body.pop("contents", None)
    for content in given if isinstance(given, list) else []:
        if content.get("role") == "model":
            messages.append(_answer(content))
        else:
            messages += _question(content)
    return messages


def _parts(content: dict[str, Any]) -> list[Any]:
    """The parts in the form of chat, without reasoning and signatures."""
    shown = [part for part in content.get("parts") or [] if isinstance(part, dict)]
    shown = [part for part in shown if part.get("thought") is not True]
    parts = [_part(part) for part in shown]
    # An empty text has only a signature.
    return [part for part in parts if part != {"type": "text", "text": ""}] or parts[:1]


def _answer(content: dict[str, Any]) -> dict[str, Any]:
    """A message of the model."""
    parts = [part for part in content.get("parts") or [] if isinstance(part, dict)]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    said = _parts({"parts": [part for part in parts if "functionCall" not in part]})
    if calls and said == [{"type": "text", "text": ""}]:
        said = []
    message: dict[str, Any] = {"role": "assistant", "content": single_text(said) if said else None}
    if calls:
        message["tool_calls"] = [_call(call) for call in calls]
    return message


def _call(call: dict[str, Any]) -> dict[str, Any]:
    arguments = _json(call.get("args", {}))
    inner = {"name": call.get("name"), "arguments": arguments}
    return {"id": call.get("id"), "type": "function", "function": inner}


def _question(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of functions as messages of their own, and what else was said."""
    messages: list[dict[str, Any]] = []
    others = []
    for part in content.get("parts") or []:
        result = part.get("functionResponse") if isinstance(part, dict) else None
        if isinstance(result, dict):
            messages.append(_result(result))
        else:
            others.append(part)
    if others or not messages:
        said = single_text(_parts({"parts": others}))
        messages.append({"role": content.get("role", "user"), "content": said})
    return messages


def _result(result: dict[str, Any]) -> dict[str, Any]:
    response = result.get("response")
    said = response
    if isinstance(response, dict) and len(response) == 1:
        said = response.get("output", response.get("error", response))
    text = said if isinstance(said, str) else _json(said)
    content: Any = text
    if media := _parts(result):
        content = [{"type": "text", "text": text}, *media]
    message = {"role": "tool", "tool_call_id": result.get("id"), "name": result.get("name")}
    return {**message, "content": content}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if isinstance(part.get("text"), str) and not part.keys() - {
        "text",
        "thoughtSignature",
        "thought",
    }:
        return {"type": "text", "text": part["text"]}
    inline, linked = part.get("inlineData"), part.get("fileData")
    if isinstance(inline, dict):
        kind = str(inline.get("mimeType"))
        data = inline.get("data")
        if kind.startswith("audio/"):
            audio = {"data": data, "format": kind.removeprefix("audio/")}
            return {"type": "input_audio", "input_audio": audio}
        return _media(kind, f"data:{kind};base64,{data}", "file_data")
    if isinstance(linked, dict):
        return _media(str(linked.get("mimeType")), linked.get("fileUri"), "file_id")
    return part


def _media(kind: str, url: Any, field: str) -> dict[str, Any]:
    """An image by its address, and any other file in its field."""
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {field: url}}
