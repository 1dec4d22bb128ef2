"""pyreqwest with orjson: the same hand-written loop over another Rust client.

Its reader collects 64 KiB before it hands anything on, which would hold back the tokens of a live
stream; `PYREQWEST_BUFFER=0` sets the limit that a token stream needs. Bursts run with the default.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lines import HEADERS, Lines, body, reply
from measure import run
from pyreqwest.client import Client, ClientBuilder, SyncClient, SyncClientBuilder

if TYPE_CHECKING:
    from measure import Take

BUFFER = os.environ.get("PYREQWEST_BUFFER")


class Pyreqwest:
    """`read_chunk` of a streamed response."""

    def make(self, base_url: str) -> tuple[SyncClient, str]:
        client = SyncClientBuilder().default_headers(HEADERS).error_for_status().build()
        return client, f"{base_url}/chat/completions"

    async def make_async(self, base_url: str) -> tuple[Client, str]:
        client = ClientBuilder().default_headers(HEADERS).error_for_status().build()
        return client, f"{base_url}/chat/completions"

    def read(self, client: tuple[SyncClient, str], prompt: str, tokens: int, take: Take) -> None:
        session, url = client
        request = session.post(url).body_bytes(body(prompt, tokens, stream=True))
        if BUFFER:
            request = request.streamed_read_buffer_limit(int(BUFFER))
        lines = Lines(take)
        with request.build_streamed() as response:
            reader = response.body_reader
            while (block := reader.read_chunk()) is not None:
                lines.feed(bytes(block))

    async def read_async(
        self, client: tuple[Client, str], prompt: str, tokens: int, take: Take
    ) -> None:
        session, url = client
        request = session.post(url).body_bytes(body(prompt, tokens, stream=True))
        if BUFFER:
            request = request.streamed_read_buffer_limit(int(BUFFER))
        lines = Lines(take)
        async with request.build_streamed() as response:
            reader = response.body_reader
            while (block := await reader.read_chunk()) is not None:
                lines.feed(bytes(block))

    def ask(
        self, client: tuple[SyncClient, str], prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        session, url = client
        response = session.post(url).body_bytes(body(prompt, tokens, stream=False)).build().send()
        return reply(response.bytes())

    async def ask_async(
        self, client: tuple[Client, str], prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        session, url = client
        request = session.post(url).body_bytes(body(prompt, tokens, stream=False)).build()
        response = await request.send()
        return reply(await response.bytes())


if __name__ == "__main__":
    run(Pyreqwest())
