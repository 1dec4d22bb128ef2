"""`report_call`: custom clients report their calls; clients that wrap the engine's need not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.wire.clients.custom_clients import (
    USAGE,
    WAYS,
    Complete,
    Fails,
    ReadsItsStream,
    Reports,
    Stream,
    Super,
    Wraps,
)

import tokenwire as tw
from tokenwire import LlmResponse


@pytest.fixture
def events():
    """The events that a callback received."""
    received: list[tw.CallEvent] = []
    remove = tw.on_call(received.append)
    yield received
    remove()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [Complete, Stream, ReadsItsStream, Super])
def test_a_client_answers_in_each_way_and_reports_nothing_by_itself(kind, way, events):
    assert WAYS[way](kind()) == "echo hi"
    assert events == []


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_reported_once(way, events):
    assert WAYS[way](Reports())
    [event] = events
    assert (event.provider, event.model, event.error_kind) == ("acme", "m1", None)
    assert (event.usage, event.streamed) == (USAGE, way.startswith("stream"))
    assert 0 < event.elapsed < 10


@pytest.mark.parametrize("way", WAYS)
def test_the_engine_reports_the_call_that_a_client_wraps(way, events):
    assert WAYS[way](Wraps())
    assert [(event.provider, event.model) for event in events] == [("sim", "chat")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("error", "kind"),
    [(tw.LlmRateLimitError("slow down"), "rate_limit"), (KeyError("x"), "other")],
    ids=["ours", "theirs"],
)
def test_a_failed_call_is_reported_once(way, error, kind, events):
    with pytest.raises(type(error)):
        WAYS[way](Fails(error))
    [event] = events
    assert (event.error_kind, event.error, event.provider) == (kind, error, "acme")
    if way.startswith("stream"):
        assert event.response.text == "so far"
    if kind == "rate_limit":
        assert (error.provider, error.model) == ("acme", "m1")


async def test_a_cancelled_call_is_reported_as_one(events):
    begun = asyncio.Event()

    class Waits(Reports):
        async def async_chunks(self, _prompt):
            begun.set()
            await asyncio.Event().wait()
            yield ""

    task = asyncio.create_task(Waits().complete_async("hi"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [(event.error_kind, event.error) for event in events] == [("cancelled", None)]


def test_a_stream_that_is_left_is_reported_as_cancelled(events):
    with Reports().stream("hi") as stream:
        next(stream)
    [event] = events
    assert (event.error_kind, event.response.text, event.streamed) == ("cancelled", "echo ", True)


FIELDS: dict[str, Any] = {"provider": "acme", "model": "m1", "elapsed": 1.0}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "give response= if the call succeeded, else error="),
        ({"error": KeyError(), "elapsed": -1.0}, "elapsed"),
        ({"error": KeyError(), "elapsed": "1"}, "elapsed"),
        ({"error": "broken"}, "error"),
        ({"response": "text"}, "response"),
        ({"error": KeyError(), "model": 3}, "model"),
        ({"error": KeyError(), "provider": None}, "provider"),
    ],
)
def test_a_wrong_report_is_refused(fields, words, events):
    with pytest.raises(tw.LlmConfigError, match=words):
        tw.report_call(**{**FIELDS, **fields})
    assert events == []


def test_a_report_has_the_partial_reply_of_its_error(events):
    partial = LlmResponse(provider="acme", model="m1", text="so far")
    tw.report_call(**FIELDS, error=tw.LlmServerError("broken", partial=partial))
    assert (events[0].response, events[0].error_kind) == (partial, "server")


def test_metrics_count_them():
    with tw.MetricsCollector() as metrics:
        for way in ("complete", "stream"):
            WAYS[way](Reports())
        with pytest.raises(tw.LlmRateLimitError):
            Fails(tw.LlmRateLimitError("slow")).complete("hi")
        [model] = metrics.snapshot().models
    assert (model.provider, model.model, model.calls) == ("acme", "m1", 3)
    assert (model.completion_tokens, dict(model.errors)) == (4, {"rate_limit": 1})
