"""The engine's stub: stubtest checks its types, and this checks stubtest and the docstrings."""

from __future__ import annotations

import ast
import inspect
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tokenwire
import tokenwire._engine

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_stubtest_sees_a_broken_stub(tmp_path):
    package = tmp_path / "tokenwire"
    shutil.copytree(
        Path(tokenwire.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__")
    )
    stub = package / "_engine.pyi"
    stub.write_text(f"{stub.read_text()}\ndef canary(song: str) -> None: ...\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "tokenwire._engine"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MYPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "tokenwire._engine.canary is not present at runtime" in done.stdout


def test_the_stub_lists_the_reasons_that_the_engine_knows():
    listed = re.search(
        r"^_FinishReason: TypeAlias = Literal\[(.*?)\]",
        (ROOT / "python" / "tokenwire" / "_engine.pyi").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
    assert listed
    with pytest.raises(tokenwire.LlmValidationError) as refused:
        tokenwire.LlmStreamChunk(finish_reason="nonsense")  # type: ignore[arg-type]
    known = str(refused.value).split(" is not one of ")[1]
    assert re.findall(r'"(\w+)"', listed[1]) == known.split(", ")


def test_the_stub_has_the_docstrings_of_the_compiled_module():
    program = runpy.run_path(str(ROOT / "scripts" / "stub_docstrings.py"))
    stub = ast.parse(program["STUB"].read_text(encoding="utf-8"))
    documented = list(program["documented"](stub))
    assert len(documented) >= 180
    stale = [
        name for name, node, text in documented if ast.get_docstring(node) != inspect.cleandoc(text)
    ]
    assert stale == [], "`make stub-docs` copies them into the stub"


def test_everything_public_in_the_engine_has_a_docstring():
    stub = ast.parse((ROOT / "python" / "tokenwire" / "_engine.pyi").read_text(encoding="utf-8"))
    public = {
        f"{node.name}.{member.name}": ast.get_docstring(member)
        for node in stub.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for member in node.body
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
    }
    assert len(public) >= 150
    assert [name for name, text in public.items() if not text] == []
