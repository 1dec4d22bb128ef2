"""Importing the clients does not import the slow parts of the standard library."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "asyncio",
    "dataclasses",
    "enum",
    "http",
    "inspect",
    "json",
    "logging",
    "pydantic",
    "socket",
    "ssl",
    "typing",
    "urllib",
}
# Modules that the interpreter or a .pth file has loaded do not count.
NEW_MODULES = """
import sys
before = set(sys.modules)
{statement}
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "from tokenwire import ChatClient",
        "from tokenwire import CompletionClient",
        "from tokenwire import ChatClient; ChatClient('sim:chat')",
        "import tokenwire as tw; tw.client('sim:chat'); tw.client('sim:chat', timeout=3)",
    ],
)
def test_nothing_heavy_is_imported(statement):
    done = subprocess.run(
        [sys.executable, "-c", NEW_MODULES.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
    )
    new = set(done.stdout.split())
    assert "tokenwire._engine" in new, "nothing was imported, so this test checks nothing"
    assert new & HEAVY == set()
