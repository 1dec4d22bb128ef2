"""Fixtures of the fault tests."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def stranger() -> Iterator[SimServer]:
    """A second server, which must receive nothing."""
    with SimServer() as server:
        yield server


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A loopback port that is reserved, but on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
