"""The engine finds each name that it calls in Python; `test_layers.py` forbids any other."""

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
    assert len(NAMES) >= 10, "python.rs has moved: this check would pass on nothing"
    assert sorted(NAMES) == sorted(["KINDS", *bridge._MODULES])


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_there(name):
    assert getattr(bridge, name) is not None


def test_another_name_is_not_there():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        bridge.nothing  # noqa: B018


def test_a_client_imports_no_more_of_it_than_the_errors():
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
