"""The errors that tokenwire raises, and nothing else.

    LlmError                              Exception
    +-- LlmConfigError                    (ValueError)    an argument is wrong; nothing was sent
    +-- LlmValidationError                (ValueError)    data has the wrong form; names its path
    |   +-- LlmDecodeError                                the bytes of a reply cannot be decoded
    +-- LlmModelError                                     the model did not serve this request
    +-- LlmTimeoutError                   (TimeoutError)  a time limit was reached
    |   +-- LlmConnectTimeoutError                        no connection in time
    |   +-- LlmPoolTimeoutError                           no free connection in time
    |   +-- LlmReadTimeoutError                           no bytes in time (httpx transports)
    |   +-- LlmWriteTimeoutError                          request not taken in time (same)
    |   +-- LlmFirstByteTimeoutError                      no complete response head in time
    |   +-- LlmStallTimeoutError                          a stream sent no bytes
    |   +-- LlmContentTimeoutError                        a stream sent bytes, but no content
    |   +-- LlmDeadlineExceededError                      the limit for all attempts and waits
    +-- LlmStreamingError                                 a stream failed
    |   +-- LlmStreamInterruptedError                     the connection broke in the middle
    |   +-- LlmStreamIncompleteError                      a clean end, but before the end marker
    |   +-- LlmStreamServerError                          the server sent an error in the middle
    |   +-- LlmEventTooLargeError                         one event is over the size limit
    |   +-- LlmForkedStreamError                          a stream inherited from the parent process
    +-- LlmAPIError                                       the connection or the provider failed
    |   +-- LlmModelNotFoundError         (LlmModelError) no such model
    |   +-- LlmContextLengthError         (LlmModelError) prompt and output do not fit the window
    |   +-- LlmContentFilterError         (LlmModelError) a filter refused it before any output
    |   +-- LlmAuthenticationError                        401, 403
    |   +-- LlmRateLimitError                             429
    |   |   +-- LlmQuotaExceededError                     quota or spend limit; never retried
    |   +-- LlmServerError                                5xx
    |   +-- LlmConnectionError                            no usable connection
    |   |   +-- LlmConnectError                           connection refused, or no free descriptor
    |   |   +-- LlmDNSError                               the host name does not resolve
    |   |   +-- LlmTLSError                               certificate or handshake
    |   |   +-- LlmProxyError                             the proxy refused or failed
    |   |   +-- LlmConnectionLostError                    lost before the head or body was complete
    |   +-- LlmProtocolError                              the server broke the HTTP protocol
    |   +-- LlmResponseTooLargeError                      the reply is over a size limit
    |   +-- LlmUnexpectedContentError                     a success status with the wrong content
    +-- LlmEngineError                                    the engine failed
    +-- LlmClientClosedError                              use after close

Every error is built as ``Class(message, **fields)``. So ``args == (message,)``, and pickling,
copying and ``except ... as e: raise`` work without further code. No error ever contains a key.

The package and the engine both import this module early, so it imports nothing when it is loaded.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypedDict

    from typing_extensions import Unpack

    from tokenwire._engine import Attempt, LlmResponse

    class ErrorFields(TypedDict, total=False):
        """The keyword arguments of every error; the classes document them as attributes."""

        attempts: tuple[Attempt, ...]
        retryable: bool
        request_id: str | None
        headers: dict[str, str]
        provider: str | None
        model: str | None
        partial: LlmResponse | None
        phase: str | None
        retry_budget_exhausted: bool
        problems: tuple[str, ...]
        response: LlmResponse | None
        status_code: int | None
        type: str | None
        code: str | None
        param: str | None
        body: bytes | None
        retry_after: float | None


class _NoHeaders:  # no two errors share a dict
    def __get__(self, _error: object, _class: object = None) -> dict[str, str]:
        return {}


class LlmError(Exception):
    """The base of all errors of tokenwire.

    Args:
        message: One line that says how to fix it. Characters that steer or hide are escaped.
        **fields: Values for the attributes below and those of the subclasses, by name.

    Attributes:
        attempts: The attempts of the call, oldest first.
        retryable: Whether another attempt may succeed.
        request_id: The provider's id of the request.
        headers: The headers of the last response, as in a reply; empty if there was none.
        provider: The provider's name, such as ``"openai"``.
        model: The model's id, without a provider.
        partial: The partial reply; None if nothing arrived.
        phase: Where it failed: ``"prepare"``, ``"connect"``, ``"head"``, ``"body"``, ``"backoff"``.
        retry_budget_exhausted: Whether a retry failed to happen as the client's budget is used up.

    Raises:
        TypeError: A field is unknown.
    """

    attempts: tuple[Attempt, ...] = ()
    retryable: bool = False
    request_id: str | None = None
    headers: dict[str, str] = _NoHeaders()  # type: ignore[assignment]
    provider: str | None = None
    model: str | None = None
    partial: LlmResponse | None = None
    phase: str | None = None
    retry_budget_exhausted: bool = False

    def __init__(self, message: str, **fields: Unpack[ErrorFields]) -> None:
        # Fields that are not given remain class attributes. The others are in the instance's
        # dict, which BaseException.__reduce__ passes to pickle and copy.
        if fields:
            unknown = fields.keys() - _FIELD_NAMES
            if unknown:
                raise TypeError(f"{self.__class__.__name__}() has no field {min(unknown)!r}")
            self.__dict__.update(fields)
            reply = fields.get("partial")
            if reply is not None:
                note_reply(self, reply)
            problems = fields.get("problems") or ()
            if not all(map(str.isprintable, problems)):
                from tokenwire import _engine

                self.problems = tuple(map(_engine.escaped, problems))
        if issubclass(type(message), str) and not message.isprintable():
            # A server, a file or an argument may have written a part of it.
            from tokenwire import _engine

            message = _engine.escaped(message)
        super().__init__(message)

    @property
    def message(self) -> str:
        """The text, as `str()` shows it: one line."""
        return str(self.args[0]) if self.args else ""


def note_reply(error: LlmError, reply: LlmResponse) -> None:
    """Set `partial`, and take from the reply what the error does not know about its call."""
    error.partial = reply
    for name in ("provider", "model", "request_id", "headers", "attempts"):
        known = getattr(reply, name, None)
        if known and not getattr(error, name):
            setattr(error, name, known)


class LlmConfigError(LlmError, ValueError):
    """A setting, argument or header is wrong. Nothing was sent.

    Attributes:
        problems: Everything that is wrong, if there is more than one problem.
    """

    problems: tuple[str, ...] = ()


class LlmValidationError(LlmError, ValueError):
    """Request data cannot be encoded, or reply data does not have the required form.

    The message names the path of the value, such as ``messages[2].content``.

    Attributes:
        problems: Everything that is wrong, as ``path: reason``; the message has the first few.
    """

    problems: tuple[str, ...] = ()


class LlmDecodeError(LlmValidationError):
    """The bytes of a reply or an event cannot be decoded. The message gives the byte offset."""


class LlmModelError(LlmError):
    """The model is unknown or did not serve this request.

    `run()` and `parse()` also raise it for a refusal or a reply without text, and `parse()` for a
    value that the token limit cut off.

    Attributes:
        response: The whole reply, or None.
    """

    response: LlmResponse | None = None


class LlmTimeoutError(LlmError, TimeoutError):
    """A time limit was reached."""


class LlmConnectTimeoutError(LlmTimeoutError):
    """There was no connection in time. Nothing was sent."""


class LlmPoolTimeoutError(LlmTimeoutError):
    """No connection, or no turn to make one, became free in time. Nothing was sent."""


class LlmReadTimeoutError(LlmTimeoutError):
    """The reply to a request of another client sent no bytes in time; see `tokenwire.httpx2`."""


class LlmWriteTimeoutError(LlmTimeoutError):
    """The server took no more of a request of another client in time; see `tokenwire.httpx2`."""


class LlmFirstByteTimeoutError(LlmTimeoutError):
    """The head of the response was not complete in time."""


class LlmStallTimeoutError(LlmTimeoutError):
    """A stream sent no bytes for too long; `partial` has the reply so far."""


class LlmContentTimeoutError(LlmTimeoutError):
    """A stream sent bytes, but no content, for too long; `partial` has the reply so far."""


class LlmDeadlineExceededError(LlmTimeoutError):
    """The total limit for all attempts and the waits between them was reached."""


class LlmStreamingError(LlmError):
    """A stream failed; `partial` has the reply so far."""


class LlmStreamInterruptedError(LlmStreamingError):
    """The connection broke in the middle of a stream."""


class LlmStreamIncompleteError(LlmStreamingError):
    """A stream ended cleanly, but before its end marker."""


class LlmStreamServerError(LlmStreamingError):
    """The server sent an error after the first event. It has the attributes of `LlmAPIError`."""

    status_code: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    retry_after: float | None = None


class LlmEventTooLargeError(LlmStreamingError):
    """One event of a stream is over the size limit."""


class LlmForkedStreamError(LlmStreamingError):
    """The stream, or its event loop, was inherited from the parent process."""


class LlmAPIError(LlmError):
    """The connection or the provider failed.

    Attributes:
        status_code: The HTTP status; None if no reply arrived.
        type: The provider's type of error (Google's ``status``).
        code: The provider's code, as a string.
        param: The parameter that the provider names.
        body: The body of the reply, at most 64 KiB.
        retry_after: How many seconds to wait before another attempt, as the server asks.
    """

    status_code: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    retry_after: float | None = None


class LlmModelNotFoundError(LlmAPIError, LlmModelError):
    """The provider has no such model."""


class LlmContextLengthError(LlmAPIError, LlmModelError):
    """The prompt and the maximum output do not fit into the model's context window."""


class LlmContentFilterError(LlmAPIError, LlmModelError):
    """A content filter refused the request before any output."""


class LlmAuthenticationError(LlmAPIError):
    """The provider answered 401 or 403."""


class LlmRateLimitError(LlmAPIError):
    """The provider answered 429; `retry_after` says how long to wait."""


class LlmQuotaExceededError(LlmRateLimitError):
    """A quota or spend limit is reached. This is never retried."""


class LlmServerError(LlmAPIError):
    """The provider answered 5xx."""


class LlmConnectionError(LlmAPIError):
    """There is no usable connection."""


class LlmConnectError(LlmConnectionError):
    """The connection was refused, or there are no free file descriptors."""


class LlmDNSError(LlmConnectionError):
    """The host name does not resolve."""


class LlmTLSError(LlmConnectionError):
    """The certificate or the handshake failed."""


class LlmProxyError(LlmConnectionError):
    """The proxy refused the connection or failed."""


class LlmConnectionLostError(LlmConnectionError):
    """The connection was lost before the response head, or during a body that is not a stream."""


class LlmProtocolError(LlmAPIError):
    """The server broke the HTTP protocol."""


class LlmResponseTooLargeError(LlmAPIError):
    """The reply is over `Limits.max_reply_bytes`, or has too many choices, calls or blocks."""


class LlmUnexpectedContentError(LlmAPIError):
    """The status is a success, but the body is missing or of the wrong kind."""


class LlmEngineError(LlmError):
    """The engine failed: a bug (please report it), or the system could not start a thread."""


class LlmClientClosedError(LlmError):
    """The client or stream was used after it was closed."""


# Every class accepts the fields of all: the engine may know more than a class documents.
_FIELD_NAMES = {
    name
    for cls in (LlmError, LlmValidationError, LlmModelError, LlmAPIError)
    for name in cls.__annotations__
}

# The engine's kinds of errors (`ErrorKind` in rust/core/src/error.rs) and their classes. The
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
    "read_timeout": LlmReadTimeoutError,
    "write_timeout": LlmWriteTimeoutError,
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
