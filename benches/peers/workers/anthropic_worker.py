"""Anthropic's official client."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from anthropic import Anthropic, AsyncAnthropic
from measure import run

if TYPE_CHECKING:
    from typing import Any

    from anthropic.types import Message
    from measure import Take


class Official:
    """`messages.create`, whole and streamed."""

    def make(self, base_url: str) -> Anthropic:
        return Anthropic(base_url=_origin(base_url), api_key="sk-bench")

    async def make_async(self, base_url: str) -> AsyncAnthropic:
        return AsyncAnthropic(base_url=_origin(base_url), api_key="sk-bench")

    def read(self, client: Anthropic, prompt: str, tokens: int, take: Take) -> None:
        with client.messages.create(**_request(prompt, tokens), stream=True) as stream:
            for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    take(event.delta.text)

    async def read_async(
        self, client: AsyncAnthropic, prompt: str, tokens: int, take: Take
    ) -> None:
        stream = await client.messages.create(**_request(prompt, tokens), stream=True)
        async with stream:
            async for event in stream:
                if event.type == "content_block_delta" and event.delta.type == "text_delta":
                    take(event.delta.text)

    def ask(self, client: Anthropic, prompt: str, tokens: int) -> tuple[str, str, int]:
        return _reply(client.messages.create(**_request(prompt, tokens)))

    async def ask_async(
        self, client: AsyncAnthropic, prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        return _reply(await client.messages.create(**_request(prompt, tokens)))


class OverEngine(Official):
    """The same over `tokenwire.httpx2`."""

    def make(self, base_url: str) -> Anthropic:
        from tokenwire.httpx2 import Client

        client = Client(timeout=600)
        return Anthropic(base_url=_origin(base_url), api_key="sk-bench", http_client=client)

    async def make_async(self, base_url: str) -> AsyncAnthropic:
        from tokenwire.httpx2 import AsyncClient

        client = AsyncClient(timeout=600)
        return AsyncAnthropic(base_url=_origin(base_url), api_key="sk-bench", http_client=client)


def _origin(base_url: str) -> str:
    """The SDK adds `/v1` itself."""
    return base_url.removesuffix("/v1")


def _request(prompt: str, tokens: int) -> dict[str, Any]:
    return {
        "model": "bench-model",
        "max_tokens": tokens,
        "messages": [{"role": "user", "content": prompt}],
    }


def _reply(message: Message) -> tuple[str, str, int]:
    # What other clients call it, so that all replies are compared with the same.
    finish = {"end_turn": "stop", "max_tokens": "length"}.get(message.stop_reason or "", "")
    usage = message.usage
    return message.content[0].text, finish, usage.input_tokens + usage.output_tokens


if __name__ == "__main__":
    run(OverEngine() if "BENCH_TRANSPORT" in os.environ else Official())
