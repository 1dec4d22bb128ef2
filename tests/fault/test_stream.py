"""F38 to F49: a stream that stalls, pings, is split oddly, contains an error, or does not end."""

from __future__ import annotations

import asyncio
import resource
import time
from typing import Any

import pytest
from tests.fault.scenes import (
    READERS,
    TEXT,
    TOKENS,
    always,
    chat,
    completion,
    stalled,
    until,
)

from tokenwire import (
    Limits,
    LlmContentTimeoutError,
    LlmError,
    LlmEventTooLargeError,
    LlmResponseTooLargeError,
    LlmServerError,
    LlmStallTimeoutError,
    LlmStreamServerError,
    LlmUnexpectedContentError,
    RetryPolicy,
    Timeout,
)

SOON = RetryPolicy(max_retries=2, first=0.01)


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


@pytest.fixture(params=[chat, completion])
def make(request):
    return request.param


def texts(chunks):
    return [chunk.text for chunk in chunks if chunk.text]


def test_f38_silence_ends_at_its_limit_and_closes_the_connection(sim, make, read):
    sim.set_script(stalled(4))
    began = time.monotonic()
    chunks, error, _ = read(make(sim, timeout=Timeout(idle=0.2), retry=SOON))
    assert 0.2 <= time.monotonic() - began < 0.7
    assert type(error) is LlmStallTimeoutError
    assert error.partial is not None
    assert error.partial.text == "".join(texts(chunks))
    assert (texts(chunks), sim.count("request")) == (TOKENS[: len(texts(chunks))], 1)
    sim.wait_for("client_closed", timeout=1)


PINGS = {
    "comments": None,
    "a comment line": ": ping\n",
    "empty lines": "\n\n",
    "a name without data": "event: ping\n\n",
    "empty deltas": 'data: {"choices":[{"index":0,"delta":{}}]}\n\n',
}


@pytest.mark.parametrize("ping", PINGS)
def test_f39_bytes_without_content_end_at_the_same_limit(sim, read, ping):
    fault = {"kind": "comments", "at": {"events": 3}, "interval_ms": 20, "text": PINGS[ping]}
    sim.set_script(always(fault=fault))
    began = time.monotonic()
    chunks, error, _ = read(chat(sim, timeout=Timeout(idle=0.3)))
    assert 0.3 <= time.monotonic() - began < 0.9
    assert (type(error), texts(chunks)) == (LlmContentTimeoutError, TOKENS[:2])
    assert error.partial.text == "One two"
    sim.wait_for("client_closed", timeout=1)


@pytest.mark.parametrize("ping", PINGS)
def test_f39_bytes_before_the_first_content_end_at_its_limit(sim, read, ping):
    fault = {"kind": "comments", "at": {"events": 1}, "interval_ms": 20, "text": PINGS[ping]}
    sim.set_script(always(fault=fault))
    _, error, _ = read(chat(sim, timeout=Timeout(first_token=0.3, idle=9)))
    assert (type(error), "`first_token`" in str(error)) == (LlmContentTimeoutError, True)


@pytest.mark.parametrize("ping", ["comments", "empty deltas"])
def test_f39_pings_of_a_healthy_stream_disturb_nothing(sim, read, ping):
    text = PINGS[ping]
    fault = {"kind": "comments", "at": {"events": 3}, "interval_ms": 5, "count": 20, "text": text}
    sim.set_script(always(fault=fault))
    chunks, error, response = read(chat(sim, timeout=Timeout(idle=1)))
    assert (error, texts(chunks), response.text) == (None, TOKENS, TEXT)


CHUNKINGS = [{"bytes": 1}, {"bytes": 2}, {"bytes": 7}, *({"random": seed} for seed in range(10))]
ODD = "One 日本語 🦀 zwei\u2028drei\r\nvier"
NEWLINES = ["\n", "\r\n", "\r"]


def event_stream(newline: str) -> str:
    pieces = [ODD[at : at + 3] for at in range(0, len(ODD), 3)]
    import json

    events = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": piece}}]}
        for piece in pieces
    ]
    events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}{newline}{newline}" for event in events]
    return "".join(lines) + f"data: [DONE]{newline}{newline}"


@pytest.mark.parametrize("newline", NEWLINES)
@pytest.mark.parametrize("chunking", CHUNKINGS, ids=str)
def test_f42_b16_a_split_never_changes_the_events(sim, read, newline, chunking):
    sim.set_script({"default": {"replay": {"text": event_stream(newline), "chunking": chunking}}})
    chunks, error, response = read(chat(sim))
    assert (error, "".join(texts(chunks)), response.text) == (None, ODD, ODD)
    assert len(texts(chunks)) == (len(ODD) + 2) // 3


def test_f42_every_cut_into_two_gives_the_same_text(sim):
    body = event_stream("\r\n").encode()
    client = chat(sim)

    async def cut(at):
        return await client.run_async(f"cut {at}.", stream=True)

    async def cuts(first, last):
        return await asyncio.gather(*(cut(at) for at in range(first, last)))

    for first in range(1, len(body), 100):
        last = min(first + 100, len(body))
        rules = [
            {
                "match": {"body": f"cut {at}."},
                "then": {"replay": {"text": body.decode(), "chunking": {"cuts": [at]}}},
            }
            for at in range(first, last)
        ]
        sim.set_script({"rules": rules})
        assert set(asyncio.run(cuts(first, last))) == {ODD}


def test_f42_one_byte_segments_cost_linear_time(sim):
    """A megabyte of single bytes: a reader of quadratic complexity would need minutes."""
    line = 'data: {"choices":[{"index":0,"delta":{"content":"' + "x" * 200_000 + '"}}]}\n\n'
    end = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    sim.set_script({"default": {"replay": {"text": line + end, "chunking": {"bytes": 16}}}})
    began = time.monotonic()
    assert chat(sim).run("hi", stream=True) == "x" * 200_000
    assert time.monotonic() - began < 10


ERROR = {"error": {"message": "overloaded", "type": "server_error", "code": "busy"}}


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("done", [False, True])
def test_f43_an_error_event_in_the_middle_is_raised_with_what_came(sim, make, read, named, done):
    fault = {"kind": "error_event", "at": {"events": 4}, "named": named, "done": done}
    sim.set_script(always(fault={**fault, "body": ERROR}))
    chunks, error, _ = read(make(sim, retry=SOON))
    assert type(error) is LlmStreamServerError
    assert error.partial is not None
    assert (error.code, error.type, "overloaded" in str(error)) == ("busy", "server_error", True)
    assert error.partial.text == "".join(texts(chunks))
    assert (len(chunks), sim.count("request")) == (4, 1)


@pytest.mark.parametrize("named", [False, True])
def test_f43_an_error_as_the_first_event_is_retried(sim, make, read, named):
    fault = {"kind": "error_event", "named": named, "body": ERROR}
    sim.set_script(always(fault=fault))
    chunks, error, _ = read(make(sim, retry=SOON))
    assert isinstance(error, LlmServerError)
    assert (chunks, error.code, sim.count("request")) == ([], "busy", 3)
    sim.reset()
    sim.set_script({**always(), "rules": [{"times": 2, "then": {"fault": fault}}]})
    _, error, response = read(make(sim, retry=SOON))
    assert (error, response.text) == (None, TEXT)


BODIES = {
    "a page": ({"fault": {"kind": "html"}}, LlmUnexpectedContentError, 2),
    "an empty body": ({"replay": {"text": ""}}, LlmUnexpectedContentError, 2),
    "an error as JSON": ({"replay": {"text": '{"error":{"message":"no"}}'}}, LlmError, None),
    "an array": ({"replay": {"text": "[1, 2]"}}, LlmError, None),
    "a word": ({"replay": {"text": "busy"}}, LlmError, None),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("whole", [False, True])
def test_f44_a_good_status_with_another_body_is_an_error(sim, make, name, whole):
    behaviour, kind, requests = BODIES[name]
    sim.set_script({"default": behaviour})
    with pytest.raises(kind) as caught:
        make(sim, retry=SOON).run("hi", stream=not whole)
    assert isinstance(caught.value, LlmError)
    assert "\n" not in str(caught.value)
    assert requests is None or sim.count("request") == requests


def test_f44_a_server_that_does_not_stream_is_read_all_the_same(sim, make, read):
    sim.set_script(always())
    whole = make(sim).complete("hi").raw.decode()
    sim.set_script({"default": {"replay": {"text": whole}}})
    _, error, response = read(make(sim))
    assert (error, response.text, response.finish_reason) == (None, TEXT, "stop")


@pytest.mark.linux
def test_f45_a_slow_reader_holds_the_server_back_and_loses_nothing(sim):
    tokens = 60_000
    sim.set_script({"default": {"ledger": True, "pacing": {"tokens": tokens}}})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async def read():
        client = chat(sim, limits=Limits(buffer_bytes=64 << 10), timeout=Timeout(idle=0.2))
        async with client.stream_async("hi") as stream:
            steps = stream.text_stream
            first = await anext(steps)
            # Longer than the silence limit. A slow reader does not count as a slow server.
            await asyncio.sleep(0.5)
            held = sim.count("events_sent")
            return held, "".join([first, *[piece async for piece in steps]])

    held, text = asyncio.run(read())
    numbers = [int(token.split(":")[1]) for token in text.split()]
    assert held < tokens
    assert numbers == list(range(numbers[0], numbers[0] + tokens))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 200_000


def test_f45_time_that_a_sync_reader_spends_elsewhere_is_not_silence(sim):
    sim.set_script(always(pacing={"per_token_us": 10_000}))
    pieces = []
    with chat(sim, timeout=Timeout(first_token=0.2, idle=0.2)).stream("hi") as stream:
        for piece in stream.text_stream:
            pieces.append(piece)
            if len(pieces) == 2:
                assert not until(lambda: False, 0.4)
    assert pieces == TOKENS


def test_f47_events_behind_done_are_not_read(sim, make, read):
    sim.set_script(always(fault={"kind": "after_done", "events": 5}))
    chunks, error, response = read(make(sim))
    assert (error, texts(chunks), response.text) == (None, TOKENS, TEXT)


def test_f47_usage_behind_the_finish_is_kept(sim, make, read):
    sim.set_script(always())
    _, _, response = read(make(sim))
    assert (response.usage.completion_tokens, response.finish_reason) == (8, "stop")


def test_f47_a_second_finish_changes_nothing(sim, read):
    event = 'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    empty = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    sim.set_script({"default": {"replay": {"text": event + empty + "data: [DONE]\n\n"}}})
    _, error, response = read(chat(sim))
    assert (error, response.text, response.finish_reason) == (None, "a", "stop")


ENDLESS: dict[str, dict[str, Any]] = {
    "one line": {"text": None},
    "data lines": {"text": "data: x\n"},
}


@pytest.mark.parametrize("name", ENDLESS)
@pytest.mark.parametrize("place", ["after_head", {"events": 3}])
def test_b19_an_event_over_its_cap_ends_the_stream(sim, read, name, place):
    fault: dict[str, Any] = {"kind": "endless", "at": place, **ENDLESS[name]}
    if name == "one line" and place == "after_head":
        fault["text"] = "data: " + "x" * 10_000
    sim.set_script(always(fault=fault))
    chunks, error, _ = read(chat(sim, limits=Limits(max_event_bytes=1 << 20)))
    assert type(error) is LlmEventTooLargeError
    assert len(chunks) == (0 if place == "after_head" else 3)
    sim.wait_for("client_closed", timeout=2)


@pytest.mark.linux
@pytest.mark.parametrize("how", ["sync", "async", "document"])
def test_f49_a_reply_over_its_cap_is_refused_in_bounded_memory(sim, how):
    sim.set_script(
        {
            "default": {
                "replay": {"text": '{"a":"', "headers": {"content-type": "application/json"}},
                "framing": "chunked",
                "fault": {"kind": "endless", "at": "end"},
            }
        }
    )
    client = chat(sim, limits=Limits(max_reply_bytes=4 << 20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LlmResponseTooLargeError):
        if how == "async":
            asyncio.run(client.run_async("hi"))
        else:
            client.run("hi", stream=how == "document")
    sim.wait_for("client_closed", timeout=2)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
