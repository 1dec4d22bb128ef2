"""A plain reading of Gemini's errors: the reading order of all APIs, and what Google adds to it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from tests.wire.plain_errors import PlainError, error_of_a_status

# A name that no model has.
_UNKNOWN_MODEL = re.compile(
    r"^models/\S+ is not found|^Publisher Model .* not found", re.IGNORECASE
)
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")
_SAID_DELAY = re.compile(r"retry in (\d+(?:\.\d+)?)s")


def gemini_error(status: int, headers: dict[str, str], body: str) -> PlainError:
    """Return the error of a reply with a status of 400 or more."""
    return with_details(error_of_a_status(status, headers, body))


def with_details(error: PlainError) -> PlainError:
    """Return the error with what its `details` say (wire.md 13 and 18.3)."""
    details = _details(error)
    kind, retryable = error.kind, error.retryable
    reasons = {detail.get("reason") for detail in details}
    quotas = [
        str(violation.get("quotaId"))
        for detail in details
        for violation in detail.get("violations") or []
    ]
    if "API_KEY_INVALID" in reasons:
        # It comes under the status 400.
        kind, retryable = "LlmAuthenticationError", False
    elif _UNKNOWN_MODEL.search(error.message):
        kind, retryable = "LlmModelNotFoundError", False
    elif "input token count" in error.message and error.status_code == 400:
        kind, retryable = "LlmContextLengthError", False
    elif any("PerDay" in quota for quota in quotas):
        kind, retryable = "LlmQuotaExceededError", False
    wait = error.retry_after
    if wait is None:
        # The longest hint counts (docs/errors.md).
        found = [_DELAY.fullmatch(str(detail.get("retryDelay"))) for detail in details]
        found.append(_SAID_DELAY.search(error.message))
        waits = [float(one[1]) for one in found if one]
        wait = max(waits, default=None)
    return replace(error, kind=kind, retryable=retryable, retry_after=wait)


def _details(error: PlainError) -> list[dict[str, Any]]:
    try:
        data = json.loads(error.body or b"")
    except ValueError:
        return []
    data = data[0] if isinstance(data, list) and len(data) == 1 else data
    inner = data.get("error") if isinstance(data, dict) else None
    details = inner.get("details") if isinstance(inner, dict) else None
    return [one for one in details or [] if isinstance(one, dict)]
