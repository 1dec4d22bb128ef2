"""`otel.instrument`: each request carries the trace of the caller's current span, and no more."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw
from tokenwire import otel
from tokenwire.testing import fake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

trace = pytest.importorskip("opentelemetry.sdk.trace", reason="the OpenTelemetry SDK is missing")
FIELDS = ("traceparent", "tracestate", "baggage")


@pytest.fixture
def instrument() -> Iterator[Callable[..., Callable[[], None]]]:
    """`otel.instrument`, undone after the test."""
    removals = []

    def instrument(**options: Any) -> Callable[[], None]:
        removals.append(otel.instrument(**options))
        return removals[-1]

    yield instrument
    for remove in removals:
        remove()


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("openai:m", base_url=sim.base_url, api_key="k", **settings)


def current_span() -> Any:
    return trace.TracerProvider().get_tracer("app").start_as_current_span("request")


def parent_of(span: Any) -> str:
    """The `traceparent` of a span, by https://www.w3.org/TR/trace-context/."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def sent_traces(sim: SimServer) -> list[dict[str, str]]:
    """The headers of each request that say which trace it belongs to."""
    return [
        {name: headers[name] for name in FIELDS if name in headers} for headers in sent_headers(sim)
    ]


def test_every_way_to_call_sends_the_current_span(sim, ask: Asking, instrument):
    instrument()
    chat = chat_on(sim)
    with current_span() as span:
        ask.complete(chat, "q")
        ask.run(chat, "q")
        ask.read(chat, "q")
        ask.map(chat, ["q", "q"], concurrency=2)
        ask.complete(tw.CompletionClient("vllm:m", base_url=sim.base_url), "q")
        ask.models(chat)
    assert sent_traces(sim) == [{"traceparent": parent_of(span)}] * 7


def test_every_attempt_of_a_call_sends_the_same(sim, ask: Asking, instrument):
    instrument()
    sim.set_script({"rules": [{"times": 2, "then": {"error": {"status": 503}}}]})
    with current_span() as span:
        ask.complete(chat_on(sim, retry=tw.RetryPolicy(first=0.001)), "q")
    assert sent_traces(sim) == [{"traceparent": parent_of(span)}] * 3


def test_a_renewed_key_does_not_lose_the_trace(sim, ask: Asking, instrument):
    instrument()
    sim.set_script({"rules": [{"times": 1, "then": {"error": {"status": 401}}}]})
    keys = iter(["old", "new"])
    chat = tw.ChatClient("openai:m", base_url=sim.base_url, api_key=lambda: next(keys))
    with current_span() as span:
        ask.complete(chat, "q")
    assert sent_traces(sim) == [{"traceparent": parent_of(span)}] * 2


def test_a_stream_sends_the_span_in_which_it_was_made(sim, instrument):
    instrument()
    with current_span() as span:
        stream = chat_on(sim).stream("q")
    with current_span(), stream:
        list(stream)
    assert sent_traces(sim) == [{"traceparent": parent_of(span)}]


def test_each_thread_sends_its_own_span(sim, instrument):
    instrument()
    chat, parents = chat_on(sim), []

    def call() -> None:
        with current_span() as span:
            parents.append(parent_of(span))
            chat.run("q")

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = {headers["traceparent"] for headers in sent_traces(sim)}
    assert (sent, len(sent)) == (set(parents), 4)


def test_no_header_is_sent_without_a_span_or_without_the_option(sim, ask: Asking, instrument):
    remove = instrument()
    ask.complete(chat_on(sim), "q")
    remove()
    with current_span():
        ask.complete(chat_on(sim), "q")
        instrument(propagate=False)
        ask.complete(chat_on(sim), "q")
    assert sent_traces(sim) == [{}, {}, {}]


@pytest.mark.parametrize(
    ("client", "call"),
    [
        ({"headers": {"Traceparent": "00-mine"}}, {}),
        ({"extra_headers": {"Traceparent": "00-mine"}}, {}),
        ({}, {"headers": {"Traceparent": "00-mine"}}),
        ({}, {"extra_headers": {"TRACEPARENT": "00-mine"}}),
    ],
)
def test_the_headers_of_a_caller_win_and_are_not_mixed(sim, instrument, client, call):
    instrument(propagate=Propagator({"traceparent": "00-ours", "tracestate": "a=b"}))
    chat_on(sim, **client).complete("q", **call)
    assert sent_traces(sim) == [{"traceparent": "00-mine"}]


def test_baggage_is_sent_only_by_the_propagator_of_the_program(sim, instrument):
    from opentelemetry import baggage, context, propagate

    token = context.attach(baggage.set_baggage("user", "ann"))
    try:
        with current_span() as span:
            remove = instrument()
            chat_on(sim).run("q")
            remove()
            instrument(propagate=propagate.get_global_textmap())
            chat_on(sim).run("q")
    finally:
        context.detach(token)
    parent = {"traceparent": parent_of(span)}
    assert sent_traces(sim) == [parent, {**parent, "baggage": "user=ann"}]


class Propagator:
    """Writes these headers."""

    def __init__(self, headers: dict[Any, Any] | Exception) -> None:
        self.headers = headers

    def inject(self, carrier: dict[str, str]) -> None:
        if isinstance(self.headers, Exception):
            raise self.headers
        carrier.update(self.headers)


@pytest.mark.parametrize(
    "headers", [{"host": "x"}, {"a b": "c"}, {"x": "a\r\nb"}, {"x": 4}, {4: "x"}, KeyError("x")]
)
def test_a_broken_propagator_does_not_change_a_call(sim, ask: Asking, instrument, headers, caplog):
    instrument(propagate=Propagator(headers))
    ask.complete(chat_on(sim), "q")
    (sent,) = sent_headers(sim)
    assert "x" not in sent
    assert sent["host"] == f"127.0.0.1:{sim.port}"
    assert [record.getMessage() for record in caplog.records] == (
        ["otel.instrument: the propagator raised"] if isinstance(headers, KeyError) else []
    )


def test_the_recorded_calls_of_a_test_have_the_header(instrument):
    instrument()
    with fake({"*": "hi"}) as served, current_span() as span:
        tw.ChatClient("openai:gpt-4o", api_key="k").run("q")
    assert served.requests[0].headers["traceparent"] == parent_of(span)


def test_what_is_not_a_propagator_is_refused():
    with pytest.raises(tw.LlmConfigError, match="propagate must be True, False or a propagator"):
        otel.instrument(propagate="w3c")  # type: ignore[arg-type]
