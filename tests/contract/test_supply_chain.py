"""Tools, CI actions and dependencies are pinned, and there is one version number."""

from __future__ import annotations

import re
from importlib.metadata import metadata, requires, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_pydantic_is_the_only_dependency():
    needed = [line for line in requires("tokenwire") or [] if "extra ==" not in line]
    assert [re.split(r"[^\w-]", line)[0] for line in needed] == ["pydantic"]


def test_one_version_everywhere():
    stated = re.search(r'^version = "(.+)"$', read(ROOT / "Cargo.toml"), re.MULTILINE)
    logged = re.search(r"^## \[(\d.+?)\]", read(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert stated
    assert logged
    assert version("tokenwire") == stated[1] == logged[1]


def test_the_scan_sees_locks_and_workflows():
    assert {"check.txt", "demo.txt", "wheel.txt", "bench.txt"} <= {lock.name for lock in LOCKS}
    assert len(WORKFLOWS) >= 2


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_locks_pin_by_hash_and_name_no_host(lock):
    text = read(lock)
    requirements = re.findall(r"^([\w.-]+)==[^\\]+\\\n +--hash=sha256:", text, re.MULTILINE)
    named = re.findall(r"^[\w.-]+", text, re.MULTILINE)
    assert requirements == named
    assert len(named) >= 7
    assert "://" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_locks_are_made_for_the_oldest_python(lock):
    """A lock made for a newer Python would leave out what only older ones need."""
    assert metadata("tokenwire")["Requires-Python"] == ">=3.10"
    marker = r"^tomli==[^ ]+ ; python_full_version < '3\.11' "
    assert re.search(marker, read(lock), re.MULTILINE)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned_by_commit(workflow):
    used = re.findall(r"uses: (\S+)", read(workflow))
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action)] == []
