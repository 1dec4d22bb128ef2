"""OpenAI's official client."""

from __future__ import annotations

import os
from binascii import crc32
from typing import TYPE_CHECKING

from measure import Clocks, reply_seen, run
from openai import AsyncOpenAI, OpenAI

if TYPE_CHECKING:
    from measure import Result, Spec, Take

# The module of the clients. The change from openai's own is one line for a user, too.
if os.environ.get("BENCH_CLIENT") == "tokenwire":
    import tokenwire.openai as clients
else:
    import openai as clients


class Official:
    """`chat.completions.create`, whole and streamed."""

    def make(self, base_url: str) -> OpenAI:
        return clients.OpenAI(base_url=base_url, api_key="sk-bench")

    async def make_async(self, base_url: str) -> AsyncOpenAI:
        return clients.AsyncOpenAI(base_url=base_url, api_key="sk-bench")

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


class Responses(Official):
    """`responses.create`, streamed."""

    async def read_async(self, client: AsyncOpenAI, prompt: str, tokens: int, take: Take) -> None:
        stream = await client.responses.create(
            model="bench-model", input=prompt, max_output_tokens=tokens, stream=True
        )
        async with stream:
            async for event in stream:
                if event.type == "response.output_text.delta":
                    take(event.delta)


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


def send_sync(it: Official, spec: Spec) -> Result:
    """Send the same long request again and again."""
    client = it.make(spec["base_url"])

    def send() -> tuple[str, str, int]:
        reply = client.chat.completions.create(
            model="bench-model", max_tokens=spec["tokens"], **spec["request"]
        )
        choice = reply.choices[0]
        return choice.message.content, choice.finish_reason, reply.usage.total_tokens

    send()
    clocks = Clocks()
    clocks.start()
    for _ in range(spec["requests"]):
        last = send()
    return {**clocks.stop(spec["requests"]), "reply": reply_seen(last)}


def embed_sync(it: Official, spec: Spec) -> Result:
    """Ask for vectors as floats."""
    client = it.make(spec["base_url"])
    texts = [f"text {number}" for number in range(spec["texts"])]

    def embed() -> list[list[float]]:
        reply = client.embeddings.create(model="bench-model", input=texts, encoding_format="float")
        return [one.embedding for one in reply.data]

    embed()
    clocks = Clocks()
    clocks.start()
    for _ in range(spec["requests"]):
        last = embed()
    result = clocks.stop(spec["requests"])
    return {**result, "vectors": f"{crc32(repr(last).encode()):08x}"}


FORMS = {
    "tokenwire": OverEngine,
    "aiohttp": OverAiohttp,
    "responses": Responses,
    "": Official,
}

if __name__ == "__main__":
    form = FORMS[os.environ.get("BENCH_TRANSPORT") or os.environ.get("BENCH_API", "")]
    run(form(), send_sync=send_sync, embed_sync=embed_sync)
