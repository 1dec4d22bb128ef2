"""The errors of the older interface; all that the adapter's clients raise is one of them."""

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
    """The root of the errors.

    Attributes:
        message: The text, as `str()` shows it.
        error_code: The provider's code or type of the error, where it gave one.
        metadata: What else is known; always a dict.
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
        status_code: The HTTP status; None where no reply came.
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
    """A time limit ran out."""


class LlmAuthenticationError(LlmAPIError):
    """The key is missing or refused."""


class LlmRateLimitError(LlmAPIError):
    """Too many requests.

    Attributes:
        retry_after: The server's hint when to try again, in seconds.
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
