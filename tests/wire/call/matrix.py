"""Where each parameter and each kind of part is in the body of each API.

The tests compare it with what is sent, and `python -m tests.wire.call.matrix` writes the tables of
the guide from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
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

GUIDE = Path(__file__).parents[3] / "docs" / "parameters.md"
APIS = ("chat", "completions", "responses")
ABSENT = object()
"""The value of a key that is not sent."""

Where = dict[str, Any] | None
"""The values that are sent, by their dotted paths in the body; None if the call is refused."""


@dataclass(frozen=True)
class Parameter:
    """A parameter, a value of it, and where that is sent."""

    name: str
    value: Any
    chat: Where
    completions: Where
    responses: Where

    def where(self, api: str) -> Where:
        """The places in the body of this API."""
        where: Where = getattr(self, api)
        return where


def _same(name: str, value: Any, *apis: str) -> Parameter:
    """A parameter with the same name in these APIs, and without a place in the others."""
    return Parameter(name, value, *({name: value} if api in apis else None for api in APIS))


_SCHEMA = {"type": "object", "properties": {}}
_FUNCTION = {"name": "f", "parameters": _SCHEMA}
_FORMAT = {"name": "a", "schema": _SCHEMA}
_WITH_LOGPROBS = {"include": ["message.output_text.logprobs"]}
_KEEPS = {"store": ABSENT}

PARAMETERS = [
    Parameter(
        "max_tokens",
        5,
        {"max_completion_tokens": 5},
        {"max_tokens": 5},
        {"max_output_tokens": 5},
    ),
    Parameter(
        "max_completion_tokens",
        5,
        {"max_completion_tokens": 5},
        {"max_completion_tokens": 5},
        {"max_output_tokens": 5},
    ),
    _same("temperature", 1, *APIS),
    _same("top_p", 0.5, *APIS),
    _same("top_k", 3, "chat", "completions"),
    _same("stop", ["x"], "chat", "completions"),
    _same("seed", 7, "chat", "completions"),
    _same("random_seed", 7, "chat", "completions"),
    _same("n", 1, "chat", "completions"),
    Parameter(
        "logprobs",
        2,
        {"logprobs": True, "top_logprobs": 2},
        {"logprobs": 2},
        {"top_logprobs": 2, **_WITH_LOGPROBS},
    ),
    Parameter("top_logprobs", 2, {"top_logprobs": 2}, None, {"top_logprobs": 2, **_WITH_LOGPROBS}),
    _same("frequency_penalty", 0.1, "chat", "completions"),
    _same("presence_penalty", 0.1, "chat", "completions"),
    _same("logit_bias", {"5": -1}, "chat", "completions"),
    Parameter(
        "tools",
        [{"type": "function", "function": _FUNCTION}],
        {"tools": [{"type": "function", "function": _FUNCTION}]},
        None,
        {"tools": [{"type": "function", **_FUNCTION, "strict": False}]},
    ),
    _same("tool_choice", "auto", "chat", "responses"),
    _same("parallel_tool_calls", False, "chat", "responses"),
    Parameter(
        "response_format",
        {"type": "json_schema", "json_schema": _FORMAT},
        {"response_format": {"type": "json_schema", "json_schema": _FORMAT}},
        {"response_format": {"type": "json_schema", "json_schema": _FORMAT}},
        {"text.format": {"type": "json_schema", **_FORMAT}},
    ),
    Parameter("verbosity", "low", {"verbosity": "low"}, None, {"text.verbosity": "low"}),
    Parameter(
        "reasoning_effort",
        "none",
        {"reasoning_effort": "none"},
        None,
        {"reasoning.effort": "none"},
    ),
    _same("user", "u", *APIS),
    _same("metadata", {"a": "b"}, "chat", "responses"),
    _same("prompt_cache_key", "k", "chat", "responses"),
    _same("store", True, "chat", "responses"),
    Parameter(
        "previous_response_id", "resp_1", None, None, {"previous_response_id": "resp_1", **_KEEPS}
    ),
    Parameter("conversation", "conv_1", None, None, {"conversation": "conv_1", **_KEEPS}),
    Parameter("background", True, None, None, {"background": True, **_KEEPS}),
    _same("suffix", "s", "completions"),
    _same("echo", True, "completions"),
    _same("best_of", 2, "completions"),
]


@dataclass(frozen=True)
class Kind:
    """A kind of part, messages with one, and where it is sent.

    `chat_drops` and `responses_drops` are what `reply.dropped` lists. Text completions take no
    messages.
    """

    name: str
    messages: list[LlmMessage]
    chat: Where
    responses: Where
    chat_drops: tuple[str, ...] = ()
    responses_drops: tuple[str, ...] = ()

    def where(self, api: str) -> Where:
        """The places in the body of this API."""
        where: Where = getattr(self, api)
        return where

    def drops(self, api: str) -> tuple[str, ...]:
        """What is left out."""
        drops: tuple[str, ...] = getattr(self, f"{api}_drops")
        return drops


def _user(*content: Any) -> list[LlmMessage]:
    return [LlmMessage("user", ["look", *content])]


def _said(*content: Any) -> list[LlmMessage]:
    return [LlmMessage("user", "hi"), LlmMessage("assistant", list(content))]


def _answered(content: Any, **facts: Any) -> list[LlmMessage]:
    call = ToolCallPart("c1", "f", "{}")
    return [*_said(call), LlmMessage("tool", [ToolResult("c1", content, **facts)])]


_PNG = "iVBORw0KGgo="
_OF_RESPONSES: dict[str, Any] = {"provider": "openai", "api": "responses"}
_SECOND = "messages[1].content[0]"
_IMAGE = ImagePart("https://x.test/a.png")
_IN_CHAT = {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}}
_IN_RESPONSES = {"type": "input_image", "image_url": "https://x.test/a.png", "detail": "auto"}

KINDS = [
    Kind(
        "text",
        [LlmMessage("user", ["hi"])],
        {"messages.0.content": "hi"},
        {"input.0.content": "hi"},
    ),
    Kind(
        "text of the system, anywhere",
        [LlmMessage("user", "hi"), LlmMessage("system", "brief")],
        {"messages.1": {"role": "system", "content": "brief"}},
        {"input.1": {"role": "system", "content": "brief"}},
    ),
    Kind(
        "text of the assistant",
        _said("hi"),
        {"messages.1.content": "hi"},
        {"input.1.content.0": {"type": "output_text", "text": "hi"}},
    ),
    Kind(
        "the name of who says it",
        [LlmMessage("user", "hi", name="ann")],
        {"messages.0.name": "ann"},
        {"input.0": {"role": "user", "content": "hi"}},
        responses_drops=("messages[0].name",),
    ),
    Kind(
        "image by URL",
        _user(_IMAGE),
        {"messages.0.content.1": _IN_CHAT},
        {"input.0.content.1": _IN_RESPONSES},
    ),
    Kind(
        "image by data",
        _user(ImagePart(data=_PNG, detail="low")),
        {
            "messages.0.content.1": {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{_PNG}", "detail": "low"},
            }
        },
        {
            "input.0.content.1": {
                "type": "input_image",
                "image_url": f"data:image/png;base64,{_PNG}",
                "detail": "low",
            }
        },
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
    ),
    Kind(
        "document by id",
        _user(FilePart(file_id="file_1")),
        {"messages.0.content.1": {"type": "file", "file": {"file_id": "file_1"}}},
        {"input.0.content.1": {"type": "input_file", "file_id": "file_1"}},
    ),
    Kind(
        "document by data",
        _user(FilePart(data="AAAA", filename="a.pdf")),
        {
            "messages.0.content.1": {
                "type": "file",
                "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"},
            }
        },
        {
            "input.0.content.1": {
                "type": "input_file",
                "file_data": "data:application/pdf;base64,AAAA",
                "filename": "a.pdf",
            }
        },
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
    ),
    Kind(
        "result of a tool",
        _answered("4"),
        {"messages.2": {"role": "tool", "tool_call_id": "c1", "content": "4"}},
        {"input.2": {"type": "function_call_output", "call_id": "c1", "output": "4"}},
    ),
    Kind(
        "result with an image",
        _answered(["4", _IMAGE]),
        {"messages.2.content.1": _IN_CHAT},
        {"input.2.output.1": _IN_RESPONSES},
    ),
    Kind(
        "failure of a tool",
        _answered("no such city", error=True),
        {"messages.2.content": "no such city"},
        {"input.2.output": "Error: no such city"},
    ),
    Kind(
        "refusal",
        _said(RefusalPart("no")),
        {"messages.1.refusal": "no"},
        {"input.1.content.0": {"type": "refusal", "refusal": "no"}},
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
        chat_drops=(_SECOND,),
    ),
    Kind(
        "reasoning of another provider",
        _said(ReasoningPart("hm", provider="groq", field="reasoning"), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1.content": [{"type": "output_text", "text": "hi"}]},
        chat_drops=(_SECOND,),
        responses_drops=(_SECOND,),
    ),
    Kind(
        "opaque part that came by Responses",
        _said(OpaquePart(field="output", value={"type": "web_search_call"}, **_OF_RESPONSES), "hi"),
        {"messages.1": {"role": "assistant", "content": "hi"}},
        {"input.1": {"type": "web_search_call"}},
        chat_drops=(_SECOND,),
    ),
    Kind(
        "end of a cached prefix (`cache=True`)",
        [LlmMessage("user", [TextPart("hi", cache=True)])],
        {"messages.0.content.0.prompt_cache_breakpoint": {"mode": "explicit"}},
        {"input.0.content.0.prompt_cache_breakpoint": {"mode": "explicit"}},
    ),
]


def put(body: dict[str, Any], where: dict[str, Any]) -> dict[str, Any]:
    """Return the body with these values at these paths."""
    body = json.loads(json.dumps(body))
    for path, value in where.items():
        *outer, last = path.split(".")
        inside = body
        for key in outer:
            inside = inside.setdefault(key, {})
        if value is ABSENT:
            inside.pop(last, None)
        else:
            inside[last] = value
    return body


def at(body: Any, path: str) -> Any:
    """Return the value at a path."""
    for key in path.split("."):
        body = body[int(key)] if isinstance(body, list) else body[key]
    return body


def _places(where: Where) -> str:
    if where is None:
        return "—"
    return ", ".join(f"`{path}`" for path, value in where.items() if value is not ABSENT)


def _forms(where: Where, drops: tuple[str, ...]) -> str:
    if where is None:
        return "—"
    if drops:
        return "left out, listed in `dropped`"
    (path, value), *_ = where.items()
    kind = value.get("type", value.get("role")) if isinstance(value, dict) else None
    return f"`{kind or path.split('.')[-1]}`"


def tables() -> str:
    """Return both tables in Markdown."""
    lines = ["| parameter | chat | completions | Responses |", "|---|---|---|---|"]
    lines += [
        f"| `{row.name}` | {' | '.join(_places(row.where(api)) for api in APIS)} |"
        for row in PARAMETERS
    ]
    lines += ["", "| part | chat | Responses |", "|---|---|---|"]
    lines += [
        f"| {row.name} | {_forms(row.chat, row.chat_drops)} | "
        f"{_forms(row.responses, row.responses_drops)} |"
        for row in KINDS
    ]
    return "\n".join(lines)


START = "<!-- made by python -m tests.wire.call.matrix -->\n\n"
END = "\n\n<!-- end -->\n"


def with_tables(guide: str) -> str:
    """Return the text of the guide with the tables in it."""
    before, _, rest = guide.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{tables()}{END}{after}"


if __name__ == "__main__":
    GUIDE.write_text(with_tables(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
