"""Custom clients for tests: each defines some of the four methods that ask."""

# The positional names are shortened; a test checks a typed client against the real ones.
# mypy: disable-error-code="override"

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import tokenwire as tw
from tokenwire import AsyncLlmStream, LlmResponse, LlmStream, LlmStreamChunk, Usage

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = Usage(prompt_tokens=1, completion_tokens=2)
END = LlmStreamChunk(finish_reason="stop", usage=USAGE)


class Custom(tw.LlmClientInterface):
    """What the clients here share: how to answer."""

    def __init__(self, model="m1", *, provider="acme", shout=False, api_key=None, timeout=None):
        super().__init__(model, provider=provider)
        self.shout = shout
        self.api_key = api_key
        self.timeout = timeout

    def reply(self, prompt, **fields):
        fields = {"text": f"echo {prompt}", "finish_reason": "stop", "usage": USAGE, **fields}
        return LlmResponse(provider=self.provider, model=self.model, **fields)

    def chunks(self, prompt):
        yield "echo "
        yield str(prompt)
        yield END

    async def async_chunks(self, prompt):
        for chunk in self.chunks(prompt):
            await asyncio.sleep(0)
            yield chunk


class Complete(Custom):
    def complete(self, prompt, **_params):
        return self.reply(prompt)


class Stream(Custom):
    def stream(self, prompt, **_params):
        chunks = self.chunks(prompt)
        return LlmStream.from_chunks(chunks, provider=self.provider, model=self.model)


class CompleteAsync(Custom):
    async def complete_async(self, prompt, **_params):
        await asyncio.sleep(0)
        return self.reply(prompt)


class StreamAsync(Custom):
    def stream_async(self, prompt, **_params):
        chunks = self.async_chunks(prompt)
        return AsyncLlmStream.from_chunks(chunks, provider=self.provider, model=self.model)


class ReadsItsStream(Stream):
    """Its `complete` reads its stream, and makes another reply of the text."""

    def complete(self, prompt, **_params):
        with self.stream(prompt) as stream:
            return self.reply("", text="".join(stream.text_stream))


class Super(Complete):
    def complete(self, prompt, **_params):
        return super().complete(prompt)


class Wraps(Custom):
    """Passes its calls on to a client of the engine."""

    def complete(self, prompt, **_params):
        return tw.client("sim:chat").complete(prompt)

    def stream(self, prompt, **_params):
        chunks = tw.client("sim:chat").stream(prompt)
        return LlmStream.from_chunks(chunks, provider=self.provider, model=self.model)

    async def complete_async(self, prompt, **_params):
        return await tw.client("sim:chat").complete_async(prompt)

    def stream_async(self, prompt, **_params):
        chunks = tw.client("sim:chat").stream_async(prompt)
        return AsyncLlmStream.from_chunks(chunks, provider=self.provider, model=self.model)


class Reports(Custom):
    """Reports each call, as docs/custom-client.md says."""

    def report(self, began, **ending):
        elapsed = time.perf_counter() - began
        tw.report_call(provider=self.provider, model=self.model, elapsed=elapsed, **ending)

    async def complete_async(self, prompt, **_params):
        began = time.perf_counter()
        try:
            reply = self.reply("".join([part async for part in self.async_parts(prompt)]), text="x")
        except BaseException as error:
            self.report(began, error=error)
            raise
        self.report(began, response=reply)
        return reply

    def complete(self, prompt, **_params):
        return asyncio.run(self.complete_async(prompt))

    def stream(self, prompt, **_params):
        began = time.perf_counter()

        def chunks():
            try:
                yield from self.chunks(prompt)
            except BaseException as error:
                self.report(began, error=error, response=stream.response, streamed=True)
                raise
            self.report(began, response=stream.response, streamed=True)

        stream = LlmStream.from_chunks(chunks(), provider=self.provider, model=self.model)
        return stream

    def stream_async(self, prompt, **_params):
        began = time.perf_counter()

        async def chunks():
            try:
                async for chunk in self.async_chunks(prompt):
                    yield chunk
            except BaseException as error:
                self.report(began, error=error, response=stream.response, streamed=True)
                raise
            self.report(began, response=stream.response, streamed=True)

        stream = AsyncLlmStream.from_chunks(chunks(), provider=self.provider, model=self.model)
        return stream

    async def async_parts(self, prompt):
        async for chunk in self.async_chunks(prompt):
            if isinstance(chunk, str):
                yield chunk


class Fails(Reports):
    def __init__(self, error):
        super().__init__()
        self.error = error

    def chunks(self, _prompt):
        yield "so far"
        raise self.error


WAYS: dict[str, Callable[[tw.LlmClientInterface], str]] = {
    "complete": lambda client: client.run("hi"),
    "stream": lambda client: client.run("hi", stream=True),
    "complete_async": lambda client: asyncio.run(client.run_async("hi")),
    "stream_async": lambda client: asyncio.run(client.run_async("hi", stream=True)),
}
