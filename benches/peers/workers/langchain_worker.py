"""langchain's `ChatOpenAI`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from langchain_openai import ChatOpenAI
from measure import run

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage
    from measure import Take


class Langchain:
    """`stream` and `invoke`."""

    def make(self, base_url: str) -> ChatOpenAI:
        return ChatOpenAI(model="bench-model", base_url=base_url, api_key="sk-bench")

    async def make_async(self, base_url: str) -> ChatOpenAI:
        return self.make(base_url)

    def read(self, client: ChatOpenAI, prompt: str, tokens: int, take: Take) -> None:
        for chunk in client.stream(prompt, **_limits(tokens), stream_usage=True):
            take(chunk.text)

    async def read_async(self, client: ChatOpenAI, prompt: str, tokens: int, take: Take) -> None:
        async for chunk in client.astream(prompt, **_limits(tokens), stream_usage=True):
            take(chunk.text)

    def ask(self, client: ChatOpenAI, prompt: str, tokens: int) -> tuple[str, str, int]:
        return _seen(client.invoke(prompt, **_limits(tokens)))

    async def ask_async(self, client: ChatOpenAI, prompt: str, tokens: int) -> tuple[str, str, int]:
        return _seen(await client.ainvoke(prompt, **_limits(tokens)))


def _limits(tokens: int) -> dict[str, Any]:
    # The simulator knows the older name.
    return {"max_tokens": tokens}


def _seen(reply: AIMessage) -> tuple[str, str, int]:
    usage = reply.usage_metadata or {}
    finish = reply.response_metadata["finish_reason"]
    return reply.text, finish, usage.get("total_tokens", 0)


class OverOurs(Langchain):
    """The same over `tokenwire.openai`."""

    def make(self, base_url: str) -> ChatOpenAI:
        from tokenwire.openai import langchain

        clients = langchain(base_url=base_url, api_key="sk-bench")
        return ChatOpenAI(model="bench-model", **clients)


if __name__ == "__main__":
    run(OverOurs() if os.environ.get("BENCH_CLIENT") == "tokenwire" else Langchain())
