"""tokenwire: text from `text_stream`, or (with TOKENWIRE_FORM=chunks) typed chunks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from measure import run

from tokenwire import ChatClient, _engine

if TYPE_CHECKING:
    from measure import Take


class Tokenwire:
    """One client object for sync and async. A reply is an `LlmResponse`."""

    def make(self, base_url: str) -> ChatClient:
        api = os.environ.get("TOKENWIRE_API")
        return ChatClient("bench-model", base_url=base_url, api_key="sk-bench", api=api)

    async def make_async(self, base_url: str) -> ChatClient:
        return self.make(base_url)

    def read(self, client: ChatClient, prompt: str, tokens: int, take: Take) -> None:
        with client.stream(prompt, max_tokens=tokens) as stream:
            for piece in stream.text_stream:
                take(piece)

    async def read_async(self, client: ChatClient, prompt: str, tokens: int, take: Take) -> None:
        async with client.stream_async(prompt, max_tokens=tokens) as stream:
            async for piece in stream.text_stream:
                take(piece)

    def ask(self, client: ChatClient, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = client.complete(prompt, max_tokens=tokens)
        return reply.text, reply.finish_reason, reply.usage.total_tokens

    async def ask_async(self, client: ChatClient, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = await client.complete_async(prompt, max_tokens=tokens)
        return reply.text, reply.finish_reason, reply.usage.total_tokens

    def counters(self) -> tuple[int, int]:
        """Return the wakes of event loops, and how many waiters they woke."""
        return _engine._wakes()


class Chunks(Tokenwire):
    """The same with a typed chunk for each delta, like those of the official client."""

    def read(self, client: ChatClient, prompt: str, tokens: int, take: Take) -> None:
        with client.stream(prompt, max_tokens=tokens) as stream:
            for chunk in stream:
                take(chunk.text)

    async def read_async(self, client: ChatClient, prompt: str, tokens: int, take: Take) -> None:
        async with client.stream_async(prompt, max_tokens=tokens) as stream:
            async for chunk in stream:
                take(chunk.text)


if __name__ == "__main__":
    run(Chunks() if os.environ.get("TOKENWIRE_FORM") == "chunks" else Tokenwire())
