"""f3dx: a Rust client whose replies are dicts. Its asyncio side runs the sync one in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import f3dx
from measure import run

if TYPE_CHECKING:
    from measure import Take


def _request(prompt: str, tokens: int, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "bench-model", "messages": messages, "max_tokens": tokens, **more}


class F3dx:
    """`chat_completions_create` and its stream."""

    cannot: ClassVar = dict.fromkeys(
        ("stream_async", "paced_async", "ask_async"), "no asyncio but `to_thread` around sync calls"
    )

    def make(self, base_url: str) -> f3dx.OpenAI:
        return f3dx.OpenAI(api_key="sk-bench", base_url=base_url)

    def read(self, client: f3dx.OpenAI, prompt: str, tokens: int, take: Take) -> None:
        request = _request(prompt, tokens, stream_options={"include_usage": True})
        for chunk in client.chat_completions_create_stream(request):
            if chunk["choices"]:
                take(chunk["choices"][0]["delta"].get("content") or "")

    def ask(self, client: f3dx.OpenAI, prompt: str, tokens: int) -> tuple[str, str, int]:
        reply = client.chat_completions_create(_request(prompt, tokens))
        choice = reply["choices"][0]
        return choice["message"]["content"], choice["finish_reason"], reply["usage"]["total_tokens"]


if __name__ == "__main__":
    run(F3dx())
