"""Applications on the older interface in worker processes, and with reimported modules."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

START = "import tokenwire.legacy\ntokenwire.legacy.install('root.agents')\n"
OWN = """
from .llm_client import LlmClient
from .llm_data_types import LlmResponse
def ask(number):
    return LlmResponse(LlmClient(model_name="m").run(str(number)), 1, number)
"""
WORKERS = f"""{START}
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from root.agents.chat_client import ChatClient
from root.agents.llm_exceptions import LlmError, LlmRateLimitError
from root.agents.own import ask

def call(client):
    return client.run("pickled")

def fail(seconds):
    raise LlmRateLimitError("slow down", retry_after=seconds, error_code="c")

def main():
    client = ChatClient("openai:m", base_url=os.environ["SIM"])
    print(client.run("before"))
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        print([one.text for one in pool.map(ask, range(3))], pool.submit(call, client).result())
        try:
            pool.submit(fail, 3).result()
        except LlmError as error:
            print(type(error) is LlmRateLimitError, error.retry_after, error.error_code)
    print(client.run("after"))

if __name__ == "__main__":
    main()
"""
REIMPORTED = f"""{START}
import importlib, sys
import root.agents.own as one
for name in [name for name in sys.modules if name.partition(".")[0] == "root"]:
    del sys.modules[name]
import root.agents.own as two
import root.agents
print(one is two, one.LlmClient is two.LlmClient, root.agents.llm_client.LlmClient is two.LlmClient)
import root.agents.llm_client_factory as factory
first = factory.LlmClientFactory()
importlib.reload(factory)
print(factory.LlmClientFactory() is first, two.ask(1).text)
"""
NAMESPACES = f"""{START}
import sys, zipfile
with zipfile.ZipFile("app.zip", "w") as archive:
    for folder in ("root/", "root/agents/"):
        archive.writestr(folder, "")
    archive.writestr("root/agents/zipped.py", "from .own import LlmClient")
sys.path.append("app.zip")
import root.agents.own, root.agents.zipped
print(root.agents.zipped.LlmClient is root.agents.own.LlmClient, len(list(root.agents.__path__)))
"""


@pytest.fixture
def run(tmp_path, sim):
    """Run a program next to an application; return what it prints."""
    (tmp_path / "root/agents").mkdir(parents=True)
    (tmp_path / "root/agents/own.py").write_text(OWN)
    (tmp_path / "root/agents/llm_client.py").write_text("raise SystemError('the old file')")
    sim.set_script({"default": {"reply": {"text": "fine"}}})

    def run(program, *arguments):
        (tmp_path / "start.py").write_text(program)
        done = subprocess.run(
            [sys.executable, "start.py", *arguments],
            cwd=tmp_path,
            env={**os.environ, "SIM": sim.base_url, "TOKENWIRE_LEGACY_BASE_URL": sim.base_url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_workers_call_with_new_clients_and_with_pickled_ones(run, method):
    expected = ["fine", "['fine', 'fine', 'fine'] fine", "True 3 c", "fine"]
    assert run(WORKERS, method) == expected


def test_modules_that_are_removed_and_imported_again_are_the_same(run):
    assert run(REIMPORTED) == ["False True True", "False fine"]


def test_a_package_in_several_places_is_served_in_all_of_them(run):
    assert run(NAMESPACES) == ["True 2"]
