"""The errors of the older interface. The adapter's clients raise no others."""

from __future__ import annotations

from typing import Any

__all__ = [
    "LlmAPIError",
    "LlmAuthenticationError",
    "LlmConfigError",
    "LlmError",
    "LlmModelError",
    "LlmRateLimitError",
    "LlmStreamingError",
    "LlmTimeoutError",
    "LlmValidationError",
]


class LlmError(Exception):
    """The base class of all errors.

    Attributes:
        message: The text that `str()` returns.
        error_code: The provider's code or type of the error, if it gave one.
        metadata: Further details; always a dict.
    """

    def __init__(
        self,
        message: str,
        error_code: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_code = error_code
        self.metadata: dict[str, Any] = {} if metadata is None else metadata


class LlmConfigError(LlmError):
    """A setting is missing or wrong."""


class LlmAPIError(LlmError):
    """The server refused the request, or could not be reached.

    Attributes:
        status_code: The HTTP status; None if there was no reply.
        response_body: The server's reply.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        response_body: str | None = None,
        **kw: Any,
    ) -> None:
        super().__init__(message, **kw)
        self.status_code = status_code
        self.response_body = response_body


class LlmTimeoutError(LlmError):
    """A timeout expired."""


class LlmAuthenticationError(LlmAPIError):
    """The server refused the key."""


class LlmRateLimitError(LlmAPIError):
    """There were too many requests.

    Attributes:
        retry_after: How long the server asks to wait, in seconds.
    """

    def __init__(self, message: str, retry_after: float | None = None, **kw: Any) -> None:
        super().__init__(message, **kw)
        self.retry_after = retry_after


class LlmModelError(LlmError):
    """The model does not exist, or refused."""


class LlmStreamingError(LlmError):
    """A stream broke off."""


class LlmValidationError(LlmError):
    """A value cannot be sent, or a reply cannot be read."""
