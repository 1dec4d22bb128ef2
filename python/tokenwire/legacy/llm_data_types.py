"""The data types of the older interface: mutable dataclasses that check their arguments.

A wrong argument is a `ValueError`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["LlmMessage", "LlmRequest", "LlmResponse", "LlmStreamChunk", "MessageRole"]


class MessageRole(Enum):
    """The author of a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass
class LlmMessage:
    """One message of a conversation."""

    role: MessageRole
    content: str
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.content or not self.content.strip():
            raise ValueError("LlmMessage.content: must not be blank")


@dataclass
class LlmRequest:
    """A prompt or messages, and the parameters of generation."""

    prompt: str | None = None
    messages: list[LlmMessage] | None = None
    model: str | None = None
    temperature: float = 0.7
    max_tokens: int | None = None
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    stop: str | list[str] | None = None
    stream: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None

    def __post_init__(self) -> None:
        if bool(self.prompt) == bool(self.messages):
            raise ValueError("LlmRequest: pass either prompt or messages")
        _check_range("LlmRequest.temperature", self.temperature, 0, 2)
        _check_range("LlmRequest.top_p", self.top_p, 0, 1)
        _check_range("LlmRequest.frequency_penalty", self.frequency_penalty, -2, 2)
        _check_range("LlmRequest.presence_penalty", self.presence_penalty, -2, 2)
        if self.max_tokens is not None and not self.max_tokens > 0:
            raise ValueError(f"LlmRequest.max_tokens: must be above 0, not {self.max_tokens}")


@dataclass
class LlmResponse:
    """A whole reply."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    duration_ms: float = 0.0
    tokens_per_second: float = 0.0
    model: str | None = None
    provider: str | None = None
    stream_data: Any = None
    estimated_cost_usd: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    api_response_headers: dict[str, str] = field(default_factory=dict)
    finish_reason: str | None = None

    def __post_init__(self) -> None:
        for name in ("prompt_tokens", "completion_tokens", "duration_ms"):
            if getattr(self, name) < 0:
                raise ValueError(f"LlmResponse.{name}: must not be negative")
        if self.total_tokens == 0:
            self.total_tokens = self.prompt_tokens + self.completion_tokens
        if self.duration_ms > 0 and self.completion_tokens > 0:
            self.tokens_per_second = self.completion_tokens / (self.duration_ms / 1000)


@dataclass
class LlmStreamChunk:
    """One piece of a stream; its text may be empty."""

    text: str
    is_final: bool = False
    chunk_index: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.chunk_index < 0:
            raise ValueError("LlmStreamChunk.chunk_index: must not be negative")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # NaN fails this comparison, too.
    if not low <= value <= high:
        raise ValueError(f"{name}: must be between {low} and {high}, not {value}")
