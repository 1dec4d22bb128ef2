"""Translating errors of the new clients into errors of the older interface."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tokenwire as tw
from tokenwire.legacy import llm_exceptions as old
from tokenwire.settings.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_SECRET_HEADER = re.compile(r"(?i)auth|key|token|secret|cookie")
_NO_SUCH_PATH = (404, 405)
# Replacing a shorter one would also change ordinary words.
_SHORTEST_SECRET = 4
NO_SECRETS = Secret(())


class LlmModelRequestError(old.LlmModelError, old.LlmAPIError):
    """The server refused the request because of its model."""


# The first row that fits decides.
_TABLE: tuple[tuple[type[tw.LlmError], type[old.LlmError]], ...] = (
    (tw.LlmAuthenticationError, old.LlmAuthenticationError),
    (tw.LlmRateLimitError, old.LlmRateLimitError),
    (tw.LlmModelNotFoundError, LlmModelRequestError),
    (tw.LlmContextLengthError, LlmModelRequestError),
    (tw.LlmContentFilterError, LlmModelRequestError),
    (tw.LlmAPIError, old.LlmAPIError),
    (tw.LlmTimeoutError, old.LlmTimeoutError),
    (tw.LlmStreamingError, old.LlmStreamingError),
    (tw.LlmModelError, old.LlmModelError),
    (tw.LlmConfigError, old.LlmConfigError),
    (tw.LlmValidationError, old.LlmValidationError),
    (tw.LlmError, old.LlmError),
)
_LOST = (tw.LlmConnectionError, tw.LlmStreamInterruptedError, tw.LlmStreamIncompleteError)


@contextmanager
def as_old_errors(secrets: Secret = NO_SECRETS, if_not_found: str = "") -> Iterator[None]:
    """Raise an old error where the block raises one of the new clients' errors.

    No error shows one of `secrets`, a sealed collection of str. `if_not_found` is added where the
    server lacks the path.
    """
    try:
        yield
    except tw.LlmError as error:
        raise _translated(error, secrets.reveal(), if_not_found) from error


def _translated(error: tw.LlmError, secrets: Collection[str], if_not_found: str) -> old.LlmError:
    kind = next(old_kind for new_kind, old_kind in _TABLE if isinstance(error, new_kind))
    status = getattr(error, "status_code", None)
    raw: bytes | None = getattr(error, "body", None)
    body = None if raw is None else _without(raw.decode("utf-8", "replace"), secrets)
    metadata = _known(error, "provider", "model", "request_id", "phase")
    if error.attempts:
        metadata["attempts"] = len(error.attempts)
    if error.partial is not None:
        metadata["partial_text"] = error.partial.text
    fields: dict[str, Any] = {
        "error_code": getattr(error, "code", None) or getattr(error, "type", None),
        "metadata": metadata,
    }
    if issubclass(kind, old.LlmAPIError):
        fields.update(status_code=status, response_body=body)
    if issubclass(kind, old.LlmRateLimitError):
        fields["retry_after"] = getattr(error, "retry_after", None)
    text = _text(error, body)
    if if_not_found and status in _NO_SUCH_PATH:
        text = f"{text} ({if_not_found})"
    return kind(_without(text, secrets), **fields)


def secrets_in(api_key: str | None, headers: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What no error may show: the key, and the values of headers that carry one."""
    found = [] if api_key in (None, "", "EMPTY") else [str(api_key)]
    for name, value in (headers or {}).items():
        if _SECRET_HEADER.search(str(name)):
            found += [str(value), *str(value).split()[-1:]]
    return tuple(found)


def without_secret_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that do not carry a key."""
    return {name: value for name, value in headers.items() if not _SECRET_HEADER.search(str(name))}


def _text(error: tw.LlmError, body: str | None) -> str:
    """The message, with the words that callers of the older interface search for."""
    text = error.message
    reply = (body or "").strip()
    if reply and reply not in text:
        text = f"{text}: {reply}"
    lowered = text.lower()
    if isinstance(error, tw.LlmTimeoutError) and not re.search("timeout|timed out", lowered):
        text = f"timed out: {text}"
    if isinstance(error, _LOST) and "connect" not in lowered:
        text = f"connection failed: {text}"
    return text


def _known(source: object, *names: str) -> dict[str, Any]:
    """The attributes of these names that are not None."""
    values = {name: getattr(source, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _without(text: str, secrets: Collection[str]) -> str:
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[key]")
    return text


def text_of(reply: tw.LlmResponse[Any]) -> str:
    """The reply's text, which may be empty.

    Raises:
        LlmModelError: The model refused, or a filter removed the whole text.
    """
    text: str = reply.text or ""
    if not text and (reply.refusal is not None or reply.finish_reason == "refusal"):
        message = f"the model refused: {reply.refusal or 'it gave no reason'}"
    elif not text and reply.finish_reason == "content_filter":
        message = "the provider's filter stopped the reply"
    else:
        return text
    metadata = _known(reply, "model", "request_id")
    raise old.LlmModelError(message, error_code=reply.finish_reason, metadata=metadata)
