"""Spans and metrics of each call for OpenTelemetry (`pip install tokenwire[otel]`).

    from tokenwire import otel

    remove = otel.instrument()

They follow the semantic conventions for generative AI. Prompts never leave the program this way;
replies and the texts of errors, which may quote a prompt, only with `capture_content=True`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.observability.on_call import on_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import (  # type: ignore[import-not-found,unused-ignore]
        MeterProvider,
    )
    from opentelemetry.trace import (  # type: ignore[import-not-found,unused-ignore]
        TracerProvider,
    )

    from tokenwire._engine import CallEvent, Choice, LlmResponse

    _Attributes = dict[str, str | bool | int | float | list[str]]

# The conventions' names for providers, where they are not ours.
_THEIR_NAMES = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "vertex": "gcp.vertex_ai",
    "xai": "x_ai",
}
# The bounds that the conventions give.
_SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92]
_FIRST_CHUNK = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0]
_FIRST_CHUNK += [7.5, 10.0]
_TOKENS = [float(4**power) for power in range(14)]


def instrument(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    capture_content: bool = False,
) -> Callable[[], None]:
    """Report every finished call of this process as a span and as metrics.

    Args:
        tracer_provider: Where spans go; without it the process's.
        meter_provider: Where metrics go; without it the process's.
        capture_content: Whether replies and texts of errors are on the spans.

    Returns:
        A function that ends it.

    Raises:
        LlmConfigError: The extra is not installed.
    """
    try:
        from opentelemetry import (  # type: ignore[import-not-found,unused-ignore]
            metrics,
            trace,
        )
    except ImportError as error:
        problem = "otel.instrument needs OpenTelemetry: pip install 'tokenwire[otel]'"
        raise LlmConfigError(problem) from error
    name, version = "tokenwire", _engine.__version__
    tracer = trace.get_tracer(name, version, tracer_provider)
    meter = metrics.get_meter(name, version, meter_provider)
    return on_call(_Reporter(tracer, meter, capture_content=capture_content).report)


class _Reporter:
    def __init__(self, tracer: Any, meter: Any, *, capture_content: bool) -> None:
        from opentelemetry.trace import SpanKind, StatusCode

        self._tracer = tracer
        self._kind = SpanKind.CLIENT
        self._error = StatusCode.ERROR
        self._capture_content = capture_content
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk.",
            explicit_bucket_boundaries_advisory=_FIRST_CHUNK,
        )

    def report(self, event: CallEvent) -> None:
        shared = _shared(event)
        self._report_span(event, shared)
        self._report_metrics(event, shared)

    def _report_span(self, event: CallEvent, shared: _Attributes) -> None:
        attributes = shared | _told(event)
        if self._capture_content and event.response is not None:
            attributes["gen_ai.output.messages"] = _messages(event.response)
        # The caller's thread, so the caller's span is the parent.
        started = int(event.started * 1e9)
        span = self._tracer.start_span(
            f"{event.operation} {event.model}",
            kind=self._kind,
            attributes=attributes,
            start_time=started,
        )
        if event.error is not None:
            span.set_status(self._error, str(event.error) if self._capture_content else None)
        span.end(started + int(event.elapsed * 1e9))

    def _report_metrics(self, event: CallEvent, shared: _Attributes) -> None:
        usage, timing = event.usage, event.timing
        self._duration.record(event.elapsed, shared)
        if usage is not None:
            counted = {"input": usage.prompt_tokens, "output": usage.completion_tokens}
            for kind, count in counted.items():
                if count is not None:
                    self._tokens.record(count, shared | {"gen_ai.token.type": kind})
        if timing is not None and timing.first_token is not None:
            self._first_chunk.record(timing.first_token, shared)


def _shared(event: CallEvent) -> _Attributes:
    """What a call's span and metrics have in common."""
    attributes: _Attributes = {
        "gen_ai.operation.name": event.operation,
        "gen_ai.provider.name": _THEIR_NAMES.get(event.provider, event.provider),
        "gen_ai.request.model": event.model,
    }
    if event.server_address is not None:
        attributes["server.address"] = event.server_address
        if event.server_port is not None:
            attributes["server.port"] = event.server_port
    if event.response is not None and event.response.model:
        attributes["gen_ai.response.model"] = event.response.model
    if event.error_kind is not None:
        attributes["error.type"] = event.error_kind
    return attributes


def _told(event: CallEvent) -> _Attributes:
    """What the reply tells, for the span alone."""
    attributes: _Attributes = {"gen_ai.request.stream": event.streamed}
    response, usage, timing = event.response, event.usage, event.timing
    if response is not None:
        if response.id:
            attributes["gen_ai.response.id"] = response.id
        reasons = [choice.finish_reason for choice in response.choices]
        if any(reasons):
            attributes["gen_ai.response.finish_reasons"] = [str(one or "error") for one in reasons]
    if usage is not None:
        counts = {
            "input_tokens": usage.prompt_tokens,
            "output_tokens": usage.completion_tokens,
            "cache_read.input_tokens": usage.cached_tokens,
            "reasoning.output_tokens": usage.reasoning_tokens,
        }
        for name, count in counts.items():
            if count is not None:
                attributes[f"gen_ai.usage.{name}"] = count
    if timing is not None and timing.first_token is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = timing.first_token
    return attributes


def _messages(response: LlmResponse[Any]) -> str:
    return json.dumps([_message(choice) for choice in response.choices], ensure_ascii=False)


def _message(choice: Choice) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    if choice.reasoning:
        parts.append({"type": "reasoning", "content": choice.reasoning})
    if choice.text:
        parts.append({"type": "text", "content": choice.text})
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in choice.tool_calls
    ]
    return {"role": "assistant", "parts": parts, "finish_reason": choice.finish_reason}
