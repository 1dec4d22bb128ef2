"""Requests of Responses in the form of chat."""

from __future__ import annotations

from typing import Any

from tokenwire.testing.chat_form.parts import rename, single_text

# What a client adds to keep the state of a conversation on its own side, as chat does.
_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"


def chat_form(body: dict[str, Any]) -> dict[str, Any]:
    """The body of the chat that asks the same as this one of Responses."""
    left = dict(body)
    chat: dict[str, Any] = {"messages": _messages(left.pop("instructions", None), left)}
    rename(left, "max_output_tokens", "max_completion_tokens")
    if left.get("store") is False:
        del left["store"]
    _read_include(left)
    _read_nested(left, "reasoning", {"effort": "reasoning_effort"})
    _read_nested(left, "text", {"format": "response_format", "verbosity": "verbosity"})
    if isinstance(left.get("response_format"), dict):
        left["response_format"] = _response_format(left["response_format"])
    if isinstance(left.get("tools"), list):
        left["tools"] = [_tool(tool) for tool in left["tools"]]
    if isinstance(left.get("tool_choice"), dict):
        left["tool_choice"] = _tool_choice(left["tool_choice"])
    return {**chat, **left}


def _read_include(body: dict[str, Any]) -> None:
    include = body.pop("include", None)
    if not isinstance(include, list):
        return
    if _LOGPROBS in include:
        body["logprobs"] = True
    if more := [name for name in include if name not in (_LOGPROBS, _ENCRYPTED)]:
        body["include"] = more


def _read_nested(body: dict[str, Any], name: str, names: dict[str, str]) -> None:
    """Move keys of an object to where chat has them."""
    nested = body.pop(name, None)
    if not isinstance(nested, dict):
        return
    body.update({new: nested[old] for old, new in names.items() if old in nested})
    if more := {key: value for key, value in nested.items() if key not in names}:
        body[name] = more


def _response_format(flat: dict[str, Any]) -> dict[str, Any]:
    if flat.get("type") != "json_schema":
        return flat
    schema = {key: value for key, value in flat.items() if key != "type"}
    return {"type": "json_schema", "json_schema": schema}


def _tool(flat: Any) -> Any:
    if not isinstance(flat, dict) or flat.get("type") not in ("function", "custom"):
        return flat
    inner = {key: value for key, value in flat.items() if key != "type"}
    if inner.get("strict") is False:
        # The default of chat.
        del inner["strict"]
    return {"type": flat["type"], flat["type"]: inner}


def _tool_choice(flat: dict[str, Any]) -> dict[str, Any]:
    kind = flat.get("type")
    if kind in ("function", "custom"):
        return {"type": kind, kind: {"name": flat.get("name")}}
    if kind == "allowed_tools":
        allowed = {"mode": flat.get("mode"), "tools": [_tool(tool) for tool in flat["tools"]]}
        return {"type": kind, kind: allowed}
    return flat


def _messages(instructions: Any, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages. Removes `input` from the body."""
    messages: list[dict[str, Any]] = []
    if instructions is not None:
        messages.append({"role": "system", "content": instructions})
    given = body.pop("input", None)
    if isinstance(given, str):
        given = [{"role": "user", "content": given}]
    names: dict[Any, Any] = {}
    # The answer that the next items of the model belong to.
    answer: dict[str, Any] | None = None
    for item in given if isinstance(given, list) else []:
        kind = item.get("type", "message")
        if kind == "reasoning":
            # Chat has no place for it.
            continue
        if kind in ("function_call", "custom_tool_call"):
            names[item.get("call_id")] = item.get("name")
            if answer is None:
                answer = {"role": "assistant", "content": None}
                messages.append(answer)
            answer.setdefault("tool_calls", []).append(_call(item))
        elif kind == "message" and item.get("role") == "assistant":
            content = _content(item.get("content"))
            if answer is None or answer["content"] is not None or "tool_calls" in answer:
                answer = {"role": "assistant", "content": content}
                messages.append(answer)
            else:
                answer["content"] = content
        else:
            answer = None
            messages.append(_message(kind, item, names))
    return messages


def _message(kind: str, item: dict[str, Any], names: dict[Any, Any]) -> dict[str, Any]:
    """A message of anyone but the model."""
    if kind == "message":
        return {"role": item.get("role"), "content": _content(item.get("content"))}
    if kind in ("function_call_output", "custom_tool_call_output"):
        call_id = item.get("call_id")
        name = {"name": names[call_id]} if call_id in names else {}
        content = _content(item.get("output"))
        return {"role": "tool", "tool_call_id": call_id, **name, "content": content}
    return item


def _call(item: dict[str, Any]) -> dict[str, Any]:
    if item["type"] == "custom_tool_call":
        inner = {"name": item.get("name"), "input": item.get("input")}
        return {"id": item.get("call_id"), "type": "custom", "custom": inner}
    inner = {"name": item.get("name"), "arguments": item.get("arguments")}
    return {"id": item.get("call_id"), "type": "function", "function": inner}


def _content(content: Any) -> Any:
    return single_text([_part(part) for part in content]) if isinstance(content, list) else content


def _part(part: Any) -> Any:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind in ("input_text", "output_text"):
        return {"type": "text", "text": part.get("text")}
    if kind == "input_image" and "image_url" in part:
        image = {"url": part["image_url"]}
        # "auto" is the default of chat; in Responses, a detail must be given.
        if part.get("detail", "auto") != "auto":
            image["detail"] = part["detail"]
        return {"type": "image_url", "image_url": image}
    if kind == "input_file":
        return {"type": "file", "file": {key: part[key] for key in part if key != "type"}}
    return part
