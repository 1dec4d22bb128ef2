"""`CallEvent`: events of calls that the engine did not make reach the same callbacks."""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import _engine

FIELDS: dict[str, Any] = {"provider": "acme", "model": "m1", "elapsed": 0.25}


def test_an_event_is_created_from_its_fields():
    before = time.time()
    event = tw.CallEvent(**FIELDS, streamed=True, server_address="llm.example", server_port=443)
    assert (event.provider, event.model, event.streamed) == ("acme", "m1", True)
    assert (event.operation, event.server_address, event.server_port) == (
        "chat",
        "llm.example",
        443,
    )
    assert (event.error, event.error_kind, event.response, event.attempts) == (None, None, None, ())
    assert (event.usage, event.timing, event.cost) == (None, None, None)
    assert event.elapsed == 0.25
    assert before - 0.25 <= event.started <= time.time() - 0.25
    assert "elapsed=0.25" in repr(event)


def test_unknown_fields_are_none():
    event = tw.CallEvent(**FIELDS, started=7.5, operation="text_completion")
    assert (event.server_address, event.server_port) == (None, None)
    assert (event.started, event.operation) == (7.5, "text_completion")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (tw.LlmRateLimitError("slow down"), "rate_limit"),
        (type("Custom", (tw.LlmServerError,), {})("down"), "server"),
        (tw.LlmError("no kind"), "other"),
        (KeyError("not ours"), "other"),
    ],
)
def test_the_kind_of_an_error_is_that_of_its_class(error, kind):
    event = tw.CallEvent(**FIELDS, error=error)
    assert (event.error, event.error_kind, event.attempts) == (error, kind, ())
    assert tw.CallEvent(**FIELDS, error=error, error_kind="custom").error_kind == "custom"


def test_the_attempts_of_an_error_are_those_of_the_event():
    tried = (tw.Attempt(status=503), tw.Attempt(status=503))
    event = tw.CallEvent(**FIELDS, error=tw.LlmServerError("down", attempts=tried))
    assert event.attempts == tried


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"elapsed": -1.0}, "elapsed"),
        ({"elapsed": float("nan")}, "elapsed"),
        ({"operation": "embeddings"}, "operation"),
    ],
)
def test_invalid_fields_are_refused(wrong, named):
    with pytest.raises(tw.LlmConfigError, match=named):
        tw.CallEvent(**{**FIELDS, **wrong})


def test_a_reported_event_reaches_every_callback(caplog):
    events: list[tw.CallEvent] = []
    removers = [tw.on_call(events.append), tw.on_call(lambda _: 1 // 0), tw.on_call(events.append)]
    assert _engine.is_listened_to()
    event = tw.CallEvent(**FIELDS)
    try:
        _engine.report_call(event)
    finally:
        for remove in removers:
            remove()
    assert [one is event for one in events] == [True, True]
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert not _engine.is_listened_to()
    _engine.report_call(event)
    assert len(events) == 2


def test_a_remover_removes_its_registration_only():
    events: list[tw.CallEvent] = []
    first, second = tw.on_call(events.append), tw.on_call(events.append)
    event = tw.CallEvent(**FIELDS)
    try:
        first()
        first()
        _engine.report_call(event)
        assert len(events) == 1
    finally:
        second()
    _engine.report_call(event)
    assert len(events) == 1


def test_an_event_can_be_pickled_and_copied(sim):
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        tw.ChatClient("m", base_url=sim.base_url).run("-")
        sim.set_script({"default": {"error": {"status": 400, "body": "no"}}})
        with pytest.raises(tw.LlmAPIError):
            tw.ChatClient("m", base_url=sim.base_url).run("-", stream=True)
    finally:
        remove()
    for event in (*events, tw.CallEvent(**FIELDS)):
        again = pickle.loads(pickle.dumps(event))
        assert repr(again) == repr(event)
        for name in ("attempts", "cost", "response", "started", "server_address", "server_port"):
            assert getattr(again, name) == getattr(event, name)
        assert str(again.error) == str(event.error)
        assert copy.copy(event).usage == event.usage
