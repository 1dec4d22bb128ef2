"""Fixtures for pytest, which finds them by an entry point.

Every run of pytest imports this module, so it imports nothing else of tokenwire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenwire.testing import Fake, SimServer


@pytest.fixture
def tokenwire_fake() -> Iterator[Fake]:
    """An active fake without rules: `tokenwire_fake.add({"openai:*": "hi"})`."""
    from tokenwire.testing import fake

    with fake() as active:
        yield active


@pytest.fixture
def tokenwire_block_network() -> Iterator[None]:
    """No connection of tokenwire leaves this machine during the test."""
    from tokenwire.testing import block_network

    with block_network():
        yield


@pytest.fixture
def tokenwire_sim() -> Iterator[SimServer]:
    """A simulator for this test, on a free loopback port, without a script."""
    from tokenwire.testing import SimServer

    with SimServer() as server:
        yield server
