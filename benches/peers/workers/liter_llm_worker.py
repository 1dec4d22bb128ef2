"""liter-llm: a Rust client with typed replies, for asyncio only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import liter_llm
from liter_llm import ChatCompletionRequest
from measure import run

if TYPE_CHECKING:
    from measure import Take


def _request(prompt: str, tokens: int, **more: Any) -> ChatCompletionRequest:
    messages = [{"role": "user", "content": prompt}]
    return ChatCompletionRequest(model="bench-model", messages=messages, max_tokens=tokens, **more)


class LiterLlm:
    """`chat` and `chat_stream`."""

    def make(self, base_url: str) -> Any:
        return liter_llm.create_client("sk-bench", base_url=base_url, model_hint="openai")

    async def make_async(self, base_url: str) -> Any:
        return self.make(base_url)

    async def read_async(self, client: Any, prompt: str, tokens: int, take: Take) -> None:
        async for chunk in liter_llm.chat_stream(client, _request(prompt, tokens, stream=True)):
            if chunk.choices:
                take(chunk.choices[0].delta.content or "")

    async def ask_async(self, client: Any, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = await liter_llm.chat(client, _request(prompt, tokens))
        choice = reply.choices[0]
        finish = str(choice.finish_reason).rpartition(".")[2].lower()
        return str(choice.message.content), finish, reply.usage.total_tokens


if __name__ == "__main__":
    run(LiterLlm())
