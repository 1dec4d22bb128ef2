"""The public path of the OpenTelemetry support, which is in `tokenwire.observability.otel`."""

from __future__ import annotations

from tokenwire.observability.otel import instrument

__all__ = ["instrument"]
