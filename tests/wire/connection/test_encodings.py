"""Replies in a content encoding say the same as without one, however they are split.

Each recorded exchange is asked for as it is, and in every coding (RFC 9110, section 8.4.1); the
chunkings of `codings` take turns. 200 of the streams come in every chunking, with and without
asyncio. Reply, chunks and error must be those of the plain body.
"""

from __future__ import annotations

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.answering import Answering
from tests.wire.codings import CHUNKINGS, CODINGS, split
from tests.wire.origins import Origin, delta, event
from tests.wire.plain_reading import choices_asked, kept_headers
from tests.wire.recorded import recorded_rows
from tests.wire.replaying import APIS, Replay

from tokenwire import ChatClient, LlmError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.wire.origins import Request, Seen

    from tokenwire import CompletionClient, LlmResponse

ROWS, STREAMS = 3505, 200
TOGETHER, THREADS = 32, 4
# They describe the encoded body, so they differ.
OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")
MEASURED = ("timing", "attempts")
PLAIN = "plain"


class Recordings:
    """The recorded exchanges, and a server that writes them in any coding."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = {row["number"]: row for row in rows}

    def answer(self, path: str) -> list[bytes]:
        """Return what is written for `number/coding/chunking`."""
        number, name, chunking = path.split("/")
        row = self.rows[int(number)]
        body = row["response_body_text"].encode()
        pieces, more = [body], []
        if name != PLAIN:
            coding = CODINGS[name.replace("-", " ")]
            pieces = split(coding, body, chunking, int(number))
            more = [f"content-encoding: {coding.header}"]
        lines = [f"HTTP/1.1 {row['status']} Recorded", *more]
        lines += [f"{header}: {value}" for header, value in kept_headers(row).items()]
        if chunking == "once":
            lines.append(f"content-length: {len(pieces[0])}")
            return ["\r\n".join([*lines, "", ""]).encode() + pieces[0]]
        lines += ["transfer-encoding: chunked", "", ""]
        chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
        if chunking == "tiny":
            # The pieces matter to the decoder, not to the socket.
            chunks = [b"".join(chunks)]
        return ["\r\n".join(lines).encode(), *chunks, b"0\r\n\r\n"]


@pytest.fixture(scope="module")
def recordings(data_dir: Path) -> Recordings:
    return Recordings(recorded_rows(data_dir, *APIS))


@pytest.fixture(scope="module")
def server(recordings: Recordings) -> Iterator[Answering]:
    with Answering(recordings.answer) as server:
        yield server


class Asked:
    """A call for one row: its client, and all that a user can see of its outcome."""

    def __init__(self, server: Answering, row: dict[str, Any], coding: str, chunking: str) -> None:
        self.name = f"row {row['number']}, {coding}, {chunking}"
        self._streams = row["is_sse"]
        self._body = row["response_body_text"]
        self._path = f"{row['number']}/{coding.replace(' ', '-')}/{chunking}"
        self._client = _client(row, server.base_url(self._path))
        n = choices_asked(row)
        self._params: dict[str, Any] = {} if n is None else {"n": n}
        self._chunks: list[Any] = []

    def outcome(self) -> Any:
        try:
            if not self._streams:
                return self._seen(self._client.complete("-", **self._params))
            with self._client.stream("-", **self._params) as stream:
                self._chunks.extend(stream)
                return self._seen(stream.response)
        except LlmError as error:
            return self._error(error)

    async def outcome_async(self) -> Any:
        try:
            if not self._streams:
                return self._seen(await self._client.complete_async("-", **self._params))
            async with self._client.stream_async("-", **self._params) as stream:
                async for chunk in stream:
                    self._chunks.append(chunk)
                return self._seen(stream.response)
        except LlmError as error:
            return self._error(error)

    def _seen(self, response: LlmResponse[Any]) -> dict[str, Any]:
        seen = {**response.to_dict(), "headers": _kept(response.headers), "raw": response.raw}
        seen = {name: value for name, value in seen.items() if name not in MEASURED}
        return self._without_made_up_ids(response, {"chunks": self._chunks, **seen})

    def _without_made_up_ids(
        self, response: LlmResponse[Any], seen: dict[str, Any]
    ) -> dict[str, Any]:
        """Replace the ids that the client gives to calls that have none: they are random."""
        ids = [call.id for choice in response.choices for call in choice.tool_calls]
        made_up = [one for one in ids if one and one not in self._body]
        if not made_up:
            return seen
        pattern = "|".join(map(re.escape, made_up))
        return {name: re.sub(pattern, "made up", repr(value)) for name, value in seen.items()}

    def _error(self, error: LlmError) -> dict[str, Any]:
        fields = ("status_code", "type", "code", "param", "body", "retry_after", "retryable")
        return {
            "error": type(error).__name__,
            "message": error.message.replace(self._path, ""),
            "headers": _kept(error.headers),
            "partial": None if error.partial is None else self._seen(error.partial),
            **{name: getattr(error, name, None) for name in fields},
        }


def _client(row: dict[str, Any], base_url: str) -> ChatClient | CompletionClient:
    return Replay(row, "whole").client(base_url)


def _kept(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in OF_THE_BODY}


def all_async(asked: list[Asked]) -> list[Any]:
    """Return all outcomes, a few calls at a time in one event loop."""

    async def together() -> list[Any]:
        free = asyncio.Semaphore(TOGETHER)

        async def one(call: Asked) -> Any:
            async with free:
                return await call.outcome_async()

        return await asyncio.gather(*map(one, asked))

    return asyncio.run(together())


def all_sync(asked: list[Asked]) -> list[Any]:
    """Return all outcomes, asked for by a few threads."""
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(Asked.outcome, asked))


def differences(asked: list[Asked], seen: list[Any], plain: list[Any]) -> list[str]:
    """Return where an outcome is not that of the plain body."""
    return [
        f"{call.name}: {name}: {one.get(name)!r:.300}, plain: {other.get(name)!r:.300}"
        for call, one, other in zip(asked, seen, plain, strict=True)
        if one != other
        for name in {**one, **other}
        if one.get(name) != other.get(name)
    ]


@pytest.fixture(scope="module")
def plain(recordings: Recordings, server: Answering) -> dict[int, Any]:
    """The outcome of each row without a coding."""
    rows = recordings.rows.values()
    outcomes = all_async([Asked(server, row, PLAIN, "once") for row in rows])
    assert len(outcomes) == ROWS
    return {row["number"]: outcome for row, outcome in zip(rows, outcomes, strict=True)}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("coding", CODINGS)
def test_each_recording_says_the_same_in_a_coding(
    recordings: Recordings, server: Answering, plain: dict[int, Any], coding: str
) -> None:
    first = list(CODINGS).index(coding)
    asked = [
        Asked(server, row, coding, CHUNKINGS[(turn + first) % len(CHUNKINGS)])
        for turn, row in enumerate(recordings.rows.values())
    ]
    wrong = differences(asked, all_async(asked), list(plain.values()))
    assert wrong == [], f"{len(wrong)} differ"


@pytest.fixture
def whole_product(request: pytest.FixtureRequest) -> None:
    """Skip a test unless the slow ones were asked for."""
    if "slow" not in request.config.getoption("-m"):
        pytest.skip("the rest of the product, a minute or two: run it with -m slow")


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("whole_product")
@pytest.mark.parametrize("chunking", CHUNKINGS)
@pytest.mark.parametrize("coding", CODINGS)
def test_each_recording_says_the_same_in_every_chunking(
    recordings: Recordings, server: Answering, plain: dict[int, Any], coding: str, chunking: str
) -> None:
    asked = [Asked(server, row, coding, chunking) for row in recordings.rows.values()]
    wrong = differences(asked, all_async(asked), list(plain.values()))
    assert wrong == [], f"{len(wrong)} differ"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("run", [all_sync, all_async], ids=["sync", "async"])
@pytest.mark.parametrize("coding", CODINGS)
def test_streams_say_the_same_in_every_chunking(
    recordings: Recordings,
    server: Answering,
    plain: dict[int, Any],
    coding: str,
    run: Callable[[list[Asked]], list[Any]],
) -> None:
    streams = [row for row in recordings.rows.values() if row["is_sse"]]
    drawn = streams[:: len(streams) // STREAMS][:STREAMS]
    assert len(drawn) == STREAMS
    for chunking in CHUNKINGS:
        asked = [Asked(server, row, coding, chunking) for row in drawn]
        wrong = differences(asked, run(asked), [plain[row["number"]] for row in drawn])
        assert wrong == [], f"{len(wrong)} differ"


class OneByOne(Origin):
    """Sends an event of a stream once the client has proved that it has the one before it."""

    def __init__(self, coding: str, texts: list[str]) -> None:
        self._coding = CODINGS[coding]
        self._texts = texts
        self._proof = threading.Semaphore(0)
        self.held_back: list[str] = []
        super().__init__()

    def received(self) -> None:
        """Called by the client for each event that it has."""
        self._proof.release()

    def _reply(self, peer: socket.socket, seen: Seen, request: Request, written: bytes) -> None:
        del seen, request, written
        encoder = self._coding.start()

        def write(data: bytes) -> None:
            peer.sendall(b"%x\r\n%s\r\n" % (len(data), data))

        peer.sendall(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
            b"content-encoding: %s\r\n\r\n" % self._coding.header.encode()
        )
        for text in self._texts:
            write(encoder.feed(delta(text)) + encoder.flush())
            if not self._proof.acquire(timeout=10):
                self.held_back.append(text)
                return
        write(encoder.feed(delta(None, "stop") + event(b"[DONE]")) + encoder.finish())
        peer.sendall(b"0\r\n\r\n")


TEXTS = [f" word{n}" for n in range(20)] + [" long" * 40_000, " end"]


@pytest.mark.parametrize("coding", CODINGS)
def test_each_event_arrives_before_the_next_is_sent(coding: str) -> None:
    with OneByOne(coding, TEXTS) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        seen = []
        with client.stream("hi") as stream:
            for chunk in stream:
                seen.append(chunk.text)
                server.received()
        assert (server.held_back, [text for text in seen if text]) == ([], TEXTS)


@pytest.mark.parametrize("coding", CODINGS)
async def test_each_event_arrives_before_the_next_is_sent_in_asyncio(coding: str) -> None:
    with OneByOne(coding, TEXTS) as server:
        client = ChatClient("m", base_url=server.base_url, max_retries=0)
        seen = []
        async with client.stream_async("hi") as stream:
            async for chunk in stream:
                seen.append(chunk.text)
                server.received()
        assert (server.held_back, [text for text in seen if text]) == ([], TEXTS)
