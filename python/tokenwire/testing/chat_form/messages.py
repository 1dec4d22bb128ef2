"""Requests of Anthropic's Messages in the form of chat."""

from __future__ import annotations

import json
from typing import Any

from tokenwire.testing.chat_form.parts import rename, single_text

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_THINKING = ("thinking", "redacted_thinking")


def chat_form(body: dict[str, Any]) -> dict[str, Any]:
    """The body of the chat that asks the same as this one of Messages."""
    left = dict(body)
    chat: dict[str, Any] = {"messages": _messages(left)}
    rename(left, "max_tokens", "max_completion_tokens")
    rename(left, "stop_sequences", "stop")
    _read_metadata(left)
    _read_output(left)
    if isinstance(left.get("tools"), list):
        left["tools"] = [_tool(tool) for tool in left["tools"]]
    if isinstance(left.get("tool_choice"), dict):
        _read_choice(left)
    return {**chat, **left}


def _read_metadata(body: dict[str, Any]) -> None:
    """Move the user's id to where chat has it."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict) and "user_id" in metadata:
        body["user"] = metadata["user_id"]
        del body["metadata"]
        if more := {key: value for key, value in metadata.items() if key != "user_id"}:
            body["metadata"] = more


def _read_output(body: dict[str, Any]) -> None:
    """Move the effort and the form of the answer to where chat has them."""
    output = body.pop("output_config", None)
    if not isinstance(output, dict):
        return
    more = dict(output)
    rename(more, "effort", "reasoning_effort")
    form = more.get("format")
    if isinstance(form, dict) and form.get("type") == "json_schema":
        schema = {key: value for key, value in form.items() if key != "type"}
        more["response_format"] = {"type": "json_schema", "json_schema": schema}
        del more["format"]
    for name in ("reasoning_effort", "response_format"):
        if name in more:
            body[name] = more.pop(name)
    if more:
        body["output_config"] = more


def _tool(flat: Any) -> Any:
    if not isinstance(flat, dict) or "input_schema" not in flat:
        return flat
    inner = {key: flat[key] for key in ("name", "description", "strict") if key in flat}
    inner["parameters"] = flat["input_schema"]
    known = (*inner, "input_schema", "type")
    more = {key: value for key, value in flat.items() if key not in known}
    return {"type": "function", "function": inner, **more}


def _read_choice(body: dict[str, Any]) -> None:
    choice = dict(body["tool_choice"])
    if choice.pop("disable_parallel_tool_use", False):
        body["parallel_tool_calls"] = False
    kind = choice.get("type")
    if kind in _CHOICES:
        body["tool_choice"] = _CHOICES[kind]
        # What chat does when nothing is said.
        if kind == "auto" and "parallel_tool_calls" in body:
            del body["tool_choice"]
    elif kind == "tool":
        named = {"name": choice.get("name")}
        body["tool_choice"] = {"type": "function", "function": named}


def _messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages. Removes `system` and `messages` from the body."""
    messages: list[dict[str, Any]] = []
    system = body.pop("system", None)
    if system is not None:
        messages.append({"role": "system", "content": _content(system)})
    given = body.pop("messages", None)
    names: dict[Any, Any] = {}
    for message in given if isinstance(given, list) else []:
        role, content = message.get("role"), message.get("content")
        if role == "assistant":
            messages.append(_answer(content, names))
        elif isinstance(content, list):
            messages += _results(role, content, names)
        else:
            messages.append({"role": role, "content": content})
    return messages


def _answer(content: Any, names: dict[Any, Any]) -> dict[str, Any]:
    """A message of the model. Remembers the name of each call."""
    if not isinstance(content, list):
        return {"role": "assistant", "content": content}
    calls, said = [], []
    for block in content:
        kind = _kind(block)
        if kind == "tool_use":
            names[block.get("id")] = block.get("name")
            calls.append(_call(block))
        elif kind not in _THINKING:
            said.append(block)
    message: dict[str, Any] = {"role": "assistant", "content": _content(said) if said else None}
    if calls:
        message["tool_calls"] = calls
    return message


def _call(block: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(block.get("input"), separators=(",", ":"), ensure_ascii=False)
    inner = {"name": block.get("name"), "arguments": arguments}
    return {"id": block.get("id"), "type": "function", "function": inner}


def _results(role: Any, content: list[Any], names: dict[Any, Any]) -> list[dict[str, Any]]:
    """The results of tools as messages of their own, and what else was said."""
    messages: list[dict[str, Any]] = []
    said = []
    for block in content:
        if _kind(block) != "tool_result":
            said.append(block)
            continue
        call_id = block.get("tool_use_id")
        name = {"name": names[call_id]} if call_id in names else {}
        result = _content(block.get("content", ""))
        messages.append({"role": "tool", "tool_call_id": call_id, **name, "content": result})
    if said or not messages:
        messages.append({"role": role, "content": _content(said)})
    return messages


def _content(content: Any) -> Any:
    if not isinstance(content, list):
        return content
    return single_text([_part(block) for block in content])


def _kind(block: Any) -> Any:
    return block.get("type") if isinstance(block, dict) else None


def _part(block: Any) -> Any:
    kind = _kind(block)
    source = block.get("source") if kind in ("image", "document") else None
    if not isinstance(source, dict):
        return block
    url = _url(source)
    more = {key: value for key, value in block.items() if key not in ("type", "source", "title")}
    if kind == "image" and url is not None:
        return {"type": "image_url", "image_url": {"url": url}, **more}
    name = {"filename": block["title"]} if "title" in block else {}
    if source.get("type") == "file":
        return {"type": "file", "file": {**name, "file_id": source.get("file_id")}, **more}
    if kind == "document" and url is not None and source.get("type") == "base64":
        return {"type": "file", "file": {**name, "file_data": url}, **more}
    return block


def _url(source: dict[str, Any]) -> str | None:
    """The address of an image or a document, or its data as one."""
    if source.get("type") == "url":
        return source.get("url")
    if source.get("type") == "base64":
        return f"data:{source.get('media_type')};base64,{source.get('data')}"
    return None
