"""Recorded exchanges, replayed over a socket to a real client, sync and async.

Each API that is read this way has a subclass of `Replay` beside its plain reading.
"""

from __future__ import annotations

import asyncio
import json
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from tests.wire.answering import Answering, Ending
from tests.wire.plain_errors import PlainError
from tests.wire.plain_reading import kept_headers
from tests.wire.reading import Reading
from tests.wire.replaying import LONG, Pieces, our_name

from tokenwire import ChatClient, LlmError, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tokenwire import AsyncLlmStream, LlmResponse, LlmStream

# The ways to split a body, and the way to read its stream that goes with each.
CHUNKINGS = ("whole", "bytes7", "random")
READING = {"whole": "chunks", "bytes7": "events", "random": "batches"}
WAVE = 100
THREADS = 8


@dataclass
class Replay:
    """One row, split in one way, for one call.

    Args:
        row: The recorded exchange.
        chunking: How its body is split, one of `CHUNKINGS`.
        ending: How the connection ends before the end of the body; None for a whole body.
        cut: Distinguishes the replay of a changed row from the others.
        api: The API that the client speaks; None for the one of the class.
        stream: Whether the call asks for a stream; None does what the recorded client did.
    """

    # The API, in the client's word.
    API: ClassVar[str] = ""
    # What the client says that a stream lacks which ends early.
    LAST: ClassVar[str] = ""
    # The list of a part that says nothing if it is empty (wire.md 1).
    LIST: ClassVar[str] = ""

    row: dict[str, Any]
    chunking: str
    ending: Ending | None = None
    cut: str = ""
    api: str | None = None
    stream: bool | None = None

    @property
    def streams(self) -> bool:
        """Whether the call asks for a stream."""
        return self.row["is_sse"] if self.stream is None else self.stream

    @property
    def key(self) -> str:
        """The model and the path of the replay."""
        return f"row{self.row['number']}-{self.chunking}{self.cut}"

    @property
    def name(self) -> str:
        """The row in words, for a report."""
        return f"{self.key} {self.row['provider']} {self.row['source']}"

    def written(self) -> list[bytes | Ending]:
        """Return the answer: a head, and the body in HTTP chunks of the pieces."""
        body = self.row["response_body_text"].encode()
        lines = [f"HTTP/1.1 {self.row['status']} Text", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in kept_headers(self.row).items()]
        head = "\r\n".join(lines).encode() + b"\r\n\r\n"
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in self._pieces(body))
        if self.ending is not None:
            return [head + chunks, self.ending]
        return [head + chunks + b"0\r\n\r\n"]

    def _pieces(self, body: bytes) -> Iterator[bytes]:
        draw = random.Random(self.row["number"])
        at = 0
        while at < len(body):
            size = {
                "whole": len(body),
                # As in chat's replays: the longest bodies have most of the pieces.
                "bytes7": 7 if len(body) <= LONG else 701,
                "random": draw.randint(1, 64 if len(body) <= LONG else 6_400),
            }[self.chunking]
            yield body[at : at + size]
            at += size

    def expected(self) -> Reading:
        """Return the plain reading of the API."""
        raise NotImplementedError

    def comparable(self, reading: Reading) -> Reading:
        """Return what the client said, or the reading, in the form in which both are compared."""
        return reading

    def client(self, server: Answering) -> ChatClient:
        """Return a client that gets the replay."""
        return ChatClient(
            f"{our_name(self.row['provider'])}:{self.key}",
            api=self.api or self.API,
            base_url=server.base_url(self.key) + "/v1",
            api_key="k",
            max_retries=0,
        )

    def ask(self, server: Answering) -> Reading:
        """Ask on this thread."""
        client, pieces = self.client(server), self._pieces_heard()
        try:
            if not self.streams:
                return self._seen(client.complete("-"))
            with client.stream("-") as stream:
                for item in self._read(stream):
                    pieces.add(item)
                return self._seen(stream.response, pieces)
        except LlmError as error:
            return self._error(error, pieces)

    async def ask_async(self, server: Answering) -> Reading:
        """Ask in the running event loop."""
        client, pieces = self.client(server), self._pieces_heard()
        try:
            if not self.streams:
                return self._seen(await client.complete_async("-"))
            async with client.stream_async("-") as stream:
                await self._read_async(stream, pieces)
                return self._seen(stream.response, pieces)
        except LlmError as error:
            return self._error(error, pieces)

    def _pieces_heard(self) -> Pieces:
        return Pieces(typed=READING[self.chunking] == "events")

    def _read(self, stream: LlmStream) -> Iterator[Any]:
        reading = READING[self.chunking]
        if reading == "batches":
            return (chunk for batch in stream.batches() for chunk in batch)
        return stream.events() if reading == "events" else iter(stream)

    async def _read_async(self, stream: AsyncLlmStream, pieces: Pieces) -> None:
        reading = READING[self.chunking]
        if reading == "batches":
            async for batch in stream.batches():
                for chunk in batch:
                    pieces.add(chunk)
        else:
            async for item in stream.events() if reading == "events" else stream:
                pieces.add(item)

    def _seen(self, response: LlmResponse[Any], pieces: Pieces | None = None) -> Reading:
        seen = seen_reply(response, self.row["response_body_text"], pieces)
        seen.headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("connection", "content-length", "transfer-encoding")
        }
        seen.request_id = response.request_id
        return seen

    def _error(self, error: LlmError, pieces: Pieces) -> Reading:
        seen = Reading()
        if error.partial is not None:
            heard = pieces if self.streams else None
            seen = seen_reply(error.partial, self.row["response_body_text"], heard)
        seen.error = PlainError(
            type(error).__name__,
            error.message,
            retryable=error.retryable,
            **{
                name: getattr(error, name, None)
                for name in ("status_code", "type", "code", "param", "body", "retry_after")
            },
        )
        seen.request_id = error.request_id
        return seen


def seen_reply(reply: LlmResponse[Any], body: str, pieces: Pieces | None = None) -> Reading:
    """Return all that a user can read of a reply that came from this body."""
    usage = details = None
    if reply.usage is not None:
        usage = reply.usage.to_dict()
        details = usage.pop("details", None)
        cost = usage.get("cost_usd")
        usage["cost_usd"] = None if cost is None else Decimal(cost)
    seen = Reading(
        id=reply.id,
        model=reply.model,
        created=reply.created,
        status=reply.status,
        finish_reason=reply.finish_reason,
        provider_finish_reason=reply.provider_finish_reason,
        stop_details=reply.stop_details,
        parts=_parts(reply.message),
        logprobs=_logprobs(reply.logprobs),
        others=[
            {
                "index": choice.index,
                "parts": _parts(choice.message),
                "finish_reason": choice.finish_reason,
                "provider_finish_reason": choice.provider_finish_reason,
                "logprobs": _logprobs(choice.logprobs),
            }
            for choice in reply.choices[1:]
        ],
        usage=usage,
        details=details,
        citations=[
            {
                "start": one.start,
                "end": one.end,
                "text": one.text,
                "document": one.document,
                "url": one.url,
                "title": one.title,
                "raw": one.raw,
            }
            for one in reply.citations
        ],
        raw=reply.raw,
    )
    seen.contradictions = [] if pieces is None else pieces.contradictions(reply, body)
    seen.contradictions += _contradictions(reply, seen)
    return seen


def _parts(message: Any) -> list[dict[str, Any]]:
    content = message.content
    parts = [TextPart(content)] if isinstance(content, str) and content else content or []
    return [_dumped(part) for part in parts]


def _logprobs(tokens: Any) -> list[tuple[Any, ...]]:
    return [
        (token.token, token.logprob, token.bytes, token.top, token.text_offset)
        for token in tokens or ()
    ]


def _dumped(part: Any) -> dict[str, Any]:
    """Return the part as JSON, without the fields that are not set."""
    keep = {"value", *(part.model_extra or ())}
    return {k: v for k, v in part.model_dump().items() if v is not None or k in keep}


def _contradictions(reply: LlmResponse[Any], seen: Reading) -> list[str]:
    """Return where the reply says something else at one place than at another."""
    pairs: list[tuple[str, object, object]] = [
        (kind, getattr(reply, kind) or "", seen.said(kind))
        for kind in ("text", "reasoning", "refusal")
    ]
    calls = [(call.id, call.name, call.arguments, call.extra) for call in reply.tool_calls]
    pairs.append(
        (
            "tool calls",
            calls,
            [
                (part["id"], part["name"], part["arguments"], part.get("extra"))
                for part in seen.parts
                if part["type"] == "tool_call"
            ],
        )
    )
    pairs.append(("first choice", [choice.index for choice in reply.choices[:1]], [0]))
    for name in ("text", "reasoning", "refusal", "tool_calls", "finish_reason", "message"):
        pairs += [(name, getattr(one, name), getattr(reply, name)) for one in reply.choices[:1]]
    json.dumps(reply.to_dict(), default=repr)
    return [f"{name}: {left!r} and {right!r}" for name, left, right in pairs if left != right]


class Replays:
    """A server for replays; each one is asked for once."""

    def __init__(self, replays: Sequence[Replay]) -> None:
        self._replays = {replay.key: replay for replay in replays}
        assert len(self._replays) == len(replays)
        self._server = Answering(self._answer)

    def _answer(self, path: str) -> list[bytes | Ending]:
        return self._replays[path.removesuffix("/v1")].written()

    def outcomes(self, *, asynchronous: bool) -> list[Reading]:
        """Ask for all of them, in order."""
        replays = list(self._replays.values())
        waves = [replays[start : start + WAVE] for start in range(0, len(replays), WAVE)]
        with self._server:
            ask: Callable[[list[Replay]], list[Reading]] = self._ask
            if asynchronous:
                ask = self._ask_async
            return [seen for wave in waves for seen in ask(wave)]

    def _ask(self, wave: list[Replay]) -> list[Reading]:
        with ThreadPoolExecutor(THREADS) as threads:
            return list(threads.map(lambda replay: replay.ask(self._server), wave))

    def _ask_async(self, wave: list[Replay]) -> list[Reading]:
        async def ask_all() -> list[Reading]:
            return await asyncio.gather(*(replay.ask_async(self._server) for replay in wave))

        return asyncio.run(ask_all())


def in_turn(replays: Sequence[Replay]) -> Iterator[tuple[Replay, Reading]]:
    """Yield each replay with its outcome; every second one is asked for in an event loop."""
    for asynchronous in (False, True):
        half = replays[asynchronous::2]
        yield from zip(half, Replays(half).outcomes(asynchronous=asynchronous), strict=True)
