"""Conversion of a call's arguments into what the engine takes."""

from __future__ import annotations

from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.settings.client_settings import merged_params

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire._engine import Engine
    from tokenwire.types.prompt import Prompt

# `any` is Mistral's word for `required`; `validated` is Google's.
_TOOL_CHOICES = ("auto", "none", "required", "any", "validated")
_NAMED = ("function", "custom")
_MERGED = frozenset(("headers", "extra_headers", "extra_query", "extra_body"))
_WIRE_FORMATS = ("json_object", "json_schema", "text")


def converted(params: dict[str, Any], engine: Engine | None = None) -> tuple[dict[str, Any], Any]:
    """Merge the headers, and convert tools and the form of the reply to JSON.

    Args:
        params: The arguments.
        engine: What they are for. It may be None if they are only headers.

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

        strict_form = engine is None or engine.takes_strict_form(params.get("model"))
        params["tools"] = [tool_schema(tool, strict_form=strict_form) for tool in tools]
        if strict_form:
            _check_form(params["tools"])
    choice = params.get("tool_choice")
    if choice is not None:
        params["tool_choice"] = _as_name(choice)
    mode = params.get("output_mode")
    if mode is not None:
        from typing import get_args

        from tokenwire.types.params import OutputMode

        if mode not in get_args(OutputMode):
            modes = ", ".join(map(repr, get_args(OutputMode)))
            raise LlmConfigError(f"output_mode: {mode!r} does not exist; give one of {modes}")
    target = params.get("response_format")
    if target is not None and not _is_wire_form(target):
        from tokenwire.tools.typed_output import response_format_for

        strict_form = engine is None or engine.takes_strict_form(params.get("model"))
        params["response_format"] = response_format_for(target, strict_form=strict_form)
    return params, target


def _check_form(tools: list[dict[str, Any]]) -> None:
    """Refuse tools in Anthropic's form, for an API that has another."""
    for number, tool in enumerate(tools):
        if "input_schema" in tool and tool.get("type") is None:
            raise LlmConfigError(
                f"tools[{number}].input_schema: only the API of Anthropic takes a tool in this "
                "form; name it `parameters`"
            )


def _is_wire_form(target: Any) -> bool:
    """Whether it is a form in the provider's words, which needs no pydantic."""
    return isinstance(target, dict) and target.get("type") in _WIRE_FORMATS


def _as_name(choice: Any) -> Any:
    """Return the name of a tool; anything else as it is, but a dict of OpenAI's with its type."""
    if isinstance(choice, dict):
        if choice.get("type") is not None:
            return choice
        if "function" in choice:
            return {**choice, "type": "function"}
        return choice["name"] if choice.keys() == {"name"} else choice
    if callable(choice) or hasattr(choice, "parameters"):
        from tokenwire.tools.functions import tool_schema

        return tool_schema(choice)["function"]["name"]
    return choice


def settled(
    mode: str | None,
    target: Any,
    asked: Any,
    params: dict[str, Any],
    steering: dict[str, Any],
    *,
    family: str,
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    """Settle what depends on the arguments of the call and of the client together.

    Args:
        mode: The `output_mode` of the call; it may be None if there is no target.
        target: The type of the reply's value, or None.
        asked: The prompt or the messages.
        params: The arguments. A `tool_choice` that is the name of a tool becomes a dict.
        steering: What the engine gets besides.
        family: The API's. Text completions have no system prompt, where a schema can be.

    Returns:
        The prompt, the arguments and the rest, as the engine gets them.

    Raises:
        LlmConfigError: `tool_choice` names no tool, or there is no place for the schema.
    """
    params = _with_tool_named(params)
    if target is None:
        return asked, params, steering
    steering = {**steering, "parse_as": target}
    has_schema = params["response_format"].get("type") == "json_schema"
    if mode == "json_schema" or _is_wire_form(target) or not has_schema:
        return asked, params, steering
    if family == "completions":
        place = "a tool" if mode == "tool" else "the system prompt"
        raise LlmConfigError(
            f"output_mode: {mode!r} puts the schema into {place}, which text completions "
            "lack; use ChatClient, or put the schema into the prompt and give "
            'response_format={"type": "json_object"}'
        )
    from tokenwire.clients.output_mode import with_answer_tool, with_schema_in_prompt

    if mode == "tool":
        taken = {_named(tool)[1] for tool in params.get("tools") or ()}
        return with_answer_tool(asked, params, steering, taken)
    return with_schema_in_prompt(str(mode), asked, params, steering)


def _with_tool_named(params: dict[str, Any]) -> dict[str, Any]:
    choice = name = params.get("tool_choice")
    if isinstance(choice, dict):
        name = _named(choice)[1] if choice.get("type") in _NAMED else None
    if not isinstance(name, str) or choice in _TOOL_CHOICES:
        return params
    tools = params.get("tools")
    # Tools may be known to the server alone.
    if tools is None and (name is not choice or "tools" in (params.get("extra_body") or ())):
        return params
    kinds = {name: kind for kind, name in map(_named, tools or ()) if name is not None}
    kind = kinds.get(name)
    if kind is None:
        names = ", ".join(map(repr, kinds))
        known = f"the tools are {names}" if names else "there are no tools"
        raise LlmConfigError(f"tool_choice: no tool is named {name!r}; {known}")
    return {**params, "tool_choice": {"type": kind, kind: {"name": name}}}


def _named(tool: dict[str, Any]) -> tuple[Any, Any]:
    """The kind and the name of a tool, in either form that OpenAI has; None without a name."""
    kind = tool.get("type", "function" if "input_schema" in tool else None)
    inside = tool.get(kind, tool) if kind in _NAMED else None
    return kind, inside.get("name") if isinstance(inside, dict) else None


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
    if isinstance(asked, type):
        name = asked.__name__
        raise LlmConfigError(f"prompt: it is a class; parse takes it first: parse({name}, prompt)")
    raise LlmConfigError(
        f"prompt: give a str, a list of messages or an LlmRequest, not {type(asked).__name__}"
    )
