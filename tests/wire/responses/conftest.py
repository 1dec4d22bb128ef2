"""Fixtures of the tests that replay recordings of the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def responses_rows(data_dir: Path) -> list[dict[str, Any]]:
    """Every recorded exchange of the Responses API."""
    return recorded_rows(data_dir, "responses")
