"""F34 to F38: a cut stream raises an error, keeps the partial reply, and never looks complete."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.fault.scenes import (
    READERS,
    TEXT,
    always,
    chat,
    completion,
)

from tokenwire import (
    LlmConnectionLostError,
    LlmContentTimeoutError,
    LlmProtocolError,
    LlmStallTimeoutError,
    LlmStreamIncompleteError,
    LlmStreamInterruptedError,
    LlmUnexpectedContentError,
    RetryPolicy,
    Timeout,
)

# Events of a complete stream before `[DONE]`, by API: role (chat only), 8 tokens, finish, usage.
PLACES = [1, 2, 5, "finish", "last"]
SOON = RetryPolicy(max_retries=2, first=0.02)
ONCE = RetryPolicy(max_retries=1, first=0.02)
SHORT = Timeout(first_token=0.15, idle=0.15)

CUTS: dict[str, Any] = {
    "fin": lambda at: {"fault": {"kind": "close", "at": {"events": at}}},
    "rst": lambda at: {"fault": {"kind": "reset", "at": {"events": at}}},
    "bad chunk": lambda at: {"fault": {"kind": "bad_chunk_size", "at": {"events": at}}},
    "garbage": lambda at: {"fault": {"kind": "garbage", "at": {"events": at}, "raw": True}},
    "silence": lambda at: {"fault": {"kind": "stall", "at": {"events": at}}},
}


@pytest.fixture(params=[chat, completion])
def make(request):
    return request.param


@pytest.fixture(params=READERS)
def read(request):
    return READERS[request.param]


@pytest.fixture
def whole(sim, make):
    """The chunks of the complete stream."""
    sim.set_script(always())
    chunks, error, _ = READERS["sync"](make(sim))
    assert error is None
    return chunks


def place_of(place, whole):
    if place == "finish":
        return next(n for n, chunk in enumerate(whole, 1) if chunk.finish_reason)
    return len(whole) if place == "last" else place


def text_of(chunks):
    return "".join(chunk.text for chunk in chunks)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("cut", CUTS)
def test_f34_a_cut_stream_delivers_what_came_and_raises(sim, make, read, whole, cut, place):
    at = place_of(place, whole)
    sim.reset()
    sim.set_script(always(**CUTS[cut](at)))
    chunks, error, response = read(make(sim, timeout=SHORT, max_retries=2))
    assert chunks == whole[:at]
    if cut != "silence":
        assert type(error) is LlmStreamInterruptedError
    elif text_of(chunks):
        assert type(error) is LlmStallTimeoutError
    else:
        assert type(error) is LlmContentTimeoutError
    finish = next((chunk.finish_reason for chunk in chunks if chunk.finish_reason), None)
    assert (response.text, response.finish_reason) == (text_of(chunks), finish)
    # Nothing has arrived before the first content: a role is not content.
    assert error.partial == (response if text_of(chunks) else None)
    assert (error.phase, error.retryable, len(error.attempts)) == ("body", True, 1)
    assert (sim.count("request"), "\n" in str(error)) == (1, False)


@pytest.mark.parametrize("place", PLACES)
def test_f35_a_clean_end_without_a_terminal_mark_raises(sim, make, read, whole, place):
    at = place_of(place, whole)
    events = [f"data: {chunk.raw.decode()}\n\n" for chunk in whole[:at]]
    sim.reset()
    sim.set_script({"default": {"replay": {"text": "".join(events)}}})
    chunks, error, response = read(make(sim, max_retries=2))
    assert chunks == whole[:at]
    if any(chunk.finish_reason for chunk in chunks):
        assert (error, response.text, response.finish_reason) == (None, TEXT, "stop")
        return
    assert type(error) is LlmStreamIncompleteError
    assert "choice 0 had not finished" in str(error)
    assert response.text == text_of(chunks)
    assert error.partial == (response if text_of(chunks) else None)
    assert sim.count("request") == 1


def test_f35_a_clean_end_inside_an_event_raises(sim, make, read, whole):
    events = "".join(f"data: {chunk.raw.decode()}\n\n" for chunk in whole[:4])
    sim.set_script({"default": {"replay": {"text": events + 'data: {"choices":[{"ind'}}})
    chunks, error, _ = read(make(sim))
    assert (chunks, type(error)) == (whole[:4], LlmStreamIncompleteError)
    assert error.partial.text == text_of(chunks)


def test_f35_done_without_any_choice_is_no_success(sim, make, read):
    sim.set_script({"default": {"replay": {"text": "data: [DONE]\n\n"}}})
    chunks, error, _ = read(make(sim))
    assert (chunks, type(error), error.partial) == ([], LlmUnexpectedContentError, None)


def test_f35_done_ends_a_stream_whose_choice_never_finished(sim, make, read, whole):
    """`[DONE]` means that the reply is complete: some servers send no finish reason."""
    events = "".join(f"data: {chunk.raw.decode()}\n\n" for chunk in whole[:4])
    sim.set_script({"default": {"replay": {"text": events + "data: [DONE]\n\n"}}})
    chunks, error, response = read(make(sim))
    assert (chunks, error, response.finish_reason) == (whole[:4], None, None)


def test_b25_the_choice_that_never_finished_is_named(sim, read):
    def event(index, finish):
        reason = f'"{finish}"' if finish else "null"
        return (
            f'data: {{"id":"c","model":"m","choices":[{{"index":{index},'
            f'"delta":{{"content":"x"}},"finish_reason":{reason}}}]}}\n\n'
        )

    body = event(0, None) + event(1, None) + event(2, "stop") + event(0, "stop")
    sim.set_script({"default": {"replay": {"text": body}}})
    chunks, error, _ = read(chat(sim), n=3)
    assert len(chunks) == 4
    assert (type(error), "choice 1 had not finished" in str(error)) == (
        LlmStreamIncompleteError,
        True,
    )
    assert [choice.finish_reason for choice in error.partial.choices] == ["stop", None, "stop"]


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_f34_a_body_without_its_end_is_no_success_even_after_the_finish(
    sim, make, read, whole, framing
):
    fault = {"kind": "no_terminator"} if framing == "chunked" else {"kind": "short_length"}
    body = "".join(f"data: {chunk.raw.decode()}\n\n" for chunk in whole)
    sim.set_script({"default": {"replay": {"text": body}, "framing": framing, "fault": fault}})
    chunks, error, _ = read(make(sim))
    assert (chunks, type(error)) == (whole, LlmStreamInterruptedError)
    assert (error.partial.text, error.partial.finish_reason) == (TEXT, "stop")


@pytest.mark.parametrize(
    "fault", [{"kind": "no_terminator"}, {"kind": "trailing_bytes", "text": "x"}]
)
def test_f47_what_is_wrong_behind_done_does_not_matter(sim, make, read, whole, fault):
    sim.set_script(always(fault=fault))
    chunks, error, response = read(make(sim))
    assert (chunks, error, response.text) == (whole, None, TEXT)


def test_f36_a_body_that_ends_with_its_connection_is_whole_by_its_mark(sim, make, read, whole):
    sim.set_script(always(framing="close"))
    assert read(make(sim))[:2] == (whole, None)
    sim.set_script(always(framing="close", fault={"kind": "close", "at": {"events": 5}}))
    chunks, error, _ = read(make(sim))
    assert (chunks, type(error)) == (whole[:5], LlmStreamIncompleteError)


BEFORE_THE_FIRST_EVENT = {
    "fin before the head": {"kind": "close", "at": "before_head"},
    "rst before the head": {"kind": "reset", "at": "before_head"},
    "fin after the head": {"kind": "close", "at": "after_head"},
    "rst after the head": {"kind": "reset", "at": "after_head"},
    "half an event": {"kind": "close", "at": {"bytes": 20}},
    "bad chunk": {"kind": "bad_chunk_size", "at": "after_head"},
    "error event": {"kind": "error_event", "at": "after_head"},
    "empty body": None,
}


@pytest.mark.parametrize("name", BEFORE_THE_FIRST_EVENT)
def test_f37_a_cut_before_the_first_event_is_retried(sim, make, read, whole, name):
    fault = BEFORE_THE_FIRST_EVENT[name]
    then = {"fault": fault} if fault else {"replay": {"text": ""}}
    sim.reset()
    sim.set_script({**always(), "rules": [{"times": 1, "then": then}]})
    chunks, error, response = read(make(sim, retry=SOON))
    assert (chunks, error, response.text) == (whole, None, TEXT)
    assert (sim.count("request"), len(response.attempts)) == (2, 2)
    first, second = response.attempts
    assert (first.error is not None, second.error) == (True, None)
    # A lost idle connection is replaced at once. Every other retry waits.
    lost_idle = first.error == "connection_lost" and not first.slept
    assert lost_idle or 0.01 < first.slept <= 0.02


def test_f37_two_cuts_before_the_first_event_are_retried(sim, read):
    fault = {"kind": "reset", "at": "after_head"}
    sim.set_script({**always(), "rules": [{"times": 2, "then": {"fault": fault}}]})
    _, error, response = read(chat(sim, retry=SOON))
    assert (error, response.text, sim.count("request")) == (None, TEXT, 3)


@pytest.mark.parametrize("name", ["fin after the head", "rst after the head", "bad chunk"])
def test_f37_a_stream_that_never_begins_is_interrupted(sim, make, read, name):
    sim.set_script(always(fault=BEFORE_THE_FIRST_EVENT[name]))
    chunks, error, _ = read(make(sim, retry=ONCE))
    assert (chunks, type(error), error.partial) == ([], LlmStreamInterruptedError, None)
    assert (sim.count("request"), len(error.attempts)) == (2, 2)


def test_f37_an_empty_body_says_so(sim, make, read):
    replay = {"text": "", "headers": {"content-type": "text/event-stream"}}
    sim.set_script({"default": {"replay": replay}})
    chunks, error, _ = read(make(sim))
    assert (chunks, type(error)) == ([], LlmUnexpectedContentError)


@pytest.mark.parametrize("mode", ["sync", "async"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "short_length"}, LlmConnectionLostError),
        ({"kind": "close", "at": {"bytes": 30}}, LlmConnectionLostError),
        ({"kind": "reset", "at": {"bytes": 30}}, LlmConnectionLostError),
        ({"kind": "bad_chunk_size", "at": {"bytes": 30}}, LlmProtocolError),
        ({"kind": "no_terminator"}, LlmConnectionLostError),
    ],
)
def test_f33_a_cut_whole_reply_is_retried_and_never_a_short_success(sim, make, mode, fault, kind):
    script = always(fault=fault, framing="chunked" if "chunk" in fault["kind"] else "auto")
    if fault["kind"] == "no_terminator":
        script = always(fault=fault, framing="chunked")
    client = make(sim, retry=ONCE)

    def ask():
        return client.run("hi") if mode == "sync" else asyncio.run(client.run_async("hi"))

    sim.set_script(script)
    with pytest.raises(kind) as caught:
        ask()
    assert (caught.value.phase, len(caught.value.attempts), sim.count("request")) == ("body", 2, 2)
    sim.set_script({**always(), "rules": [{"times": 1, "then": script["default"]}]})
    assert ask() == TEXT
    assert sim.count("request") == 4
