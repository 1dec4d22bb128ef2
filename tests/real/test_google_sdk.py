"""The calls of Google's official client run unchanged against the simulator."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tokenwire.testing import SimServer

pytestmark = pytest.mark.real

PROGRAM = Path(__file__).with_name("google_sdk.py")


@pytest.fixture
def calls(sim: SimServer) -> dict[str, dict[str, Any]]:
    """What each call of the program reported."""
    python = os.environ.get("REAL_SDK_PYTHON")
    if not python:
        pytest.skip("no official client: `make test-real` installs it")
    rules = [
        {"match": {"model": "busy"}, "times": 2, "then": {"error": {"status": 503}}},
        {"match": {"model": "refused"}, "then": {"error": {"status": 403, "message": "No."}}},
        {
            "match": {"model": "broken"},
            "then": {"fault": {"kind": "error_event", "at": {"events": 1}}},
        },
    ]
    sim.set_script({"rules": rules})
    command = [python, str(PROGRAM), sim.base_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {report.pop("what"): report for report in reports}


def test_each_call_gets_what_it_asks_for(calls: dict[str, dict[str, Any]]) -> None:
    created = calls["create"]
    assert created["text"].startswith('You asked: "Why?"')
    assert (created["reason"], created["usage"][0], created["has_id"]) == ("STOP", 3, True)
    streamed = calls["stream"]
    assert streamed["text"].startswith('You asked: "Why?"')
    assert streamed["thoughts"].endswith("has no opinion.")
    assert streamed["last"] == "STOP"
    assert streamed["count"] > 20
    assert calls["parse"] == {"kind": "City"}
    tools = calls["tools"]
    assert (tools["name"], tools["args"]) == ("get_weather", {"city": "text"})
    assert tools["text"].startswith("The tool get_weather returned: It rains.")
    assert calls["unsigned"]["code"] == 400
    assert "missing a thought_signature" in calls["unsigned"]["message"]
    automatic = "The tool get_weather returned: It rains in text."
    assert calls["automatic"]["text"].startswith(automatic)
    assert calls["count"] == {"tokens": 2}
    assert calls["models"] == {"ids": ["models/chat", "models/completion", "models/sim-tools"]}
    assert calls["retried"] == {"text": True}
    assert calls["refused"] == {"code": 403, "status": "PERMISSION_DENIED"}
    assert calls["failed"]["code"] == 500
