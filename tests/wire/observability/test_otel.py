"""`otel.instrument`: spans and metrics by the semantic conventions for generative AI."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire import _engine, otel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "sk-canary-9Wd2"
REPLY = {"default": {"reply": {"tokens": ["reply", "-words"]}}}
SDK = "the OpenTelemetry SDK is not installed: pip install opentelemetry-sdk"


class Seen:
    """An SDK that keeps all spans and metrics in memory, with `instrument` on it."""

    def __init__(self, **settings: Any) -> None:
        def sdk(name: str) -> Any:
            return pytest.importorskip(f"opentelemetry.sdk.{name}", reason=SDK)

        memory = sdk("trace.export.in_memory_span_exporter")
        self._exporter = memory.InMemorySpanExporter()
        self._reader = sdk("metrics.export").InMemoryMetricReader()
        self.tracers = sdk("trace").TracerProvider()
        self.tracers.add_span_processor(sdk("trace.export").SimpleSpanProcessor(self._exporter))
        self._meters = sdk("metrics").MeterProvider([self._reader])
        self.remove = otel.instrument(self.tracers, self._meters, **settings)

    def spans(self) -> list[Any]:
        """The finished spans, oldest first."""
        return list(self._exporter.get_finished_spans())

    def span(self) -> Any:
        """The only finished span."""
        (span,) = self.spans()
        return span

    def points(self) -> dict[str, list[Any]]:
        """The data points of each metric."""
        data = self._reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def stop(self) -> None:
        self.remove()
        self.tracers.shutdown()
        self._meters.shutdown()


@pytest.fixture
def seen() -> Iterator[Seen]:
    seen = Seen()
    yield seen
    seen.stop()


@pytest.fixture
def seen_with_content() -> Iterator[Seen]:
    seen = Seen(capture_content=True)
    yield seen
    seen.stop()


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    defaults: dict[str, Any] = {"retry": tw.RetryPolicy(max_retries=0), "api_key": KEY}
    return tw.ChatClient("openai:m", base_url=sim.base_url, **(defaults | settings))


def test_a_call_is_a_span_with_the_attributes_of_the_conventions(sim, ask: Asking, seen):
    sim.set_script(REPLY)
    reply = ask.complete(chat_on(sim), "prompt-words")
    span = seen.span()
    assert (span.name, span.kind.name, span.status.status_code.name) == (
        "chat m",
        "CLIENT",
        "UNSET",
    )
    assert reply.usage is not None
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.request.stream": False,
        "gen_ai.response.model": reply.model,
        "gen_ai.response.id": reply.id,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "openai.api.type": "chat_completions",
        "server.address": "127.0.0.1",
        "server.port": sim.port,
    }
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == (
        "tokenwire",
        tw.__version__,
    )


def test_a_stream_is_one_span_with_the_time_to_its_first_chunk(sim, ask: Asking, seen):
    sim.set_script(REPLY)
    _, reply = ask.read(chat_on(sim), "hi")
    attributes = seen.span().attributes
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.response.time_to_first_chunk"] == reply.timing.first_token
    assert attributes["gen_ai.usage.output_tokens"] == 2


def test_a_span_lasts_as_long_as_its_call(sim, ask: Asking, seen):
    before = time.time_ns()
    reply = ask.complete(chat_on(sim), "hi")
    after = time.time_ns()
    span = seen.span()
    assert reply.timing.total is not None
    assert span.end_time - span.start_time == int(reply.timing.total * 1e9)
    # Two clocks: a monotonic one for the call, and the time of day for the span.
    assert before - 50_000_000 < span.start_time <= span.end_time <= after + 50_000_000


def test_the_caller_s_span_is_the_parent(sim, seen):
    chat = chat_on(sim)

    async def ask_async():
        await chat.run_async("hi")
        await chat.run_async("hi", stream=True)

    with seen.tracers.get_tracer("test").start_as_current_span("request") as parent:
        chat.run("hi")
        chat.run("hi", stream=True)
        asyncio.run(ask_async())
    calls = [span for span in seen.spans() if span.name == "chat m"]
    assert [span.parent.span_id for span in calls] == [parent.get_span_context().span_id] * 4


def test_a_failed_call_has_its_kind_and_no_text(sim, ask: Asking, seen):
    sim.set_script({"default": {"error": {"status": 429, "message": "prompt-words"}}})
    for call in (ask.complete, ask.read):
        with pytest.raises(tw.LlmRateLimitError):
            call(chat_on(sim), "hi")
    for span in seen.spans():
        assert (span.status.status_code.name, span.status.description) == ("ERROR", None)
        assert span.attributes["error.type"] == "rate_limit"
        assert span.end_time >= span.start_time
    assert len(seen.spans()) == 2


def test_a_stream_that_is_closed_early_is_not_an_error(sim, seen):
    sim.set_script({"default": {"fault": {"kind": "stall", "at": {"events": 2}}}})
    with chat_on(sim).stream("hi") as stream:
        next(stream)
    span = seen.span()
    assert (span.status.status_code.name, span.attributes["error.type"]) == ("UNSET", "cancelled")
    assert "gen_ai.response.finish_reasons" not in span.attributes
    assert span.end_time > span.start_time


def test_the_span_of_a_failed_call_ends_with_its_failure(sim, ask: Asking, seen):
    sim.set_script({"default": {"fault": {"kind": "no_head"}}})
    began = time.monotonic()
    with pytest.raises(tw.LlmTimeoutError):
        ask.complete(chat_on(sim, timeout=0.2), "hi")
    took = time.monotonic() - began
    span = seen.span()
    assert 0.2e9 <= span.end_time - span.start_time <= took * 1e9
    (duration,) = seen.points()["gen_ai.client.operation.duration"]
    assert 0.2 <= duration.sum <= took


def test_a_text_completion_has_another_name(sim, seen):
    tw.CompletionClient("base", base_url=sim.base_url).run("hi")
    span = seen.span()
    assert span.name == "text_completion base"
    assert span.attributes["gen_ai.operation.name"] == "text_completion"


def test_the_call_of_a_custom_client_is_a_span(seen):
    event = tw.CallEvent(provider="acme", model="m1", elapsed=1.5, started=1e9)
    _engine.report_call(event)
    span = seen.span()
    assert (span.name, span.start_time, span.end_time) == ("chat m1", 10**18, 10**18 + 1500000000)
    assert "server.address" not in span.attributes


def test_metrics_have_the_names_and_attributes_of_the_conventions(sim, seen):
    sim.set_script(REPLY)
    reply = chat_on(sim).complete("hi")
    with chat_on(sim).stream("hi") as stream:
        list(stream)
    points = seen.points()
    assert set(points) == {
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.token.usage",
    }
    common = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "gen_ai.response.model": reply.model,
        "server.address": "127.0.0.1",
        "server.port": sim.port,
    }
    (duration,) = points["gen_ai.client.operation.duration"]
    assert (dict(duration.attributes), duration.count) == (common, 2)
    assert reply.timing.total is not None
    assert stream.response.timing.total is not None
    assert duration.sum == pytest.approx(reply.timing.total + stream.response.timing.total)
    (first_chunk,) = points["gen_ai.client.operation.time_to_first_chunk"]
    assert (dict(first_chunk.attributes), first_chunk.count) == (common, 1)
    assert first_chunk.sum == pytest.approx(stream.response.timing.first_token)
    tokens = {
        point.attributes["gen_ai.token.type"]: (point.count, point.sum)
        for point in points["gen_ai.client.token.usage"]
    }
    assert reply.usage is not None
    assert tokens == {"input": (2, 2 * (reply.usage.prompt_tokens or 0)), "output": (2, 4)}


def test_the_time_series_are_bounded_whatever_names_others_choose(seen):
    for number in range(600):
        response = tw.LlmResponse(provider="acme", model=f"r{number}", text="a")
        event = tw.CallEvent(
            provider=f"p{number}", model=f"m{number}", elapsed=1.0, response=response
        )
        _engine.report_call(event)
        failed = tw.CallEvent(provider="acme", model="m", elapsed=1.0, error_kind=f"k{number}")
        _engine.report_call(failed)
    durations = seen.points()["gen_ai.client.operation.duration"]
    assert len(durations) == 256 + 2
    assert sum(point.count for point in durations) == 1_200
    rest = [dict(p.attributes) for p in durations if p.attributes.get("error.type") == "other"]
    assert rest == [
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "other",
            "gen_ai.request.model": "other",
            "error.type": "other",
        }
    ]


def test_no_name_steers_a_terminal(seen):
    evil = "\x1b[2J\x9b\u202e"
    response = tw.LlmResponse(provider="acme", model=evil, id=evil, text="a")
    _engine.report_call(
        tw.CallEvent(provider=evil, model=evil, elapsed=1.0, error_kind=evil, response=response)
    )
    span = seen.span()
    (duration,) = seen.points()["gen_ai.client.operation.duration"]
    shown = [span.name, *span.attributes.values(), *duration.attributes.values()]
    assert not set(evil[:1] + evil[4:]) & set("".join(map(str, shown)))


def test_errors_are_told_apart_in_the_durations(sim, seen):
    sim.set_script({"rules": [{"times": 1, "then": {"error": {"status": 429}}}]})
    with pytest.raises(tw.LlmRateLimitError):
        chat_on(sim).run("hi")
    chat_on(sim).run("hi")
    durations = seen.points()["gen_ai.client.operation.duration"]
    kinds = {point.attributes.get("error.type"): point.count for point in durations}
    assert kinds == {"rate_limit": 1, None: 1}


def test_no_text_and_no_key_is_recorded(sim, ask: Asking, seen):
    sim.set_script(REPLY)
    ask.complete(chat_on(sim), "prompt-words")
    ask.read(chat_on(sim), "prompt-words")
    recorded = " ".join([*(span.to_json() for span in seen.spans()), str(seen.points())])
    assert "gen_ai.response.id" in recorded
    assert [word for word in ("-words", KEY) if word in recorded] == []


def test_replies_are_recorded_if_content_is_captured(sim, ask: Asking, seen_with_content):
    calls = [{"id": "c1", "name": "look", "arguments": '{"q": 1}'}]
    sim.set_script({"default": {"reply": {"reasoning": "hm", "text": "ünd", "tool_calls": calls}}})
    ask.complete(chat_on(sim), "prompt-words")
    span = seen_with_content.span()
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "hm"},
                {"type": "text", "content": "ünd"},
                {"type": "tool_call", "id": "c1", "name": "look", "arguments": '{"q": 1}'},
            ],
            "finish_reason": "tool_calls",
        }
    ]
    assert KEY not in span.to_json()


def test_an_image_in_a_recorded_reply_is_cut(sim, seen_with_content):
    image = f"![a cat](data:image/png;base64,{'iVBORw0KGgo/' * 9_000}) is it"
    sim.set_script({"default": {"reply": {"text": image}}})
    chat_on(sim).run("hi")
    (message,) = json.loads(seen_with_content.span().attributes["gen_ai.output.messages"])
    shown = f"iVBORw0KGgo/iVBORw0KGgo/iVBORw0K… ({12 * 9_000:,} characters)"
    expected = f"![a cat](data:image/png;base64,{shown}) is it"
    assert message["parts"] == [{"type": "text", "content": expected}]


def test_text_without_data_is_recorded_as_it_is():
    for text in ["", "a word " * 9_000, "\ud800 a", "x" * 256]:
        assert _engine.without_data(text) == text.replace("\ud800", "\\ud800")


def test_error_messages_are_recorded_if_content_is_captured(sim, seen_with_content):
    sim.set_script({"default": {"error": {"status": 429, "message": "slow down"}}})
    with pytest.raises(tw.LlmRateLimitError) as caught:
        chat_on(sim).run("hi")
    assert seen_with_content.span().status.description == str(caught.value)


def test_nothing_is_reported_after_its_removal(sim, seen):
    chat_on(sim).run("hi")
    seen.remove()
    chat_on(sim).run("hi")
    assert len(seen.spans()) == 1


@pytest.mark.parametrize(
    ("ours", "theirs"), [("azure", "azure.ai.openai"), ("xai", "x_ai"), ("groq", "groq")]
)
def test_providers_have_the_names_of_the_conventions(sim, seen, ours, theirs):
    tw.ChatClient(f"{ours}:m", base_url=sim.base_url, api_key=KEY).run("hi")
    assert seen.span().attributes["gen_ai.provider.name"] == theirs


@pytest.mark.parametrize(
    ("provider", "api", "theirs"),
    [
        ("openai", "chat", "chat_completions"),
        ("azure", "responses", "responses"),
        ("openai", "completions", None),
        ("groq", "chat", None),
        ("openai", None, None),
    ],
)
def test_an_api_of_openai_has_the_name_of_the_conventions(seen, provider, api, theirs):
    tw.report_call(
        provider=provider,
        model="m",
        elapsed=1,
        response=tw.LlmResponse(provider=provider, model="m", text="a", api=api),
    )
    assert seen.span().attributes.get("openai.api.type") == theirs


def test_tokens_written_to_the_cache_are_an_attribute(seen):
    usage = tw.Usage(prompt_tokens=9, cache_write_tokens=4)
    response = tw.LlmResponse(provider="openai", model="m", usage=usage)
    tw.report_call(provider="openai", model="m", elapsed=1, response=response)
    assert seen.span().attributes["gen_ai.usage.cache_creation.input_tokens"] == 4


def test_it_works_without_an_sdk(sim, ask: Asking, caplog):
    pytest.importorskip("opentelemetry", reason="OpenTelemetry is not installed")
    remove = otel.instrument()
    ask.complete(chat_on(sim), "hi")
    remove()
    assert caplog.records == []


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(tw.LlmConfigError, match=r"pip install '\.\[otel\]' in the clone"):
        otel.instrument()


def test_importing_the_module_needs_no_opentelemetry():
    program = "import sys; sys.modules['opentelemetry'] = None; from tokenwire import otel"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
