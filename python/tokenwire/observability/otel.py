"""Spans and metrics of each call for OpenTelemetry (`pip install '.[otel]'`).

    from tokenwire import otel

    remove = otel.instrument()

They follow the semantic conventions for generative AI. Prompts are never recorded. Replies and
error messages, which may quote a prompt, are recorded only with `capture_content=True`.

Each request carries the headers `traceparent` and `tracestate` of the caller's current span, so
that a server can continue the trace (W3C Trace Context, https://www.w3.org/TR/trace-context/).
"""

from __future__ import annotations

import json
from logging import getLogger
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.observability.labels import OTHER, Known, label
from tokenwire.observability.on_call import on_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import (  # type: ignore[import-not-found,unused-ignore]
        MeterProvider,
    )
    from opentelemetry.propagators.textmap import (  # type: ignore[import-not-found,unused-ignore]
        TextMapPropagator,
    )
    from opentelemetry.trace import (  # type: ignore[import-not-found,unused-ignore]
        TracerProvider,
    )

    from tokenwire._engine import CallEvent, Choice, LlmResponse


# The conventions' names of providers that have another name here.
_CONVENTION_NAMES = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
# The conventions' names of the APIs that only OpenAI's providers have: `openai.api.type`.
_API_TYPES = {"chat": "chat_completions", "responses": "responses"}
_OPENAI = ("openai", "azure")
# The bucket bounds in the conventions.
_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
_FIRST_CHUNK = [
    0.001,
    0.005,
    0.01,
    0.02,
    0.04,
    0.06,
    0.08,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
]
_TOKENS = [float(4**power) for power in range(14)]


def instrument(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    capture_content: bool = False,
    propagate: bool | TextMapPropagator = True,
) -> Callable[[], None]:
    """Report every finished call of this process as a span and as metrics, and pass on its trace.

    Args:
        tracer_provider: The provider for spans. Defaults to the global one.
        meter_provider: The provider for metrics. Defaults to the global one.
        capture_content: Whether to record replies and error messages on the spans. Data in them,
            such as an image, is cut after 32 characters.
        propagate: Whether each request carries the trace of the caller's current span, in the
            headers `traceparent` and `tracestate`. A propagator sends its own headers instead:
            `opentelemetry.propagate.get_global_textmap()` sends what the program is configured for,
            by default also the baggage. If you give a call or a client one of these headers
            yourself, none of them is added.

    Returns:
        A function that stops all of this.

    Raises:
        LlmConfigError: The extra is not installed, or `propagate` is not a propagator.
    """
    try:
        from opentelemetry import (  # type: ignore[import-not-found,unused-ignore]
            metrics,
            trace,
        )
    except ImportError as error:
        problem = "otel.instrument needs OpenTelemetry: pip install '.[otel]' in the clone"
        raise LlmConfigError(problem) from error
    inject = _inject_of(propagate)
    name, version = "tokenwire", _engine.__version__
    tracer = trace.get_tracer(name, version, tracer_provider)
    meter = metrics.get_meter(name, version, meter_provider)

    def histogram(name: str, unit: str, description: str, bounds: list[float]) -> Any:
        return meter.create_histogram(
            f"gen_ai.client.{name}",
            unit=unit,
            description=description,
            explicit_bucket_boundaries_advisory=bounds,
        )

    durations = histogram("operation.duration", "s", "GenAI operation duration.", _SECONDS)
    token_counts = histogram(
        "token.usage", "{token}", "Number of input and output tokens used.", _TOKENS
    )
    first_chunks = histogram(
        "operation.time_to_first_chunk", "s", "Time to receive the first chunk.", _FIRST_CHUNK
    )

    known = Known()

    def report(event: CallEvent) -> None:
        common = _common_attributes(event)
        attributes = common | _span_attributes(event)
        if capture_content and event.response is not None:
            attributes["gen_ai.output.messages"] = _messages(event.response)
        # This runs on the caller's thread, so the caller's current span becomes the parent.
        started = int(event.started * 1e9)
        span = tracer.start_span(
            f"{event.operation} {label(event.model)}",
            kind=trace.SpanKind.CLIENT,
            attributes=attributes,
            start_time=started,
        )
        if event.error is not None:
            text = _engine.without_data(str(event.error)) if capture_content else None
            span.set_status(trace.StatusCode.ERROR, text)
        span.end(started + int(event.elapsed * 1e9))

        # Each set of attributes is a time series of its own, which is kept forever.
        if not known.admits(tuple(common.items())):
            common = _other(common)
        durations.record(event.elapsed, common)
        for kind in ("input", "output"):
            count = attributes.get(f"gen_ai.usage.{kind}_tokens")
            if count is not None:
                token_counts.record(count, common | {"gen_ai.token.type": kind})
        first_chunk = attributes.get("gen_ai.response.time_to_first_chunk")
        if first_chunk is not None:
            first_chunks.record(first_chunk, common)

    remove_report = on_call(report)
    return remove_report if inject is None else _propagating(inject, remove_report)


def _inject_of(
    propagator: bool | TextMapPropagator,  # noqa: FBT001
) -> Callable[[dict[str, str]], object] | None:
    """Return the function that writes the headers of the current trace; None for False."""
    if propagator is False:
        return None
    if propagator is True:
        from opentelemetry.trace.propagation.tracecontext import (  # type: ignore[import-not-found,unused-ignore]
            TraceContextTextMapPropagator,
        )

        # Not the global one: baggage may be private, and providers are not part of the program.
        propagator = TraceContextTextMapPropagator()
    inject: Any = getattr(propagator, "inject", None)
    if not callable(inject):
        raise LlmConfigError("otel.instrument: propagate must be True, False or a propagator")
    return inject  # type: ignore[no-any-return]


def _propagating(
    inject: Callable[[dict[str, str]], object], remove_report: Callable[[], None]
) -> Callable[[], None]:
    """Send the headers that `inject` writes, and return a function that stops all reports."""

    def headers() -> list[tuple[str, str]]:
        carrier: dict[str, str] = {}
        try:
            inject(carrier)
        except Exception:
            getLogger("tokenwire").exception("otel.instrument: the propagator raised")
        return [pair for pair in carrier.items() if all(isinstance(text, str) for text in pair)]

    registration = _engine.add_propagator(headers)

    def remove() -> None:
        remove_report()
        _engine.remove_propagator(registration)

    return remove


def _common_attributes(event: CallEvent) -> dict[str, Any]:
    """The attributes of a call's span and of its metrics."""
    address, response = event.server_address, event.response
    return _without_none(
        {
            "gen_ai.operation.name": event.operation,
            "gen_ai.provider.name": _CONVENTION_NAMES.get(event.provider, label(event.provider)),
            "gen_ai.request.model": label(event.model),
            "server.address": address,
            "server.port": None if address is None else event.server_port,
            "gen_ai.response.model": label((response and response.model) or "") or None,
            "error.type": label(event.error_kind or "") or None,
        }
    )


def _other(common: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a metric that is not among the first ones: no name that others choose."""
    kept = {"gen_ai.operation.name": common["gen_ai.operation.name"]}
    named = ("gen_ai.provider.name", "gen_ai.request.model", "error.type")
    return kept | {name: OTHER for name in named if name in common}


def _span_attributes(event: CallEvent) -> dict[str, Any]:
    """The attributes of the span only."""
    response, usage, timing = event.response, event.usage, event.timing
    reasons = [choice.finish_reason for choice in response.choices] if response else []
    return _without_none(
        {
            "gen_ai.request.stream": event.streamed,
            "openai.api.type": (
                _API_TYPES.get(event.api or "") if event.provider in _OPENAI else None
            ),
            "gen_ai.response.id": label((response and response.id) or "") or None,
            "gen_ai.response.finish_reasons": (
                [str(reason or "error") for reason in reasons] if any(reasons) else None
            ),
            "gen_ai.response.time_to_first_chunk": timing and timing.first_token,
            "gen_ai.usage.input_tokens": usage and usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage and usage.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage and usage.cached_tokens,
            "gen_ai.usage.cache_creation.input_tokens": usage and usage.cache_write_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage and usage.reasoning_tokens,
        }
    )


def _without_none(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _messages(response: LlmResponse[Any]) -> str:
    return json.dumps([_message(choice) for choice in response.choices], ensure_ascii=False)


def _message(choice: Choice) -> dict[str, Any]:
    shown = _engine.without_data
    parts: list[dict[str, Any]] = []
    if choice.reasoning:
        parts.append({"type": "reasoning", "content": shown(choice.reasoning)})
    if choice.text:
        parts.append({"type": "text", "content": shown(choice.text)})
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": shown(call.arguments)}
        for call in choice.tool_calls
    ]
    return {"role": "assistant", "parts": parts, "finish_reason": choice.finish_reason}
