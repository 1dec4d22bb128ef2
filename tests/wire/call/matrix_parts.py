"""Where each kind of part is in the body of each API; see `matrix`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tokenwire import (
    AudioPart,
    FilePart,
    ImagePart,
    LlmMessage,
    OpaquePart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolResult,
)
from tokenwire.types import ToolCallPart

Where = dict[str, Any] | None
"""The values that are sent, by their dotted paths in the body; None if the call is refused."""


@dataclass(frozen=True)
class Kind:
    """A kind of part, messages with one, and where it is sent.

    `drops` are what `reply.dropped` lists in each API. Text completions take no messages.
    """

    name: str
    asked: list[LlmMessage]
    chat: Where
    responses: Where
    messages: Where
    gemini: Where
    drops: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def where(self, api: str) -> Where:
        """The places in the body of this API."""
        where: Where = getattr(self, api)
        return where


def _user(*content: Any) -> list[LlmMessage]:
    return [LlmMessage("user", ["look", *content])]


def _said(*content: Any) -> list[LlmMessage]:
    return [LlmMessage("user", "hi"), LlmMessage("assistant", list(content))]


def _answered(content: Any, **facts: Any) -> list[LlmMessage]:
    call = ToolCallPart("c1", "f", "{}")
    return [*_said(call), LlmMessage("tool", [ToolResult("c1", content, **facts)])]


_IN_FILES = "https://generativelanguage.googleapis.com/v1beta/files/file_1"
_UNSIGNED = {"thoughtSignature": "skip_thought_signature_validator"}
_PNG = "iVBORw0KGgo="
_OF_MESSAGES: dict[str, Any] = {"provider": "openrouter", "api": "messages"}
_REDACTED = {"type": "redacted_thinking", "data": "sealed"}
_OF_GEMINI: dict[str, Any] = {"provider": "google", "api": "gemini"}
_CODE = {"executableCode": {"code": "1", "language": "PYTHON"}}
_OF_RESPONSES: dict[str, Any] = {"provider": "openai", "api": "responses"}
_SECOND = "messages[1].content[0]"
_TALKING = ("chat", "responses", "messages", "gemini")
_EXCEPT: dict[str, dict[str, tuple[str, ...]]] = {
    api: dict.fromkeys((other for other in _TALKING if other != api), (_SECOND,))
    for api in _TALKING
}
"""What each API drops of a part that goes back in one only."""
_IMAGE = ImagePart("https://x.test/a.png")
_IN_CHAT = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
_IN_MESSAGES = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
_IN_GEMINI = {"fileData": {"mimeType": "image/png", "fileUri": "https://x.test/a.png"}}
_DOCUMENT = {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}
_IN_RESPONSES = {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"}

KINDS = [
    Kind(
        "text",
        [LlmMessage("user", ["hi"])],
        {"messages.0.content": "hi"},
        {"input.0.content": "hi"},
        {"messages.0.content": "hi"},
        {"contents.0.parts.0": {"text": "hi"}},
    ),
    Kind(
        "text of the system, anywhere",
        [LlmMessage("user", "hi"), LlmMessage("system", "brief")],
        {"messages.1": {"role": "system", "content": "brief"}},
        {"input.1": {"role": "system", "content": "brief"}},
        {"messages.1": {"role": "system", "content": "brief"}},
        {"contents.1": {"role": "user", "parts": [{"text": "brief"}]}},
    ),
    Kind(
        "text of the assistant",
        _said("hi"),
        {"messages.1.content": "hi"},
        {"input.1.content.0": {"type": "output_text", "text": "hi"}},
        {"messages.1.content": "hi"},
        {"contents.1.parts.0": {"text": "hi"}, "contents.1.role": "model"},
    ),
    Kind(
        "the name of who says it",
        [LlmMessage("user", "hi", name="ann")],
        {"messages.0.name": "ann"},
        {"input.0": {"role": "user", "content": "hi"}},
        {"messages.0": {"role": "user", "content": "hi"}},
        {"contents.0": {"role": "user", "parts": [{"text": "hi"}]}},
        drops=dict.fromkeys(_TALKING[1:], ("messages[0].name",)),
    ),
    Kind(
        "image by URL",
        _user(_IMAGE),
        {"messages.0.content.1": _IN_CHAT},
        {"input.0.content.1": _IN_RESPONSES},
        {"messages.0.content.1": _IN_MESSAGES},
        {"contents.0.parts.1": _IN_GEMINI},
    ),
    Kind(
        "image by data",
        _user(ImagePart(data=_PNG)),
        {
            "messages.0.content.1": {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{_PNG}"},
            }
        },
        {
            "input.0.content.1": {
                "type": "input_image",
                "image_url": f"data:image/png;base64,{_PNG}",
                "detail": "auto",
            }
        },
        {
            "messages.0.content.1": {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": _PNG},
            }
        },
        {"contents.0.parts.1": {"inlineData": {"mimeType": "image/png", "data": _PNG}}},
    ),
    Kind(
        "image by id",
        _user(ImagePart(file_id="file_1")),
        None,
        {
            "input.0.content.1": {
                "type": "input_image",
                "file_id": "file_1",
                "detail": "auto",
            }
        },
        {
            "messages.0.content.1": {
                "type": "image",
                "source": {"type": "file", "file_id": "file_1"},
            }
        },
        {"contents.0.parts.1": {"fileData": {"fileUri": _IN_FILES}}},
    ),
    Kind(
        "how closely an image is looked at (`detail`)",
        _user(ImagePart("https://x.test/a.png", detail="low")),
        {"messages.0.content.1.image_url.detail": "low"},
        {"input.0.content.1.detail": "low"},
        {"messages.0.content.1": _IN_MESSAGES},
        {"contents.0.parts.1.mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        drops={"messages": ("messages[0].content[1].detail",)},
    ),
    Kind(
        "audio",
        _user(AudioPart("AAAA", "wav")),
        {
            "messages.0.content.1": {
                "type": "input_audio",
                "input_audio": {"data": "AAAA", "format": "wav"},
            }
        },
        None,
        None,
        {"contents.0.parts.1": {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}},
    ),
    Kind(
        "document by id",
        _user(FilePart(file_id="file_1")),
        {"messages.0.content.1": {"type": "file", "file": {"file_id": "file_1"}}},
        {"input.0.content.1": {"type": "input_file", "file_id": "file_1"}},
        {
            "messages.0.content.1": {
                "type": "document",
                "source": {"type": "file", "file_id": "file_1"},
            }
        },
        {"contents.0.parts.1": {"fileData": {"fileUri": _IN_FILES}}},
    ),
    Kind(
        "document by data",
        _user(FilePart(data="AAAA", media_type="application/pdf")),
        {
            "messages.0.content.1": {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,AAAA"},
            }
        },
        {
            "input.0.content.1": {
                "type": "input_file",
                "file_data": "data:application/pdf;base64,AAAA",
                "filename": "document.pdf",
            }
        },
        {
            "messages.0.content.1": {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
            }
        },
        {"contents.0.parts.1": _DOCUMENT},
    ),
    Kind(
        "the name of a document (`filename`)",
        _user(FilePart(data="AAAA", filename="a.pdf")),
        {"messages.0.content.1.file.filename": "a.pdf"},
        {"input.0.content.1.filename": "a.pdf"},
        {"messages.0.content.1.title": "a.pdf"},
        {"contents.0.parts.1": _DOCUMENT},
        drops={"gemini": ("messages[0].content[1].filename",)},
    ),
    Kind(
        "document by URL",
        _user(FilePart(url="https://x.test/a.pdf")),
        {
            "messages.0.content.1": {
                "type": "file",
                "file": {"file_data": "https://x.test/a.pdf"},
            }
        },
        {"input.0.content.1": {"type": "input_file", "file_url": "https://x.test/a.pdf"}},
        {
            "messages.0.content.1": {
                "type": "document",
                "source": {"type": "url", "url": "https://x.test/a.pdf"},
            }
        },
        {
            "contents.0.parts.1": {
                "fileData": {"mimeType": "application/pdf", "fileUri": "https://x.test/a.pdf"}
            }
        },
    ),
    Kind(
        "video, as a document with its media type",
        _user(FilePart(url="https://x.test/a.mp4", media_type="video/mp4")),
        {
            "messages.0.content.1": {
                "type": "file",
                "file": {"file_data": "https://x.test/a.mp4"},
            }
        },
        {"input.0.content.1": {"type": "input_file", "file_url": "https://x.test/a.mp4"}},
        None,
        {
            "contents.0.parts.1": {
                "fileData": {"mimeType": "video/mp4", "fileUri": "https://x.test/a.mp4"}
            }
        },
    ),
    Kind(
        "tool call",
        _said(ToolCallPart("c1", "f", "{}")),
        {
            "messages.1.tool_calls.0": {
                "id": "c1",
                "type": "function",
                "function": {"name": "f", "arguments": "{}"},
            }
        },
        {"input.1": {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}},
        {"messages.1.content.0": {"type": "tool_use", "id": "c1", "name": "f", "input": {}}},
        {
            "contents.1.parts.0": {
                "functionCall": {"name": "f", "args": {}, "id": "c1"},
                **_UNSIGNED,
            }
        },
    ),
    Kind(
        "call of a custom tool",
        _said(ToolCallPart("c1", "f", "x", extra={"custom": {}})),
        {
            "messages.1.tool_calls.0": {
                "id": "c1",
                "type": "custom",
                "custom": {"name": "f", "input": "x"},
            }
        },
        {"input.1": {"type": "custom_tool_call", "call_id": "c1", "name": "f", "input": "x"}},
        {
            "messages.1.content.0": {
                "type": "tool_use",
                "id": "c1",
                "name": "f",
                "input": {"input": "x"},
            }
        },
        {
            "contents.1.parts.0": {
                "functionCall": {"name": "f", "args": {"input": "x"}, "id": "c1"},
                **_UNSIGNED,
            }
        },
    ),
    Kind(
        "result of a tool",
        _answered("4"),
        {"messages.2": {"role": "tool", "tool_call_id": "c1", "content": "4"}},
        {"input.2": {"type": "function_call_output", "call_id": "c1", "output": "4"}},
        {"messages.2.content.0": {"type": "tool_result", "tool_use_id": "c1", "content": "4"}},
        {
            "contents.2.parts.0": {
                "functionResponse": {"id": "c1", "name": "f", "response": {"output": "4"}}
            }
        },
    ),
    Kind(
        "result with an image",
        _answered(["4", _IMAGE]),
        {"messages.2.content.1": _IN_CHAT},
        {"input.2.output.1": _IN_RESPONSES},
        {"messages.2.content.0.content.1": _IN_MESSAGES},
        {"contents.2.parts.0.functionResponse.parts.0": _IN_GEMINI},
    ),
    Kind(
        "failure of a tool",
        _answered("no such city", error=True),
        {"messages.2.content": "no such city"},
        {"input.2.output": "Error: no such city"},
        {
            "messages.2.content.0": {
                "type": "tool_result",
                "tool_use_id": "c1",
                "content": "no such city",
                "is_error": True,
            }
        },
        {"contents.2.parts.0.functionResponse.response": {"error": "no such city"}},
    ),
    Kind(
        "refusal",
        _said(RefusalPart("no")),
        {"messages.1.refusal": "no"},
        {"input.1.content.0": {"type": "refusal", "refusal": "no"}},
        {"messages.1.content": "no"},
        {"contents.1.parts.0": {"text": "no"}},
    ),
    Kind(
        "reasoning that came by Responses",
        _said(ReasoningPart("", "sealed", item={"id": "rs_1"}, **_OF_RESPONSES)),
        {"messages.1.content": ""},
        {
            "input.1": {
                "type": "reasoning",
                "id": "rs_1",
                "summary": [],
                "encrypted_content": "sealed",
            }
        },
        {"messages": [{"role": "user", "content": "hi"}]},
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
        drops=_EXCEPT["responses"],
    ),
    Kind(
        "reasoning of another provider",
        _said(ReasoningPart("hm", provider="groq", field="reasoning"), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        {"messages.1.content": "hi"},
        {"contents.1": {"role": "model", "parts": [{"text": "hi"}]}},
        drops=dict.fromkeys(_TALKING, (_SECOND,)),
    ),
    Kind(
        "opaque part that came by Responses",
        _said(OpaquePart(field="output", value={"type": "web_search_call"}, **_OF_RESPONSES), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1": {"type": "web_search_call"}},
        {"messages.1.content": "hi"},
        {"contents.1": {"role": "model", "parts": [{"text": "hi"}]}},
        drops=_EXCEPT["responses"],
    ),
    Kind(
        "reasoning that came by Messages",
        _said(ReasoningPart("hm", "signed", field="thinking", **_OF_MESSAGES), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        {"messages.1.content.0": {"type": "thinking", "thinking": "hm", "signature": "signed"}},
        {"contents.1": {"role": "model", "parts": [{"text": "hi"}]}},
        drops=_EXCEPT["messages"],
    ),
    Kind(
        "opaque part that came by Messages",
        _said(OpaquePart(field="content", value=_REDACTED, **_OF_MESSAGES), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        {"messages.1.content.0": _REDACTED},
        {"contents.1": {"role": "model", "parts": [{"text": "hi"}]}},
        drops=_EXCEPT["messages"],
    ),
    Kind(
        "reasoning that came by Gemini",
        _said(ReasoningPart("hm", "signed", field="thought", **_OF_GEMINI), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        {"messages.1.content": "hi"},
        {
            "contents.1.parts.0.thought": True,
            "contents.1.parts.0": {"text": "hm", "thought": True, "thoughtSignature": "signed"},
        },
        drops=_EXCEPT["gemini"],
    ),
    Kind(
        "opaque part that came by Gemini",
        _said(OpaquePart(field="parts", value=_CODE, **_OF_GEMINI), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        {"messages.1.content": "hi"},
        {"contents.1.parts.0": _CODE},
        drops=_EXCEPT["gemini"],
    ),
    Kind(
        "end of a cached prefix (`cache=True`)",
        [LlmMessage("user", [TextPart("hi", cache=True)])],
        {"messages.0.content.0.prompt_cache_breakpoint": {"mode": "explicit"}},
        {"input.0.content.0.prompt_cache_breakpoint": {"mode": "explicit"}},
        {"messages.0.content.0.cache_control": {"type": "ephemeral"}},
        {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
    ),
]
