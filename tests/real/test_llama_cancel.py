"""A real server stops computing when its caller leaves: its own log says `cancel task`."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys

import pytest

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLAMA_ADDRESS" not in os.environ,
        reason="no llama-server: `make test-real` installs and starts one",
    ),
]

# About 20 s of work, if nothing stops it.
LONG = {"max_tokens": 1500, "extra_body": {"ignore_eos": True}}


def started(llama_log):
    """The number of the next task that the server starts."""
    return llama_log.wait_for(r"launch_slot_: .*task (\d+) \| processing task")[1]


def cancelled(llama_log):
    """The number of the next task that the server cancels."""
    return llama_log.wait_for(r"cancel task, id_task = (\d+)")[1]


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_leaving_the_loop_and_the_with_block(llama, llama_log, kind):
    with getattr(llama, kind)(**LONG).stream("Count to a thousand.") as stream:
        for _ in stream.text_stream:
            break
    assert started(llama_log) == cancelled(llama_log)


def test_closing_a_stream(llama, llama_log):
    stream = llama.chat(**LONG).stream("Count to a thousand.")
    next(stream)
    stream.close()
    assert started(llama_log) == cancelled(llama_log)
    assert stream.response.text


def test_dropping_a_stream(llama, llama_log):
    stream = llama.chat(**LONG).stream("Count to a thousand.")
    next(stream)
    del stream
    gc.collect()
    assert started(llama_log) == cancelled(llama_log)


async def test_aclose(llama, llama_log):
    stream = llama.chat(**LONG).stream_async("Count to a thousand.")
    await anext(aiter(stream))
    await stream.aclose()
    assert started(llama_log) == cancelled(llama_log)


async def test_cancelling_the_task_that_reads_a_stream(llama, llama_log):
    first = asyncio.Event()

    async def read():
        async with llama.chat(**LONG).stream_async("Count to a thousand.") as stream:
            async for _ in stream.text_stream:
                first.set()

    task = asyncio.create_task(read())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert started(llama_log) == cancelled(llama_log)


async def test_cancelling_the_task_that_waits_for_a_whole_reply(llama, llama_log):
    task = asyncio.create_task(llama.chat(**LONG).complete_async("Count to a thousand."))
    number = await asyncio.to_thread(started, llama_log)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(cancelled, llama_log) == number


def test_a_total_limit_on_a_whole_reply(llama, llama_log):
    with pytest.raises(tw.LlmDeadlineExceededError):
        llama.chat(**LONG).complete("Count to a thousand.", timeout=0.5)
    assert started(llama_log) == cancelled(llama_log)


def test_leaving_a_map(llama, llama_log):
    for row in llama.chat().map([1, 2, 3], concurrency=3):
        assert isinstance(row.error, tw.LlmConfigError)
    chat = llama.chat(extra_body={"ignore_eos": True})
    # The first is short. Two long ones are running when the loop is left.
    prompts = [tw.LlmRequest(prompt="Count.", max_tokens=length) for length in (1, 1500, 1500)]
    for row in chat.map(prompts, concurrency=3):
        assert row.response.usage.completion_tokens == 1
        break
    begun = {started(llama_log) for _ in range(3)}
    ended = {cancelled(llama_log) for _ in range(2)}
    assert len(ended) == 2
    assert ended < begun


def ctrl_c(llama, code):
    """Run code in a new process. It prints a line, then receives SIGINT."""
    settings = f"base_url={llama.address!r}, api_key={llama.credential!r}, max_tokens=1500"
    source = (
        "import sys, tokenwire as tw\n"
        f"chat = tw.ChatClient('llamacpp:m', {settings}, extra_body={{'ignore_eos': True}})\n"
        f"{code}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_ctrl_c_in_a_sync_stream(llama, llama_log):
    code = "with chat.stream('Count.') as s:\n for _ in s.text_stream: print('on', flush=True)\n"
    with ctrl_c(llama, code) as process:
        assert process.stdout.readline() == "on\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().splitlines()[-1] == "KeyboardInterrupt"
    assert started(llama_log) == cancelled(llama_log)


def test_ctrl_c_in_a_sync_call_that_waits_for_a_whole_reply(llama, llama_log):
    code = "chat.complete('Count.')\n"
    with ctrl_c(llama, code) as process:
        number = started(llama_log)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().splitlines()[-1] == "KeyboardInterrupt"
    assert cancelled(llama_log) == number


def test_ctrl_c_in_the_command(llama, llama_log):
    command = [sys.executable, "-m", "tokenwire", "run", "-m", "llamacpp:m"]
    command += ["--base-url", llama.address, "--key-env", "LLAMA_TEST_WORD", "--max-tokens", "1500"]
    environment = {**os.environ, "LLAMA_TEST_WORD": llama.credential}
    with subprocess.Popen(
        [*command, "Write a very long story."], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
    assert process.returncode == 130
    assert started(llama_log) == cancelled(llama_log)
