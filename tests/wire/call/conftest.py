"""Fixtures of the tests that replay recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.wire.recorded import recorded_rows
from tests.wire.replaying import APIS
from tests.wire.samples import Sample

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def sample(data_dir: Path, report_line: Callable[[str], None]) -> Iterator[Sample]:
    """A few whole and streamed replies of each provider."""
    with SimServer(log_capacity=0) as sim:
        yield Sample(sim, recorded_rows(data_dir, *APIS), report_line)
