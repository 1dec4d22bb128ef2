"""The metrics by their public path; they stand in `tokenwire.observability`."""

from __future__ import annotations

from tokenwire.observability.counts import Distribution, ModelMetrics
from tokenwire.observability.metrics import MetricsCollector, MetricsSnapshot

__all__ = ["Distribution", "MetricsCollector", "MetricsSnapshot", "ModelMetrics"]
