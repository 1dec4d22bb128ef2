"""Values that the engine cannot make by itself. Each function imports what it needs when called."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core.core_schema import CoreSchema

    from tokenwire._engine import (
        AsyncLlmStream,
        AsyncStreamIterator,
        LlmResponse,
        LlmStream,
        ToolCall,
    )
    from tokenwire.catalog.cost import Cost
    from tokenwire.types import KeySource, LlmMessage

__all__ = [
    "cost",
    "enter_with_key",
    "enter_with_key_async",
    "from_chunks",
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


def enter_with_key(stream: LlmStream, source: KeySource) -> None:
    """Enter a sync stream whose key a callable returns."""
    from tokenwire.clients.api_key import with_key

    with_key(source, stream._enter_with)


async def enter_with_key_async(
    stream: AsyncLlmStream, source: KeySource, iterator: AsyncStreamIterator[object] | None
) -> object:
    """Enter an async stream whose key a callable returns, or take the iterator's first step."""
    from tokenwire.clients.api_key import with_key_async

    await with_key_async(source, stream._enter_with)
    return stream if iterator is None else await iterator.__anext__()


def from_chunks(cls: type, chunks: object, **fields: object) -> LlmStream | AsyncLlmStream:
    """Make a stream over a user's iterable, for `from_chunks` of both classes."""
    from tokenwire.streaming import custom_stream

    return custom_stream.from_chunks(cls, chunks, **fields)
