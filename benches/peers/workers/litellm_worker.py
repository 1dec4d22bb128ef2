"""litellm's SDK: module functions without a client object."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import litellm
from measure import run

if TYPE_CHECKING:
    from measure import Take

litellm.suppress_debug_info = True


def _ask(server: dict[str, Any], prompt: str, tokens: int) -> dict[str, Any]:
    return {
        **server,
        "model": "openai/bench-model",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
        "num_retries": 0,
    }


class Litellm:
    """`completion` and `acompletion`."""

    cannot: ClassVar = {"create": "has no client object"}

    def make(self, base_url: str) -> dict[str, Any]:
        return {"api_base": base_url, "api_key": "sk-bench"}

    async def make_async(self, base_url: str) -> dict[str, Any]:
        return self.make(base_url)

    def read(self, client: dict[str, Any], prompt: str, tokens: int, take: Take) -> None:
        usage = {"include_usage": True}
        for chunk in litellm.completion(
            **_ask(client, prompt, tokens), stream=True, stream_options=usage
        ):
            take(chunk.choices[0].delta.content or "" if chunk.choices else "")

    async def read_async(
        self, client: dict[str, Any], prompt: str, tokens: int, take: Take
    ) -> None:
        usage = {"include_usage": True}
        stream = await litellm.acompletion(
            **_ask(client, prompt, tokens), stream=True, stream_options=usage
        )
        async for chunk in stream:
            take(chunk.choices[0].delta.content or "" if chunk.choices else "")

    def ask(self, client: dict[str, Any], prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = litellm.completion(**_ask(client, prompt, tokens))
        choice = reply.choices[0]
        return choice.message.content, choice.finish_reason, reply.usage.total_tokens

    async def ask_async(
        self, client: dict[str, Any], prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        reply = await litellm.acompletion(**_ask(client, prompt, tokens))
        choice = reply.choices[0]
        return choice.message.content, choice.finish_reason, reply.usage.total_tokens


class OverOurs(Litellm):
    """The same over `tokenwire.openai`."""

    def make(self, base_url: str) -> dict[str, Any]:
        from tokenwire.openai import OpenAI

        return {"client": OpenAI(base_url=base_url, api_key="sk-bench")}

    async def make_async(self, base_url: str) -> dict[str, Any]:
        from tokenwire.openai import AsyncOpenAI

        return {"client": AsyncOpenAI(base_url=base_url, api_key="sk-bench")}


if __name__ == "__main__":
    run(OverOurs() if os.environ.get("BENCH_CLIENT") == "tokenwire" else Litellm())
