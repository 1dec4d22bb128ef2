"""The replies of a fake. Each function returns a behaviour of the simulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def reply(text: str = "", **fields: Any) -> dict[str, Any]:
    """A reply with more fields than its text.

        reply("It is blue.", usage={"prompt_tokens": 3, "completion_tokens": 4})
        reply("It is", finish_reason="length")

    Args:
        text: The text, sent unchanged: neither `max_tokens` nor `stop` shortens it.
        **fields: Fields of the simulator's `reply`, such as `usage` (`{}` for none),
            `finish_reason`, `reasoning`, `refusal`, `headers` and `extra`.

    Raises:
        LlmConfigError: There is no such field, or its value is wrong.
    """
    return _checked({"reply": {"text": text, "verbatim": True, **fields}}, "reply")


def tool_call(name: str, /, **arguments: Any) -> dict[str, Any]:
    """A reply that calls a tool. A tuple is one reply with several calls.

        (tool_call("get_weather", city="Paris"), tool_call("get_time"))

    Args:
        name: The function's name.
        **arguments: Its arguments, as JSON values.
    """
    calls = [{"name": name, "arguments": arguments}]
    return _checked({"reply": {"tool_calls": calls}}, f"tool_call({name!r})")


def error(
    status: int, message: str | None = None, *, retry_after: float = 0, **fields: Any
) -> dict[str, Any]:
    """An error of the provider.

    Args:
        status: HTTP status, 400 to 599.
        message: The provider's message.
        retry_after: How many seconds the provider asks the client to wait. The client does wait for
            them, unlike its own waits between attempts, which a fake leaves out.
        **fields: Fields of the simulator's `error`: `type`, `code`, `param`, `body`, `headers`.

    Raises:
        LlmConfigError: The status is not that of an error, or there is no such field.
    """
    if type(status) is not int or not 400 <= status <= 599:
        raise LlmConfigError(f"error: {status!r} is not the status of an error; give 400 to 599")
    headers = fields.pop("headers", None) or {}
    if not hasattr(headers, "items"):
        raise LlmConfigError("error: headers: give a dict of str to str")
    try:
        headers = {"retry-after": f"{retry_after:g}", **headers}
    except (TypeError, ValueError, OverflowError):
        raise LlmConfigError("error: retry_after: give a number of seconds") from None
    body = {"status": status, "message": message, **fields, "headers": headers}
    return _checked({"error": body}, "error")


def cut(text: str, *, after_events: int) -> dict[str, Any]:
    """A reply whose connection is reset before its end.

    Args:
        text: The text of the whole reply.
        after_events: Events of a stream before the reset. The first one has no text, each further
            one has a word. A reply that is not streamed is cut too.
    """
    fault = {"kind": "reset", "at": {"events": after_events}}
    # Chunked, because a body of known length could be complete before the reset at its end.
    return _checked({**reply(text), "framing": "chunked", "fault": fault}, "cut")


def behaviour_json(answer: Any, place: str) -> str:
    """The simulator's behaviour for a reply, as JSON.

    Raises:
        LlmConfigError: It is not a reply, or a field is wrong; the message begins with `place`.
    """
    if isinstance(answer, str):
        answer = {"reply": {"text": answer, "verbatim": True}}
    elif isinstance(answer, (tuple, list)):
        answer = _joined(answer, place)
    elif not isinstance(answer, dict):
        raise LlmConfigError(
            f"{place}: a {type(answer).__name__} is not a reply; give a str, tool_call(...), a "
            "tuple of these, error(...), a behaviour of the simulator, or a function that returns "
            "one of them"
        )
    return _checked_json(answer, place)


def _joined(parts: Sequence[Any], place: str) -> dict[str, Any]:
    """One reply with several tool calls, and a text if there is one."""
    fields: dict[str, Any] = {"tool_calls": []}
    for part in parts:
        if isinstance(part, str) and "text" not in fields:
            fields.update(text=part, verbatim=True)
        elif isinstance(part, dict) and [*part.get("reply", ())] == ["tool_calls"]:
            fields["tool_calls"] += part["reply"]["tool_calls"]
        else:
            raise LlmConfigError(f"{place}: only tool calls and one text can be parts of a reply")
    if not fields["tool_calls"]:
        raise LlmConfigError(f"{place}: a reply of several parts needs a tool call among them")
    return {"reply": fields}


def _checked(behaviour: dict[str, Any], place: str) -> dict[str, Any]:
    _checked_json(behaviour, place)
    return behaviour


def _checked_json(behaviour: Mapping[str, Any], place: str) -> str:
    try:
        text = json.dumps(behaviour, allow_nan=False)
        _engine.check_behaviour(text)
    except (TypeError, ValueError, RecursionError) as problem:
        # An LlmConfigError is a ValueError. The engine names the field, json the type.
        raise LlmConfigError(f"{place}: {problem}") from None
    return text
