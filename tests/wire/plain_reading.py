"""A second reader of recorded exchanges, made of `json.loads` and the rules of the wire.

It shares no code with the engine, is slow, and keeps whole bodies. So it can judge the engine.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

# The values of a provider's `finish_reason`, and what a reply calls them.
FINISH_WORDS = {
    "stop": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "abort": "abort",
    "error": "error",
}
NOT_FOR_CALLS = frozenset({"length", "content_filter", "error"})


@dataclass
class PlainCall:
    """One tool call, as far as it arrived."""

    id: str | None
    name: str
    arguments: str


@dataclass
class PlainChoice:
    """One choice of a reply."""

    index: int
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[PlainCall] = field(default_factory=list)
    finish_reason: str | None = None
    provider_finish_reason: str | None = None
    logprobs: int = 0


@dataclass
class PlainReply:
    """What a recorded exchange says, or the error that it contains."""

    id: str | None = None
    model: str | None = None
    choices: list[PlainChoice] = field(default_factory=list)
    usage: dict[str, int | None] = field(default_factory=dict)
    error: str | None = None
    message: str | None = None
    status: int | None = None


def read_exchange(row: dict[str, Any], requested_model: str) -> PlainReply:
    """Return what a client must make of a recorded exchange."""
    body: str = row["response_body_text"]
    if row["status"] >= 400:
        return _refused(row["status"], body)
    reply = _Fold().stream(body) if row["is_sse"] else _Fold().whole(body)
    if reply.error is None:
        reply.model = reply.model or requested_model
    return reply


def kept_headers(row: dict[str, Any]) -> dict[str, str]:
    """Return the recorded headers that a replay can send, without those about the connection."""
    return {
        name.lower(): value
        for name, value in (row["response_headers"] or {}).items()
        if isinstance(value, str) and name.lower() not in _OF_THE_CONNECTION
    }


_OF_THE_CONNECTION = frozenset(
    ("connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding", "date")
)


class _Fold:
    """Collects what a body says."""

    def __init__(self) -> None:
        self.reply = PlainReply()
        self.choices: dict[int, PlainChoice] = {}
        # The server's number for each call of a choice, parallel to `PlainChoice.calls`.
        self.numbers: dict[int, list[int | None]] = {}

    def whole(self, body: str) -> PlainReply:
        try:
            value = json.loads(body.lstrip("\ufeff"))
        except ValueError:
            return _unexpected()
        said = _error_in(value)
        if said is not None:
            return _reported(value, said, after_content=False)
        if not isinstance(value.get("choices"), list):
            return _unexpected()
        self.event(value, "message")
        return self.settled()

    def stream(self, body: str) -> PlainReply:
        done = False
        for count, (name, data) in enumerate(_events(body)):
            if data == "[DONE]":
                done = True
                break
            value = json.loads(data)
            said = _error_in(value) or (_message_of(value) if name == "error" else None)
            if said is not None:
                return _reported(value, said, after_content=count > 0)
            self.event(value, "delta")
        finished = all(choice.provider_finish_reason for choice in self.choices.values())
        if not self.choices or not (done or finished):
            return PlainReply(error="LlmStreamIncompleteError")
        return self.settled()

    def event(self, value: dict[str, Any], key: str) -> None:
        self.reply.id = self.reply.id or value.get("id") or None
        self.reply.model = self.reply.model or value.get("model") or None
        self.usage((value.get("x_groq") or {}).get("usage"))
        self.usage(value.get("usage"))
        for place, raw in enumerate(value.get("choices") or ()):
            index = raw.get("index")
            index = place if index is None else index
            choice = self.choices.setdefault(index, PlainChoice(index))
            self.content(choice, raw, raw.get(key) or {}, is_whole=key == "message")
            if raw.get("finish_reason"):
                choice.provider_finish_reason = raw["finish_reason"]

    def content(
        self, choice: PlainChoice, raw: dict[str, Any], said: dict[str, Any], *, is_whole: bool
    ) -> None:
        choice.text += raw.get("text") or ""
        text, thoughts = _content(said.get("content"))
        choice.text += text
        choice.reasoning += thoughts or _reasoning(said)
        choice.refusal += said.get("refusal") or ""
        choice.logprobs += _logprobs(raw.get("logprobs"))
        if not is_whole:
            # Perplexity repeats everything so far, and the last message may have more.
            so_far = (raw.get("message") or {}).get("content") or ""
            if so_far.startswith(choice.text):
                choice.text = so_far
        for call in said.get("tool_calls") or ():
            self.tool_call(choice, call, is_whole=is_whole)
        self.function_call(choice, said.get("function_call") or {})

    def tool_call(self, choice: PlainChoice, raw: dict[str, Any], *, is_whole: bool) -> None:
        function = raw.get("function") or {}
        identity, number = raw.get("id") or None, raw.get("index")
        arguments = function.get("arguments") or ""
        if not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
        numbers = self.numbers.setdefault(choice.index, [])
        known = None
        if number is not None:
            places = [place for place, taken in enumerate(numbers) if taken == number]
            known = places[-1] if places else None
        elif identity is None and numbers:
            known = len(numbers) - 1
        same = known is not None and identity in (None, choice.calls[known].id)
        if known is None or is_whole or not same:
            choice.calls.append(PlainCall(identity, function.get("name") or "", arguments))
            numbers.append(number)
        else:
            choice.calls[known].arguments += arguments

    def function_call(self, choice: PlainChoice, raw: dict[str, Any]) -> None:
        if raw.get("name"):
            choice.calls.append(PlainCall(None, raw["name"], raw.get("arguments") or ""))
        elif raw.get("arguments"):
            choice.calls[-1].arguments += raw["arguments"]

    def usage(self, raw: object) -> None:
        if isinstance(raw, dict) and (counts := _usage(raw)):
            self.reply.usage = counts

    def settled(self) -> PlainReply:
        for _, choice in sorted(self.choices.items()):
            choice.text = _mended(choice.text)
            choice.reasoning = _mended(choice.reasoning)
            choice.finish_reason = _finish(choice)
            self.reply.choices.append(choice)
        return self.reply


def _finish(choice: PlainChoice) -> str | None:
    word = choice.provider_finish_reason
    ours = None if word is None else FINISH_WORDS.get(word, "other")
    if choice.refusal:
        return "refusal"
    if choice.calls and ours not in NOT_FOR_CALLS:
        return "tool_calls"
    return ours


def _mended(text: str) -> str:
    """Join the halves of a character that was split between two pieces."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _events(body: str) -> list[tuple[str, str]]:
    """Yield each event's name and data. A line `error: {…}` of old llama.cpp servers counts."""
    events: list[tuple[str, str]] = []
    name = ""
    data: list[str] = []
    for line in [*re.split(r"\r\n|\r|\n", body.lstrip("\ufeff")), ""]:
        if not line:
            if data:
                events.append((name, "\n".join(data).strip()))
            name, data = "", []
            continue
        key, _, value = line.partition(":")
        if key == "data":
            data.append(value.removeprefix(" "))
        elif key == "event":
            name = value.removeprefix(" ")
        elif key == "error":
            events.append(("error", value.strip()))
    return events


def _content(content: object) -> tuple[str, str]:
    """Return the text and reasoning of a `content`: a string, null, or Mistral's list of blocks."""
    if not isinstance(content, list):
        return (content, "") if isinstance(content, str) else ("", "")
    text = thoughts = ""
    for block in content:
        if isinstance(block, str):
            text += block
            continue
        text += block.get("text") or ""
        thinking = block.get("thinking") or []
        thoughts += (
            thinking
            if isinstance(thinking, str)
            else "".join(part.get("text") or "" for part in thinking)
        )
    return text, thoughts


def _reasoning(said: dict[str, Any]) -> str:
    for key in ("reasoning_content", "reasoning"):
        if isinstance(said.get(key), str) and said[key]:
            return str(said[key])
    details = said.get("reasoning_details") or ()
    return "".join(part.get("text") or part.get("summary") or "" for part in details)


def _logprobs(raw: object) -> int:
    if not isinstance(raw, dict):
        return 0
    return sum(len(raw.get(key) or ()) for key in ("content", "refusal", "tokens"))


def _usage(raw: dict[str, Any]) -> dict[str, int | None]:
    def count(*places: str) -> int | None:
        for place in places:
            value: Any = raw
            for key in place.split("/"):
                value = value.get(key) if isinstance(value, dict) else None
            if isinstance(value, int) and not isinstance(value, bool):
                return value
        return None

    prompt, completion = count("prompt_tokens"), count("completion_tokens")
    total = count("total_tokens")
    cached = count(
        "prompt_tokens_details/cached_tokens",
        "prompt_token_details/cached_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
        "num_cached_tokens",
        "cache_read_input_tokens",
    )
    reasoning = count(
        "completion_tokens_details/reasoning_tokens",
        "completion_token_details/reasoning_tokens",
        "reasoning_tokens",
    )
    written = count("prompt_tokens_details/cache_write_tokens", "cache_creation_input_tokens")
    if prompt is not None and completion is not None:
        if total is None:
            total = prompt + completion
        elif prompt + completion != total == prompt + completion + (reasoning or 0):
            completion += reasoning or 0
    counts = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
    }
    return counts if any(value is not None for value in counts.values()) else {}


# Errors.


def _unexpected() -> PlainReply:
    return PlainReply(error="LlmUnexpectedContentError")


def _refused(status: int, body: str) -> PlainReply:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    said = body if value is None else _message_of(value)
    return PlainReply(
        error=_class_of(status, value, said or ""),
        message=f"HTTP {status}: {_line(said or 'the body is empty')}",
        status=status,
    )


def _reported(value: dict[str, Any], said: str, *, after_content: bool) -> PlainReply:
    """Return an error that arrived with status 200. If it names a status, that one counts."""
    error = value.get("error")
    code = str(error.get("code") if isinstance(error, dict) else value.get("code"))
    named = int(code) if code.isdigit() and 400 <= int(code) < 600 else None
    kind = "LlmStreamServerError" if after_content else _class_of(named, value, said)
    return PlainReply(error=kind, message=f"the provider reports an error: {_line(said)}")


def _error_in(value: Any) -> str | None:
    """Return the message of an error in a 200, or None if the value is not an error."""
    if not isinstance(value, dict):
        return None
    is_flat = value.get("object") == "error" or (
        value.get("choices") is None and isinstance(value.get("detail"), (str, list))
    )
    return (_message_of(value) or "") if value.get("error") or is_flat else None


def _message_of(value: Any) -> str | None:
    """Return the first of `error.message`, `error`, `message`, `detail`, which fits all servers."""
    if isinstance(value, list):
        value = value[0]
    error = value.get("error")
    if isinstance(error, str):
        return error
    inner = error if isinstance(error, dict) else value
    said = _prose(inner.get("message")) or _prose(value.get("message"))
    said = said or _prose(value.get("detail"))
    raw = (inner.get("metadata") or {}).get("raw")
    return f"{said}: {raw}" if said and isinstance(raw, str) else said


def _prose(value: Any) -> str | None:
    if isinstance(value, dict) and isinstance(value.get("detail"), list):
        value = value["detail"]
    if isinstance(value, list):
        return "; ".join(str(item["msg"]) for item in value)
    return value if isinstance(value, str) else None


def _line(text: str) -> str:
    """Return it on one line, at most 1 KiB."""
    kept = text.encode()[:1024].decode(errors="ignore")
    line = re.sub(r"[\r\n\t]", " ", kept.strip())
    return line if kept == text else f"{line}…"


def _class_of(status: int | None, value: Any, said: str) -> str:
    error = value.get("error") if isinstance(value, dict) else None
    inner = error if isinstance(error, dict) else value if isinstance(value, dict) else {}
    words = {str(inner.get(key)) for key in ("code", "type", "status")}
    said = said.lower()
    too_long = ("maximum context length", "exceeded max context length")
    if words & {"context_length_exceeded", "exceed_context_size_error"} or any(
        face in said for face in too_long
    ):
        return "LlmContextLengthError"
    if "content_filter" in words:
        return "LlmContentFilterError"
    if "insufficient_quota" in words or status == 402:
        return "LlmQuotaExceededError"
    if words & {"model_not_found", "invalid_model", "DeploymentNotFound"} or (
        status == 404 and "model" in said
    ):
        return "LlmModelNotFoundError"
    by_status = {401: "LlmAuthenticationError", 403: "LlmAuthenticationError"}
    by_status[429] = "LlmRateLimitError"
    if status is not None and status >= 500:
        return "LlmServerError"
    return by_status.get(status or 0, "LlmAPIError")
