"""The errors that tokenwire raises, and nothing else.

    LlmError                              Exception
    +-- LlmConfigError                    (ValueError)    an argument is wrong; nothing was sent
    +-- LlmValidationError                (ValueError)    data of a wrong form; names its path
    |   +-- LlmDecodeError                                reply or event bytes cannot be decoded
    +-- LlmModelError                                     the model did not serve this request
    +-- LlmTimeoutError                   (TimeoutError)  a time limit ran out
    |   +-- LlmConnectTimeoutError                        no connection in time
    |   +-- LlmPoolTimeoutError                           no free connection in time
    |   +-- LlmFirstByteTimeoutError                      no complete response head in time
    |   +-- LlmStallTimeoutError                          no bytes on a stream
    |   +-- LlmContentTimeoutError                        bytes but no content on a stream
    |   +-- LlmDeadlineExceededError                      the total limit over attempts and waits
    +-- LlmStreamingError                                 a stream failed
    |   +-- LlmStreamInterruptedError                     transport failure in the middle
    |   +-- LlmStreamIncompleteError                      clean end without the terminal mark
    |   +-- LlmStreamServerError                          error sent after the first event
    |   +-- LlmEventTooLargeError                         one event over its cap
    |   +-- LlmForkedStreamError                          stream inherited from the parent process
    +-- LlmAPIError                                       failed on the way or at the provider
    |   +-- LlmModelNotFoundError         (LlmModelError) no such model
    |   +-- LlmContextLengthError         (LlmModelError) prompt and output do not fit the window
    |   +-- LlmContentFilterError         (LlmModelError) refused by a filter before any output
    |   +-- LlmAuthenticationError                        401, 403
    |   +-- LlmRateLimitError                             429
    |   |   +-- LlmQuotaExceededError                     quota or spend limit: never retried
    |   +-- LlmServerError                                5xx
    |   +-- LlmConnectionError                            no usable connection
    |   |   +-- LlmConnectError                           connection refused, no file descriptor
    |   |   +-- LlmDNSError                               the name does not resolve
    |   |   +-- LlmTLSError                               certificate or handshake
    |   |   +-- LlmProxyError                             the proxy refuses or fails
    |   |   +-- LlmConnectionLostError                    ended before head or body did
    |   +-- LlmProtocolError                              the peer breaks HTTP
    |   +-- LlmResponseTooLargeError                      body over its cap
    |   +-- LlmUnexpectedContentError                     success status, but a body of another kind
    +-- LlmEngineError                                    a broken invariant inside the engine
    +-- LlmClientClosedError                              use after close

Every error is made as ``Class(message, **fields)``, so ``args == (message,)`` and pickling, copying
and ``except ... as e: raise`` work without further code. None of them ever holds a key.

This module is imported with the package and by the engine, so it imports nothing.
"""

from __future__ import annotations

# Type checkers take this name for true, and it spares the import of typing at run time.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import Unpack

    from tokenwire._engine import Attempt, LlmResponse

    class ErrorFields(TypedDict, total=False):
        """What every error takes; the attributes of the classes say what each means."""

        attempts: tuple[Attempt, ...]
        retryable: bool
        request_id: str | None
        provider: str | None
        model: str | None
        partial: LlmResponse | None
        phase: str | None
        retry_budget_exhausted: bool
        problems: tuple[str, ...]

    class ProviderErrorFields(ErrorFields, total=False):
        """What an error takes in addition when the provider or the model answered."""

        status_code: int | None
        type: str | None
        code: str | None
        param: str | None
        body: bytes | None
        retry_after: float | None
        response: LlmResponse | None


# One set for the whole tree: an engine error that knows more than its class promises (a status
# beside a decode error) keeps what it knows instead of becoming a TypeError.
_FIELD_NAMES = frozenset(
    {
        "attempts",
        "retryable",
        "request_id",
        "provider",
        "model",
        "partial",
        "phase",
        "retry_budget_exhausted",
        "status_code",
        "type",
        "code",
        "param",
        "body",
        "retry_after",
        "response",
        "problems",
    }
)


class LlmError(Exception):
    """The root of all errors of tokenwire.

    Args:
        message: One line that names the fix.
        **fields: Values for the attributes below, by name.

    Attributes:
        attempts: The attempts of the call, oldest first.
        retryable: Whether another attempt may succeed.
        request_id: The provider's id of the request.
        provider: The provider's name, such as ``"openai"``.
        model: The model's id, without a provider.
        partial: The reply so far; None where nothing came.
        phase: How far the call had come: ``"prepare"``, ``"connect"``, ``"head"``, ``"body"`` or
            ``"backoff"``.
        retry_budget_exhausted: Whether the call was given up because its client's retry budget is
            spent.

    Raises:
        TypeError: A field is unknown.
    """

    attempts: tuple[Attempt, ...] = ()
    retryable: bool = False
    request_id: str | None = None
    provider: str | None = None
    model: str | None = None
    partial: LlmResponse | None = None
    phase: str | None = None
    retry_budget_exhausted: bool = False

    def __init__(self, message: str, **fields: Unpack[ErrorFields]) -> None:
        # Fields that were not given stay class attributes. Those given live in the instance's
        # dict, which BaseException.__reduce__ hands to pickle and copy.
        if fields:
            unknown = fields.keys() - _FIELD_NAMES
            if unknown:
                name = min(unknown)
                raise TypeError(f"{self.__class__.__name__}() takes no field named {name!r}")
            self.__dict__.update(fields)
        super().__init__(message)

    @property
    def message(self) -> str:
        """The one-line text, as `str()` shows it."""
        return str(self.args[0]) if self.args else ""


class LlmConfigError(LlmError, ValueError):
    """A setting, argument or header is wrong; nothing was sent. Of several, `problems` has all."""

    problems: tuple[str, ...] = ()


class LlmValidationError(LlmError, ValueError):
    """Request data cannot be encoded, or reply data lacks the required form.

    The message names the path of the datum, such as ``messages[2].content``.

    Attributes:
        problems: All that is wrong, as ``path: reason``; the message holds the first few.
    """

    problems: tuple[str, ...] = ()


class LlmDecodeError(LlmValidationError):
    """Reply or event bytes cannot be decoded; the message gives the offset in bytes."""


class LlmModelError(LlmError):
    """The model is unknown or did not serve this request.

    `run()` raises it for a refusal and for a reply without text.

    Attributes:
        response: The reply as it came; None where there is none.
    """

    response: LlmResponse | None = None

    if TYPE_CHECKING:

        def __init__(self, message: str, **fields: Unpack[ProviderErrorFields]) -> None: ...


class LlmTimeoutError(LlmError, TimeoutError):
    """A time limit ran out."""


class LlmConnectTimeoutError(LlmTimeoutError):
    """No connection in time; nothing was sent."""


class LlmPoolTimeoutError(LlmTimeoutError):
    """No free connection in time; nothing was sent."""


class LlmFirstByteTimeoutError(LlmTimeoutError):
    """No complete response head in time."""


class LlmStallTimeoutError(LlmTimeoutError):
    """No bytes on a stream for too long; `partial` has what came."""


class LlmContentTimeoutError(LlmTimeoutError):
    """Bytes but no content on a stream for too long; `partial` has what came."""


class LlmDeadlineExceededError(LlmTimeoutError):
    """The total limit over all attempts and the waits between them ran out."""


class LlmStreamingError(LlmError):
    """A stream failed; `partial` has what came."""


class LlmStreamInterruptedError(LlmStreamingError):
    """The transport failed in the middle of a stream."""


class LlmStreamIncompleteError(LlmStreamingError):
    """A stream ended cleanly, but without its terminal mark."""


class LlmStreamServerError(LlmStreamingError):
    """The server sent an error after the first event.

    Attributes:
        status_code: The HTTP status that the error names; None where it names none.
        type: The provider's type of error.
        code: The provider's code, numbers as text.
        param: The parameter that the provider names.
        body: At most 64 KiB of the error as it came.
        retry_after: The server's hint when to try again, in seconds.
    """

    status_code: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    retry_after: float | None = None

    if TYPE_CHECKING:

        def __init__(self, message: str, **fields: Unpack[ProviderErrorFields]) -> None: ...


class LlmEventTooLargeError(LlmStreamingError):
    """One event of a stream is over its cap."""


class LlmForkedStreamError(LlmStreamingError):
    """The stream, or its binding to an event loop, was inherited from the parent process."""


class LlmAPIError(LlmError):
    """The call failed on the way or at the provider.

    Attributes:
        status_code: The HTTP status; None where no reply came.
        type: The provider's type of error (Google's ``status``).
        code: The provider's code, numbers as text.
        param: The parameter that the provider names.
        body: At most 64 KiB of the reply's body.
        retry_after: The server's hint when to try again, in seconds.
    """

    status_code: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    retry_after: float | None = None

    if TYPE_CHECKING:

        def __init__(self, message: str, **fields: Unpack[ProviderErrorFields]) -> None: ...


class LlmModelNotFoundError(LlmAPIError, LlmModelError):
    """No such model."""


class LlmContextLengthError(LlmAPIError, LlmModelError):
    """Prompt and maximum output do not fit the model's context window."""


class LlmContentFilterError(LlmAPIError, LlmModelError):
    """Refused by a filter before any output."""


class LlmAuthenticationError(LlmAPIError):
    """The provider answered 401 or 403."""


class LlmRateLimitError(LlmAPIError):
    """The provider answered 429; `retry_after` has its hint."""


class LlmQuotaExceededError(LlmRateLimitError):
    """A quota or spend limit is reached; never retried."""


class LlmServerError(LlmAPIError):
    """The provider answered 5xx."""


class LlmConnectionError(LlmAPIError):
    """No usable connection."""


class LlmConnectError(LlmConnectionError):
    """The connection was refused, or no file descriptor is left."""


class LlmDNSError(LlmConnectionError):
    """The host's name does not resolve."""


class LlmTLSError(LlmConnectionError):
    """The certificate or the handshake failed."""


class LlmProxyError(LlmConnectionError):
    """The proxy refuses or fails."""


class LlmConnectionLostError(LlmConnectionError):
    """The connection ended before the response head, or inside a body that is not a stream."""


class LlmProtocolError(LlmAPIError):
    """The peer breaks HTTP."""


class LlmResponseTooLargeError(LlmAPIError):
    """The body is over its cap."""


class LlmUnexpectedContentError(LlmAPIError):
    """A success status with a body of another kind, or without one."""


class LlmEngineError(LlmError):
    """A panic or broken invariant inside the engine; please report it."""


class LlmClientClosedError(LlmError):
    """The client or stream was used after it was closed."""


# The engine's names (`ErrorKind` in rust/core/src/error.rs, snake_case) and their classes. The
# bindings build every error through this table, never by matching text.
KINDS: dict[str, type[LlmError]] = {
    "config": LlmConfigError,
    "validation": LlmValidationError,
    "decode": LlmDecodeError,
    "model": LlmModelError,
    "model_not_found": LlmModelNotFoundError,
    "context_length": LlmContextLengthError,
    "content_filter": LlmContentFilterError,
    "connect_timeout": LlmConnectTimeoutError,
    "pool_timeout": LlmPoolTimeoutError,
    "first_byte_timeout": LlmFirstByteTimeoutError,
    "stall_timeout": LlmStallTimeoutError,
    "content_timeout": LlmContentTimeoutError,
    "deadline_exceeded": LlmDeadlineExceededError,
    "stream_interrupted": LlmStreamInterruptedError,
    "stream_incomplete": LlmStreamIncompleteError,
    "stream_server": LlmStreamServerError,
    "event_too_large": LlmEventTooLargeError,
    "forked_stream": LlmForkedStreamError,
    "api": LlmAPIError,
    "authentication": LlmAuthenticationError,
    "rate_limit": LlmRateLimitError,
    "quota_exceeded": LlmQuotaExceededError,
    "server": LlmServerError,
    "connection": LlmConnectionError,
    "connect": LlmConnectError,
    "dns": LlmDNSError,
    "tls": LlmTLSError,
    "proxy": LlmProxyError,
    "connection_lost": LlmConnectionLostError,
    "protocol": LlmProtocolError,
    "response_too_large": LlmResponseTooLargeError,
    "unexpected_content": LlmUnexpectedContentError,
    "engine": LlmEngineError,
    "client_closed": LlmClientClosedError,
}
