"""Entering a stream whose API key a callable returns."""

from __future__ import annotations

from tokenwire.clients.api_key import with_key, with_key_async

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire._engine import AsyncLlmStream, AsyncStreamIterator, LlmStream
    from tokenwire.types.prompt import KeySource


def enter_with_key(stream: LlmStream, source: KeySource) -> None:
    """Enter a sync stream."""
    with_key(source, stream._enter_with)


async def enter_with_key_async(
    stream: AsyncLlmStream, source: KeySource, iterator: AsyncStreamIterator[object] | None
) -> object:
    """Enter an async stream and return it, or the first item if an iterator is given."""
    await with_key_async(source, stream._enter_with)
    return stream if iterator is None else await iterator.__anext__()
