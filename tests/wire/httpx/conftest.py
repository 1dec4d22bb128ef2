"""Each scene is played by both families, sync and async."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import FAMILIES, Side, played

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.httpx.scenes import Scene, Script


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    """The name of the family, in turn."""
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Both kinds of client, in turn."""
    return bool(request.param == "async")


@pytest.fixture
def ours(family: str) -> Any:
    """Our public module for the family."""
    return importlib.import_module(f"tokenwire.{family}")


@pytest.fixture
def play(family: str, is_async: bool) -> Callable[..., Any]:
    """Play a scene with our transport, and return its outcome."""

    def play(scene: Scene, script: Script, **kind: Any) -> Any:
        return played(Side(family, is_async=is_async, is_ours=True), scene, script, **kind)[0]

    return play


@pytest.fixture
def same(family: str, is_async: bool) -> Callable[..., Any]:
    """Play a scene with both transports, check that the outcomes are equal, and return ours."""

    def play(scene: Scene, script: Script, **kind: Any) -> Any:
        stock, its_server = played(
            Side(family, is_async=is_async, is_ours=False), scene, script, **kind
        )
        ours, our_server = played(
            Side(family, is_async=is_async, is_ours=True), scene, script, **kind
        )
        assert ours == stock
        # After an error, the server may not have accepted the connection yet.
        if not isinstance(ours, str):
            assert len(our_server.seen) == len(its_server.seen), "another number of connections"
        return ours

    return play
