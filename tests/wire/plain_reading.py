"""A plain reading of recorded exchanges: slow, obvious, and written without the engine.

It says what a recording must give, from the notes on the wire (wire.md, which is kept beside the
recordings) and from the bytes alone. A comment names the source of each decision that the recording
does not make by itself. If you change this file, do not read the engine's decoders first: what both
misread, no test sees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.wire.plain_errors import (
    PlainError,
    error_in_a_body,
    error_in_a_stream,
    error_of_a_status,
)
from tests.wire.plain_events import INSIDE, events, is_json
from tests.wire.plain_fields import finish_word, messages_own_keys, read_logprobs, read_usage, tidy

# The id of a call that came without one: the client makes it up, for the result must name it.
MADE_UP = "(made up)"
# Names of the request, from the first to the last choice (wire.md 14 and 18.9; `inference-id` is
# what Cerebras and Hugging Face send).
REQUEST_IDS = (
    "inference-id",
    "x-request-id",
    "request-id",
    "mistral-correlation-id",
    "apim-request-id",
    "x-amzn-requestid",
    "x-generation-id",
    "x-ds-trace-id",
    "x-kong-request-id",
)
# They belong to the connection and to the stored form of the body, not to the reply.
_CONNECTION = ("connection", "content-encoding", "content-length", "transfer-encoding")


@dataclass
class PlainCall:
    """A tool call; `extra` has the keys that OpenAI's format does not know."""

    id: str | None
    name: str
    arguments: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class PlainChoice:
    """One answer."""

    index: int
    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: list[PlainCall] = field(default_factory=list)
    finish_reason: str | None = None
    provider_finish_reason: str | None = None
    logprobs: list[tuple[Any, ...]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)  # the kinds of parts, as they arrived
    reasoning_field: str | None = None
    reasoning_extra: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(
        default_factory=dict
    )  # keys of the message, sent back as they came


@dataclass
class PlainReply:
    """A reply, or an error with the part of the reply that arrived before it."""

    id: str | None = None
    model: str | None = None
    created: int | None = None
    choices: list[PlainChoice] = field(default_factory=list)
    usage: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    error: PlainError | None = None
    # Where what the client says at one place differs from what it says at another.
    contradictions: list[str] = field(default_factory=list)

    def failed(self) -> bool:
        """Whether a choice says that the server did not finish it (docs/errors.md)."""
        return any(choice.finish_reason in ("error", "abort") for choice in self.choices)


def kept_headers(row: dict[str, Any]) -> dict[str, str]:
    """Return the recorded headers, without those that a replay makes itself."""
    headers = {name.lower(): value for name, value in (row["response_headers"] or {}).items()}
    return {name: value for name, value in headers.items() if name not in _CONNECTION}


def request_id(headers: dict[str, str]) -> str | None:
    """Return the provider's id of the request."""
    return next((headers[name] for name in REQUEST_IDS if headers.get(name)), None)


def choices_asked(row: dict[str, Any]) -> int | None:
    """Return how many answers the recorded request asked for; None if it does not say."""
    try:
        n = json.loads(row["request_body"] or "{}").get("n")
    except ValueError:
        return None
    return n if isinstance(n, int) else None


def read_exchange(row: dict[str, Any], model: str, *, lost: bool = False) -> PlainReply:
    """Return what the client must make of a recorded exchange that asked for `model`.

    Args:
        row: The exchange.
        model: The model that was asked.
        lost: Whether the connection broke after the body.
    """
    body, headers = row["response_body_text"], kept_headers(row)
    if row["status"] >= 400:
        reply = PlainReply(error=error_of_a_status(row["status"], headers, body))
    elif row["is_sse"]:
        reply = read_stream(body, model, asked=choices_asked(row) or 1, lost=lost)
    elif lost:
        # The head announces more than the body has.
        reply = PlainReply(error=PlainError("LlmConnectionLostError"))
    else:
        reply = read_whole(body, model)
    reply.headers = {} if reply.error else headers  # an error has the headers that its class has
    reply.request_id = request_id(headers)
    return reply


def read_whole(body: str, model: str) -> PlainReply:
    """Read the body of a reply that came at once."""
    try:
        # DeepSeek sends blank lines first (wire.md 1); json skips white space.
        data = json.loads(body)
    except ValueError:
        kind = "LlmDecodeError" if body.strip() else "LlmUnexpectedContentError"
        return PlainReply(error=PlainError(kind))
    # An error under the status 200 (wire.md 1).
    if error := error_in_a_body(data, body):
        return PlainReply(error=error)
    if not isinstance(data, dict) or not data.get("choices"):
        return PlainReply(error=PlainError("LlmUnexpectedContentError"))
    answer = _Answer(model)
    answer.add(data, whole=True)
    reply = answer.reply(ended=True)
    if reply.failed():
        reply.error = PlainError("LlmServerError")
    reply.raw = body.encode()
    return reply


def read_stream(text: str, model: str, *, asked: int = 1, lost: bool = False) -> PlainReply:
    """Read the events of a stream that ended after `text`, cleanly or because it was lost."""
    answer = _Answer(model)
    done = False
    inside = False
    for event, data in events(text, lost=lost):
        if data.strip() == "[DONE]":
            done = True  # What follows is not the reply's (wire.md 12, opencode zen).
            break
        if event == INSIDE:
            inside = True
            break
        if error := error_in_a_stream(event, data):
            reply = answer.reply(ended=False)
            # Nothing was handed out before a first event that is an error: it is a plain one.
            reply.error = error if answer.events else error.before_any_event()
            return reply
        answer.add(json.loads(data), whole=False)
    # Complete after [DONE] with a choice, or when every choice has finished and the body ended
    # cleanly (design.md 1): each one seen, and as many as were asked for.
    finished = [choice for choice in answer.choices if answer.finished(choice)]
    all_finished = len(finished) == len(answer.choices) >= asked and not (lost or inside)
    if answer.choices and (done or all_finished):
        reply = answer.reply(ended=True)
        if reply.failed():
            reply.error = PlainError("LlmStreamServerError")
        return reply
    reply = answer.reply(ended=False)
    kind = "LlmStreamInterruptedError" if lost else "LlmStreamIncompleteError"
    if "message_start" in answer.types:
        kind = "LlmUnexpectedContentError"  # A stream of Anthropic's Messages API (wire.md 5.3).
    reply.error = PlainError(kind)
    return reply


class _Answer:
    """A reply as it grows. A whole reply is one piece."""

    def __init__(self, model: str) -> None:
        self.asked = model
        self.top = PlainReply()
        self.choices: dict[int, PlainChoice] = {}
        self.usage: dict[str, Any] = {}
        self.events = 0
        self.types: set[Any] = set()  # of events, in APIs whose events have one
        self.calls: dict[int, list[tuple[int | None, PlainCall]]] = {}
        self.so_far: dict[int, str] = {}

    def add(self, data: dict[str, Any], *, whole: bool) -> None:
        self.events += 1
        self.types.add(data.get("type"))
        top = self.top
        # All chunks of a reply have one id; empty is absent (wire.md 1, Azure's first chunk).
        top.id = top.id or data.get("id") or None
        top.model = top.model or data.get("model") or None
        created = data.get("created")
        top.created = top.created or (int(created) if isinstance(created, (int, float)) else None)
        top.created = top.created or None  # 0 is absent, too
        # Usage: the last one that says something, never a sum (wire.md 17.2). Beside the choices
        # it wins over the one in a choice (Kimi) and the one in Groq's own field (wire.md 7).
        choices = [choice for choice in data.get("choices") or [] if choice]
        places = [data, data.get("x_groq") or {}, *choices]
        self.usage = next((place["usage"] for place in places if place.get("usage")), self.usage)
        for position, choice in enumerate(choices):
            index = choice.get("index")
            self._add_choice(choice, position if index is None else index, whole=whole)

    def _add_choice(self, data: dict[str, Any], index: int, *, whole: bool) -> None:
        choice = self.choices.setdefault(index, PlainChoice(index))
        word = data.get("finish_reason")
        if word is not None and word != "":
            choice.provider_finish_reason = str(word)  # the last word (finish comes twice, 17.3)
        choice.logprobs += read_logprobs(data.get("logprobs"))
        # Two fields can hold the same piece. Of a whole reply it is `message`, in a stream `delta`
        # (OpenAI's reference of the two objects). Perplexity's streams repeat the text so far in
        # `message`, Writer's the delta, Together's the token in `text` (wire.md 12).
        fields = ("message", "delta") if whole else ("delta", "message")
        message = next((data[name] for name in fields if data.get(name)), None)
        if message is None:
            self._say(choice, "text", data.get("text") or "")
            return
        so_far = self.so_far
        if not whole and not data.get("delta"):
            # Only `message`: Perplexity's final text, from its beginning (wire.md 12).
            content = message.get("content") or ""
            message = {**message, "content": content.removeprefix(so_far.get(index, ""))}
        self._add_message(choice, message, whole=whole)
        so_far[index] = choice.text

    def _add_message(self, choice: PlainChoice, message: dict[str, Any], *, whole: bool) -> None:
        # A model thinks before it answers, and calls tools after; so the keys of one object count
        # in this order, whatever order the server writes them in.
        content = message.get("content") or ""
        thoughts = _thoughts(message)
        if isinstance(content, list):  # Mistral (wire.md 8 and 18.5)
            thoughts = "", None
        self._think(choice, *thoughts)
        for block in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if block.get("type") == "thinking":
                inner = block.get("thinking") or ""
                texts = (
                    inner if isinstance(inner, str) else "".join(t.get("text", "") for t in inner)
                )
                self._think(choice, texts, "thinking")
                more = {k: v for k, v in block.items() if k not in ("type", "thinking")}
                choice.reasoning_extra |= more
            else:
                self._say(choice, "text", block.get("text") or "")
        self._say(choice, "refusal", message.get("refusal") or "")
        for call in message.get("tool_calls") or []:
            self._add_call(choice, call, whole=whole)
        # `tool_calls` took the place of `function_call` (OpenAI's reference); Snowflake sends both.
        old = message.get("function_call") or {}
        if not message.get("tool_calls") and (old.get("name") or old.get("arguments")):
            self._add_call(choice, {"function": old}, whole=whole)
        for key, value in messages_own_keys(message):
            kept = choice.kept.get(key)
            both_lists = isinstance(kept, list) and isinstance(value, list)
            choice.kept[key] = kept + value if both_lists else value

    def _think(self, choice: PlainChoice, text: str, place: str | None) -> None:
        if text:
            choice.reasoning_field = choice.reasoning_field or place
            self._say(choice, "reasoning", text)

    @staticmethod
    def _say(choice: PlainChoice, kind: str, text: str) -> None:
        if text:
            setattr(choice, kind, getattr(choice, kind) + text)
            if choice.order[-1:] != [kind]:
                choice.order.append(kind)

    def _add_call(self, choice: PlainChoice, data: dict[str, Any], *, whole: bool) -> None:
        """Add a call, or in a stream a fragment of one by the rule of wire.md 17.4."""
        calls = self.calls.setdefault(choice.index, [])
        index, its_id = data.get("index"), data.get("id")
        if its_id in ("", "null"):
            its_id = None
        # A custom tool has `custom`, with `input` in place of the arguments (openai-python:
        # types/chat/chat_completion_message_custom_tool_call.py). Snowflake sends both, one empty.
        function, custom = data.get("function") or {}, data.get("custom") or {}
        name = function.get("name") or custom.get("name") or ""
        arguments = function.get("arguments")
        if arguments in (None, ""):
            arguments = custom.get("input")
        if not isinstance(arguments, (str, type(None))):
            arguments = json.dumps(arguments)  # an object instead of its text (wire.md 17.4)
        at_index = [call for place, call in calls if place == index]
        if index is None:
            # Without an index, an id begins a call; without both, it belongs to the last one.
            last = None if its_id or not calls else calls[-1][1]
        else:
            last = at_index[-1] if at_index else None
            if last and its_id and last.id and its_id != last.id:
                last = None
        # Whole parallel calls at one index: a name after complete arguments begins a new call.
        if last and name and not its_id and last.name and is_json(last.arguments):
            last = None
        if whole or last is None:
            last = PlainCall(None, "", "")
            calls.append((index, last))
            choice.calls.append(last)
            choice.order.append("tool_call")
        last.id = last.id or its_id
        last.name = last.name or name
        last.arguments += arguments or ""
        known = ("index", "id", "type", "function", "custom")
        last.extra |= {k: v for k, v in data.items() if k not in known and tidy(v) is not None}

    def finished(self, index: int) -> bool:
        return self.choices[index].provider_finish_reason is not None

    def reply(self, *, ended: bool) -> PlainReply:
        reply = self.top
        reply.model = reply.model or self.asked
        reply.usage = read_usage(self.usage)
        reply.choices = [self.choices[index] for index in sorted(self.choices)]
        for choice in reply.choices:
            for kind in ("text", "reasoning", "refusal"):
                setattr(choice, kind, _whole_characters(getattr(choice, kind)))
            for call in choice.calls:
                call.id = call.id or MADE_UP
            choice.finish_reason = finish_word(
                choice.provider_finish_reason,
                refused=bool(choice.refusal),
                calls=bool(choice.calls),
                ended=ended,
            )
        return reply


def _thoughts(message: dict[str, Any]) -> tuple[str, str | None]:
    """Return the reasoning and the field it is in: the first one that has any (wire.md 17.7).

    Several fields hold one text: `reasoning` is the newer name of `reasoning_content` (wire.md
    3.1), and OpenRouter's `reasoning_details` spell `reasoning` out.
    """
    for name in ("reasoning_content", "reasoning"):
        if message.get(name):
            return message[name], name
    details = message.get("reasoning_details") or []
    text = "".join(detail.get("text") or detail.get("summary") or "" for detail in details)
    return text, "reasoning_details"


def _whole_characters(text: str) -> str:
    """Join the halves of a character that came in two deltas; half of one becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
