"""What a fake answers: each function returns a behaviour of the simulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WANTED = (
    "give a str, tool_call(...), a tuple of these, error(...), a behaviour of the simulator, or a "
    "function that returns one of them"
)


def reply(text: str = "", **fields: Any) -> dict[str, Any]:
    """A reply with more than its text.

        reply("It is blue.", usage={"prompt_tokens": 3, "completion_tokens": 4})
        reply("It is", finish_reason="length")

    Args:
        text: The text. It comes as it stands: neither `max_tokens` nor `stop` cuts it.
        **fields: Fields of the simulator's `reply`, such as `usage` (`{}` for none),
            `finish_reason`, `reasoning`, `refusal`, `headers` and `extra`.

    Raises:
        LlmConfigError: There is no such field, or its value is wrong.
    """
    behaviour = {"reply": {"text": text, "verbatim": True, **fields}}
    _checked(behaviour, "reply")
    return behaviour


def tool_call(name: str, /, **arguments: Any) -> dict[str, Any]:
    """A reply that calls a tool. Several calls in one reply are a tuple of these.

        (tool_call("get_weather", city="Paris"), tool_call("get_time"))

    Args:
        name: The function's name.
        **arguments: Its arguments; values that JSON has.
    """
    behaviour = {"reply": {"tool_calls": [{"name": name, "arguments": arguments}]}}
    _checked(behaviour, f"tool_call({name!r})")
    return behaviour


def error(
    status: int,
    message: str | None = None,
    *,
    retry_after: float = 0,
    **fields: Any,
) -> dict[str, Any]:
    """An error of the provider's.

    Args:
        status: HTTP status, 400 to 599.
        message: What the provider says.
        retry_after: Seconds that the provider asks for before another attempt: these are waited.
            A client's own waits between attempts are left out while a fake answers it.
        **fields: Fields of the simulator's `error`: `type`, `code`, `param`, `body`, `headers`.

    Raises:
        LlmConfigError: The status is none of an error, or there is no such field.
    """
    if type(status) is not int or not 400 <= status <= 599:
        raise LlmConfigError(f"error: {status!r} is no status of an error; give 400 to 599")
    headers = fields.pop("headers", None) or {}
    if not hasattr(headers, "items"):
        raise LlmConfigError("error: headers: give a dict of str to str")
    try:
        headers = {"retry-after": f"{retry_after:g}", **headers}
    except (TypeError, ValueError, OverflowError):
        raise LlmConfigError("error: retry_after: give a number of seconds") from None
    behaviour = {"error": {"status": status, "message": message, **fields, "headers": headers}}
    _checked(behaviour, "error")
    return behaviour


def cut(text: str, *, after_events: int) -> dict[str, Any]:
    """A reply whose connection is reset on the way.

    Args:
        text: The text that would have come.
        after_events: How many events of a stream come before that; the first carries the role,
            each other one a word. A reply that is not streamed never comes whole either.
    """
    fault = {"kind": "reset", "at": {"events": after_events}}
    # Chunked: a body of a known length would be whole before it is cut at its end.
    behaviour = {**reply(text), "framing": "chunked", "fault": fault}
    _checked(behaviour, "cut")
    return behaviour


def behaviour_json(answer: Any, place: str) -> str:
    """The simulator's behaviour for a reply, as JSON.

    Raises:
        LlmConfigError: It is no reply, or a field of it is wrong; the message begins with `place`.
    """
    if isinstance(answer, str):
        return _checked({"reply": {"text": answer, "verbatim": True}}, place)
    if isinstance(answer, (tuple, list)):
        return _checked(_joined(answer, place), place)
    if isinstance(answer, dict):
        return _checked(answer, place)
    raise LlmConfigError(f"{place}: a {type(answer).__name__} is no reply; {_WANTED}")


def _joined(parts: tuple[Any, ...] | list[Any], place: str) -> dict[str, Any]:
    """One reply of several tool calls, and a text where there is one."""
    told: dict[str, Any] = {"tool_calls": []}
    for part in parts:
        if isinstance(part, str) and "text" not in told:
            told.update(text=part, verbatim=True)
        elif isinstance(part, dict) and [*part.get("reply", ())] == ["tool_calls"]:
            told["tool_calls"] += part["reply"]["tool_calls"]
        else:
            raise LlmConfigError(
                f"{place}: several parts of one reply are tool calls, and a text at most"
            )
    if not told["tool_calls"]:
        raise LlmConfigError(f"{place}: a reply of several parts needs a tool call among them")
    return {"reply": told}


def _checked(behaviour: Mapping[str, Any], place: str) -> str:
    try:
        text = json.dumps(behaviour, allow_nan=False)
        _engine.check_behaviour(text)
    except (TypeError, ValueError, RecursionError) as problem:
        # LlmConfigError is a ValueError: the engine names the field, json the type.
        raise LlmConfigError(f"{place}: {problem}") from None
    return text
