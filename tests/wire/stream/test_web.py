"""The web example in a real server: readers get their tokens, and leaving ends the stream."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.wire.asgi_server import ROOT, serving

from tokenwire.testing import SimServer

pytest.importorskip("starlette", reason="starlette is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

READERS = 200
TOKENS = 40


@pytest.fixture(scope="module")
def upstream():
    with SimServer() as server:
        yield server


@pytest.fixture(scope="module")
def port(upstream, transport):
    """The port of the example, which runs in another process."""
    variables = {"MODEL": "openai-compatible:m", "BASE_URL": upstream.base_url}
    with serving("web_streaming:app", ROOT / "examples", **variables) as port:
        yield port


async def opened(port, question="hi"):
    """Send a browser's request, and read the response head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /chat?q={question} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ncontent-type: text/event-stream" in head
    return reader, writer


async def closed(writer):
    writer.close()
    await writer.wait_closed()


async def read(port, question):
    """Return the data of every event that a browser reads."""
    reader, writer = await opened(port, question)
    body = await reader.read()
    await closed(writer)
    events = body.decode().split("\n\n")
    assert events.pop() == ""
    return [event.removeprefix("data: ") for event in events]


async def test_two_hundred_browsers_get_every_token_in_order(upstream, port):
    # On a busy machine, 200 connections may take a second or two.
    pacing = {"first_token_ms": 3_000, "per_token_us": 10_000, "tokens": TOKENS}
    upstream.reset()
    upstream.set_script({"default": {"ledger": True, "pacing": pacing}})
    questions = [f"browser{number}" for number in range(READERS)]
    streams = await asyncio.gather(*(read(port, question) for question in questions))
    assert [stream[-1] for stream in streams] == ["[DONE]"] * READERS
    for question, stream in zip(questions, streams, strict=True):
        events = [json.loads(data) for data in stream[:-1]]
        # A token of the ledger is ` id:seq:checksum`; the id is the question.
        tokens = [event["text"].split(":")[:2] for event in events if event["type"] == "text"]
        assert tokens == [[f" {question}", str(number)] for number in range(TOKENS)]
        assert events[-1] == {"type": "end", "finish_reason": "stop"}
    # All of them were open at once.
    steps = [record["kind"] for record in upstream.log()]
    begun = [kind for kind in steps[: steps.index("finished")] if kind == "head_sent"]
    assert len(begun) == READERS
    assert upstream.count("finished") == READERS


@pytest.mark.parametrize("fault", [None, {"kind": "stall", "at": {"events": 2}}])
async def test_a_browser_that_leaves_ends_its_stream_within_a_second(upstream, port, fault):
    behaviour = {"pacing": {"per_token_us": 20_000, "tokens": 5_000}}
    upstream.reset()
    upstream.set_script({"default": behaviour | ({"fault": fault} if fault else {})})
    (staying, kept), (leaving, gone) = await asyncio.gather(opened(port), opened(port))
    for reader in (staying, leaving):
        await reader.readuntil(b"\n\n")
    before = upstream.count("client_closed")
    await closed(gone)
    await asyncio.to_thread(upstream.wait_for, "client_closed", before + 1, timeout=1)
    # The other one goes on until it leaves, too.
    assert upstream.count("client_closed") == before + 1
    await closed(kept)
    await asyncio.to_thread(upstream.wait_for, "client_closed", before + 2, timeout=1)
