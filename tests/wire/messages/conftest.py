"""Fixtures of the tests that replay recordings of Anthropic's Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def messages_rows(data_dir: Path) -> list[dict[str, Any]]:
    """Every recorded exchange of the Messages API."""
    return recorded_rows(data_dir, "messages")
