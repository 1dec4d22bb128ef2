"""The types of requests. Nothing is imported before it is used: pydantic takes its time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.types.media import AudioPart, FilePart, ImagePart
    from tokenwire.types.message import (
        AnyPart,
        LlmMessage,
        ToolResult,
        message_from_parts,
        tool_message,
    )
    from tokenwire.types.params import (
        AnyParams,
        ChatParams,
        CompletionParams,
        RequestParams,
        ToolLike,
    )
    from tokenwire.types.parts import OpaquePart, ReasoningPart, RefusalPart, TextPart, ToolCallPart
    from tokenwire.types.request import LlmRequest
    from tokenwire.types.tool import Tool

__all__ = [
    "AnyParams",
    "AnyPart",
    "AudioPart",
    "ChatParams",
    "CompletionParams",
    "FilePart",
    "ImagePart",
    "LlmMessage",
    "LlmRequest",
    "OpaquePart",
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
    "AudioPart": "media",
    "FilePart": "media",
    "ImagePart": "media",
    "AnyPart": "message",
    "LlmMessage": "message",
    "ToolResult": "message",
    "message_from_parts": "message",
    "tool_message": "message",
    "AnyParams": "params",
    "ChatParams": "params",
    "CompletionParams": "params",
    "RequestParams": "params",
    "ToolLike": "params",
    "OpaquePart": "parts",
    "ReasoningPart": "parts",
    "RefusalPart": "parts",
    "TextPart": "parts",
    "ToolCallPart": "parts",
    "LlmRequest": "request",
    "Tool": "tool",
}


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # The import system's own function: importlib is not loaded in every process.
    value: object = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
