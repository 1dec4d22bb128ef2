"""A question for a value of a type. It is asked again if a reply does not fit the type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.tools.typed_output import parse_reply, reask_message
from tokenwire.types import LlmRequest

if TYPE_CHECKING:
    from tokenwire._engine import LlmResponse
    from tokenwire.types.prompt import Prompt

T = TypeVar("T")


class TypedQuestion(Generic[T]):
    """What `parse` asks.

    Args:
        kind: The type of the value.
        asked: What to ask. After a reply that does not fit, the next question.
        reask: How many times to ask again.

    Raises:
        LlmConfigError: `reask` is not a whole number of at least 0.
    """

    value: T

    def __init__(self, kind: type[T], asked: Prompt, reask: Any) -> None:
        if isinstance(reask, bool) or not isinstance(reask, int) or reask < 0:
            raise LlmConfigError(f"reask: {reask!r} is not a whole number of at least 0")
        self.asked = asked
        self._kind = kind
        self._left = reask

    def accepts(self, reply: LlmResponse[Any], text: str) -> bool:
        """Whether the text fits the type. If it does, `value` is set.

        Raises:
            LlmValidationError: The text does not fit, and the question was asked often enough.
        """
        try:
            self.value = parse_reply(self._kind, text)
        except LlmValidationError as error:
            if not self._left:
                error.partial = reply
                raise
            self._left -= 1
            self.asked = _asked_again(self.asked, reply, error)
            return False
        return True


def _asked_again(asked: Prompt, reply: LlmResponse[Any], error: LlmValidationError) -> Prompt:
    """The question, the reply that does not fit, and what is wrong with it."""
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
