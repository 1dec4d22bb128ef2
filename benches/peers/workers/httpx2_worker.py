"""httpx2 with orjson: the client below the official one, with the hand-written loop."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import httpx2
import orjson
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


class Bytes(Httpx2):
    """The blocks alone: what the client itself costs, without a loop over their lines."""

    def read(self, client: httpx2.Client, prompt: str, tokens: int, take: Take) -> None:
        content = body(prompt, tokens, stream=True)
        with client.stream("POST", "/chat/completions", content=content) as response:
            blocks = list(response.iter_bytes())
        _feed(blocks, take)

    async def read_async(
        self, client: httpx2.AsyncClient, prompt: str, tokens: int, take: Take
    ) -> None:
        content = body(prompt, tokens, stream=True)
        async with client.stream("POST", "/chat/completions", content=content) as response:
            blocks = [block async for block in response.aiter_bytes()]
        _feed(blocks, take)


# A test of the bytes must see each text, and costs little beside the client.
TEXT = re.compile(rb'"content":("(?:[^"\\]|\\.)+")')


def _feed(blocks: list[bytes], take: Take) -> None:
    for text in orjson.loads(b"[" + b",".join(TEXT.findall(b"".join(blocks))) + b"]"):
        take(text)


class OverEngine(Bytes):
    """The same over `tokenwire.httpx2`."""

    def make(self, base_url: str) -> httpx2.Client:
        from tokenwire.httpx2 import Client

        return Client(base_url=base_url, headers=HEADERS, timeout=600, limits=LIMITS)

    async def make_async(self, base_url: str) -> httpx2.AsyncClient:
        from tokenwire.httpx2 import AsyncClient

        return AsyncClient(base_url=base_url, headers=HEADERS, timeout=600, limits=LIMITS)


if __name__ == "__main__":
    if "BENCH_TRANSPORT" in os.environ:
        run(OverEngine())
    else:
        run(Bytes() if "BENCH_FORM" in os.environ else Httpx2())
