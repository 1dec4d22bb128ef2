"""Pauses between sync calls: a runtime is kept as long as its connections, and no longer."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.fault.scenes import PROGRAMS, outcome, start

if TYPE_CHECKING:
    from pathlib import Path

    from tokenwire.testing import SimServer

pytestmark = pytest.mark.linux


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that lets a program advance its clock, so that no test waits for minutes."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("clock") / "turned_clock.so"
    source = PROGRAMS / "turned_clock.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return library


def rest(scene: str, sim: SimServer, clock: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Run a scene. Returns the number of the connection that each request used."""
    monkeypatch.setenv("LD_PRELOAD", str(clock))
    assert outcome(start("idle.py", scene, sim.base_url, str(clock))) == (0, "", "")
    return [record["connection"] for record in sim.log() if record["kind"] == "request"]


def test_a_sync_connection_is_kept_as_long_as_keepalive_says(sim, clock, monkeypatch):
    # After 60 s and after 110 s, but not after 130 s.
    assert rest("a_keepalive_of_two_minutes", sim, clock, monkeypatch) == [1, 1, 1, 2]


def test_what_sync_calls_ran_on_goes_with_its_connections(sim, clock, monkeypatch):
    assert rest("no_keepalive_of_its_own", sim, clock, monkeypatch) == [1]


def test_a_kept_connection_stays_below_one_that_is_not(sim, clock, monkeypatch):
    assert rest("one_that_is_kept_below_one_that_is_not", sim, clock, monkeypatch) == [1, 2, 2]
