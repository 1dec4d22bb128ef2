"""The smaller fields of the plain reading: token counts, log probabilities, finish reasons."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# wire.md 2.2, 3.1, 8, 12 and design.md 1; any other word is `other`.
_FINISH = {
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
    "insufficient_system_resource": "error",
}
# The keys of a message that the reply has a place of its own for (wire.md 2.2, 12).
_OWN_PLACE = (
    "role",
    "content",
    "refusal",
    "tool_calls",
    "function_call",
    "reasoning",
    "reasoning_content",
    "index",
)
# Random text that hides the length of a piece (OpenAI, Mistral, Copilot; wire.md 2.3, 8, 12), and
# Groq's name of the stream of tokens that a piece is of (wire.md 7).
_FILLER = ("obfuscation", "p", "padding", "channel")


def tidy(value: Any) -> Any:
    """Return the value, or None if it is one of the spellings of absent (wire.md 1)."""
    return None if value in (None, "", [], {}) else value


def messages_own_keys(message: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what the provider adds to a message. It goes back to it as it came.

    Texts, lists and objects may be content or signatures. A number or a boolean only describes
    the delivery, such as Together's `token_id` of a piece and Venice's `reasoning_encrypted`.
    """
    for key, value in message.items():
        if key not in (*_OWN_PLACE, *_FILLER) and isinstance(value, (str, list, dict)) and value:
            yield key, value


def finish_word(word: str | None, *, refused: bool, calls: bool, ended: bool) -> str | None:
    """Return the finish reason in tokenwire's words (design.md 1), in this order."""
    if word is None and not ended:
        return None
    said = None if word is None else _FINISH.get(word, "other")
    if refused:
        return "refusal"
    # A forced tool call ends with `stop` (wire.md 2.2), so the calls decide.
    if calls and said not in ("length", "content_filter", "error"):
        return "tool_calls"
    return said


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _first(*values: Any) -> int | None:
    return next((_count(value) for value in values if _count(value) is not None), None)


def read_usage(usage: dict[str, Any]) -> dict[str, Any]:
    """Return the token counts by wire.md 18.10; a count that was not sent is None, never 0."""
    if not usage:
        return {}
    # Writer leaves out an `s` in the names of the details.
    prompt_details = usage.get("prompt_tokens_details") or usage.get("prompt_token_details") or {}
    details = usage.get("completion_tokens_details") or usage.get("completion_token_details") or {}
    prompt, completion = _first(usage.get("prompt_tokens")), _first(usage.get("completion_tokens"))
    total = _first(usage.get("total_tokens"))
    # Perplexity has the count beside the others.
    reasoning = _first(details.get("reasoning_tokens"), usage.get("reasoning_tokens"))
    if prompt is not None and completion is not None:
        if total is None:
            total = prompt + completion
        # xAI's output excludes reasoning (wire.md 12): where only that makes up the total, add it.
        elif reasoning and prompt + completion + reasoning == total:
            completion += reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": total,
        "cached_tokens": _first(
            prompt_details.get("cached_tokens"),
            usage.get("prompt_cache_hit_tokens"),  # DeepSeek (wire.md 12)
            usage.get("cached_tokens"),  # Together and Kimi
            usage.get("num_cached_tokens"),  # Mistral
            usage.get("cache_read_input_tokens"),  # Anthropic's name, through gateways
        ),
        "cache_write_tokens": _first(
            prompt_details.get("cache_write_tokens"), usage.get("cache_creation_input_tokens")
        ),
        "reasoning_tokens": reasoning,
        "cost_usd": _cost(usage.get("cost")),
    }


def _cost(cost: Any) -> Decimal | None:
    """Return the provider's own figure in US dollars: OpenRouter's number, Perplexity's object."""
    if isinstance(cost, dict):
        cost = cost.get("total_cost")
    return Decimal(json.dumps(cost)) if isinstance(cost, (int, float)) else None


def read_logprobs(logprobs: Any) -> list[tuple[Any, ...]]:
    """Return (token, logprob, bytes, top, text offset) of each token.

    Chat puts them into `content` (wire.md 2.3), completions into parallel lists (wire.md 3).
    """
    if not logprobs:
        return []
    if "tokens" in logprobs:
        tokens = logprobs["tokens"] or []
        nothing = [None] * len(tokens)
        return [
            (token, number, None, tuple((t, n, None) for t, n in (top or {}).items()), offset)
            for token, number, top, offset in zip(
                tokens,
                logprobs.get("token_logprobs") or nothing,
                logprobs.get("top_logprobs") or nothing,
                logprobs.get("text_offset") or nothing,
                strict=True,
            )
        ]
    # Those of a refusal count where there is no content; those of reasoning (DeepSeek) never do.
    entries = logprobs.get("content") or logprobs.get("refusal") or []
    return [
        (
            entry["token"],
            entry.get("logprob"),
            _bytes(entry),
            tuple((t["token"], t["logprob"], _bytes(t)) for t in entry.get("top_logprobs") or []),
            None,
        )
        for entry in entries
    ]


def _bytes(entry: dict[str, Any]) -> bytes | None:
    return None if entry.get("bytes") is None else bytes(entry["bytes"])
