"""The types of requests. Nothing is imported before it is used: pydantic takes its time.

`parts`, `media` and `message` are what a conversation is made of, `request` is a whole request,
`params` has its keywords and `prompt` what a call takes first, both for annotations.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.tools.functions import Tool, ToolLike
    from tokenwire.types.media import AudioPart, FilePart, ImagePart
    from tokenwire.types.message import (
        AnyPart,
        LlmMessage,
        ToolCallPart,
        ToolResult,
        message_from_parts,
        tool_message,
    )
    from tokenwire.types.params import (
        AnyParams,
        ChatParams,
        CompletionParams,
        RequestParams,
    )
    from tokenwire.types.parts import OpaquePart, ReasoningPart, RefusalPart, TextPart
    from tokenwire.types.prompt import KeySource, Prompt
    from tokenwire.types.request import LlmRequest

__all__ = [
    "AnyParams",
    "AnyPart",
    "AudioPart",
    "ChatParams",
    "CompletionParams",
    "FilePart",
    "ImagePart",
    "KeySource",
    "LlmMessage",
    "LlmRequest",
    "OpaquePart",
    "Prompt",
    "ReasoningPart",
    "RefusalPart",
    "RequestParams",
    "TextPart",
    "Tool",
    "ToolCallPart",
    "ToolLike",
    "ToolResult",
    "message_from_parts",
    "tool_message",
]

_MODULES = {
    "AudioPart": "tokenwire.types.media",
    "FilePart": "tokenwire.types.media",
    "ImagePart": "tokenwire.types.media",
    "AnyPart": "tokenwire.types.message",
    "LlmMessage": "tokenwire.types.message",
    "ToolResult": "tokenwire.types.message",
    "message_from_parts": "tokenwire.types.message",
    "tool_message": "tokenwire.types.message",
    "AnyParams": "tokenwire.types.params",
    "ChatParams": "tokenwire.types.params",
    "CompletionParams": "tokenwire.types.params",
    "RequestParams": "tokenwire.types.params",
    "ToolLike": "tokenwire.tools.functions",
    "OpaquePart": "tokenwire.types.parts",
    "ReasoningPart": "tokenwire.types.parts",
    "RefusalPart": "tokenwire.types.parts",
    "TextPart": "tokenwire.types.parts",
    "ToolCallPart": "tokenwire.types.message",
    "KeySource": "tokenwire.types.prompt",
    "Prompt": "tokenwire.types.prompt",
    "LlmRequest": "tokenwire.types.request",
    "Tool": "tokenwire.tools.functions",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The import system's own function: importlib is not loaded in every process.
    value: object = getattr(__import__(module, fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
