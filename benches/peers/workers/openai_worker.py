"""OpenAI's official client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from measure import run
from openai import AsyncOpenAI, OpenAI

if TYPE_CHECKING:
    from measure import Take


class Official:
    """`chat.completions.create`, whole and streamed."""

    def make(self, base_url: str) -> OpenAI:
        return OpenAI(base_url=base_url, api_key="sk-bench")

    async def make_async(self, base_url: str) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=base_url, api_key="sk-bench")

    def read(self, client: OpenAI, prompt: str, tokens: int, take: Take) -> None:
        with client.chat.completions.create(
            model="bench-model",
            messages=[{"role": "user", "content": prompt}],
            max_tokens=tokens,
            stream=True,
            stream_options={"include_usage": True},
        ) as stream:
            for chunk in stream:
                if chunk.choices:
                    take(chunk.choices[0].delta.content or "")

    async def read_async(self, client: AsyncOpenAI, prompt: str, tokens: int, take: Take) -> None:
        stream = await client.chat.completions.create(
            model="bench-model",
            messages=[{"role": "user", "content": prompt}],
            max_tokens=tokens,
            stream=True,
            stream_options={"include_usage": True},
        )
        async with stream:
            async for chunk in stream:
                if chunk.choices:
                    take(chunk.choices[0].delta.content or "")

    def ask(self, client: OpenAI, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = client.chat.completions.create(
            model="bench-model",
            messages=[{"role": "user", "content": prompt}],
            max_tokens=tokens,
        )
        return (
            reply.choices[0].message.content,
            reply.choices[0].finish_reason,
            reply.usage.total_tokens,
        )

    async def ask_async(
        self, client: AsyncOpenAI, prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        reply = await client.chat.completions.create(
            model="bench-model",
            messages=[{"role": "user", "content": prompt}],
            max_tokens=tokens,
        )
        return (
            reply.choices[0].message.content,
            reply.choices[0].finish_reason,
            reply.usage.total_tokens,
        )


class OverEngine(Official):
    """The same over `tokenwire.httpx2`."""

    def make(self, base_url: str) -> OpenAI:
        from tokenwire.httpx2 import Client

        return OpenAI(base_url=base_url, api_key="sk-bench", http_client=Client(timeout=600))

    async def make_async(self, base_url: str) -> AsyncOpenAI:
        from tokenwire.httpx2 import AsyncClient

        client = AsyncClient(timeout=600)
        return AsyncOpenAI(base_url=base_url, api_key="sk-bench", http_client=client)


class OverAiohttp(Official):
    """The same over the SDK's own extra."""

    async def make_async(self, base_url: str) -> AsyncOpenAI:
        from openai import DefaultAioHttpClient

        client = DefaultAioHttpClient()
        return AsyncOpenAI(base_url=base_url, api_key="sk-bench", http_client=client)


FORMS = {"tokenwire": OverEngine, "aiohttp": OverAiohttp, "": Official}

if __name__ == "__main__":
    run(FORMS[os.environ.get("BENCH_TRANSPORT", "")]())
