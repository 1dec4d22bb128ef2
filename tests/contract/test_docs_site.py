"""`make docs` is strict: it must stop at every kind of fault."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mkdocs", reason="mkdocs is not installed")

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMAND = next(iter(re.findall(r"^\t.*\$\(PY\) (-m mkdocs build.*)$", MAKEFILE, re.MULTILINE)))
WARNED = """
[a page](none.md), [a place](clients.md#none), [a name][tokenwire.Nothing]
"""


@pytest.fixture
def build(tmp_path):
    """Builds the site with text added to its first page. Returns the exit status and the output."""
    for name in ("python", "scripts", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")

    def run(text):
        with (tmp_path / "docs" / "index.md").open("a", encoding="utf-8") as page:
            page.write(text)
        done = subprocess.run(
            [sys.executable, *COMMAND.split()],
            cwd=tmp_path,
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


@pytest.mark.linux
def test_broken_links_and_pages_outside_the_menu_stop_the_build(build, tmp_path):
    (tmp_path / "docs" / "unlisted.md").write_text("# Unlisted\n", encoding="utf-8")
    code, said = build(WARNED)
    assert code != 0
    for fault in ("unlisted.md", "'none.md'", "'clients.md#none'", "'tokenwire.Nothing'"):
        assert fault in said
    assert "Aborted with 4 warnings" in said


@pytest.mark.linux
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n::: tokenwire.Nothing\n", "tokenwire.Nothing could not be found"),
        ("\n![a picture](https://example.com/a.png)\n", "index.md loads from another host"),
    ],
)
def test_an_unknown_name_and_a_load_from_another_host_stop_the_build(build, text, message):
    code, said = build(text)
    assert code != 0
    assert message in said
