"""Asking again for a value of a type, after a reply that does not fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.errors import note_reply
from tokenwire.tools.typed_output import reask_message
from tokenwire.types import LlmRequest

if TYPE_CHECKING:
    from tokenwire._engine import LlmResponse
    from tokenwire.errors import LlmValidationError
    from tokenwire.types.prompt import Prompt


def asked_again(
    asked: Prompt, reply: LlmResponse[Any], error: LlmValidationError, left: int
) -> Prompt:
    """Return the question, the reply that does not fit, and what is wrong with it.

    Raises:
        LlmValidationError: `left` is 0: the question was asked often enough.
    """
    if not left:
        note_reply(error, reply)
        raise error
    again: dict[str, Any] = {"role": "user", "content": reask_message(error)}
    if isinstance(asked, LlmRequest):
        prompt, _ = asked.split()
        copy = asked.model_copy()
        copy.prompt = None
        copy.messages = [*_messages(prompt), reply.message, again]
        return copy
    return [*_messages(asked), reply.message, again]


def _messages(prompt: Prompt) -> list[Any]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(prompt) if isinstance(prompt, (list, tuple)) else [prompt]
