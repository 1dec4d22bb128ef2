"""The list of a server's models."""

from __future__ import annotations

import json

from tokenwire.errors import LlmUnexpectedContentError


def model_ids(body: str) -> list[str]:
    """Return the ids in the body of a server's list of models, in its order.

    Raises:
        LlmUnexpectedContentError: The body does not have the form that OpenAI uses.
    """
    try:
        listed = json.loads(body)
        rows = listed if isinstance(listed, list) else listed.get("data", listed.get("models"))
        return [str(row.get("id") or row["name"]) for row in rows]
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise LlmUnexpectedContentError(
            "the server's list of models does not have the form that OpenAI uses",
            body=body.encode(),
        ) from error
