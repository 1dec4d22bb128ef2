"""The calls of Anthropic's official client run unchanged against the simulator."""

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

PROGRAM = Path(__file__).with_name("anthropic_sdk.py")


@pytest.fixture
def calls(sim: SimServer) -> dict[str, dict[str, Any]]:
    """What each call of the program reported."""
    python = os.environ.get("REAL_SDK_PYTHON")
    if not python:
        pytest.skip("no official client: `make test-real` installs it")
    busy = {"error": {"status": 529, "message": "Overloaded", "headers": {"retry-after": "0"}}}
    broken = {"fault": {"kind": "error_event", "at": {"events": 1}, "named": True}}
    rules = [
        {"match": {"model": "busy"}, "times": 2, "then": busy},
        {"match": {"model": "overloaded"}, "then": busy},
        {"match": {"model": "broken"}, "then": broken},
    ]
    sim.set_script({"rules": rules})
    command = [python, str(PROGRAM), sim.base_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {report.pop("what"): report for report in reports}


def test_each_call_gets_what_it_asks_for(calls: dict[str, dict[str, Any]]) -> None:
    created = calls["create"]
    text = created["text"]
    assert text.startswith('You asked: "Why?"')
    assert (created["reason"], created["usage"][0]) == ("end_turn", 3)
    assert created["request"] == "req_sim_1"
    streamed = calls["stream"]
    assert (streamed["first"], streamed["last"]) == ("message_start", "message_stop")
    assert streamed["text"].startswith('You asked: "Why?"')
    accumulated = calls["accumulate"]
    assert (accumulated["same"], accumulated["is_signed"]) == (True, True)
    assert accumulated["thinking"]
    assert calls["parse"] == {"kind": "City"}
    tools = calls["tools"]
    assert (tools["name"], tools["input"]) == ("get_weather", {"city": "text"})
    assert tools["text"].startswith("The tool get_weather returned: It rains.")
    assert "Invalid `signature` in `thinking` block" in calls["unsigned"]["message"]
    assert calls["unsigned"]["request"].startswith("req_sim_")
    # The client's own loop leaves the call to the server's thread, so its name is unknown.
    assert calls["runner"]["text"].startswith("The tool returned: It rains in text.")
    assert calls["count"] == {"tokens": 3}
    assert calls["models"] == {"ids": ["chat", "completion", "sim-tools"]}
    assert calls["retried"] == {"reason": "end_turn"}
    assert calls["refused"] == {"kind": "OverloadedError", "status": 529}
    assert calls["failed"]["kind"] == "APIStatusError"
    assert "Internal server error" in calls["failed"]["message"]
