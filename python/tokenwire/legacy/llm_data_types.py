"""The data types of the older interface: mutable dataclasses, checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["LlmMessage", "LlmRequest", "LlmResponse", "LlmStreamChunk", "MessageRole"]


class MessageRole(Enum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass
class LlmMessage:
    """One message of a conversation.

    Raises:
        ValueError: The content is blank.
    """

    role: MessageRole
    content: str
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.content or not self.content.strip():
            raise ValueError("LlmMessage.content: give some text")


@dataclass
class LlmRequest:
    """What is asked: a prompt or messages, and the parameters of generation.

    Raises:
        ValueError: A value is outside its range, or prompt and messages are not exactly one.
    """

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
            raise ValueError("LlmRequest: give prompt or messages, exactly one of them")
        _check_range("LlmRequest.temperature", self.temperature, 0, 2)
        _check_range("LlmRequest.top_p", self.top_p, 0, 1)
        _check_range("LlmRequest.frequency_penalty", self.frequency_penalty, -2, 2)
        _check_range("LlmRequest.presence_penalty", self.presence_penalty, -2, 2)
        if self.max_tokens is not None and not self.max_tokens > 0:
            raise ValueError(f"LlmRequest.max_tokens: {self.max_tokens} is not above 0")


@dataclass
class LlmResponse:
    """What came back.

    Raises:
        ValueError: A count of tokens or the duration is negative.
    """

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
                raise ValueError(f"LlmResponse.{name}: {getattr(self, name)} is negative")
        if self.total_tokens == 0:
            self.total_tokens = self.prompt_tokens + self.completion_tokens
        if self.duration_ms > 0 and self.completion_tokens > 0:
            self.tokens_per_second = self.completion_tokens / (self.duration_ms / 1000)


@dataclass
class LlmStreamChunk:
    """One piece of a stream; its text may be empty.

    Raises:
        ValueError: The index is negative.
    """

    text: str
    is_final: bool = False
    chunk_index: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.chunk_index < 0:
            raise ValueError(f"LlmStreamChunk.chunk_index: {self.chunk_index} is negative")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN is outside.
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} is not within {low} to {high}")
