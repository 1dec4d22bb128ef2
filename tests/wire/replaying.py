"""Recorded exchanges, replayed by the simulator to a real client, sync and async."""

from __future__ import annotations

import asyncio
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.wire.plain_reading import PlainCall, PlainChoice, PlainReply, kept_headers

from tokenwire import ChatClient, CompletionClient, LlmConfigError, LlmError, _engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tokenwire import LlmResponse
    from tokenwire.testing import SimServer

CHUNKINGS: dict[str, object] = {"whole": "whole", "bytes7": {"bytes": 7}, "random": {"random": 11}}
APIS: dict[str, type[ChatClient | CompletionClient]] = {
    "chat.completions": ChatClient,
    "completions": CompletionClient,
}
_MARKS = tuple(f'"api":"{api}"' for api in APIS)
WAVE = 250
THREADS = 8


def recorded_rows(data_dir: Path) -> list[dict[str, Any]]:
    """Return every recorded exchange of the two APIs, in the file's order."""
    with gzip.open(data_dir / "wire_open.jsonl.gz", "rt", encoding="utf-8") as lines:
        # Most rows belong to other APIs, and parsing all of them takes a second.
        return [json.loads(line) for line in lines if any(mark in line for mark in _MARKS)]


class Replay:
    """One row, split in one way: the simulator's rule for it, and the client that asks for it."""

    def __init__(self, number: int, row: dict[str, Any], chunking: str) -> None:
        self.row = row
        self.chunking = chunking
        self.model = f"row{number}-{chunking}"
        self.provider = _our_name(row["provider"])

    def rule(self) -> dict[str, Any]:
        replay = {
            "text": self.row["response_body_text"],
            "status": self.row["status"],
            "headers": kept_headers(self.row),
            "chunking": CHUNKINGS[self.chunking],
        }
        return {"match": {"model": self.model}, "then": {"replay": replay}}

    def client(self, base_url: str) -> ChatClient | CompletionClient:
        # A second attempt would only get the same again.
        return APIS[self.row["api"]](
            f"{self.provider}:{self.model}", base_url=base_url, api_key="k", max_retries=0
        )

    def ask(self, base_url: str) -> PlainReply:
        """Ask on this thread."""
        client = self.client(base_url)
        try:
            if not self.row["is_sse"]:
                return _plain(client.complete("-"))
            with client.stream("-") as stream:
                text = "".join(chunk.text for chunk in stream if chunk.index == 0)
                return _checked(_plain(stream.response), text)
        except LlmError as error:
            return _plain_error(error)

    async def ask_async(self, base_url: str) -> PlainReply:
        """Ask in the running event loop."""
        client = self.client(base_url)
        try:
            if not self.row["is_sse"]:
                return _plain(await client.complete_async("-"))
            async with client.stream_async("-") as stream:
                text = "".join([chunk.text async for chunk in stream if chunk.index == 0])
                return _checked(_plain(stream.response), text)
        except LlmError as error:
            return _plain_error(error)


def _our_name(provider: str) -> str:
    """Return the provider's row if it can be called, otherwise only its dialect."""
    try:
        _engine.provider_row(provider)
    except LlmConfigError:
        return "openai-compatible"
    return provider


def replay_sync(sim: SimServer, replays: list[Replay]) -> list[PlainReply]:
    """Return all outcomes, asked for by a few threads."""
    with ThreadPoolExecutor(THREADS) as threads:

        def ask_all(wave: list[Replay]) -> list[PlainReply]:
            return list(threads.map(lambda replay: replay.ask(sim.base_url), wave))

        return list(_in_waves(sim, replays, ask_all))


def replay_async(sim: SimServer, replays: list[Replay]) -> list[PlainReply]:
    """Return all outcomes, asked for in groups in one event loop."""

    async def ask(wave: list[Replay]) -> list[PlainReply]:
        return await asyncio.gather(*(replay.ask_async(sim.base_url) for replay in wave))

    return list(_in_waves(sim, replays, lambda wave: asyncio.run(ask(wave))))


def _in_waves(
    sim: SimServer,
    replays: list[Replay],
    ask_all: Callable[[list[Replay]], list[PlainReply]],
) -> Iterator[PlainReply]:
    """Yield a few rules at a time: the simulator tries all rules in order, which is slow."""
    for start in range(0, len(replays), WAVE):
        wave = replays[start : start + WAVE]
        sim.set_script({"rules": [replay.rule() for replay in wave]})
        yield from ask_all(wave)
        sim.reset()


def _checked(reply: PlainReply, streamed: str) -> PlainReply:
    """Check that the pieces of a stream add up to its reply."""
    first = reply.choices[0] if reply.choices and reply.choices[0].index == 0 else PlainChoice(0)
    assert streamed == first.text
    return reply


def _plain(reply: LlmResponse[Any]) -> PlainReply:
    usage = {} if reply.usage is None else reply.usage.to_dict()
    usage.pop("cost_usd", None)
    return PlainReply(
        id=reply.id,
        model=reply.model,
        choices=[
            PlainChoice(
                index=choice.index,
                text=choice.text,
                reasoning=choice.reasoning or "",
                refusal=choice.refusal or "",
                calls=[PlainCall(call.id, call.name, call.arguments) for call in choice.tool_calls],
                finish_reason=choice.finish_reason,
                provider_finish_reason=choice.provider_finish_reason,
                logprobs=len(choice.logprobs or ()),
            )
            for choice in reply.choices
        ],
        usage=usage,
    )


def _plain_error(error: LlmError) -> PlainReply:
    return PlainReply(
        error=type(error).__name__,
        message=error.message,
        status=getattr(error, "status_code", None),
    )
