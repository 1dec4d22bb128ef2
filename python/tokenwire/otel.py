"""OpenTelemetry by its public path; it stands in `tokenwire.observability.otel`."""

from __future__ import annotations

from tokenwire.observability.otel import instrument

__all__ = ["instrument"]
