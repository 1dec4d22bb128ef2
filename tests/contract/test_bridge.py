"""The engine finds every name that it uses in Python; `test_layers.py` forbids others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tokenwire._bridge as bridge

SOURCES = Path(__file__).resolve().parents[2] / "rust" / "bindings" / "src"
NAMES = re.findall(r'Bridged::new\("(\w+)"\)', (SOURCES / "ground" / "python.rs").read_text())


def test_both_sides_list_the_same_names():
    assert len(NAMES) >= 10, "python.rs has moved, so this test checks nothing"
    assert sorted(NAMES) == sorted(["KINDS", "kind_of", *bridge._HOMES])


@pytest.mark.parametrize("name", NAMES)
def test_each_name_exists(name):
    assert getattr(bridge, name) is not None


def test_another_name_does_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        bridge.nothing  # noqa: B018


def test_a_client_imports_only_the_table():
    program = (
        "import sys\n"
        "from tokenwire import ChatClient\n"
        "ChatClient('sim:chat')\n"
        "print(*(name for name in sys.modules if '_bridge' in name))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["tokenwire._bridge"]
