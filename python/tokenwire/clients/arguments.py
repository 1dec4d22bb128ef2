"""Conversion of a call's arguments into what the engine takes."""

from __future__ import annotations

from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.client_settings import merged_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire.types.prompt import Prompt

_MERGED = frozenset(("headers", "extra_headers", "extra_query", "extra_body"))
_WIRE_FORMATS = ("json_object", "json_schema", "text")


def converted(params: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """Merge the headers, and convert tools and the form of the reply to JSON.

    Returns:
        The arguments, and the type of the reply's value or None.
    """
    params = dict(params)
    headers = params.pop("headers", None)
    if headers is not None:
        try:
            params["extra_headers"] = {**headers, **(params.get("extra_headers") or {})}
        except TypeError:
            raise LlmConfigError("headers: give a dict of str to str") from None
    tools = params.get("tools")
    if tools is not None:
        if not isinstance(tools, (list, tuple)):
            raise LlmValidationError(f"tools: give a list of tools, not {type(tools).__name__}")
        from tokenwire.tools.functions import tool_schema

        params["tools"] = [tool_schema(tool) for tool in tools]
    choice = params.get("tool_choice")
    if isinstance(choice, dict) and "function" in choice and choice.get("type") is None:
        params["tool_choice"] = {**choice, "type": "function"}
    target = params.get("response_format")
    # A form in the provider's words needs no pydantic.
    is_wire_form = isinstance(target, dict) and target.get("type") in _WIRE_FORMATS
    if target is not None and not is_wire_form:
        from tokenwire.tools.typed_output import response_format_for

        params["response_format"] = response_format_for(target)
    return params, target


def merged(base: dict[str, Any], nearer: dict[str, Any]) -> dict[str, Any]:
    """Both arguments; `nearer` wins. Headers, query and `extra_body` are merged by name."""
    both = merged_params(base, nearer)
    for name in _MERGED.intersection(base).intersection(nearer):
        if isinstance(base[name], dict) and isinstance(nearer[name], dict):
            both[name] = {**base[name], **nearer[name]}
    return both


def unpacked(asked: Any, params: dict[str, Any]) -> tuple[Prompt, dict[str, Any]]:
    """Return the input and the arguments of a `str`, messages or an `LlmRequest`."""
    if isinstance(asked, (str, list)):
        return asked, params
    if isinstance(asked, tuple):
        return list(asked), params
    if hasattr(asked, "messages") and hasattr(asked, "split"):
        asked, request_params = asked.split()
        return asked, merged(request_params, params)
    if isinstance(asked, dict) or hasattr(asked, "__tokenwire_json__"):
        return [asked], params
    raise LlmConfigError(
        f"prompt: give a str, a list of messages or an LlmRequest, not {type(asked).__name__}"
    )
