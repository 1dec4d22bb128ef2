"""Importing the clients imports no part of the standard library that costs."""

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
# What the interpreter has loaded by itself (or a .pth file of the machine) is not ours.
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
    assert "tokenwire._engine" in new, "nothing was imported: this check would pass on nothing"
    assert new & HEAVY == set()
