"""`tokenwire migrate` and the files it finds: encodings, line ends, links, notebooks, scripts."""

from __future__ import annotations

import ast
import difflib
import io
import os
import re
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenwire.cli import migrate

IMPORT = "from root.agents.llm_client import LlmClient\n"
MOVED = "from tokenwire.legacy.llm_client import LlmClient\n"
USE = "c = LlmClient(\n    url,\n    'm',\n)\nc.run('x')\n"


def write(folder):
    """Migrate a folder; return the notes, by file."""
    plan = migrate.planned(folder, ["root.agents"])
    assert migrate.main([str(folder), "--write", "--package", "root.agents"]) == 0
    left: dict[str, str] = {}
    for note in plan.notes:
        name = note.path.relative_to(folder).as_posix()
        left[name] = f"{left.get(name, '')}{note.why}\n"
    return left


@pytest.mark.parametrize("name", ["app.py", "stub.pyi", "window.pyw"])
def test_python_files_of_every_suffix_change(tmp_path, name):
    (tmp_path / name).write_text(IMPORT)
    assert write(tmp_path) == {}
    assert (tmp_path / name).read_text() == MOVED


def test_scripts_change_and_other_files_do_not(tmp_path):
    for name, first in (("script", "#!/usr/bin/env python3\n"), ("shell", "#!/bin/sh\n")):
        (tmp_path / name).write_text(first + IMPORT)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "notes.txt").write_text(IMPORT)
    write(tmp_path)
    assert (tmp_path / "script").read_text() == f"#!/usr/bin/env python3\n{MOVED}"
    assert (tmp_path / "shell").read_text() == f"#!/bin/sh\n{IMPORT}"
    assert (tmp_path / "notes.txt").read_text() == IMPORT


def test_notebooks_are_listed(tmp_path):
    text = '{"cells": [\n{"source": ["from root.agents.llm_client import LlmClient"]}]}'
    (tmp_path / "old.ipynb").write_text(text)
    (tmp_path / "other.ipynb").write_text(text.replace("root.agents", "of.others"))
    plan = migrate.planned(tmp_path, ["root.agents"])
    assert [(note.path.name, note.line) for note in plan.notes] == [("old.ipynb", 2)]
    assert "by hand" in plan.notes[0].why
    assert migrate.planned(tmp_path / "old.ipynb", ["root.agents"]).notes == plan.notes


def test_links_and_folders_do_not_stop_the_command(tmp_path):
    application, outside = tmp_path / "application", tmp_path / "outside.py"
    application.mkdir()
    outside.write_text(IMPORT)
    (application / "app.py").write_text(IMPORT)
    (application / "inside.py").symlink_to("app.py")
    (application / "outside.py").symlink_to(outside)
    (application / "nowhere.py").symlink_to("nothing")
    (application / "round").symlink_to(".")
    (application / "itself.py").symlink_to("itself.py")
    (application / "folder.py").mkdir()
    left = write(application)
    assert sorted(left) == ["itself.py", "nowhere.py", "outside.py"]
    assert outside.read_text() == IMPORT
    assert (application / "app.py").read_text() == MOVED
    assert (application / "inside.py").is_symlink()


@pytest.mark.parametrize("folder", [".git", ".venv", "env", "node_modules", "__pycache__"])
def test_folders_of_tools_are_not_entered(tmp_path, folder):
    (tmp_path / folder).mkdir()
    if folder == "env":
        (tmp_path / folder / "pyvenv.cfg").touch()
    (tmp_path / folder / "app.py").write_text(IMPORT)
    write(tmp_path)
    assert (tmp_path / folder / "app.py").read_text() == IMPORT


@pytest.mark.parametrize(
    "content",
    [
        b"print 'python 2'\n",
        b"def f(:\n",
        b"x = 1\0\n",
        b"# \xff\xfe\n",
        b"# coding: klingon\n",
        b"# coding: ascii\n# \xff\n",
        b"\xef\xbb\xbf# coding: latin-1\n",
        b"x = " + b"-" * 100_000 + b"1\n",
    ],
)
def test_files_that_are_not_python_are_listed_and_stay(tmp_path, content):
    file = tmp_path / "broken.py"
    file.write_bytes(content + IMPORT.encode())
    (tmp_path / "app.py").write_text(IMPORT)
    assert "cannot be read" in write(tmp_path)["broken.py"]
    assert file.read_bytes() == content + IMPORT.encode()
    assert (tmp_path / "app.py").read_text() == MOVED


def test_a_read_only_file_stays_and_the_others_change(tmp_path, monkeypatch):
    for name in ("fixed.py", "app.py"):
        (tmp_path / name).write_text(IMPORT)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: path.name != "fixed.py" and access(path, mode)
    )
    assert "read-only" in write(tmp_path)["fixed.py"]
    assert (tmp_path / "fixed.py").read_text() == IMPORT
    assert (tmp_path / "app.py").read_text() == MOVED


def test_a_file_that_cannot_be_written_is_reported_and_the_others_change(
    tmp_path, monkeypatch, capsys
):
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(IMPORT)
    replace = type(tmp_path).replace

    def refuse(path, target):
        if target.name == "a.py":
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(type(tmp_path), "replace", refuse)
    assert migrate.main([str(tmp_path), "--write"]) == 1
    shown = capsys.readouterr().err
    assert "a.py: cannot be written: No space left on device" in shown
    assert shown.endswith("files: 1 changed; places to change by hand: 0\n")
    assert (tmp_path / "a.py").read_text() == IMPORT
    assert (tmp_path / "b.py").read_text() == MOVED
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.py", "b.py"]


def test_permissions_and_links_stay(tmp_path):
    file, link = tmp_path / "script.py", tmp_path / "link.py"
    file.write_text(IMPORT)
    file.chmod(0o751)
    link.symlink_to(file)
    assert migrate.main([str(link), "--write", "--package", "root.agents"]) == 0
    assert link.is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == (MOVED, 0o751)


def test_a_terminal_that_lacks_characters_does_not_stop_the_command(tmp_path):
    for number in range(2):
        (tmp_path / f"é{number}.py").write_text(f"{IMPORT}x = 'ü'\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "tokenwire", "migrate", str(tmp_path), "--write"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"x = '\\xfc'" in done.stdout
    assert b"files: 2 changed" in done.stderr


def test_warnings_about_the_source_are_not_shown(tmp_path):
    (tmp_path / "app.py").write_text(f"{IMPORT}x = '\\d' is 'y'\n")
    assert write(tmp_path) == {}


@pytest.mark.skipif(shutil.which("patch") is None, reason="needs patch")
@pytest.mark.parametrize("middle", ["\f\n", "x = 'a\u2028b\x85c'\n", "\x0b\x0c"])
def test_the_diff_is_what_patch_applies(tmp_path, monkeypatch, capsys, middle):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "app.py"
    file.write_bytes(f"import os\n{middle}{IMPORT}\f\n{USE}".encode())
    if middle == "\x0b\x0c":
        file.write_bytes(f"import os\n\f{IMPORT}{USE}".encode())
    migrate.main(["app.py"])
    diff = capsys.readouterr().out.encode()
    subprocess.run(["patch", "-p0", "-s", "-o", "new.py"], input=diff, check=True)
    migrate.main(["app.py", "--write"])
    assert file.read_bytes() == (tmp_path / "new.py").read_bytes()


PIECES = [
    IMPORT,
    "from root.agents.chat_client import ChatClient as Chat\n",
    "from root.agents.completion_client import CompletionClient, clean_llm_response\n",
    "from root.agents.llm_data_types import (  # why\n    LlmMessage,  # é\n)\n",
    "from root.agents import llm_completion, token_counter as counter\n",
    "import root.agents.llm_client as lc; import os\n",
    "from root.agents.llm_exceptions import LlmError, LlmAPIError\n",
    "from root.agents.llm_client_factory import LlmClientFactory\n",
    "def f():\n\tfrom root.agents.chat_client import ChatClient\n\treturn ChatClient('groq:é')\n",
    "a = LlmClient(url, 'm', top_k=3); a.run('é', top_k=1)  # ü\n",
    USE,
    "b = Chat(\n    'groq:x', stop_sequences=['é'])\nx = b.run(b.run('y', stream=False))\n",
    "k = CompletionClient(f'{url}/completions', 'm')\ny = k.run('x').strip()\n",
    "async def g():\n    return [await k.run_async(p, top_k=2) for p in 'ab']\n",
    "try:\n    a.run('x')\nexcept LlmError as e:\n    print(e)\n",
    "s = '''root.agents.llm_client\r\n\té'''\n",
    "\f\n# root.agents.chat_client\n",
    "x = 1\n",
]


@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=8),
    newline=st.sampled_from(["\n", "\r\n"]),
    head=st.sampled_from(["", "# coding: latin-1\n", "\ufeff", '"""é"""\n']),
    ends=st.booleans(),
)
def test_only_import_lines_change_and_a_second_run_changes_nothing(
    tmp_path_factory, pieces, newline, head, ends
):
    encoding = "latin-1" if "latin" in head else "utf-8"
    text = head + "".join(pieces)
    text = re.sub(r"\r?\n", newline, text if ends else text.rstrip("\n"))
    file = tmp_path_factory.mktemp("app") / "app.py"
    file.write_bytes(text.encode(encoding))
    assert migrate.main([str(file), "--write", "--package", "root.agents"]) == 0
    after = file.read_bytes()
    ast.parse(after)
    old, new = (io.StringIO(one, newline="").readlines() for one in (text, after.decode(encoding)))
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for what, start, end, begin, stop in matcher.get_opcodes():
        if what != "equal":
            touched = "".join(old[start:end] + new[begin:stop])
            assert re.search(r"(from|import) (root\.agents|tokenwire)", touched), touched
    assert all(line.endswith(newline) for line in new[:-1])
    migrate.main([str(file), "--write", "--package", "root.agents"])
    assert file.read_bytes() == after
