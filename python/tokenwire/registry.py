"""The public path of the registry, which is in `tokenwire.catalog`."""

from __future__ import annotations

import tokenwire.config.loading  # noqa: F401 (adds `ModelRegistry.load`)
from tokenwire.catalog.cost import cost_of
from tokenwire.catalog.registry import ModelRegistry, shared

__all__ = ["ModelRegistry", "cost_of", "shared"]
