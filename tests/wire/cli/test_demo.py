"""The example that `make demo` runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[3] / "examples" / "demo.py"
CALLS = ["chat, sync", "chat, async", "completion, sync", "completion, async"]


def demo(*words, **environment):
    return subprocess.run(
        [sys.executable, DEMO, *words],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def names(out):
    """The first column of the summary, in order."""
    summary = out.partition("tokens/s\n")[2].partition("\n\n")[0]
    return [re.split("  +", line)[0] for line in summary.splitlines()]


def test_the_demo_makes_four_calls_against_the_simulator():
    done = demo()
    assert (done.returncode, done.stderr) == (0, "")
    assert names(done.stdout) == CALLS
    assert done.stdout.count("Sunlight holds all colours") == 2
    assert done.stdout.count("keeper of a lighthouse") == 2


def test_its_table_is_aligned():
    out = demo().stdout
    heading, *rows = out[out.index("call  ") :].partition("\n\n")[0].splitlines()
    assert len({len(line) for line in (heading, *rows)}) == 1


@pytest.mark.linux
def test_the_simulator_says_so_and_names_what_to_try_next():
    out = demo().stdout
    assert out.startswith("The built-in simulator answers")
    assert "Nothing leaves this machine" in out
    commands = re.findall("^  (\\S.*)$", out.partition("Try next:")[2], re.MULTILINE)
    assert len(commands) == 3
    for command in commands[:2]:
        subprocess.run(["bash", "-c", f"{command} --dry-run"], check=True, capture_output=True)
    done = subprocess.run(["bash", "-c", commands[2]], check=True, capture_output=True, text=True)
    assert done.stdout.startswith('You asked: "Why is the sky blue?"')


def test_it_needs_no_utf_8():
    done = demo(LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert names(done.stdout) == CALLS


def test_a_reply_that_the_terminal_cannot_show_is_shown_in_part(sim):
    sim.set_script({"default": {"reply": {"text": "caf\u00e9 \u2713"}}})
    done = demo("--model", "m", "--base-url", sim.base_url, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "caf? ?" in done.stdout


def test_it_asks_the_server_it_is_given(sim):
    done = demo("--model", "m", "--base-url", sim.base_url)
    assert (done.returncode, done.stderr, names(done.stdout)) == (0, "", CALLS)
    assert "simulator" not in done.stdout
    assert [request["path"] for request in sim.requests()] == [
        *["/v1/chat/completions"] * 2,
        *["/v1/completions"] * 2,
    ]


def test_a_server_without_completions_still_shows_its_chats(sim):
    rule = {"match": {"path": "/v1/completions"}, "then": {"error": {"status": 404}}}
    sim.set_script({"rules": [rule]})
    done = demo("--model", "m", "--base-url", sim.base_url)
    assert (done.returncode, names(done.stdout)) == (1, CALLS[:2])
    assert [line[:5] for line in done.stderr.splitlines()] == ["demo:", "demo:"]


def test_a_server_that_is_not_there_is_one_line():
    done = demo("--model", "m", "--base-url", "http://127.0.0.1:9/v1")
    assert done.returncode == 1
    assert re.fullmatch(r"demo: nothing listens at 127\.0\.0\.1:9 .*\n", done.stderr)


def test_a_missing_key_is_one_line():
    done = demo("--model", "openai:gpt-4o-mini")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch("demo: no API key for openai: .*\n", done.stderr)
