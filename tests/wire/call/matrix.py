"""Where each parameter and each kind of part is in the body of each API.

The tests compare it with what is sent, and `python -m tests.wire.call.matrix` writes the tables of
the guide from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.wire.call.matrix_parts import KINDS, Where

GUIDE = Path(__file__).parents[3] / "docs" / "parameters.md"
APIS = ("chat", "completions", "responses", "messages", "gemini")
SPOKEN = {
    "chat": "chat",
    "completions": "completions",
    "responses": "Responses",
    "messages": "Messages",
    "gemini": "Gemini",
}
"""What the guide calls each API."""

ABSENT = object()
"""The value of a key that is not sent."""


@dataclass(frozen=True)
class Parameter:
    """A parameter, a value of it, and where that is sent."""

    name: str
    value: Any
    chat: Where = None
    completions: Where = None
    responses: Where = None
    messages: Where = None
    gemini: Where = None
    beside: dict[str, Any] = field(default_factory=dict)
    """Other arguments, without which it is not sent."""

    def where(self, api: str) -> Where:
        """The places in the body of this API."""
        where: Where = getattr(self, api)
        return where


def _same(name: str, value: Any, *apis: str, gemini: str | None = None) -> Parameter:
    """A parameter with the same name in these APIs, and without a place in the others.

    `gemini` is its path in Gemini, which has names of its own.
    """
    where: dict[str, Any] = {api: {name: value} for api in apis}
    return Parameter(name, value, **where, gemini={gemini: value} if gemini else None)


_SCHEMA = {"type": "object", "properties": {}}
_FUNCTION = {"name": "f", "parameters": _SCHEMA}
_FORMAT = {"name": "a", "schema": _SCHEMA}
_WITH_LOGPROBS = {"include": ["message.output_text.logprobs"]}
_KEEPS = {"store": ABSENT}
_OPENAI = ("chat", "completions", "responses")
_LIKELY = {"generationConfig.responseLogprobs": True, "generationConfig.logprobs": 2}

PARAMETERS = [
    Parameter(
        "max_tokens",
        5,
        {"max_completion_tokens": 5},
        {"max_tokens": 5},
        {"max_output_tokens": 5},
        {"max_tokens": 5},
        {"generationConfig.maxOutputTokens": 5},
    ),
    Parameter(
        "max_completion_tokens",
        5,
        {"max_completion_tokens": 5},
        {"max_completion_tokens": 5},
        {"max_output_tokens": 5},
        {"max_tokens": 5},
        {"generationConfig.maxOutputTokens": 5},
    ),
    _same("temperature", 1, *_OPENAI, "messages", gemini="generationConfig.temperature"),
    _same("top_p", 0.5, *_OPENAI, "messages", gemini="generationConfig.topP"),
    _same("top_k", 3, "chat", "completions", "messages", gemini="generationConfig.topK"),
    Parameter(
        "stop",
        ["x"],
        {"stop": ["x"]},
        {"stop": ["x"]},
        None,
        {"stop_sequences": ["x"]},
        {"generationConfig.stopSequences": ["x"]},
    ),
    _same("seed", 7, "chat", "completions", gemini="generationConfig.seed"),
    _same("random_seed", 7, "chat", "completions", gemini="generationConfig.seed"),
    _same("n", 1, "chat", "completions", gemini="generationConfig.candidateCount"),
    Parameter(
        "logprobs",
        2,
        {"logprobs": True, "top_logprobs": 2},
        {"logprobs": 2},
        {"top_logprobs": 2, **_WITH_LOGPROBS},
        gemini=_LIKELY,
    ),
    Parameter(
        "top_logprobs",
        2,
        {"top_logprobs": 2},
        None,
        {"top_logprobs": 2, **_WITH_LOGPROBS},
        gemini=_LIKELY,
    ),
    _same(
        "frequency_penalty", 0.1, "chat", "completions", gemini="generationConfig.frequencyPenalty"
    ),
    _same(
        "presence_penalty", 0.1, "chat", "completions", gemini="generationConfig.presencePenalty"
    ),
    _same("logit_bias", {"5": -1}, "chat", "completions"),
    Parameter(
        "tools",
        [{"type": "function", "function": _FUNCTION}],
        {"tools": [{"type": "function", "function": _FUNCTION}]},
        None,
        {"tools": [{"type": "function", **_FUNCTION, "strict": False}]},
        {"tools": [{"name": "f", "input_schema": _SCHEMA}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": _SCHEMA}]}]},
    ),
    Parameter(
        "tool_choice",
        "auto",
        {"tool_choice": "auto"},
        None,
        {"tool_choice": "auto"},
        {"tool_choice": {"type": "auto"}},
        {"toolConfig.functionCallingConfig": {"mode": "AUTO"}},
    ),
    Parameter(
        "parallel_tool_calls",
        False,
        {"parallel_tool_calls": False},
        None,
        {"parallel_tool_calls": False},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        beside={"tools": [{"type": "function", "function": _FUNCTION}]},
    ),
    Parameter(
        "response_format",
        {"type": "json_schema", "json_schema": _FORMAT},
        {"response_format": {"type": "json_schema", "json_schema": _FORMAT}},
        {"response_format": {"type": "json_schema", "json_schema": _FORMAT}},
        {"text.format": {"type": "json_schema", **_FORMAT}},
        {
            "output_config.format": {
                "type": "json_schema",
                "schema": {**_SCHEMA, "additionalProperties": False},
            }
        },
        {
            "generationConfig.responseMimeType": "application/json",
            "generationConfig.responseJsonSchema": _SCHEMA,
        },
    ),
    Parameter("verbosity", "low", {"verbosity": "low"}, None, {"text.verbosity": "low"}),
    Parameter(
        "reasoning_effort",
        "low",
        {"reasoning_effort": "low"},
        None,
        {"reasoning.effort": "low", "include": ["reasoning.encrypted_content"]},
        {"thinking": {"type": "adaptive"}, "output_config.effort": "low"},
        {
            "generationConfig.thinkingConfig": {"thinkingLevel": "low", "includeThoughts": True},
        },
    ),
    Parameter("user", "u", {"user": "u"}, {"user": "u"}, {"user": "u"}, {"metadata.user_id": "u"}),
    _same("metadata", {"user_id": "u"}, "chat", "responses", "messages"),
    _same("prompt_cache_key", "k", "chat", "responses"),
    _same("store", True, "chat", "responses", gemini="store"),
    Parameter(
        "previous_response_id", "resp_1", None, None, {"previous_response_id": "resp_1", **_KEEPS}
    ),
    Parameter("conversation", "conv_1", None, None, {"conversation": "conv_1", **_KEEPS}),
    Parameter("background", True, None, None, {"background": True, **_KEEPS}),
    _same("suffix", "s", "completions"),
    _same("echo", True, "completions"),
    _same("best_of", 2, "completions"),
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
    kind = path.split(".")[-1]
    if "." not in path:
        return "nothing"
    if kind.isdigit():
        # Gemini's parts have no type; their first key is what they are.
        kind = value.get("type") or value.get("role") or next(iter(value))
    return f"`{kind}`"


def tables() -> str:
    """Return both tables in Markdown."""
    lines = [_row(["parameter", *SPOKEN.values()]), "|---" * (1 + len(APIS)) + "|"]
    lines += [
        _row([f"`{row.name}`", *(_places(row.where(api)) for api in APIS)]) for row in PARAMETERS
    ]
    talking = [api for api in APIS if api != "completions"]
    lines += [
        "",
        _row(["part", *map(SPOKEN.__getitem__, talking)]),
        "|---" * (1 + len(talking)) + "|",
    ]
    lines += [
        _row([row.name, *(_forms(row.where(api), row.drops.get(api, ())) for api in talking)])
        for row in KINDS
    ]
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


START = "<!-- made by python -m tests.wire.call.matrix -->\n\n"
END = "\n\n<!-- end -->\n"


def with_tables(guide: str) -> str:
    """Return the text of the guide with the tables in it."""
    before, _, rest = guide.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{tables()}{END}{after}"


if __name__ == "__main__":
    GUIDE.write_text(with_tables(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
