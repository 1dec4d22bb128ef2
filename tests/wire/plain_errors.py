"""The errors of the plain reading: bodies by the reading order of wire.md 13, kinds by meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

_RETRIED = (408, 409, 425, 429, 498, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529)


@dataclass
class PlainError:
    """An error; `message` is the provider's own text, which the client's has to contain."""

    kind: str
    message: str = ""
    status_code: int | None = None
    type: str | None = None
    code: str | None = None
    param: str | None = None
    body: bytes | None = None
    retry_after: float | None = None
    retryable: bool | None = None

    def before_any_event(self) -> PlainError:
        """Return it as the error of a call whose stream began with it."""
        # A number as its code is the status that it would have had (wire.md 3.1 and 12).
        is_status = self.code is not None and self.code.isdecimal()
        return replace(self, kind=kind_of(int(self.code or 0) if is_status else None, self))


def error_of_a_status(status: int, headers: dict[str, str], body: str) -> PlainError:
    """Return the error of a reply with a status of 400 or more."""
    error = _read(_parsed(body), body)
    error.status_code = status
    error.kind = kind_of(status, error)
    error.retryable = status in _RETRIED and error.kind != "LlmQuotaExceededError"
    error.retry_after = _retry_after(headers)
    return error


def error_in_a_body(data: Any, body: str) -> PlainError | None:
    """Return the error in a body under a success status (wire.md 1), or None."""
    if not isinstance(data, dict) or not data.get("error"):
        return None
    error = _read(data, body)
    error.kind = kind_of(None, error)
    return error


def error_in_a_stream(event: str, data: str) -> PlainError | None:
    """Return the error that an event reports, or None.

    It has the key `error`, beside choices or not, or the name `error` (wire.md 2.3, 7, 12).
    """
    parsed = _parsed(data)
    if event != "error" and not (isinstance(parsed, dict) and parsed.get("error")):
        return None
    return replace(_read(parsed, data), kind="LlmStreamServerError")


def _parsed(body: str) -> Any:
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data[0] if isinstance(data, list) and len(data) == 1 else data


def _read(data: Any, body: str) -> PlainError:
    """Read a body in the order of wire.md 13."""
    error = PlainError("", body=body.encode())
    if not isinstance(data, dict):
        return error  # a page or a text of a gateway: the client says it in its own words
    inner = data.get("error")
    if isinstance(inner, str):
        error.message, inner = inner, data
    elif not isinstance(inner, dict):
        inner = data
    said = inner.get("message") or data.get("message")
    detail = data.get("detail")
    if isinstance(detail, list):
        detail = "; ".join(str(item.get("msg")) for item in detail)
    error.message = error.message or said or detail or body
    # Google's word of an error is its `status` (wire.md 13). A number there is the HTTP status.
    status = inner.get("status")
    error.type = inner.get("type") or (status if isinstance(status, str) else None)
    code = inner.get("code")
    error.code = None if code in (None, "") else str(code)  # a string, null or int
    error.param = inner.get("param") or None
    return error


def kind_of(status: int | None, error: PlainError) -> str:
    """Return the class by what the error says, and then by its status (docs/errors.md)."""
    words = {error.code, error.type}
    text = error.message.lower()
    # OpenAI's and Anthropic's words (wire.md 13), and the status 402 (docs/errors.md).
    if words & {"insufficient_quota", "billing_error"} or status == 402:
        return "LlmQuotaExceededError"
    # wire.md 13: context overflow has many faces.
    overflow = ("maximum context length", "max context length", "prompt is too long")
    if words & {"context_length_exceeded", "exceed_context_size_error"} or any(
        face in text for face in overflow
    ):
        return "LlmContextLengthError"
    if words & {"content_filter"}:
        return "LlmContentFilterError"
    # "No such model" in the words of OpenAI, Azure, Mistral, OpenRouter, DeepSeek, Ollama and xAI.
    unknown = ("is not a valid model id", "the supported api model names are", "model not found:")
    if words & {"model_not_found", "DeploymentNotFound", "invalid_model"} or (
        any(face in text for face in unknown)
        or ("model '" in text and "not found" in text)
        # Anthropic's, which says no more than the name.
        or (words & {"not_found_error"} and text.startswith("model:"))
    ):
        return "LlmModelNotFoundError"
    if text.startswith("incorrect api key"):
        status = 401  # xAI says it under the status 400.
    if status is not None and status >= 500:
        return "LlmServerError"
    by_status = {
        401: "LlmAuthenticationError",
        403: "LlmAuthenticationError",
        429: "LlmRateLimitError",
    }
    return by_status.get(status or 0, "LlmAPIError")


def _retry_after(headers: dict[str, str]) -> float | None:
    """Return the wait in seconds. A `retry-after-ms` of zero or less is ignored (wire.md 9)."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            wait = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if wait > 0:
            return wait
    return None
