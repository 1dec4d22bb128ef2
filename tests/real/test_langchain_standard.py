"""langchain's standard tests end with our clients as they do with openai's."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tokenwire.testing import SimServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

PROGRAM = Path(__file__).with_name("langchain_standard.py")
# They want what the simulator does not say (the arguments of a model that calculates, Chinese, an
# image from the network), or a file of snapshots.
NOT_FOR_A_SIMULATOR = {
    *("test_tool_calling[model0]", "test_tool_calling[model1]", "test_tool_calling_async"),
    *("test_agent_loop[model0]", "test_agent_loop[model1]", "test_unicode_tool_call_integration"),
    *("test_image_inputs", "test_serdes"),
}
RESULT = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+::(test_\S+)", re.MULTILINE)


def results(clients: str) -> dict[str, set[str]]:
    python = os.environ.get("ROWS_PYTHON")
    if not python:
        pytest.skip("no langchain: `make test-rows` installs it")
    with SimServer({}) as sim:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(PROGRAM.parents[2] / "python"),
            "LANGCHAIN_CLIENTS": clients,
            "SIMULATOR": sim.base_url,
        }
        command = [python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
        # Not with our own settings.
        command += ["--noconftest", "-c", os.devnull, "--asyncio-mode=auto", str(PROGRAM)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    found: dict[str, set[str]] = {}
    for result, name in RESULT.findall(done.stdout):
        found.setdefault(result, set()).add(name)
    assert "ERROR" not in found, done.stdout
    return found


def test_what_passes_with_openai_s_clients_passes_with_ours() -> None:
    stock, ours = results("stock"), results("ours")
    assert len(stock["PASSED"]) >= 30
    assert stock["PASSED"] - ours["PASSED"] == set()
    assert ours["FAILED"] == NOT_FOR_A_SIMULATOR
    # openai's async client belongs to one event loop, and each async test has another.
    assert len(ours["PASSED"]) > len(stock["PASSED"])
