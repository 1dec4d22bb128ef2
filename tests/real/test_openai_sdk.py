"""The official client's Responses calls run unchanged against the simulator."""

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

PROGRAM = Path(__file__).with_name("openai_sdk.py")


@pytest.fixture
def calls(sim: SimServer) -> dict[str, dict[str, Any]]:
    """What each call of the program reported."""
    python = os.environ.get("REAL_SDK_PYTHON")
    if not python:
        pytest.skip("no official client: `make test-real` installs it")
    broken = {"fault": {"kind": "error_event", "at": {"events": 1}, "named": True, "done": True}}
    sim.set_script({"rules": [{"match": {"model": "broken"}, "then": broken}]})
    command = [python, str(PROGRAM), sim.base_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    return {report.pop("what"): report for report in reports}


def test_each_call_gets_what_it_asks_for(calls: dict[str, dict[str, Any]]) -> None:
    assert calls["create"]["text"].startswith('You asked: "Why?"')
    assert (calls["create"]["status"], calls["create"]["usage"] > 20) == ("completed", True)
    streamed = calls["stream"]
    text_of_why = streamed["text"]
    assert (streamed["first"], streamed["last"]) == ("response.created", "response.completed")
    assert streamed["text"] == calls["accumulate"]["text"]
    assert streamed["text"].startswith('You asked: "Why?"')
    assert calls["parse"] == {"kind": "City"}
    tools = calls["tools"]
    assert (tools["name"], json.loads(tools["arguments"])) == ("get_weather", {"city": "text"})
    assert tools["text"].startswith("The tool get_weather returned: It rains.")
    assert "Items are not persisted when `store` is set to false." in calls["unsealed"]["message"]
    assert calls["queued"] == {"status": "queued", "later": "completed", "text": text_of_why}
    assert calls["failed"]["kind"] == "APIError"
    assert "The server had an error" in calls["failed"]["message"]
