"""Recorded exchanges, replayed by the simulator to a real client, sync and async."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tests.wire.plain_errors import PlainError
from tests.wire.plain_events import is_json
from tests.wire.plain_reading import (
    MADE_UP,
    PlainCall,
    PlainChoice,
    PlainReply,
    choices_asked,
    kept_headers,
    read_exchange,
)

from tokenwire import (
    AsyncLlmStream,
    ChatClient,
    CompletionClient,
    End,
    LlmConfigError,
    LlmError,
    LlmStreamChunk,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolCallDone,
    UsageReported,
    _engine,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from tokenwire import Choice, LlmResponse, LlmStream, ToolCall, Usage
    from tokenwire.testing import SimServer

# Each way to split a body, and the way to read its stream that goes with it.
CHUNKINGS: dict[str, object] = {"whole": "whole", "bytes7": {"bytes": 7}, "random": {"random": 11}}
READING = {"whole": "chunks", "bytes7": "events", "random": "batches"}
APIS: dict[str, type[ChatClient | CompletionClient]] = {
    "chat.completions": ChatClient,
    "completions": CompletionClient,
}
_OURS = {"chat.completions": "chat", "completions": "completions"}
# What a reply has at its top, too.
_TOP = (
    "text",
    "reasoning",
    "refusal",
    "tool_calls",
    "finish_reason",
    "provider_finish_reason",
    "logprobs",
    "message",
)
# Characters. 92 bodies are longer, and have more pieces of 7 bytes than all others together.
LONG = 50_000
WAVE = 250
THREADS = 8


class Replay:
    """One row, split in one way: the simulator's rule for it, and the client that asks for it.

    Args:
        row: The recorded exchange.
        chunking: How its body is split, a key of `CHUNKINGS`.
        exact: Whether the client gets the recorded headers and no others, on its own connection.
        lost: Whether the connection closes before the end of the body that the head announces.
    """

    def __init__(
        self, row: dict[str, Any], chunking: str, *, exact: bool = False, lost: bool = False
    ) -> None:
        self.row = row
        self.chunking = chunking
        self.exact = exact
        self.lost = lost
        self.model = f"row{row['number']}-{chunking}{row.get('cut', '')}"
        # Anthropic has chat and no text completions; its recorded ones are of an older API.
        name = our_name(row["provider"])
        speaks = _OURS[row["api"]] in _engine.provider_apis(name)
        self.provider = name if speaks else "openai-compatible"
        # How many answers were asked for decides whether all have come.
        n = choices_asked(row)
        self.asked: dict[str, Any] = {} if n is None else {"n": n}

    def rule(self) -> dict[str, Any]:
        text = self.row["response_body_text"]
        is_long = self.chunking == "bytes7" and len(text) > LONG
        chunking = {"bytes": 701} if is_long else CHUNKINGS[self.chunking]
        replay: dict[str, Any] = {"text": text, "chunking": chunking}
        then: dict[str, Any] = {"replay": replay}
        if self.exact or self.lost:
            replay["text"] = self._head() + text
            then["framing"] = "raw"
        else:
            replay |= {"status": self.row["status"], "headers": kept_headers(self.row)}
        return {"match": {"model": self.model}, "then": then}

    def _head(self) -> str:
        status, length = self.row["status"], len(self.row["response_body_text"].encode())
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
        lines += [f"{name}: {value}" for name, value in kept_headers(self.row).items()]
        lines += [f"content-length: {length + self.lost}", "connection: close", "", ""]
        return "\r\n".join(lines)

    def client(self, base_url: str) -> ChatClient | CompletionClient:
        # A second attempt would only get the same again.
        return APIS[self.row["api"]](
            f"{self.provider}:{self.model}", base_url=base_url, api_key="k", max_retries=0
        )

    def ask(self, base_url: str) -> PlainReply:
        """Ask on this thread."""
        client, pieces = self.client(base_url), Pieces()
        try:
            if not self.row["is_sse"]:
                return self._seen(client.complete("-", **self.asked))
            with client.stream("-", **self.asked) as stream:
                for item in self._read(stream):
                    pieces.add(item)
                return self._seen(stream.response, pieces)
        except LlmError as error:
            return self._error(error, pieces)

    async def ask_async(self, base_url: str) -> PlainReply:
        """Ask in the running event loop."""
        client, pieces = self.client(base_url), Pieces()
        try:
            if not self.row["is_sse"]:
                return self._seen(await client.complete_async("-", **self.asked))
            async with client.stream_async("-", **self.asked) as stream:
                async for item in self._read_async(stream):
                    pieces.add(item)
                return self._seen(stream.response, pieces)
        except LlmError as error:
            return self._error(error, pieces)

    def _read(self, stream: LlmStream) -> Iterator[Any]:
        reading = READING[self.chunking]
        if reading == "batches":
            return (chunk for batch in stream.batches() for chunk in batch)
        return stream.events() if reading == "events" else iter(stream)

    async def _read_async(self, stream: AsyncLlmStream) -> AsyncIterator[Any]:
        reading = READING[self.chunking]
        if reading == "batches":
            async for batch in stream.batches():
                for chunk in batch:
                    yield chunk
        else:
            async for item in stream.events() if reading == "events" else stream:
                yield item

    def _seen(self, response: LlmResponse[Any], pieces: Pieces | None = None) -> PlainReply:
        reply = plain_reply(response, self.row["response_body_text"], pieces)
        reply.headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("connection", "content-length", "transfer-encoding")
        }
        reply.request_id = response.request_id
        return self._comparable(reply)

    def _error(self, error: LlmError, pieces: Pieces) -> PlainReply:
        reply = PlainReply()
        if error.partial is not None:
            reply = plain_reply(error.partial, self.row["response_body_text"], pieces)
        reply.error = PlainError(
            type(error).__name__,
            error.message,
            retryable=error.retryable,
            **{
                name: getattr(error, name, None)
                for name in ("status_code", "type", "code", "param", "body", "retry_after")
            },
        )
        reply.request_id = error.request_id
        return self._comparable(reply)

    def expected(self) -> PlainReply:
        """Return the plain reading."""
        return self._comparable(read_exchange(self.row, self.model, lost=self.lost))

    def _comparable(self, reply: PlainReply) -> PlainReply:
        """Take out what the simulator changes: it adds headers, and an id of the request."""
        if not self.exact:
            reply.headers, reply.request_id = {}, None
        return reply


def our_name(provider: str) -> str:
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


@dataclass
class Pieces:
    """What a reader of a stream was handed, piece by piece."""

    texts: dict[tuple[str, int], str] = field(default_factory=dict)
    fragments: dict[tuple[int, int], list[str | None]] = field(default_factory=dict)
    logprobs: dict[int, int] = field(default_factory=dict)
    done: list[tuple[int, ToolCall]] = field(default_factory=list)
    words: dict[int, tuple[str | None, str | None]] = field(default_factory=dict)
    usage: Usage | None = None
    raw: list[bytes] = field(default_factory=list)
    typed: bool = False
    ended: bool = False

    def add(self, item: object) -> None:
        if isinstance(item, LlmStreamChunk):
            self._add_chunk(item)
            return
        self.typed = True
        match item:
            case TextDelta(text, index):
                self._say("text", index, text)
            case ReasoningDelta(text, index):
                self._say("reasoning", index, text)
            case RefusalDelta(text, index):
                self._say("refusal", index, text)
            case ToolCallDelta(fragment, index):
                self._add_fragment(index, fragment)
            case ToolCallDone(call, index):
                self.done.append((index, call))
            case UsageReported(usage):
                self.usage = usage
            case End():
                self.ended = True
            case _:
                raise AssertionError(item)

    def _add_chunk(self, chunk: LlmStreamChunk) -> None:
        self._say("text", chunk.index, chunk.text)
        self._say("reasoning", chunk.index, chunk.reasoning)
        self._say("refusal", chunk.index, chunk.refusal)
        for fragment in chunk.tool_calls:
            self._add_fragment(chunk.index, fragment)
        if chunk.finish_reason or chunk.provider_finish_reason:
            self.words[chunk.index] = chunk.finish_reason, chunk.provider_finish_reason
        self.usage = chunk.usage or self.usage
        self.logprobs[chunk.index] = self.logprobs.get(chunk.index, 0) + len(chunk.logprobs or ())
        if chunk.raw is not None:
            self.raw.append(chunk.raw)
        else:
            # What no event says: the counts and blocks of a reply that ended early (Messages).
            arguments = [fragment.arguments for fragment in chunk.tool_calls]
            assert not any((chunk.text, chunk.reasoning, chunk.refusal, *arguments))

    def _say(self, kind: str, index: int, text: str | None) -> None:
        self.texts[kind, index] = self.texts.get((kind, index), "") + (text or "")

    def _add_fragment(self, index: int, fragment: _engine.ToolCallFragment) -> None:
        call = self.fragments.setdefault((index, fragment.index), [None, None, ""])
        call[0] = call[0] or fragment.id
        call[1] = call[1] or fragment.name
        call[2] = (call[2] or "") + fragment.arguments

    def contradictions(self, reply: LlmResponse[Any], body: str) -> list[str]:
        """Return where the pieces do not add up to the reply, or do not come from the body."""
        pairs: list[tuple[str, object, object]] = [("usage", self.usage, reply.usage)]
        for choice in reply.choices:
            at = choice.index
            pairs += [
                (kind, self.texts.get((kind, at), ""), getattr(choice, kind) or "")
                for kind in ("text", "reasoning", "refusal")
            ]
            calls = [[call.id, call.name, call.arguments] for call in choice.tool_calls]
            whole = dict(enumerate(calls))
            pieces = {call: said for (one, call), said in self.fragments.items() if one == at}
            pairs.append(("fragments", pieces, whole))
            if self.ended:
                done = [(one.id, one.name, one.arguments) for at_, one in self.done if at_ == at]
                pairs.append(("calls", done, _complete_calls(choice, done)))
            word = choice.provider_finish_reason
            if not self.typed:
                words = (choice.finish_reason, word) if word else (None, None)
                pairs.append(("words", self.words.get(at, (None, None)), words))
                pairs.append(("logprobs", self.logprobs.get(at, 0), len(choice.logprobs or ())))
        after, sent = 0, body.encode()
        for raw in self.raw:
            # An event with two choices gives two chunks, so the next may be the same.
            found = sent.find(raw.strip(), after)
            pairs.append(("raw", found >= after, True))
            after = max(found, after)
        return [f"{name}: {left!r} and {right!r}" for name, left, right in pairs if left != right]


def _complete_calls(choice: Choice, done: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the calls that a reader must have seen as complete, in order.

    A limit cuts off the last one. Only its arguments show whether it was complete by then.
    """
    calls = [(call.id, call.name, call.arguments) for call in choice.tool_calls]
    last_is_cut = calls and choice.finish_reason != "tool_calls" and calls[-1] not in done
    if last_is_cut:
        assert not is_json(calls[-1][2])
        calls.pop()
    return calls


def plain_reply(reply: LlmResponse[Any], body: str, pieces: Pieces | None = None) -> PlainReply:
    """Return all that a user can read of a reply that came from this body."""
    usage: dict[str, Any] = {}
    if reply.usage is not None:
        usage = reply.usage.to_dict()
        cost = usage.get("cost_usd")
        usage["cost_usd"] = None if cost is None else Decimal(cost)
    wrong = [] if pieces is None else pieces.contradictions(reply, body)
    if reply.choices:
        wrong += [
            f"{name}: the first choice says something else"
            for name in _TOP
            if getattr(reply, name) != getattr(reply.choices[0], name)
        ]
    for choice in reply.choices:
        wrong += _contradictions(choice)
    return PlainReply(
        id=reply.id,
        model=reply.model,
        created=reply.created,
        choices=[_plain_choice(choice, body) for choice in reply.choices],
        usage=usage,
        raw=reply.raw,
        contradictions=wrong,
    )


def _plain_choice(choice: Choice, body: str) -> PlainChoice:
    seen = PlainChoice(
        index=choice.index,
        text=choice.text,
        reasoning=choice.reasoning or "",
        refusal=choice.refusal or "",
        finish_reason=choice.finish_reason,
        provider_finish_reason=choice.provider_finish_reason,
        logprobs=[
            (token.token, token.logprob, token.bytes, token.top, token.text_offset)
            for token in choice.logprobs or ()
        ],
    )
    content = choice.message.content
    for part in [TextPart(content)] if isinstance(content, str) else content:
        if part.type == "opaque":
            seen.kept[part.field] = part.value
            continue
        if part.type == "tool_call":
            made_up = part.id is not None and json.dumps(part.id)[1:-1] not in body
            its_id = MADE_UP if made_up else part.id
            # What belongs to the formats of OpenAI is left out.
            extra = {k: v for k, v in (part.extra or {}).items() if k not in ("function", "custom")}
            seen.calls.append(PlainCall(its_id, part.name, part.arguments, extra))
        if part.type == "reasoning":
            seen.reasoning_field = part.field
            signature = {} if part.signature is None else {"signature": part.signature}
            seen.reasoning_extra = {**(part.model_extra or {}), **signature}
        if part.type == "tool_call" or seen.order[-1:] != [part.type]:
            seen.order.append(part.type)
    return seen


def _contradictions(choice: Choice) -> list[str]:
    """Return where the message of a choice does not say what the choice says."""
    content = choice.message.content
    parts: Sequence[Any] = [TextPart(content)] if isinstance(content, str) else content
    texts = {"text": "", "reasoning": "", "refusal": ""}
    for part in parts:
        if part.type in texts:
            texts[part.type] += part.text
    wrong = [kind for kind, text in texts.items() if text != (getattr(choice, kind) or "")]
    in_parts = [(one.id, one.name, one.arguments) for one in parts if one.type == "tool_call"]
    calls = [(call.id, call.name, call.arguments) for call in choice.tool_calls]
    if in_parts != calls:
        wrong.append("tool calls")
    if len({call.id for call in choice.tool_calls}) != len(calls):
        wrong.append("two calls with one id")
    if choice.message.role != "assistant":
        wrong.append("role")
    return wrong
