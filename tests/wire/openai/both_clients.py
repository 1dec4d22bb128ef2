"""A call of `create` through openai's client and ours, sync and async, and its outcome."""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import openai
from tests.wire.openai.row_server import KEY

import tokenwire.openai as ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.wire.openai.row_server import RowServer

# What `create` must have.
NEEDED: dict[str, dict[str, Any]] = {
    "chat.completions": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
    "completions": {"model": "m", "prompt": "hi"},
    "responses": {"model": "m", "input": "hi"},
    "embeddings": {"model": "m", "input": "hi"},
}
_AT_A_TIME = 8


@dataclass
class Outcome:
    """What a caller sees: the items of a stream or the reply, and the error that ended it."""

    items: list[Any] = field(default_factory=list)
    error: BaseException | None = None
    is_stream: bool = False


@dataclass
class Call:
    """A call of `create`."""

    number: int
    api: str
    words: dict[str, Any]

    def key(self, chunking: str, who: str) -> str:
        """Return what the server knows the call by."""
        return f"{self.number}.{chunking}.{who}"

    def _start(self, client: Any, key: str) -> Any:
        resource = client
        for name in self.api.split("."):
            resource = getattr(resource, name)
        return resource.create(**self.words, extra_headers={KEY: key})

    def outcome(self, client: Any, key: str) -> Outcome:
        """Call it by a sync client."""
        seen = Outcome()
        try:
            result = self._start(client, key)
            if isinstance(result, openai.Stream):
                seen.is_stream = True
                for item in result:
                    seen.items.append(item)
            else:
                seen.items.append(result)
        except Exception as error:  # noqa: BLE001
            seen.error = error
        return seen

    async def outcome_async(self, client: Any, key: str) -> Outcome:
        """Call it by an async client."""
        seen = Outcome()
        try:
            result = await self._start(client, key)
            if isinstance(result, openai.AsyncStream):
                seen.is_stream = True
                async for item in result:
                    seen.items.append(item)
            else:
                seen.items.append(result)
        except Exception as error:  # noqa: BLE001
            seen.error = error
        return seen


@cache
def _parameters(api: str) -> frozenset[str]:
    with openai.OpenAI(api_key="sk-x", base_url="http://127.0.0.1:1") as client:
        resource: Any = client
        for name in api.split("."):
            resource = getattr(resource, name)
        names = inspect.signature(resource.create).parameters
    return frozenset(name for name in names if not name.startswith("extra_")) - {"timeout"}


def arguments(api: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments with which `create` sends a body."""
    known = {name: value for name, value in body.items() if name in _parameters(api)}
    rest = {name: value for name, value in body.items() if name not in known}
    words = {**NEEDED[api], **known}
    return {**words, "extra_body": rest} if rest else words


def options(server: RowServer) -> dict[str, Any]:
    """Return the arguments of each client."""
    base_url = f"{server.origin}/v1"
    return {"api_key": "sk-x", "base_url": base_url, "max_retries": 0, "timeout": 60}


def outcomes(
    server: RowServer, calls: list[Call], chunkings: Iterable[str]
) -> Iterator[tuple[Call, str, dict[str, Outcome]]]:
    """Make each call in the four ways at each chunking; yield the outcomes, by who asked."""
    asked = [(call, chunking) for call in calls for chunking in chunkings]
    seen: dict[str, list[Outcome]] = {}
    for who, module in (("stock", openai), ("ours", ours)):
        with module.OpenAI(**options(server)) as client:
            seen[who] = [call.outcome(client, call.key(chunking, who)) for call, chunking in asked]
        seen[f"{who}-async"] = asyncio.run(_outcomes_async(server, module, asked, f"{who}-async"))
    for at, (call, chunking) in enumerate(asked):
        yield call, chunking, {who: every[at] for who, every in seen.items()}


async def _outcomes_async(
    server: RowServer, module: Any, asked: list[tuple[Call, str]], who: str
) -> list[Outcome]:
    slots = asyncio.Semaphore(_AT_A_TIME)

    async def one(client: Any, call: Call, chunking: str) -> Outcome:
        async with slots:
            return await call.outcome_async(client, call.key(chunking, who))

    async with module.AsyncOpenAI(**options(server)) as client:
        return await asyncio.gather(*(one(client, *it) for it in asked))
