"""edgequake-litellm: a Rust client behind litellm's functions.

Its stream collects the whole reply before it yields the chunks, so it cannot stream live.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import edgequake_litellm
from measure import run

if TYPE_CHECKING:
    from measure import Take

MODEL = "openai/bench-model"


def _messages(prompt: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": prompt}]


class Edgequake:
    """`completion`, `acompletion` and `stream`. The address comes from the environment."""

    cannot: ClassVar = {
        "create": "has no client object",
        "stream_sync": "has no sync stream",
        "paced_async": "gathers the whole reply first, so it cannot stream live",
    }

    def make(self, base_url: str) -> str:
        os.environ["OPENAI_BASE_URL"] = base_url
        return base_url

    async def make_async(self, base_url: str) -> str:
        return self.make(base_url)

    async def read_async(self, client: str, prompt: str, tokens: int, take: Take) -> None:
        async for chunk in edgequake_litellm.stream(MODEL, _messages(prompt), max_tokens=tokens):
            take(chunk.content or "")

    def ask(self, client: str, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = edgequake_litellm.completion(MODEL, _messages(prompt), max_tokens=tokens)
        choice = reply.choices[0]
        return choice.message.content, choice.finish_reason.lower(), reply.usage.total_tokens

    async def ask_async(self, client: str, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = await edgequake_litellm.acompletion(MODEL, _messages(prompt), max_tokens=tokens)
        choice = reply.choices[0]
        return choice.message.content, choice.finish_reason.lower(), reply.usage.total_tokens


if __name__ == "__main__":
    run(Edgequake())
