"""A whole application on the older interface runs unchanged, and the same after `migrate`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tokenwire.cli import migrate

HERE = Path(__file__).parent
START = """
import runpy
import tokenwire.legacy
tokenwire.legacy.install("shop.agents")
runpy.run_module("shop.main", run_name="__main__")
"""
INI = """
[shop]
shop router = vllm://127.0.0.1:{port}@/mnt/models/ministral@8b
shop router_params = {{ "prompt_format": "instruction_completion", "temperature": 0.1,
    "stream": True, "stop": ["</s>"], "stop_sequence": "</response>", "top_k": 40 }}
shop chat = vllm://127.0.0.1:{port}@qwen3:4b
shop chat_params = {{ "max_tokens": 200, "model_name": "unused" }}
model_tokenizer_map = {{"qwen3:4b": "qwen"}}
prompt_format_default = json_message
"""
ROUTED = "```xml\n<response><command>order</command></response>\n```"
SCRIPT = {
    "default": {"reply": {"text": "fine by me"}},
    "rules": [
        {"match": {"body": "ROUTE"}, "then": {"reply": {"text": ROUTED}}},
        {"match": {"body": "FENCED"}, "then": {"reply": {"text": "```py\ncode\n```"}}},
        {
            "match": {"body": "FAIL"},
            "then": {
                "error": {
                    "status": 503,
                    "message": "overloaded",
                    "headers": {"x-should-retry": "false"},
                }
            },
        },
    ],
}
RESULTS = {
    "router": "order",
    "chat": "FINE BY ME",
    "overloaded": "refused 503: True",
    "groq": "FINE BY ME",
    "deepily": "fine by me",
    "loop": ["FINE BY ME"] * 4,
    "summary": ["fine by me", 6, "gemma3:4b"],
    "stream": ["fine", " by", " me"],
    "private": "fine by me",
    "completion": ["code", "x"],
    "no key": True,
    "patched": True,
    "tokens": 2,
    "models": 9,
    "same factory": True,
}


@pytest.fixture
def application(tmp_path):
    """The files of the application, before any change."""
    text = (HERE / "application.txt").read_text(encoding="utf-8")
    parts = re.split(r"^==== (.+)\n", text, flags=re.MULTILINE)[1:]
    assert len(parts) >= 20
    for name, content in zip(parts[::2], parts[1::2], strict=True):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return tmp_path


def run(folder, sim):
    """What the application prints, and the requests that it sends."""
    sim.reset()
    sim.set_script(SCRIPT)
    (folder / "shop.ini").write_text(INI.format(port=sim.port), encoding="utf-8")
    keys = folder / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "groq").write_text("gsk-1234567\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", START],
        cwd=folder,
        env={
            **os.environ,
            "LUPIN_CONFIG_MGR_CLI_ARGS": str(folder / "shop.ini"),
            "SHOP_KEYS": str(keys),
            "TOKENWIRE_LEGACY_BASE_URL": sim.base_url,
            "GROQ_BASE_URL": f"http://127.0.0.1:{sim.port}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    printed, _, results = done.stdout.partition("RESULTS ")
    bodies = sorted(
        json.dumps([request["path"], request["body"]], sort_keys=True) for request in sim.requests()
    )
    return printed, json.loads(results), bodies


def test_an_application_runs_unchanged(application, sim):
    printed, results, bodies = run(application, sim)
    assert results == RESULTS
    # The configuration makes the router stream, and its client ends with a line break.
    assert re.fullmatch(r"\.+\n", printed)
    assert len(bodies) == 13
    sent = [json.loads(body) for body in bodies]
    assert {body["model"] for _, body in sent} == {
        "/mnt/models/ministral@8b",
        "qwen3:4b",
        "llama-3.1-8b-instant",
        "llm_deepily_x",
        "gemma3:4b",
        "streamer",
        "kaitchup/phi_4_14b",
        "llama",
    }
    allowed = {"model", "messages", "prompt", "temperature", "max_tokens", "top_p", "stop"}
    allowed |= {"stream", "stream_options"}
    assert set().union(*(body for _, body in sent)) <= allowed


def test_it_runs_the_same_after_the_migration(application, sim, capsys):
    before = run(application, sim)
    assert migrate.main([str(application), "--write"]) == 0
    left_alone = capsys.readouterr().err
    changed = (application / "shop/agents/chat_agent.py").read_text(encoding="utf-8")
    assert "from tokenwire.legacy.chat_client import ChatClient" in changed
    assert "shop/agents/agent_base.py:5: the factory reads the application's" in left_alone
    assert run(application, sim) == before
    capsys.readouterr()
    migrate.main([str(application)])
    assert capsys.readouterr().out == "", "a second time changes nothing"
