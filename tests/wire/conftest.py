"""What the tests against the simulator share: both ways to ask."""

from __future__ import annotations

import pytest
from tests.wire.asking import ASKING, Asking


@pytest.fixture(params=ASKING)
def ask(request: pytest.FixtureRequest) -> Asking:
    """The sync and the async interface, in turn; what holds for one holds for the other."""
    asking: Asking = ASKING[request.param]
    return asking
