"""Typed output of a call: reading the reply, and asking again after one that does not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.errors import (
    LlmConfigError,
    LlmDecodeError,
    LlmModelError,
    LlmValidationError,
    note_reply,
)
from tokenwire.interface.defaults import filtered, no_answer_yet, refusal_of
from tokenwire.tools.typed_output import parse_reply, reask_message
from tokenwire.types import LlmRequest, TextPart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tokenwire._engine import LlmResponse
    from tokenwire.types.prompt import Prompt


def wanted(target: object) -> object:
    """Return the type of `parse`, unless it is None, which would ask for none.

    Raises:
        LlmConfigError: It is None.
    """
    if target is None:
        raise LlmConfigError("response_format: parse() needs a type, not None")
    return target


def parsed(target: object, reply: LlmResponse[Any], limit: str = "the token limit") -> Any:
    """Read the text of a reply as a value of the type `target`.

    Args:
        target: What was passed as `response_format`.
        reply: The reply.
        limit: What limits its tokens, in words.

    Raises:
        LlmValidationError: It does not fit; `partial` is the reply.
        LlmModelError: The token limit cut it off, it is a refusal, a filter stopped it, it calls
            tools, or it is not finished.
    """
    if problem := no_answer_yet(reply):
        raise _ended(problem, reply)
    is_cut = reply.finish_reason == "length"
    try:
        text = answer_of(reply)
        value = parse_reply(target, text)
    except LlmValidationError as error:
        if is_cut and isinstance(error, LlmDecodeError):
            problem = f"{limit} cut the reply off; raise max_tokens ({error})"
        elif reply.refusal is not None or reply.finish_reason == "refusal":
            problem = f"the model refused: {refusal_of(reply)}"
        elif reply.tool_calls:
            # Providers refuse a further question before the results.
            names = ", ".join(call.name for call in reply.tool_calls)
            problem = f"the reply calls tools ({names}) instead of answering ({error})"
        elif reply.finish_reason == "content_filter":
            problem = f"{filtered(reply)} ({error})"
        else:
            note_reply(error, reply)
            raise
        raise _ended(problem, reply) from error
    # More digits may have followed.
    if is_cut and text.rstrip()[-1:].isdigit() and not isinstance(value, str):
        problem = f"{limit} cut the reply off inside a number; raise max_tokens"
        raise _ended(problem, reply)
    return value


def answer_of(reply: LlmResponse[Any]) -> str:
    """Return the text of a reply without what the model said before its answer.

    Items of Responses have a `phase`: a model may comment on what it does, such as a search, in a
    message of its own before the one with the answer.
    """
    if reply.api != "responses":
        return reply.text
    texts, is_comment = [], False
    for part in reply.message.content:
        item = getattr(part, "item", None)
        item = item if isinstance(item, dict) else {}
        if not item.get("continues"):
            is_comment = item.get("phase") == "commentary"
        if isinstance(part, TextPart) and not is_comment:
            texts.append(part.text)
    return "".join(texts) or reply.text


def _ended(problem: str, reply: LlmResponse[Any]) -> LlmModelError:
    """The error for a reply that another attempt would not improve."""
    error = LlmModelError(problem, response=reply)
    note_reply(error, reply)
    return error


def limit_of(asked: Prompt, *params: Mapping[str, Any]) -> str:
    """Return in words what limits the tokens of a reply, with its value if it is known.

    Args:
        asked: The prompt, or an `LlmRequest` with arguments of its own.
        *params: Arguments of the call and of the client; the first ones win.
    """
    for held in _arguments(asked, *params):
        for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
            if isinstance(held.get(name), int):
                return f"{name}={held[name]}"
    return "the token limit"


def _arguments(asked: Prompt, *params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The arguments of a call, the nearest first."""
    given = asked.split()[1] if isinstance(asked, LlmRequest) else {}
    for arguments in (params[0], given, *params[1:]):
        extra = arguments.get("extra_body")
        yield from (extra if isinstance(extra, dict) else {}, arguments)


def asked_again(
    asked: Prompt,
    reply: LlmResponse[Any],
    error: LlmValidationError,
    left: int,
    *params: Mapping[str, Any],
) -> Prompt:
    """Return the question, the reply that does not fit, and what is wrong with it.

    With `conversation`, the provider has added the first two to it, and would refuse them as
    duplicates.

    Args:
        asked: The prompt, or an `LlmRequest` with arguments of its own.
        reply: The reply that does not fit.
        error: What is wrong with it.
        left: How often to ask again.
        *params: Arguments of the call and of the client; the first ones win.

    Raises:
        LlmValidationError: `left` is 0: the question was asked often enough.
    """
    if not left:
        raise error
    again: dict[str, Any] = {"role": "user", "content": reask_message(error)}
    given = (held["conversation"] for held in _arguments(asked, *params) if "conversation" in held)
    is_kept = next(given, None) is not None
    before = [] if is_kept else [*_messages(asked), reply.message]
    if isinstance(asked, LlmRequest):
        copy = asked.model_copy()
        copy.prompt = None
        copy.messages = [*before, again]
        return copy
    return [*before, again]


def _messages(prompt: Prompt) -> list[Any]:
    if isinstance(prompt, LlmRequest):
        prompt, _ = prompt.split()
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(prompt) if isinstance(prompt, (list, tuple)) else [prompt]
