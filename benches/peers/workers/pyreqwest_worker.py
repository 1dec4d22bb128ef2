"""pyreqwest with orjson: the same hand-written loop over another Rust client.

By default the reader collects 64 KiB before it passes anything on, which holds back the tokens of
a live stream. Here the limit is 0, as a token stream needs it. `BENCH_FORM=blocks` uses the default
and whole blocks, to show what that saves in a burst.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lines import HEADERS, Events, Lines, body, reply
from measure import run
from pyreqwest.client import Client, ClientBuilder, SyncClient, SyncClientBuilder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from measure import Take
    from pyreqwest.request import RequestBuilder, SyncRequestBuilder

IN_BLOCKS = os.environ.get("BENCH_FORM") == "blocks"


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
        if IN_BLOCKS:
            lines = Lines(take)
            with request.build_streamed() as response:
                reader = response.body_reader
                while (block := reader.read_chunk()) is not None:
                    lines.feed(bytes(block))
            return
        for text in self.texts(request):
            take(text)

    def texts(self, request: SyncRequestBuilder) -> Iterator[str]:
        """Yield the text of each delta, as a user's own small stream helper does."""
        events = Events()
        with request.streamed_read_buffer_limit(0).build_streamed() as response:
            reader = response.body_reader
            while (block := reader.read_chunk()) is not None:
                yield from events.texts(bytes(block))

    async def read_async(
        self, client: tuple[Client, str], prompt: str, tokens: int, take: Take
    ) -> None:
        session, url = client
        request = session.post(url).body_bytes(body(prompt, tokens, stream=True))
        if IN_BLOCKS:
            lines = Lines(take)
            async with request.build_streamed() as response:
                reader = response.body_reader
                while (block := await reader.read_chunk()) is not None:
                    lines.feed(bytes(block))
            return
        async for text in self.texts_async(request):
            take(text)

    async def texts_async(self, request: RequestBuilder) -> AsyncIterator[str]:
        """Yield the text of each delta, as a user's own small stream helper does."""
        events = Events()
        async with request.streamed_read_buffer_limit(0).build_streamed() as response:
            reader = response.body_reader
            while (block := await reader.read_chunk()) is not None:
                for text in events.texts(bytes(block)):
                    yield text

    def ask(self, client: tuple[SyncClient, str], prompt: str, tokens: int) -> tuple[str, str, int]:
        session, url = client
        response = session.post(url).body_bytes(body(prompt, tokens, stream=False)).build().send()
        return reply(bytes(response.bytes()))

    async def ask_async(
        self, client: tuple[Client, str], prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        session, url = client
        request = session.post(url).body_bytes(body(prompt, tokens, stream=False)).build()
        response = await request.send()
        return reply(bytes(await response.bytes()))


if __name__ == "__main__":
    run(Pyreqwest())
