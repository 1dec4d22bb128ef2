"""A handler for streams: a terminal, callbacks, and two readers of one stream.

python examples/streaming_handler.py [provider:model]     without a model: the simulator, no key
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import tokenwire as tw

if TYPE_CHECKING:
    from tokenwire.handler import TeeReader

QUESTION = "Why is the sky blue? Answer in one sentence."


async def words(reader: TeeReader) -> int:
    """Count the words of the text."""
    text = [event.text async for event in reader if isinstance(event, tw.TextDelta)]
    return len("".join(text).split())


async def letters(reader: TeeReader) -> int:
    """Count the characters of the text."""
    return sum([len(event.text) async for event in reader if isinstance(event, tw.TextDelta)])


async def read_twice(chat: tw.LlmClientInterface) -> None:
    """Give one stream to two readers."""
    handler = tw.StreamingHandler()
    async with handler.tee(chat.stream_async(QUESTION), 2) as (first, second):
        counted = await asyncio.gather(words(first), letters(second))
    print(f"{counted[0]} words, {counted[1]} characters")


def main() -> None:
    """Read the command line."""
    chat = tw.client(sys.argv[1] if len(sys.argv) > 1 else "sim:chat")
    handler = tw.StreamingHandler(on_end=lambda reply: print(reply.usage)).to_terminal()
    handler.run(chat.stream(QUESTION))
    asyncio.run(read_twice(chat))


if __name__ == "__main__":
    main()
