"""Every recorded stream over the transport: whole, and ended cleanly near its middle."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

import tokenwire as tw

httpx2 = pytest.importorskip("httpx2")

from tokenwire.httpx2 import AsyncClient, StreamIncompleteError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

# Where each API is, and what no event has before the end of its first stream (wire.md).
APIS = {
    "chat.completions": ("/chat/completions", re.compile(r'"finish_reason"\s*:\s*"|\[DONE\]')),
    "completions": ("/completions", re.compile(r'"finish_reason"\s*:\s*"|\[DONE\]')),
    "messages": ("/messages", re.compile(r'"type"\s*:\s*"message_stop"|\[DONE\]')),
    "responses": (
        "/responses",
        re.compile(r'"type"\s*:\s*"response\.(?:completed|incomplete|failed)"|\[DONE\]'),
    ),
    "gemini.stream": ("/models/m:streamGenerateContent", re.compile('"finishReason"|blockReason')),
}
EVENT_END = re.compile(r"\r?\n\r?\n")
AT_A_TIME = 50


def half(body: str, terminal: re.Pattern[str]) -> str | None:
    """Return half of the events before the first one that may end the stream."""
    last = terminal.search(body)
    ends = [match.end() for match in EVENT_END.finditer(body)]
    before = [end for end in ends if last is None or end <= last.start()]
    # A stream of comments alone has said nothing yet.
    head = body[: before[(len(before) - 1) // 2]] if before else ""
    return head if "data:" in head else None


@pytest.fixture(scope="module")
def streams(data_dir: Any) -> list[dict[str, Any]]:
    rows = recorded_rows(data_dir, *APIS)
    rows = [row for row in rows if row["status"] == 200 and row["is_sse"] and row["request_body"]]
    # The recordings count an older API of Anthropic's, at another path, as completions.
    return [row for row in rows if not row["url"].endswith("/v1/complete")]


class Server:
    """Answers each request with the body that its path numbers."""

    def __init__(self, bodies: list[str]) -> None:
        self._bodies = bodies

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
        number = int(head.split(b"/", maxsplit=2)[1])
        body = self._bodies[number].encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        writer.close()


async def outcomes(rows: list[dict[str, Any]], bodies: list[str]) -> list[Exception | None]:
    """Read each body as a stream; return how each of them ended."""
    slots = asyncio.Semaphore(AT_A_TIME)

    async def outcome(client: Any, origin: str, number: int) -> Exception | None:
        row, body = rows[number], bodies[number]
        path, _ = APIS[row["api"]]
        read = b""
        async with slots:
            try:
                url = f"{origin}/{number}{path}"
                async with client.stream("POST", url, content=row["request_body"]) as response:
                    async for piece in response.aiter_bytes():
                        read += piece
            except httpx2.HTTPError as error:
                assert read == body.encode(), row["source"]
                caught: Exception = error
                return caught
        assert read == body.encode(), row["source"]
        return None

    async with Server(bodies) as origin, AsyncClient(timeout=60) as client:
        return await asyncio.gather(*(outcome(client, origin, it) for it in range(len(rows))))


@pytest.mark.timeout(300)
def test_a_whole_stream_passes_and_half_of_it_is_an_error(
    streams: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    bodies = [row["response_body_text"] for row in streams]
    ended = asyncio.run(outcomes(streams, bodies))
    for row, end in zip(streams, ended, strict=True):
        # An error in a field that the SDKs ignore, after which the stream ends.
        is_cut = "\nerror: " in row["response_body_text"]
        assert (type(end) is StreamIncompleteError) is is_cut, (row["source"], end)
    cut = [(row, half(row["response_body_text"], APIS[row["api"]][1])) for row in streams]
    rows = [row for row, body in cut if body is not None]
    ended = asyncio.run(outcomes(rows, [body for _, body in cut if body is not None]))
    passed = [row["source"] for row, end in zip(rows, ended, strict=True) if end is None]
    assert passed == []
    for end in ended:
        assert type(end) is StreamIncompleteError
        assert isinstance(end, tw.LlmStreamIncompleteError)
    report_line(f"streams over the transport: {len(streams)} whole, {len(rows)} cut")
