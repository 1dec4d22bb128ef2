"""Values that the engine cannot make by itself. Each function imports what it needs when called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from pydantic_core.core_schema import CoreSchema

    from tokenwire._engine import (
        AsyncLlmStream,
        AsyncStreamIterator,
        LlmResponse,
        ToolCall,
    )
    from tokenwire.catalog.cost import Cost
    from tokenwire.types import KeySource, LlmMessage

__all__ = [
    "cost",
    "enter_with_key",
    "first_step_with_key",
    "key",
    "kind_of",
    "message",
    "parsed",
    "schema",
    "tool_result",
]


def message(parts: Iterable[Mapping[str, object]], provider: str) -> LlmMessage:
    """The message of a reply, for `LlmResponse.message`."""
    from tokenwire.types.message import message_from_parts

    return message_from_parts(parts, provider)


def tool_result(call: ToolCall, value: object, *, error: bool) -> LlmMessage:
    """The message that answers a tool call, for `ToolCall.result`."""
    from tokenwire.types.message import tool_message

    return tool_message(call, value, error=error)


def parsed(kind: type[object], text: str) -> object:
    """A reply's text as a value of the type, for `LlmResponse.parsed`."""
    from tokenwire.tools.typed_output import parse_reply

    return parse_reply(kind, text)


def cost(response: LlmResponse[object]) -> Cost | None:
    """What a reply cost, for `LlmResponse.cost`."""
    from tokenwire.catalog.cost import cost_of

    return cost_of(response)


def schema(cls: type[object]) -> CoreSchema:
    """How pydantic takes a compiled class."""
    from tokenwire._bridge.compiled_schema import compiled

    return compiled(cls)


def kind_of(error: BaseException) -> str:
    """The kind of any error, for `CallEvent.error_kind`."""
    from tokenwire.errors import KINDS

    kinds = {known: kind for kind, known in KINDS.items()}
    return next((kinds[base] for base in type(error).__mro__ if base in kinds), "other")


def key(source: KeySource) -> str:
    """The key that a client's callable brings, in sync code."""
    from tokenwire.clients.api_key import call_key

    return call_key(source)


def enter_with_key(stream: AsyncLlmStream, source: KeySource) -> Awaitable[AsyncLlmStream]:
    """Enter an async stream whose key a callable brings."""
    from tokenwire.clients import api_key

    return api_key.enter_with_key(stream, source)


def first_step_with_key(
    stream: AsyncLlmStream, source: KeySource, iterator: AsyncStreamIterator[object]
) -> Awaitable[object]:
    """Take the first step of such a stream where it was not entered."""
    from tokenwire.clients import api_key

    return api_key.first_step_with_key(stream, source, iterator)
