"""aiohttp with orjson: a small stream helper over lines, as users write it. It has no sync side.

`BENCH_FORM=blocks` processes whole blocks and calls back instead of yielding. That is less work,
but then a stream's reader cannot await.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import aiohttp
from lines import HEADERS, Lines, body, reply, text_of
from measure import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from measure import Take

    Client = tuple[aiohttp.ClientSession, str]

IN_BLOCKS = os.environ.get("BENCH_FORM") == "blocks"


class Aiohttp:
    """Open a session without a limit on connections."""

    async def make_async(self, base_url: str) -> Client:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers=HEADERS,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=600),
        )
        return session, f"{base_url}/chat/completions"

    async def read_async(self, client: Client, prompt: str, tokens: int, take: Take) -> None:
        if not IN_BLOCKS:
            async for text in self.texts(client, prompt, tokens):
                take(text)
            return
        session, url = client
        lines = Lines(take)
        async with session.post(url, data=body(prompt, tokens, stream=True)) as response:
            response.raise_for_status()
            async for block in response.content.iter_any():
                lines.feed(block)

    async def texts(self, client: Client, prompt: str, tokens: int) -> AsyncIterator[str]:
        """Yield the text of each delta, as a user's own small stream helper does."""
        session, url = client
        async with session.post(url, data=body(prompt, tokens, stream=True)) as response:
            response.raise_for_status()
            async for line in response.content:
                text = text_of(line)
                if text:
                    yield text

    async def ask_async(self, client: Client, prompt: str, tokens: int) -> tuple[str, str, int]:
        session, url = client
        async with session.post(url, data=body(prompt, tokens, stream=False)) as response:
            response.raise_for_status()
            return reply(await response.read())


if __name__ == "__main__":
    run(Aiohttp())
