"""Behind a proxy that is not there, everything that stays on this machine works.

Each program runs with the three variables of a proxy, in lower and upper case and in both, over
both transports.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.wire.asgi_server import serving

if TYPE_CHECKING:
    from tokenwire.testing import SimServer

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
LOWER = ("http_proxy", "https_proxy", "all_proxy")
UPPER = tuple(name.upper() for name in LOWER)
# The variables that name the dead proxy, and the transport.
SURROUNDINGS = [(LOWER, "direct"), (UPPER, "general"), (LOWER + UPPER, "auto")]

SIM_CHAT = """
import asyncio, tokenwire as tw
from tokenwire.testing import SimServer

def check(client):
    assert client.run("hi") and asyncio.run(client.run_async("hi"))
    assert "".join(client.stream("hi").text_stream)

check(tw.ChatClient("sim:chat"))
check(tw.CompletionClient("sim:completion"))
with SimServer() as sim:
    check(tw.ChatClient("m", base_url=sim.base_url, api_key="k"))
    check(tw.ChatClient("m", base_url=sim.base_url.replace("127.0.0.1", "localhost")))
"""
README = """
from tests.contract import test_documents
test_documents.test_code_runs(test_documents.ROOT / "README.md")
"""
OLDER = """
import runpy, tokenwire.legacy
tokenwire.legacy.install("root.agents")
runpy.run_path("examples/migration_before.py", run_name="__main__")
"""
# The words after `python`; `FOLDER` is an empty one.
PROGRAMS: dict[str, list[str]] = {
    "sim:chat and SimServer": ["-c", SIM_CHAT],
    "README.md": ["-c", README],
    "tokenwire run": ["-m", "tokenwire", "run", "-m", "sim:chat", "hi"],
    "async_fan_out.py": [],
    "bulk_map.py": ["FOLDER/answers.jsonl"],
    "chat.py": ["FOLDER/talk.json"],
    "custom_client.py": [],
    "demo.py": [],
    "every_api.py": [],
    "factory.py": [],
    "first_call.py": [],
    "metrics.py": [],
    "migration_after.py": [],
    "migration_before.py": ["-W", "ignore::DeprecationWarning", "-c", OLDER],
    "responses.py": [],
    "streaming_handler.py": [],
    "tools_loop.py": [],
    "typed_output.py": [],
}


@pytest.fixture(params=SURROUNDINGS, ids=["lower-direct", "upper-general", "both-auto"])
def surroundings(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of a proxy that is not there, and of a transport."""
    names, transport = request.param
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
    return {**dict.fromkeys(names, dead), "TOKENWIRE_TRANSPORT": transport}


def test_every_example_is_run() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    assert names - PROGRAMS.keys() == {"web_streaming.py"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_works_behind_a_dead_proxy(
    program: str, surroundings: dict[str, str], sim: SimServer, tmp_path: Path
) -> None:
    words = [word.replace("FOLDER", str(tmp_path)) for word in PROGRAMS[program]]
    if not words or not words[0].startswith("-"):
        words = [str(EXAMPLES / program), *words]
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **surroundings, "SERVER": sim.base_url, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        input="Hi\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_web_example_works_behind_a_dead_proxy(
    surroundings: dict[str, str], sim: SimServer
) -> None:
    variables = {"MODEL": "openai-compatible:m", "BASE_URL": sim.base_url, **surroundings}
    with (
        serving("web_streaming:app", EXAMPLES, **variables) as port,
        socket.create_connection(("127.0.0.1", port)) as browser,
    ):
        browser.sendall(b"GET /chat?q=hi HTTP/1.0\r\nHost: localhost\r\n\r\n")
        page = browser.makefile("rb").read()
    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert len(sim.requests()) == 1
