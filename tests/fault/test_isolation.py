"""No bytes that a server can send delay other calls of the process, or its limits.

`hostile.py` lists what is sent, from a process of its own. The bounds are wide, for slow machines
and debug builds: what they are about does not end at all. `benches/isolation.py` measures.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fault.hostile import KINDS, MIB, WIDTHS, hostile_server
from tests.fault.scenes import CtrlC, until

import tokenwire as tw

SMALL_STACK = Path(__file__).parent / "programs" / "small_stack.py"
WIDE = 30.0
# What makes the client work for as long as it is read.
FLOODS = ["comments", "empty choices", "1-byte chunks", "64 KiB events of calls"]


@pytest.fixture(scope="module")
def hostile():
    """The base URL of each kind."""
    with hostile_server() as url_of:
        yield url_of


@pytest.fixture(scope="module")
def good():
    """The same for the kinds that do no harm, from another process."""
    with hostile_server() as url_of:
        yield url_of
        # Calls that were cancelled may still be in line where a flood kept the thread busy.
        asyncio.run(chat(url_of("large reply"), "general").run_async("q"))


def chat(url, transport=None, **limits):
    timeout = tw.Timeout(**({"total": 600.0} | limits))
    return tw.ChatClient("m", base_url=url, transport=transport, timeout=timeout, max_retries=0)


async def ends(work):
    """Return how an awaitable ends: its result or its error."""
    return (await asyncio.wait_for(asyncio.gather(work, return_exceptions=True), WIDE))[0]


async def attack(url, transport=None):
    """Read a hostile stream again and again."""
    client = chat(url, transport)
    while True:
        try:
            await client.run_async("q", stream=True)
        except tw.LlmError:
            await asyncio.sleep(0)


delaying = pytest.mark.only_over("direct", "a server that attacks by sending without a pause")
FRAMING = ["zeros in a chunk's size", "blanks in a chunk's size", "interim heads"]


async def others_go_on_beside(url, good, attacking=None, transport=None, own=None):
    """Attack by one transport, and make calls by another. Return how the call `own` ends."""
    attackers = [asyncio.create_task(attack(url, attacking)) for _ in range(2)]
    async with chat(good("healthy"), transport).stream_async("q") as healthy:
        innocent = await ends(chat(good("stalled"), transport, total=0.3).run_async("q"))
        own = own and await ends(own)
        began = time.monotonic()
        while float((await ends(anext(healthy))).text or 0) < began:
            pass
    for attacker in attackers:
        attacker.cancel()
    await asyncio.wait(attackers, timeout=WIDE)
    assert all(attacker.cancelled() for attacker in attackers)
    assert isinstance(innocent, tw.LlmTimeoutError)
    return own


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=delaying if kind in FRAMING else ()) for kind in KINDS]
)
async def test_other_calls_and_limits_go_on_beside(kind, hostile, good):
    url = hostile(kind)
    limited = chat(url, total=0.3).run_async("q", stream=True)
    own = await others_go_on_beside(url, good, own=limited)
    # A reply that ends may have ended before its limit.
    assert own is None or isinstance(own, (str, tw.LlmError))


@pytest.mark.chooses_transport
@pytest.mark.parametrize("kind", FRAMING)
async def test_direct_calls_go_on_beside_what_attacks_the_general_transport(kind, hostile, good):
    await others_go_on_beside(hostile(kind), good, attacking="general", transport="direct")


@pytest.mark.parametrize("kind", FLOODS)
def test_the_limit_of_a_sync_call_holds(kind, hostile):
    began = time.monotonic()
    with pytest.raises(tw.LlmTimeoutError):
        chat(hostile(kind), total=0.3).run("q", stream=True)
    assert time.monotonic() - began < WIDE


@pytest.mark.parametrize("kind", [*FLOODS, "event of members, 8 MiB", "whole blocks, 16 MiB"])
def test_ctrl_c_ends_a_sync_call(kind, hostile):
    client = chat(hostile(kind))
    # The call has begun to read when this process has worked for a while.
    enough = time.process_time() + 0.2

    def call():
        while True:
            with suppress(tw.LlmError):
                client.run("q", stream=True)

    with CtrlC(lambda: until(lambda: time.process_time() > enough, WIDE)) as ctrl_c:
        with pytest.raises(KeyboardInterrupt):
            call()
    assert ctrl_c.late < WIDE / 2


@pytest.mark.parametrize("limit", ["first_token", "idle"])
@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("kind", ["empty choices", "empty deltas", "usage", "comments"])
def test_events_without_content_do_not_postpone_a_limit(kind, is_async, limit, hostile):
    limits = {"first_token": WIDE, "idle": WIDE, limit: 0.3}
    url = hostile(f"{kind} after a word" if limit == "idle" else kind)
    client = chat(url, **limits)
    began = time.monotonic()
    with pytest.raises(tw.LlmTimeoutError, match=limit):
        if is_async:
            asyncio.run(client.run_async("q", stream=True))
        else:
            client.run("q", stream=True)
    assert time.monotonic() - began < WIDE / 2


async def test_a_reader_of_a_stream_that_never_pauses_leaves_the_loop_its_turns(hostile):
    turns = 0

    async def count():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counter = asyncio.create_task(count())
    for way in ("text_stream", "batches", "events", "chunks"):
        turns, began = 0, time.monotonic()
        async with chat(hostile("content")).stream_async("q") as stream:
            items = {"text_stream": stream.text_stream, "batches": stream.batches()}
            items |= {"events": stream.events(), "chunks": stream}
            async for _ in items[way]:
                if time.monotonic() - began > 0.3:
                    break
        # A turn of a reader is 1 ms.
        assert turns > 5, way
    counter.cancel()


async def test_a_task_is_cancelled_while_it_reads_what_has_no_text(hostile):
    async def read():
        async with chat(hostile("empty deltas")).stream_async("q") as stream:
            async for _ in stream.text_stream:
                pass

    task = asyncio.create_task(read())
    # The loop has a turn, and the task reads.
    await asyncio.wait([task], timeout=0.2)
    task.cancel()
    await asyncio.wait([task], timeout=WIDE)
    assert task.cancelled()


async def test_a_large_event_is_read_whole(good):
    reply = await chat(good("large event")).run_async("q", stream=True)
    assert reply == "é" * ((2 << 20) // 6)


async def test_a_large_whole_reply_is_read_whole_and_as_a_stream(good):
    client = chat(good("large reply"))
    assert len(await client.run_async("q")) == 2 << 20
    assert len(await client.run_async("q", stream=True)) == 2 << 20


@pytest.mark.parametrize("width", range(len(WIDTHS)))
async def test_a_large_text_is_whole_however_it_is_read(width, good):
    text = WIDTHS[width] * MIB
    client = chat(good(f"large text {width}"))
    assert await client.run_async("q") == text
    assert (await client.complete_async("q")).text == text
    assert client.run("q") == text
    async with client.stream_async("q") as stream:
        pieces = [piece async for piece in stream.text_stream]
    assert "".join(pieces) == stream.response.text == text
    # No step of the loop makes a large one.
    assert max(len(piece.encode()) for piece in pieces) <= 256 << 10
    async with client.stream_async("q") as stream:
        chunks = [chunk async for chunk in stream]
    assert "".join(chunk.text for chunk in chunks) == text
    assert [chunk.finish_reason for chunk in chunks][-1] == "stop"
    assert not any(chunk.finish_reason for chunk in chunks[:-1])


async def test_a_task_is_cancelled_while_its_large_text_is_made(good):
    client = chat(good("large reply"))
    for turns in range(40):
        task = asyncio.create_task(client.run_async("q", stream=turns % 2 == 1))
        for _ in range(turns):
            await asyncio.wait([task], timeout=0.002)
        task.cancel()
        await asyncio.wait([task], timeout=WIDE)
        assert task.cancelled() or len(task.result()) == 2 << 20
    assert len(await client.run_async("q")) == 2 << 20


def test_work_of_its_own_threads_ends_with_the_process(hostile):
    program = (
        "import asyncio, sys, tokenwire as tw\n"
        "chat = tw.ChatClient('m', base_url=sys.argv[1], timeout=0.2, max_retries=0)\n"
        "for _ in range(3):\n"
        "    try: asyncio.run(chat.run_async('q', stream=True))\n"
        "    except tw.LlmError: pass\n"
    )
    url = hostile("event of calls, 8 MiB")
    command = [sys.executable, "-W", "error", "-c", program, url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=2 * WIDE, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.linux
@pytest.mark.parametrize("kib", [64, 96, 128, 256])
def test_a_sync_call_works_on_a_thread_with_a_small_stack(kib, sim):
    command = [sys.executable, "-W", "error", str(SMALL_STACK), sim.base_url, str(kib)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WIDE, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.split() == ["whole", "streamed", "left", "LlmConnectError"]


def test_a_usual_thread_gets_no_other_thread(sim):
    names: list[str] = []

    def call():
        with chat(sim.base_url).stream("q") as stream:
            for _ in stream:
                names.extend(Path(f"/proc/self/task/{task}/comm").read_text() for task in tasks())

    def tasks():
        return [path.name for path in Path("/proc/self/task").iterdir()]

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert names
    assert "tokenwire-call\n" not in names
