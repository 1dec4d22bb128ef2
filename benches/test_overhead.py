"""Measure single steps, repeated: crossing, chunk, request, client, import.

    make bench ARGS=... runs it; alone: python -m pytest benches/test_overhead.py

Regressions of one step show here. `peers/run.py` measures what a user pays.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tokenwire import ChatClient, LlmClientFactory, ModelRegistry, _engine
from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNKS = 2000


@pytest.fixture(scope="module")
def sim() -> Iterator[SimServer]:
    script = {"default": {"pacing": {"tokens_per_write": 64}}}
    with SimServer(script, log_capacity=0) as server:
        yield server


@pytest.fixture(scope="module")
def chat(sim: SimServer) -> ChatClient:
    return ChatClient("m", base_url=sim.base_url, api_key="sk-bench")


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> LlmClientFactory:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-bench")
    return LlmClientFactory(
        {
            "providers": {"acme": {"base_url": "http://127.0.0.1:9/v1"}},
            "models": {"fast": {"model": "openai:gpt-4o-mini", "params": {"temperature": 0}}},
        },
        registry=ModelRegistry(plugins=False),
    )


def test_crossing(benchmark: Any) -> None:
    """A call into the engine that does nothing there."""
    benchmark(_engine._wakes)


def test_request_prepared(benchmark: Any, chat: ChatClient) -> None:
    """All of a call except the network: arguments, JSON, encoding. The stream is never started."""
    benchmark(chat.stream, "Why is the sky blue?", max_tokens=16, temperature=0.5)


def test_request_of_messages_prepared(benchmark: Any, chat: ChatClient) -> None:
    """The same with ten messages."""
    messages = [
        {"role": "user" if place % 2 == 0 else "assistant", "content": "Why is the sky blue? " * 20}
        for place in range(9)
    ]
    benchmark(chat.stream, messages, max_tokens=16, temperature=0.5)


def test_request_sync(benchmark: Any, chat: ChatClient) -> None:
    """A whole reply. The simulator is in this process, so its thread takes CPU time too."""
    benchmark(chat.complete, "hi", max_tokens=16)


def test_chunks_sync(benchmark: Any, chat: ChatClient) -> None:
    """A stream of 2,000 texts."""

    def read() -> int:
        with chat.stream("hi", max_tokens=CHUNKS) as stream:
            return sum(1 for _ in stream.text_stream)

    assert benchmark(read) == CHUNKS


def test_chunks_async(benchmark: Any, chat: ChatClient) -> None:
    """A stream of 2,000 texts on an event loop."""

    async def read() -> int:
        count = 0
        async with chat.stream_async("hi", max_tokens=CHUNKS) as stream:
            async for _ in stream.text_stream:
                count += 1
        return count

    with asyncio.Runner() as runner:
        assert benchmark(lambda: runner.run(read())) == CHUNKS


def test_client_made(benchmark: Any, sim: SimServer) -> None:
    """A client like one that exists already."""
    benchmark(ChatClient, "m", base_url=sim.base_url, api_key="sk-bench")


def test_client_of_a_factory_pooled(benchmark: Any, factory: LlmClientFactory) -> None:
    """A client that the factory has; the goal is 20 µs."""
    first = factory.get_client("openai:gpt-4o-mini")
    assert benchmark(factory.get_client, "openai:gpt-4o-mini") is first
    assert benchmark.stats["min"] <= 20e-6


def test_client_of_a_factory_pooled_by_name(benchmark: Any, factory: LlmClientFactory) -> None:
    """The same by a name from the configuration."""
    first = factory.get_client("fast")
    assert benchmark(factory.get_client, "fast") is first


def test_client_of_a_factory_pooled_with_settings(
    benchmark: Any, factory: LlmClientFactory
) -> None:
    """The same with the caller's settings, which need another client."""
    settings = {"temperature": 0, "headers": {"x-team": "a"}, "timeout": 30.0}
    first = factory.get_client("openai:gpt-4o-mini", **settings)
    assert benchmark(factory.get_client, "openai:gpt-4o-mini", **settings) is first


def test_client_of_a_factory_made(benchmark: Any, factory: LlmClientFactory) -> None:
    """A client that the factory does not have yet; the goal is 60 µs."""
    numbers = itertools.count()
    benchmark(lambda: factory.get_client(f"openai:model-{next(numbers)}"))
    assert benchmark.stats["min"] <= 60e-6


def test_client_of_a_factory_made_for_a_provider_of_one_s_own(
    benchmark: Any, factory: LlmClientFactory
) -> None:
    """The same, with a row of the configuration."""
    numbers = itertools.count()
    benchmark(lambda: factory.get_client(f"acme:model-{next(numbers)}"))


def test_imported(benchmark: Any) -> None:
    """A Python process that imports the client and ends. Python alone is about half of it."""
    command = [sys.executable, "-c", "from tokenwire import ChatClient"]
    benchmark.pedantic(subprocess.run, (command,), {"check": True}, rounds=10, warmup_rounds=1)
