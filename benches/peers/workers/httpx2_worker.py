"""httpx2 with orjson: the client below the official one, with the hand-written loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
from lines import HEADERS, Lines, body, reply
from measure import run

if TYPE_CHECKING:
    from measure import Take

LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)


class Httpx2:
    """`client.stream` and `iter_bytes`."""

    def make(self, base_url: str) -> httpx2.Client:
        return httpx2.Client(base_url=base_url, headers=HEADERS, timeout=600, limits=LIMITS)

    async def make_async(self, base_url: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=base_url, headers=HEADERS, timeout=600, limits=LIMITS)

    def read(self, client: httpx2.Client, prompt: str, tokens: int, take: Take) -> None:
        lines = Lines(take)
        content = body(prompt, tokens, stream=True)
        with client.stream("POST", "/chat/completions", content=content) as response:
            response.raise_for_status()
            for block in response.iter_bytes():
                lines.feed(block)

    async def read_async(
        self, client: httpx2.AsyncClient, prompt: str, tokens: int, take: Take
    ) -> None:
        lines = Lines(take)
        content = body(prompt, tokens, stream=True)
        async with client.stream("POST", "/chat/completions", content=content) as response:
            response.raise_for_status()
            async for block in response.aiter_bytes():
                lines.feed(block)

    def ask(self, client: httpx2.Client, prompt: str, tokens: int) -> tuple[str, str, int]:
        response = client.post("/chat/completions", content=body(prompt, tokens, stream=False))
        response.raise_for_status()
        return reply(response.content)

    async def ask_async(
        self, client: httpx2.AsyncClient, prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        content = body(prompt, tokens, stream=False)
        response = await client.post("/chat/completions", content=content)
        response.raise_for_status()
        return reply(response.content)


if __name__ == "__main__":
    run(Httpx2())
