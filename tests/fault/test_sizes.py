"""A reply takes time and memory in proportion to its bytes, and no more than its limits allow."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import ASKING, VIEWS, Asking
from tests.wire.origins import DONE, Origin, chunked, event, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MIB = 1 << 20
WAYS = ["whole", "streamed"]


def reply(choice: str, way: str) -> bytes:
    """Return a reply of one choice, whose message is `MESSAGE`, as a body or as one event."""
    key = "delta" if way == "streamed" else "message"
    choice = choice.replace("MESSAGE", f'"{key}"')
    body = f'{{"choices":[{{"index":0,{choice},"finish_reason":"stop"}}]}}'.encode()
    if way == "streamed":
        return chunked(event(body), DONE)
    return response(200, body, "content-type: application/json")


def client(origin: Origin, **limits: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=origin.base_url, max_retries=0, limits=tw.Limits(**limits))


def items(count: int, item: str) -> str:
    """Return the item so many times, with its number for `#` and its parity for `%`."""
    return ",".join(item.replace("#", str(at)).replace("%", str(at % 2)) for at in range(count))


MANY = {
    "unknown members": ("MESSAGE:{ITEMS}", '"k#":"x"'),
    "calls": ('MESSAGE:{"tool_calls":[ITEMS]}', '{"index":#,"function":{"name":"f"}}'),
    "fragments": (
        'MESSAGE:{"tool_calls":[ITEMS]}',
        '{"index":%,"function":{"name":"f","arguments":"["}}',
    ),
    "blocks": ('MESSAGE:{"content":[ITEMS]}', '{"type":"x"}'),
    "tokens": ('MESSAGE:{"content":"a"},"logprobs":{"content":[ITEMS]}', "{}"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", MANY)
def test_the_time_for_many_small_things_is_in_proportion_to_them(what, way):
    def cost(count: int) -> float:
        choice, item = MANY[what]
        written = reply(choice.replace("ITEMS", items(count, item)), way)
        with Origin(answers=[written]) as origin:
            before = time.process_time()
            try:
                client(origin).run("q", stream=way == "streamed")
            except tw.LlmResponseTooLargeError:
                assert count > 16_384
            except tw.LlmModelError:
                # It has no text.
                pass
            return time.process_time() - before

    once, twice = cost(16_000), cost(32_000)
    # When the cost grew with the square, this took from 3 to 30 seconds.
    assert twice < max(2.0, 4 * once)


PEAK = """
import sys, tokenwire as tw
def peak():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10
chat = tw.ChatClient("m", base_url=sys.argv[1], max_retries=0)
before = peak()
try:
    chat.run("q", stream=sys.argv[2] == "streamed")
except tw.LlmResponseTooLargeError:
    pass
print(peak() - before)
"""

SMALL = {
    "tokens": ('MESSAGE:{"content":"a"},"logprobs":{"content":[ITEMS]}', "{}"),
    "likely tokens": (
        'MESSAGE:{"content":"a"},"logprobs":{"content":[{"top_logprobs":[ITEMS]}]}',
        "{}",
    ),
    "blocks": ('MESSAGE:{"content":[ITEMS]}', '{"type":"x"}'),
    "texts": ('MESSAGE:{"content":[ITEMS]}', '""'),
    "keys of a block": ('MESSAGE:{"content":[{"type":"text","text":"a",ITEMS}]}', '"a":1'),
    "a provider's list": ('MESSAGE:{"content":"a","x":[ITEMS]}', "{}"),
    "calls": ('MESSAGE:{"content":"a","tool_calls":[ITEMS]}', "{}"),
}


@pytest.mark.linux
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", SMALL)
def test_the_memory_for_many_small_things_is_at_most_eight_times_their_bytes(what, way):
    choice, item = SMALL[what]
    size = 8 * MIB
    written = reply(choice.replace("ITEMS", ",".join([item] * (size // (len(item) + 1)))), way)
    with Origin(answers=[written]) as origin:
        command = [sys.executable, "-c", PEAK, origin.base_url, way]
        child = subprocess.run(command, capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) <= 8 * 8 + 48


LONG = "x" * 10_000
TOKEN = {"token": LONG, "logprob": -1.0, "bytes": None, "top_logprobs": []}
CALL = {"index": 0, "id": "i", "function": {"name": "f", "arguments": LONG}}
HEAVY: dict[str, dict[str, Any]] = {
    "text": {"delta": {"content": LONG}},
    "reasoning": {"delta": {"reasoning_content": LONG}},
    "refusal": {"delta": {"refusal": LONG}},
    "arguments": {"delta": {"tool_calls": [CALL]}},
    "block": {"delta": {"audio": {"data": LONG}}},
    "logprobs": {"delta": {"content": "a"}, "logprobs": {"content": [TOKEN]}},
}
LIMIT = 100_000


def endless(what: str, count: int = 40) -> bytes:
    piece = event({"choices": [{"index": 0, **HEAVY[what]}]})
    end = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    return chunked(*[piece] * count, end, DONE)


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("what", HEAVY)
def test_a_streamed_reply_ends_at_its_limit_in_whatever_form_it_is_read(what, view, asking):
    ask: Asking = ASKING[asking]
    with Origin(answers=[endless(what), endless(what)]) as origin:
        with pytest.raises(tw.LlmResponseTooLargeError, match="max_reply_bytes") as raised:
            ask.read(client(origin, max_reply_bytes=LIMIT), "q", view=view)
        partial = raised.value.partial
        assert partial is not None
        assert LIMIT / 2 < len(json.dumps(partial.to_dict()["choices"])) < 2 * LIMIT
        _, whole = ask.read(client(origin), "q", view=view)
        assert whole.finish_reason is not None


def test_a_streamed_reply_ends_at_its_limit_in_every_kind_of_call():
    async def handled(stream: tw.AsyncLlmStream) -> None:
        await tw.StreamingHandler().run_async(stream)

    with Origin(answers=[endless("text")] * 5) as origin:
        chat = client(origin, max_reply_bytes=LIMIT)
        for call in (
            lambda: chat.run("q", stream=True),
            lambda: asyncio.run(chat.run_async("q", stream=True)),
            lambda: tw.StreamingHandler().run(chat.stream("q")),
            lambda: asyncio.run(handled(chat.stream_async("q"))),
            lambda: list(chat.stream("q").text_stream),
        ):
            with pytest.raises(tw.LlmResponseTooLargeError) as raised:
                call()
            assert raised.value.partial is not None


def test_a_stream_of_ones_own_ends_at_the_default_limit():
    def chunks() -> Iterator[str]:
        while True:
            yield "x" * MIB

    async def chunks_async() -> AsyncIterator[str]:
        while True:
            yield "x" * MIB

    async def read() -> int:
        stream = tw.AsyncLlmStream.from_chunks(chunks_async(), provider="p", model="m")
        return len([piece async for piece in stream.text_stream])

    with pytest.raises(tw.LlmResponseTooLargeError) as raised:
        list(tw.LlmStream.from_chunks(chunks(), provider="p", model="m").text_stream)
    assert raised.value.partial is not None
    with pytest.raises(tw.LlmResponseTooLargeError):
        asyncio.run(read())


class Unread:
    """A server that sends 100 MiB, and notes how much it got rid of before it had to wait."""

    def __init__(self, piece: bytes) -> None:
        self.sent = 0
        self.waits = threading.Event()
        self._piece = piece
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer, self._listener:
            peer.recv(65_536)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
            # A peer that takes nothing for so long has stopped reading.
            peer.settimeout(1)
            peer.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            peer.sendall(event({"choices": [{"index": 0, "delta": {"content": "a"}}]}))
            try:
                while self.sent < 100 * MIB:
                    peer.sendall(self._piece)
                    self.sent += len(self._piece)
            except OSError:
                pass
            self.waits.set()


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize("what", HEAVY)
def test_a_server_waits_for_a_reader_that_waits_whatever_it_sends(what, how):
    server = Unread(event({"choices": [{"index": 0, **HEAVY[what]}]}) * 20)
    chat = tw.ChatClient("m", base_url=server.base_url, max_retries=0)

    async def first() -> None:
        async for _ in chat.stream_async("q").text_stream:
            await asyncio.get_running_loop().run_in_executor(None, server.waits.wait, 30)
            break

    if how == "async":
        asyncio.run(first())
    else:
        stream = chat.stream("q")
        next(iter(stream.text_stream))
        assert server.waits.wait(30)
        stream.close()
    # The buffers of both sockets are in it.
    assert server.sent < 20 * MIB


def test_too_many_calls_over_many_events_are_too_many():
    def call(at: int) -> bytes:
        calls = [{"index": at, "function": {"name": "f"}}]
        return event({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]})

    # One chunk, because the chunks of the transfer are not what is tested.
    with (
        Origin(answers=[chunked(b"".join(map(call, range(16_400))), DONE)]) as origin,
        pytest.raises(tw.LlmResponseTooLargeError, match="16384 tool calls"),
    ):
        list(client(origin).stream("q"))


@pytest.mark.parametrize("way", WAYS)
def test_run_makes_no_objects_of_what_it_does_not_return(sim: Any, way: str) -> None:
    lists = ",".join(["[]"] * 100_000)
    choice = f'{{"choices":[{{"index":0,MESSAGE:{{"x":[{lists}]}},"finish_reason":"stop"}}]}}'
    streamed = way == "streamed"
    body = choice.replace("MESSAGE", '"delta"' if streamed else '"message"')
    text = f"data: {body}\n\ndata: [DONE]\n\n" if streamed else body
    kind = "text/event-stream" if streamed else "application/json"
    sim.set_script({"default": {"replay": {"text": text, "headers": {"content-type": kind}}}})
    chat = tw.ChatClient("m", base_url=sim.base_url)
    tracemalloc.start()
    try:
        assert chat.run("q", stream=streamed) == ""
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The lists as Python objects take 6 MB.
    assert peak < MIB
