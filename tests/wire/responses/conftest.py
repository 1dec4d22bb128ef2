"""Fixtures of the tests that replay recordings of the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def every_row(request: pytest.FixtureRequest) -> bool:
    """Whether the run is for slow tests, which then read every row, and not only some."""
    return "slow" in request.config.getoption("-m")


@pytest.fixture(scope="session")
def responses_rows(data_dir: Path) -> list[dict[str, Any]]:
    """Every recorded exchange of the Responses API."""
    return recorded_rows(data_dir, "responses")
