"""Fixtures of the tests that replay recordings of Gemini."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def gemini_rows(data_dir: Path) -> list[dict[str, Any]]:
    """Every recorded exchange of Gemini; AI Studio is `google` for a client."""
    rows = recorded_rows(data_dir, "gemini.generate", "gemini.stream")
    names = {"gemini": "google"}
    return [{**row, "provider": names.get(row["provider"], row["provider"])} for row in rows]
