"""A plain reading of Gemini's replies: slow, obvious, and written without the engine.

It says what a recorded response must give, from the notes on the wire (wire.md, which is kept
beside the recordings) and from the JSON alone. `reading_events` does so for a stream. A comment
names the source of each decision that the recording does not make by itself. If you change this
file, do not read the engine's decoder first: what both misread, no test sees.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from tests.wire.gemini.reading_calls import GrowingCall
from tests.wire.gemini.reading_citations import citations_of
from tests.wire.gemini.reading_errors import gemini_error, with_details
from tests.wire.plain_errors import PlainError, error_in_a_body
from tests.wire.plain_reading import kept_headers, request_id
from tests.wire.reading import Reading, opaque, whole_characters

API = "gemini"
# wire.md 18.3; any other word is `other`.
_FINISH = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "MODEL_ARMOR",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
        ),
        "content_filter",
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        ),
        "error",
    ),
}
# Some clients ask for numbers in place of the words (wire.md 6.2 and 18.3). What was sent is kept.
_NUMBERS = {"1": "STOP", "2": "MAX_TOKENS", "3": "SAFETY", "4": "RECITATION", "5": "OTHER"}
# What a candidate has beside its content, and a place of its own in a reply.
_PLACED = ("content", "finishReason", "index", "logprobsResult")
_DETAILS = ("finishMessage", "safetyRatings")
# The counts that have a place of their own (wire.md 18.10); the rest of the usage is its details.
_COUNTS = (
    "promptTokenCount",
    "toolUsePromptTokenCount",
    "cachedContentTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "totalTokenCount",
)


def read_whole_exchange(row: dict[str, Any], *, lost: bool = False) -> Reading:
    """Return what the client must make of an exchange whose reply is not a stream.

    Args:
        row: The exchange.
        lost: Whether the connection broke after the body.
    """
    body, headers = row["response_body_text"], kept_headers(row)
    if row["status"] >= 400:
        reading = Reading(error=gemini_error(row["status"], headers, body))
    elif lost:
        reading = Reading(error=PlainError("LlmConnectionLostError"))
    else:
        reading = read_whole(body)
    return with_head(reading, headers)


def with_head(reading: Reading, headers: dict[str, str]) -> Reading:
    """Return the reading with what the response's head says."""
    reading.headers = {} if reading.error else headers
    # The id of the reply is the one of the request, too (wire.md 14).
    reading.request_id = request_id(headers) or reading.id
    return reading


def read_whole(body: str) -> Reading:
    """Read the body of a reply that came at once."""
    try:
        data = json.loads(body)
    except ValueError:
        kind = "LlmDecodeError" if body.strip() else "LlmUnexpectedContentError"
        return Reading(error=PlainError(kind))
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    if not is_response(data):
        error = error_in_a_body(data, body)
        if error is not None:
            return Reading(error=with_details(error.before_any_event()))
        return Reading(error=PlainError("LlmUnexpectedContentError"))
    response = Response(streamed=False)
    response.add(data)
    reading = response.reading()
    reading.error = response.failure("LlmServerError")
    reading.raw = None if reading.error else body.encode()
    return reading


def is_response(data: Any) -> bool:
    """Whether it has candidates, or says why it has none (wire.md 6.2)."""
    return isinstance(data, dict) and bool(data.get("candidates") or data.get("promptFeedback"))


class Response:
    """A response as it grows; a whole one has one piece."""

    def __init__(self, *, streamed: bool) -> None:
        self.streamed = streamed
        self.head: dict[str, Any] = {}
        self.candidates: dict[int, Candidate] = {}

    def add(self, data: dict[str, Any]) -> None:
        """Add a piece: only its parts are new, and the rest is the last that was said."""
        # Only the first piece has `promptFeedback` (wire.md 18.3), and null is absent.
        self.head |= {key: value for key, value in data.items() if value is not None}
        for place, said in enumerate(data.get("candidates") or []):
            index = said.get("index") or place
            if index not in self.candidates:
                self.candidates[index] = Candidate(self.streamed)
            self.candidates[index].add(said)

    @property
    def block(self) -> dict[str, Any] | None:
        """What says why the prompt was blocked."""
        feedback = self.head.get("promptFeedback") or {}
        return feedback if feedback.get("blockReason") else None

    @property
    def finished(self) -> bool:
        """Whether each candidate has said why it ended, or the prompt was blocked (wire.md 6.3)."""
        if not self.candidates:
            return self.block is not None
        return all(one.word is not None for one in self.candidates.values())

    def failure(self, kind: str) -> PlainError | None:
        """Return the error of a candidate that a failure ended (docs/errors.md), or None."""
        for one in self.candidates.values():
            if one.finish_reason == "error":
                said = one.beside.get("finishMessage") or ""
                return PlainError(kind, said, retryable=True)
        return None

    def reading(self) -> Reading:
        """Return what has arrived."""
        usage = self.head.get("usageMetadata") or {}
        reading = Reading(
            id=self.head.get("responseId") or None,
            model=self.head.get("modelVersion") or None,
            created=_seconds(self.head.get("createTime")),
            usage=read_usage(usage),
            details=details_of(usage),
        )
        first = self.candidates.get(0)
        if first is not None:
            reading.parts = first.parts()
            reading.finish_reason = first.finish_reason
            reading.provider_finish_reason = first.word
            reading.stop_details = first.stop_details
            reading.logprobs = first.logprobs
            reading.citations = citations_of(reading.parts, first.beside)
        elif self.block is not None:
            reading.finish_reason = "content_filter"
            reading.provider_finish_reason = self.block["blockReason"]
            reading.stop_details = self.block
        reading.others = [
            {
                "index": index,
                "parts": one.parts(),
                "finish_reason": one.finish_reason,
                "provider_finish_reason": one.word,
                "logprobs": one.logprobs,
            }
            for index, one in sorted(self.candidates.items())
            if index > 0
        ]
        return reading


class Candidate:
    """A candidate as it grows."""

    def __init__(self, streamed: bool) -> None:
        self.streamed = streamed
        self.beside: dict[str, Any] = {}
        self.word: str | None = None
        self.logprobs: list[tuple[Any, ...]] = []
        self._parts: list[dict[str, Any] | GrowingCall] = []

    def add(self, said: dict[str, Any]) -> None:
        """Add what a response says of the candidate."""
        for part in (said.get("content") or {}).get("parts") or []:
            self._add_part(part)
        word = said.get("finishReason")
        if word:
            self.word = str(word)
        self.logprobs += read_logprobs(said.get("logprobsResult") or {})
        # Absent, null and empty are the same (wire.md 1).
        self.beside |= {
            key: value
            for key, value in said.items()
            if key not in _PLACED and value not in (None, "", [], {})
        }

    def _add_part(self, part: dict[str, Any]) -> None:
        if "functionCall" in part:
            beside = {key: value for key, value in part.items() if key != "functionCall"}
            function = part["functionCall"]
            last = self._parts[-1] if self._parts else None
            # A call that will continue does so in the next one without a name (wire.md 6.3).
            if not isinstance(last, GrowingCall) or last.done or function.get("name"):
                last = GrowingCall({})
                self._parts.append(last)
            last.add(function, beside)
        elif "text" in part:
            self._add_text(part)
        else:
            self._parts.append(opaque("parts", part))

    def _add_text(self, part: dict[str, Any]) -> None:
        text = whole_characters(part["text"] or "")
        rest = {key: value for key, value in part.items() if key not in ("text", "thought")}
        if not text and not rest:
            return
        read: dict[str, Any] = {"type": "text", "text": text, **rest}
        if part.get("thought"):
            read = {"type": "reasoning", "text": text, "field": "thought", **rest}
            if "thoughtSignature" in read:
                read["signature"] = read.pop("thoughtSignature")
        last = self._parts[-1] if self._parts else None
        # A stream cuts a text anywhere; what has a signature must stay alone.
        joins = self.streamed and not rest
        if joins and isinstance(last, dict) and {**last, "text": ""} == {**read, "text": ""}:
            self._parts[-1] = {**read, "text": last["text"] + text}
        else:
            self._parts.append(read)

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts, and then the keys beside the content."""
        parts = [one.part() if isinstance(one, GrowingCall) else one for one in self._parts]
        known = _DETAILS if self.stop_details else ()
        return [
            *parts,
            *(opaque(key, value) for key, value in self.beside.items() if key not in known),
        ]

    @property
    def finish_reason(self) -> str | None:
        """The finish reason in tokenwire's words (design.md 1), in its order."""
        if self.word is None:
            return None
        finish = _FINISH.get(_NUMBERS.get(self.word, self.word), "other")
        calls = any(isinstance(one, GrowingCall) for one in self._parts)
        if calls and finish not in ("length", "content_filter", "error"):
            return "tool_calls"
        return finish

    @property
    def stop_details(self) -> dict[str, Any] | None:
        """What says why a filter or a failure ended the candidate."""
        if self.finish_reason not in ("content_filter", "error"):
            return None
        return {key: self.beside[key] for key in _DETAILS if key in self.beside} or None


def read_logprobs(result: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return (token, logprob, bytes, top, text offset) of each token."""
    chosen = result.get("chosenCandidates") or []
    top = [one.get("candidates") or [] for one in result.get("topCandidates") or []]
    top += [[]] * (len(chosen) - len(top))
    return [
        (
            one["token"],
            one.get("logProbability"),
            None,
            tuple((t["token"], t.get("logProbability"), None) for t in others),
            None,
        )
        for one, others in zip(chosen, top, strict=True)
    ]


def read_usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return the token counts by wire.md 18.10; a count that was not sent is None, never 0."""
    if not usage:
        return None
    prompt = _sum(usage, "promptTokenCount", "toolUsePromptTokenCount")
    # `candidatesTokenCount` is absent if it is 0 (wire.md 6.2).
    completion = _sum(usage, "candidatesTokenCount", "thoughtsTokenCount")
    total = usage.get("totalTokenCount")
    if total is None and prompt is not None and completion is not None:
        total = prompt + completion
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "cached_tokens": usage.get("cachedContentTokenCount"),
        "cache_write_tokens": None,
        "reasoning_tokens": usage.get("thoughtsTokenCount"),
        "cost_usd": None,
    }


def _sum(usage: dict[str, Any], *names: str) -> int | None:
    counts = [usage[name] for name in names if usage.get(name) is not None]
    return sum(counts) if counts else None


def details_of(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Return what else the usage says; None if that is nothing. Null is absent (wire.md 1)."""
    return {
        key: value for key, value in usage.items() if key not in _COUNTS and value not in ({}, None)
    } or None


def _seconds(time: str | None) -> int | None:
    """Return a time as Unix time in seconds."""
    if not time:
        return None
    # Google writes up to nine digits of a second.
    return int(datetime.fromisoformat(time.split(".")[0].rstrip("Z") + "+00:00").timestamp())
