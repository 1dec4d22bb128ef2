"""aiohttp with orjson: what a careful user writes by hand. It has no sync side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from lines import HEADERS, Lines, body, reply
from measure import run

if TYPE_CHECKING:
    from measure import Take

    Client = tuple[aiohttp.ClientSession, str]


class Aiohttp:
    """A session without a limit on connections."""

    async def make_async(self, base_url: str) -> Client:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers=HEADERS,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=600),
        )
        return session, f"{base_url}/chat/completions"

    async def read_async(self, client: Client, prompt: str, tokens: int, take: Take) -> None:
        session, url = client
        lines = Lines(take)
        async with session.post(url, data=body(prompt, tokens, stream=True)) as response:
            response.raise_for_status()
            async for block in response.content.iter_any():
                lines.feed(block)

    async def ask_async(self, client: Client, prompt: str, tokens: int) -> tuple[str, str, int]:
        session, url = client
        async with session.post(url, data=body(prompt, tokens, stream=False)) as response:
            response.raise_for_status()
            return reply(await response.read())


if __name__ == "__main__":
    run(Aiohttp())
