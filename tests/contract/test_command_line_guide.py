"""docs/command-line.md: its commands print what the page shows; `…` is text that may differ."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tokenwire.cli import _COMMANDS
from tokenwire.cli.output import EXIT_CODES

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"
TEXT = GUIDE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- command -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# A command and the lines that it prints.
COMMANDS = [
    (command, printed)
    for block in BLOCK.findall(TEXT)
    for command, printed in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
]

pytestmark = pytest.mark.linux


def test_the_guide_has_commands():
    assert len(COMMANDS) >= 10
    assert {name for name in _COMMANDS if f"`{name}`" not in TEXT.replace(", ", "`, `")} == set()


def test_the_guide_has_every_exit_code():
    rows = dict(re.findall(r"^\| (\d+) \| (.*) \|$", TEXT, re.MULTILINE))
    assert rows == {str(code): meaning for code, meaning in EXIT_CODES.items()}


@pytest.mark.parametrize(("command", "printed"), COMMANDS)
def test_a_command_prints_what_the_guide_says(command, printed, sim, tmp_path):
    if "jq" in command and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    sim.set_script({"default": {"reply": {"text": "It is blue."}}})
    (tmp_path / "prompt.txt").write_text("Why is the sky blue?")
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "tokenwire.toml").write_text(
        '[models.fast]\nmodel = "groq:llama-3.3-70b"\n[models.local]\nmodel = "vllm:qwen3"\n'
    )
    (tmp_path / "notes.txt").write_text("Because of Rayleigh")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, line in {
        "tokenwire": f'exec "{sys.executable}" -m tokenwire "$@"',
        "git": "echo +x",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "OPENAI_API_KEY": "k",
        "OPENAI_BASE_URL": sim.base_url,
    }
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    # A terminal shows both, in any order.
    expected = [line.rstrip() for line in printed.splitlines()]
    printed_lines = [
        line.rstrip() for line in (done.stdout + done.stderr).splitlines() if line.strip()
    ]
    lines = [line for line in expected if line.strip() != "…"]
    for line in lines:
        pattern = re.escape(line).replace("…", ".*")
        assert any(re.fullmatch(pattern, shown) for shown in printed_lines), (line, printed_lines)
    # A line of only `…` matches any number of lines.
    assert len(printed_lines) == len(expected) or len(lines) < len(expected), printed_lines
