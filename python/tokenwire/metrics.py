"""The public path of the metrics, which are in `tokenwire.observability`."""

from __future__ import annotations

from tokenwire.observability.counts import Distribution, ModelMetrics
from tokenwire.observability.metrics import MetricsCollector, MetricsSnapshot

__all__ = ["Distribution", "MetricsCollector", "MetricsSnapshot", "ModelMetrics"]
