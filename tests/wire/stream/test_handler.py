"""`StreamingHandler`: each event reaches everyone once, in order. Leaving ends the stream."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import ChatClient, End, LlmConfigError, StreamingHandler, TextDelta
from tokenwire.streaming.terminal import Terminal

ROOT = Path(__file__).resolve().parents[3]
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
FULL = {
    "reply": {
        "reasoning": "Rayleigh.",
        "tokens": ["It", " is", " blue."],
        "tool_calls": [{"id": "call_1", "name": "look", "arguments": {"at": "sky"}}],
        "usage": USAGE,
    }
}
CALL = {"id": "call_1", "name": "look", "arguments": '{"at":"sky"}'}
CUT = {"reply": {"tokens": ["a", "b", "c"]}, "fault": {"kind": "reset", "at": {"events": 3}}}
PACED = {"pacing": {"per_token_us": 1000, "tokens": 2000}}


@pytest.fixture
def chat(sim):
    return ChatClient("m", base_url=sim.base_url, max_retries=0)


def script(sim, behaviour):
    sim.set_script({"default": behaviour})


def run(handler, chat, way):
    if way == "sync":
        return handler.run(chat.stream("hi"))

    async def read():
        return await handler.run_async(chat.stream_async("hi"))

    return asyncio.run(read())


def recording(received):
    names = ("on_text", "on_reasoning", "on_tool_call", "on_usage", "on_end", "on_error")

    def keep(name):
        return lambda value: received.append((name, value))

    return StreamingHandler(**{name: keep(name) for name in names})


def joined(received, name):
    return "".join(value for callback, value in received if callback == name)


both = pytest.mark.parametrize("way", ["sync", "async"])


# Callbacks


@both
def test_every_kind_of_event_reaches_its_callback_once_and_in_order(sim, chat, way):
    script(sim, FULL)
    received: list[Any] = []
    reply = run(recording(received), chat, way)
    order = list(dict.fromkeys(name for name, _ in received))
    assert order == ["on_reasoning", "on_text", "on_tool_call", "on_usage", "on_end"]
    assert joined(received, "on_text") == reply.text == "It is blue."
    assert joined(received, "on_reasoning") == "Rayleigh."
    rest = [value for name, value in received if name in {"on_tool_call", "on_usage", "on_end"}]
    assert [rest[0].to_dict(), rest[1], rest[2]] == [CALL, reply.usage, reply]
    assert reply.usage.total_tokens == 7


@both
def test_an_error_reaches_its_callback_with_the_partial_reply_and_is_raised(sim, chat, way):
    script(sim, CUT)
    received: list[Any] = []
    with pytest.raises(tw.LlmStreamInterruptedError) as caught:
        run(recording(received), chat, way)
    assert received == [("on_text", "a"), ("on_text", "b"), ("on_error", caught.value)]
    assert caught.value.partial
    assert caught.value.partial.text == "ab"


@both
def test_an_error_before_the_first_event_reaches_its_callback_too(sim, chat, way):
    script(sim, {"error": {"status": 401}})
    received: list[Any] = []
    with pytest.raises(tw.LlmAuthenticationError) as caught:
        run(recording(received), chat, way)
    assert received == [("on_error", caught.value)]


@both
def test_an_exception_of_a_callback_ends_the_stream(sim, chat, way):
    script(sim, PACED)

    def fail(_text):
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        run(StreamingHandler(on_text=fail), chat, way)
    sim.wait_for("client_closed", timeout=1)


def test_coroutine_functions_are_awaited_before_the_next_event(sim, chat):
    script(sim, FULL)
    received: list[Any] = []

    async def keep(text):
        received.append(("begin", text))
        await asyncio.sleep(0)
        received.append(("end", text))

    async def fail(error):
        await asyncio.sleep(0)
        received.append(error)

    run(StreamingHandler(on_text=keep), chat, "async")
    tokens = ["It", " is", " blue."]
    assert received == [(edge, text) for text in tokens for edge in ("begin", "end")]
    script(sim, CUT)
    with pytest.raises(tw.LlmStreamInterruptedError) as caught:
        run(StreamingHandler(on_error=fail), chat, "async")
    assert received[-1] is caught.value


def test_a_coroutine_function_in_sync_code_is_refused(sim, chat):
    async def keep(_text):
        raise AssertionError("never run")

    with pytest.raises(LlmConfigError, match="run_async"):
        run(StreamingHandler(on_text=keep), chat, "sync")


@both
def test_one_handler_reads_many_streams(sim, chat, way):
    texts = []
    handler = StreamingHandler(on_end=lambda reply: texts.append(reply.text))
    replies = [run(handler, chat, way) for _ in range(3)]
    assert texts == [reply.text for reply in replies]


@both
def test_an_added_consumer_gets_every_event(sim, chat, way):
    script(sim, FULL)
    events: list[Any] = []
    run(StreamingHandler().add(events.append), chat, way)
    assert events[-1] == End()
    assert [event.text for event in events if isinstance(event, TextDelta)] == [
        "It",
        " is",
        " blue.",
    ]


def test_cancelling_the_reader_closes_the_provider_s_stream(sim, chat):
    script(sim, PACED)

    async def leave():
        came = asyncio.Event()
        handler = StreamingHandler(on_text=lambda _text: came.set())
        task = asyncio.create_task(handler.run_async(chat.stream_async("hi")))
        await came.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(sim.wait_for, "client_closed", timeout=1)

    asyncio.run(leave())


# Several readers


async def texts_of(reader, pause=False):
    texts = []
    async for event in reader:
        if isinstance(event, TextDelta):
            texts.append(event.text)
        if pause:
            await asyncio.sleep(0)  # the others go first
    return texts


@pytest.mark.parametrize("buffer", [1, 64])
async def test_every_reader_gets_every_event_and_a_slow_one_loses_none(sim, chat, buffer):
    sim.set_script({"default": {"ledger": True, "pacing": {"tokens": 300}}})
    handler = StreamingHandler()
    async with handler.tee(chat.stream_async("hi"), 3, buffer=buffer) as readers:
        slow = [index == 2 for index in range(3)]
        read = await asyncio.gather(*map(texts_of, readers, slow))
    assert read[0] == read[1] == read[2]
    assert len(read[0]) == 300


async def test_a_reader_that_reads_nothing_stops_the_others_at_its_buffer(sim, chat):
    script(sim, {"pacing": {"tokens": 300}})
    read = []
    stopped = asyncio.Event()

    async def count(reader):
        async for event in reader:
            read.append(event)
            if len(read) == 5:
                stopped.set()

    async with StreamingHandler().tee(chat.stream_async("hi"), 2, buffer=5) as (fast, idle):
        task = asyncio.create_task(count(fast))
        await stopped.wait()
        # Everything was sent and the loop is free, but the buffer of the idle reader is full.
        await asyncio.to_thread(sim.wait_for, "finished")
        for _ in range(100):
            await asyncio.sleep(0)
        assert 5 <= len(read) <= 6
        idle.close()
        await asyncio.wait_for(task, 10)
    assert len([event for event in read if isinstance(event, TextDelta)]) == 300


async def test_the_stream_ends_when_all_readers_have_left(sim, chat):
    script(sim, PACED)
    async with StreamingHandler().tee(chat.stream_async("hi"), 2) as readers:
        for reader in readers:
            await anext(reader)
            reader.close()
        await asyncio.to_thread(sim.wait_for, "client_closed", timeout=1)
        assert [event async for event in readers[0]] == []


async def test_leaving_the_block_leaves_no_task_behind(sim, chat):
    script(sim, PACED)
    async with StreamingHandler().tee(chat.stream_async("hi"), 2) as readers:
        await anext(readers[0])
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [event async for event in readers[1]] == []


async def test_a_tee_can_be_entered_once(sim, chat):
    script(sim, {"reply": {"tokens": ["a"]}})
    tee = StreamingHandler().tee(chat.stream_async("hi"), 1)
    async with tee as (reader,):
        assert await texts_of(reader) == ["a"]
    with pytest.raises(LlmConfigError, match="entered before"):
        await tee.__aenter__()


async def test_leaving_the_block_ends_a_waiting_reader(sim, chat):
    script(sim, {"fault": {"kind": "stall", "at": {"events": 2}}})
    async with StreamingHandler().tee(chat.stream_async("hi"), 1) as (reader,):
        task = asyncio.create_task(texts_of(reader))
        await asyncio.to_thread(sim.wait_for, "fault")
    await asyncio.wait_for(task, 5)
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=1)


async def test_a_cut_reaches_every_reader_after_its_events(sim, chat):
    script(sim, CUT)

    async def read(reader):
        texts = []
        try:
            async for event in reader:
                texts.append(event.text)  # noqa: PERF401 (keeps what arrived before the error)
        except tw.LlmStreamInterruptedError:
            return texts
        raise AssertionError("the cut went unseen")

    async with StreamingHandler().tee(chat.stream_async("hi"), 2, buffer=1) as readers:
        assert await asyncio.gather(*map(read, readers)) == [["a", "b"], ["a", "b"]]


@pytest.mark.parametrize(("count", "buffer"), [(0, 1), (1, 0)])
def test_a_tee_needs_readers_and_a_buffer(chat, count, buffer):
    with pytest.raises(LlmConfigError, match="at least 1"):
        StreamingHandler().tee(chat.stream_async("hi"), count, buffer=buffer)


# For a web page


async def sse(chat, handler=None):
    return [piece async for piece in (handler or StreamingHandler()).sse(chat.stream_async("hi"))]


FIELDS = [
    {"type": "reasoning", "text": "Rayleigh."},
    {"type": "text", "text": "It"},
    {"type": "text", "text": " is"},
    {"type": "text", "text": " blue."},
    {"type": "tool_call", **CALL},
    {"type": "usage", **tw.Usage.from_dict(USAGE).to_dict()},
    {"type": "end", "finish_reason": "tool_calls"},
]


async def test_server_sent_events_contain_every_event_and_end_with_done(sim, chat):
    script(sim, FULL)
    pieces = await sse(chat)
    assert pieces.pop() == b"data: [DONE]\n\n"
    assert [json.loads(piece.removeprefix(b"data: ")) for piece in pieces] == FIELDS


async def test_a_refusal_is_a_separate_event(sim, chat):
    script(sim, {"reply": {"text": "", "refusal": "no"}})
    lines = [
        json.loads(line) async for line in StreamingHandler().json_lines(chat.stream_async("hi"))
    ]
    received = "".join(line["text"] for line in lines if line["type"] == "refusal")
    assert (received, lines[-1]["finish_reason"]) == ("no", "refusal")


async def test_json_lines_contain_every_event(sim, chat):
    script(sim, FULL)
    lines = [line async for line in StreamingHandler().json_lines(chat.stream_async("hi"))]
    assert [json.loads(line) for line in b"".join(lines).splitlines()] == FIELDS


HOSTILE = "a\r\n\r\nevent: error\ndata: [DONE]\n\nid: 1\rretry: 1\u2028\x00\x85\U0001f600"


async def test_text_cannot_inject_a_field(sim, chat):
    script(sim, {"reply": {"tokens": ["x", HOSTILE]}})
    for piece in await sse(chat):
        assert piece.startswith(b"data: ")
        assert piece.endswith(b"\n\n")
        assert set(piece[:-2]) & {10, 13} == set()
    hostile = [json.loads(piece[6:]) for piece in await sse(chat) if b"retry" in piece]
    assert hostile == [{"type": "text", "text": HOSTILE}]


async def test_a_failure_is_an_error_event_that_names_no_host_and_no_done_follows(sim, chat):
    script(sim, CUT)
    received: list[Any] = []
    pieces = await sse(chat, StreamingHandler(on_error=received.append))
    assert pieces[-1] == (
        b"event: error\ndata: "
        b'{"type":"error","error":"LlmStreamInterruptedError","retryable":%b}\n\n'
        % json.dumps(received[0].retryable).encode()
    )
    assert b"127.0.0.1" not in b"".join(pieces)
    assert b"[DONE]" not in b"".join(pieces)
    lines = [line async for line in StreamingHandler().json_lines(chat.stream_async("hi"))]
    assert json.loads(lines[-1])["error"] == "LlmStreamInterruptedError"


@pytest.mark.parametrize("form", ["sse", "json_lines"])
async def test_closing_the_generator_closes_the_provider_s_stream(sim, chat, form):
    script(sim, PACED)
    pieces = getattr(StreamingHandler(), form)(chat.stream_async("hi"))
    async with contextlib.aclosing(pieces):
        await anext(pieces)
    await asyncio.to_thread(sim.wait_for, "client_closed", timeout=1)


# On a terminal


class Tty(io.StringIO):
    def isatty(self):
        return True


@both
def test_a_file_gets_only_the_text(sim, chat, way):
    script(sim, FULL)
    file = io.StringIO()
    run(StreamingHandler().to_terminal(file), chat, way)
    assert file.getvalue() == "It is blue.\n"


def test_a_terminal_shows_progress_and_totals(sim, chat, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    script(sim, FULL)
    file = Tty()
    reply = run(StreamingHandler().to_terminal(file), chat, "sync")
    assert file.getvalue() == (
        "\r\x1b[2K[reasoning: 9 characters]\r\x1b[2KIt is blue.\n\r\x1b[2K[calls look]\r\x1b[2K"
        f"\x1b[2m[4 tokens, {reply.timing.total:.1f} s]\x1b[0m\n"
    )


def test_a_terminal_may_show_the_reasoning_dimmed(sim, chat, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    script(sim, {"reply": {"reasoning": "Ray leigh.", "tokens": ["It is", " blue."]}})
    file = Tty()
    terminal = Terminal(file, reasoning=True)
    with chat.stream("hi") as stream:
        for event in stream.events():
            if not isinstance(event, End):
                terminal.show(event, stream)
    terminal.end()
    assert file.getvalue() == "\x1b[2mRay leigh.\x1b[0m\n\nIt is blue.\n"


@pytest.mark.parametrize(
    ("text", "written"),
    [("a", "a\n\x1b[2mb\x1b[0m\n\n"), ("a\n", "a\n\x1b[2mb\x1b[0m\n\n")],
)
def test_reasoning_after_text_starts_a_line(chat, text, written, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    file = Tty()
    terminal = Terminal(file, reasoning=True)
    stream = chat.stream("hi")
    terminal.show(TextDelta(text), stream)
    terminal.show(tw.ReasoningDelta("b"), stream)
    terminal.end()
    assert file.getvalue() == written


@both
def test_a_stream_that_breaks_off_leaves_the_terminal_at_a_line_s_start(sim, chat, way):
    script(sim, CUT)
    file = io.StringIO()
    with pytest.raises(tw.LlmStreamingError):
        run(StreamingHandler().to_terminal(file), chat, way)
    assert file.getvalue() == "ab\n"


def test_a_model_s_control_characters_do_not_reach_a_terminal(sim, chat, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    script(sim, {"reply": {"tokens": ["a\x1b]0;title\x07\tb\r\n\x9b2J"]}})
    file = Tty()
    run(StreamingHandler().to_terminal(file), chat, "sync")
    assert file.getvalue().startswith("a]0;title\tb\n2J\n")


def test_the_example_runs():
    command = [sys.executable, str(ROOT / "examples" / "streaming_handler.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "35 words, 176 characters"


@pytest.mark.parametrize("name", ["text", "reasoning", "tool_call", "usage", "end", "error"])
def test_a_callback_must_be_callable(name):
    wrong: dict[str, Any] = {f"on_{name}": 5}
    with pytest.raises(LlmConfigError, match="callable"):
        StreamingHandler(**wrong)
    with pytest.raises(LlmConfigError, match=r"^add: "):
        StreamingHandler().add(wrong[f"on_{name}"])


async def test_a_stream_of_the_other_kind_is_refused_with_the_right_one(chat):
    handler = StreamingHandler()
    wrong: Any
    for wrong in (chat.stream_async("-"), None, 5):
        with pytest.raises(LlmConfigError, match=r"^run: give what stream\(\)"):
            handler.run(wrong)
    for wrong in (chat.stream("-"), None, 5):
        with pytest.raises(LlmConfigError, match=r"give what stream_async\(\)"):
            await handler.run_async(wrong)
    for wrong in (None, 0, 1.5, "2"):
        with pytest.raises(LlmConfigError, match=r"^tee: "):
            handler.tee(chat.stream_async("-"), wrong)
    with pytest.raises(LlmConfigError, match=r"^to_terminal: "):
        handler.to_terminal(wrong)


async def test_a_callback_that_is_cancelled_leaves_no_reader_waiting(chat):
    async def cancelled(_text):
        raise asyncio.CancelledError

    async def read(reader):
        async for _ in reader:
            pass

    handler = StreamingHandler(on_text=cancelled)
    async with handler.tee(chat.stream_async("-"), 2) as readers:
        tasks = [asyncio.create_task(read(reader)) for reader in readers]
        done, waiting = await asyncio.wait(tasks, timeout=5)
    assert not waiting
    assert all(task.cancelled() for task in done)
