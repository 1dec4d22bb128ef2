"""pydantic-ai's direct model requests, without an agent. It streams with asyncio only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from measure import run
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import (
    ModelRequest,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
)
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings

if TYPE_CHECKING:
    from measure import Take


class PydanticAi:
    """`model_request` and `model_request_stream` on an `OpenAIChatModel`."""

    def make(self, base_url: str) -> OpenAIChatModel:
        provider = OpenAIProvider(base_url=base_url, api_key="sk-bench")
        if os.environ.get("BENCH_CLIENT") == "tokenwire":
            from tokenwire.openai import AsyncOpenAI

            client = AsyncOpenAI(base_url=base_url, api_key="sk-bench")
            provider = OpenAIProvider(openai_client=client)
        return OpenAIChatModel("bench-model", provider=provider)

    async def make_async(self, base_url: str) -> OpenAIChatModel:
        return self.make(base_url)

    async def read_async(
        self, client: OpenAIChatModel, prompt: str, tokens: int, take: Take
    ) -> None:
        async with model_request_stream(
            client,
            [ModelRequest.user_text_prompt(prompt)],
            model_settings=ModelSettings(max_tokens=tokens),
        ) as stream:
            async for event in stream:
                if isinstance(event, PartDeltaEvent) and isinstance(event.delta, TextPartDelta):
                    take(event.delta.content_delta)
                elif isinstance(event, PartStartEvent) and isinstance(event.part, TextPart):
                    take(event.part.content)

    async def ask_async(
        self, client: OpenAIChatModel, prompt: str, tokens: int
    ) -> tuple[str, str, int]:
        reply = await model_request(
            client,
            [ModelRequest.user_text_prompt(prompt)],
            model_settings=ModelSettings(max_tokens=tokens),
        )
        return reply.text or "", str(reply.finish_reason), reply.usage.total_tokens


if __name__ == "__main__":
    run(PydanticAi())
