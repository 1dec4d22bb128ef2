"""What a plain reading of a reply says, for each API whose replies are replayed over a socket."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.wire.plain_errors import PlainError


@dataclass
class Reading:
    """A reply, or an error with the part of the reply that arrived before it.

    `parts` has each part as `LlmMessage` dumps it, without the provider, API and model that it goes
    back to.
    """

    id: str | None = None
    # Copilot rotates its ids (wire.md 18.1, traps): each of them is a name of the reply.
    other_ids: list[str] = field(default_factory=list)
    model: str | None = None
    created: int | None = None
    status: str | None = None
    finish_reason: str | None = None
    provider_finish_reason: str | None = None
    stop_details: dict[str, Any] | None = None
    parts: list[dict[str, Any]] = field(default_factory=list)
    logprobs: list[tuple[Any, ...]] = field(default_factory=list)
    # The answers after the first one: index, parts, finish reasons and log probabilities.
    others: list[dict[str, Any]] = field(default_factory=list)
    usage: dict[str, Any] | None = None
    details: dict[str, Any] | None = None
    citations: list[dict[str, Any]] = field(default_factory=list)
    request_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    error: PlainError | None = None
    contradictions: list[str] = field(default_factory=list)

    def said(self, kind: str) -> str:
        """Return the text of all parts of a kind."""
        return "".join(part["text"] for part in self.parts if part["type"] == kind)


def opaque(place: str, value: Any) -> dict[str, Any]:
    """Return the part of something that is kept as it is."""
    return {"type": "opaque", "field": place, "value": value}


def whole_characters(text: str) -> str:
    """Join the halves of a character that came in two deltas; half of one becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
