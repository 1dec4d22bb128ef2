"""`tokenwire migrate`: what it rewrites, what it leaves alone, and that nothing else changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tokenwire import cli
from tokenwire.cli import migrate

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
USUAL = "temperature=0.7, max_tokens=1024, top_p=1.0"
TOKENS = "from tokenwire.legacy import token_counter\n"
ALIASED = "from tokenwire.legacy.llm_client import LlmClient as L"
SHORT = "temperature=0.7, max_tokens=64, top_p=1.0"


@pytest.fixture
def migrated(tmp_path, capsys):
    """Migrates a file's text; returns the new text and what was left alone."""

    def run(text, *arguments, name="app.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(textwrap.dedent(text).encode())
        assert migrate.main([str(tmp_path), "--write", *arguments]) == 0
        left = capsys.readouterr().err.replace(f"{tmp_path}/", "").splitlines()[:-1]
        return file.read_bytes().decode(), left

    return run


def test_without_write_it_shows_a_diff_and_changes_nothing(tmp_path, capsys):
    file = tmp_path / "app.py"
    file.write_text("import os\nfrom root.agents.llm_client import LlmClient\n")
    before = file.read_text()
    assert cli.main(["migrate", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert shown.out == (
        f"--- {file}\n+++ {file}\n@@ -1,2 +1,2 @@\n import os\n"
        "-from root.agents.llm_client import LlmClient\n"
        "+from tokenwire.legacy.llm_client import LlmClient\n"
    )
    assert shown.err == "1 files to change (--write does it), 0 places left alone\n"
    assert file.read_text() == before


def test_a_path_that_is_not_there_is_an_error(tmp_path, capsys):
    assert migrate.main([str(tmp_path / "none")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_json_has_the_diffs_and_what_is_left_alone(tmp_path, capsys):
    file = tmp_path / "app.py"
    file.write_text(
        f'import os\n{ALIASED}\nname = "root.agents.llm_client"\n'.replace(
            "tokenwire.legacy", "root.agents"
        )
    )
    for write in ([], ["--write"]):
        assert cli.main(["migrate", str(tmp_path), "--json", *write]) == 0
        printed = capsys.readouterr()
        told = json.loads(printed.out)
        assert (told["written"], printed.err) == (bool(write), "")
        (change,) = told["changes"]
        assert change["path"] == str(file)
        assert f"+{ALIASED}\n" in change["diff"]
        (note,) = told["notes"]
        assert (note["path"], note["line"]) == (str(file), 3)
        assert "a string names an old module" in note["why"]
    assert ALIASED in file.read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "from root.agents.llm_data_types import (\n    LlmMessage,  # a comment\n)\n",
            "from tokenwire.legacy.llm_data_types import (\n    LlmMessage,  # a comment\n)\n",
        ),
        (
            "from root.agents.llm_client import LlmClient\nfrom root.agents import token_counter\n",
            "from tokenwire.legacy.llm_client import LlmClient\n" + TOKENS,
        ),
        (
            "import root.agents.llm_client as x\nfrom root.agents.llm_client import LlmClient as L",
            "import tokenwire.legacy.llm_client as x\n" + ALIASED,
        ),
        (
            "if True:\n    from root.agents.base_llm_client import (BaseLlmClient)\r\n",
            "if True:\n    from tokenwire.legacy.base_llm_client import (BaseLlmClient)\r\n",
        ),
    ],
)
def test_imports_lead_to_the_adapter_and_keep_their_form(migrated, old, new):
    assert migrated(old) == (new, [])


def test_relative_imports_are_the_packages_own(migrated):
    text = "from .llm_exceptions import LlmError\nfrom .prompt_formatter import fmt\n"
    new, _ = migrated(text, name="root/agents/agent_base.py")
    assert new == (
        "from tokenwire.legacy.llm_exceptions import LlmError\nfrom .prompt_formatter import fmt\n"
    )


def test_modules_of_other_packages_are_not_touched(migrated):
    text = "from azure.chat_client import ChatClient\nc = ChatClient('openai:m')\nc.run('hi')\n"
    doubt = "app.py:1: azure.chat_client: say `--package azure` if that held the old clients"
    assert migrated(text) == (text, [doubt])
    assert migrated("from httpx import Client\n") == ("from httpx import Client\n", [])
    new, _ = migrated(text, "--package", "azure")
    assert new.startswith("from tokenwire import ChatClient\n")


CASES = {
    'c = ChatClient("groq:llama")\nc.run("hi")': (
        f'c = ChatClient("groq:llama", {USUAL})\nc.run("hi")'
    ),
    'ChatClient(model_name="gpt-4o", api_key=key, debug=True, verbose=False).run("é", False)': (
        f'ChatClient("openai:gpt-4o", api_key=key, {USUAL}).run("é")'
    ),
    'c = ChatClient("mistralai:m", stop=["x"], top_k=3, seed=1)\nc.run("hi", top_k=3, stop=None)': (
        f'c = ChatClient("mistral:m", stop=["x"], seed=1, {USUAL})\nc.run("hi", stop=None)'
    ),
    'c = ChatClient("openai:m", key, url, temperature=0, max_tokens=9)\nc.run("hi")': (
        'c = ChatClient("m", base_url=url, api_key=key, temperature=0, max_tokens=9, top_p=1.0)\n'
        'c.run("hi")'
    ),
    'c = ChatClient("gemma3:4b", base_url=url)\nc.run("hi")': (
        'c = ChatClient(\n    "gemma3:4b",\n    base_url=url,\n    provider="openai-compatible",\n'
        '    temperature=0.7,\n    max_tokens=1024,\n    top_p=1.0,\n)\nc.run("hi")'
    ),
    'c = LlmClient(url, "m")\nc.run("hi")': (
        f'c = ChatClient("m", base_url=url, {SHORT})\nc.run("hi")'
    ),
    'c = LlmClient(url, name, completion_mode=True)\nc.run("hi")': (
        "c = CompletionClient(\n    name,\n"
        '    base_url=url.removesuffix("/completions"),\n    provider="openai-compatible",\n'
        '    temperature=0.7,\n    max_tokens=64,\n    top_p=1.0,\n)\nc.run("hi")'
    ),
    'c = CompletionClient(f"{url}/completions", "m", "special_token")\nx = c.run("hi") + "é"': (
        f'c = CompletionClient("m", base_url=f"{{url}}", {SHORT})\n'
        'x = clean_llm_response(c.run("hi")) + "é"'
    ),
    'c = CompletionClient("http://h/v1/completions", "m")\nasync def f():\n'
    '    return await c.run_async("hi")': (
        f'c = CompletionClient("m", base_url="http://h/v1", {SHORT})\nasync def f():\n'
        '    return clean_llm_response(await c.run_async("hi"))'
    ),
}
IMPORTS = """\
from root.agents.chat_client import ChatClient
from root.agents.completion_client import CompletionClient, clean_llm_response
from root.agents.llm_client import LlmClient
"""


@pytest.mark.parametrize("old", list(CASES))
def test_a_client_whose_every_use_is_seen_is_made_in_the_new_way(migrated, old):
    kind = next(
        name for name in ("ChatClient", "CompletionClient", "LlmClient") if f"{name}(" in old
    )
    line = next(line for line in IMPORTS.splitlines() if f"import {kind}" in line)
    new, left = migrated(f"{line}\n# kept\n{old}\n", "--package", "root.agents")
    assert new.partition("# kept\n")[2] == f"{CASES[old]}\n"
    assert left == []
    assert "root.agents" not in new


LEFT = {
    "use(ChatClient('openai:m'))": "passed on",
    "c = ChatClient('openai:m')\nc.model_name": "more than run()",
    "c = ChatClient('openai:m')\nuse(c)": "more than run()",
    "c = ChatClient('openai:m', stream=True)\nc.run('x')": "streams",
    "c = ChatClient('openai:m')\nc.run('x', stream=flag)": "streams",
    "c = ChatClient('openai:m', debug=d, verbose=v)\nc.run('x')": "summaries",
    "c = ChatClient(name)\nc.run('x')": "when the program runs",
    "c = ChatClient('anthropic:m')\nc.run('x')": "speaks that vendor otherwise",
    "c = ChatClient('openai:m', base_url=url)\nc.run('x')": "say which",
    "c = ChatClient(**settings)\nc.run('x')": "* or **",
    "c = ChatClient('openai:m')\nc.run('x', **more)": "* or **",
    "def f(c: ChatClient): ...\nd = ChatClient('openai:m')\nd.run('x')": "in another way",
    "c = ChatClient('openai:m')\ndef f(c): c.run('x')": "also an argument",
    "c = ChatClient(\n    'openai:m',  # why\n)\nc.run('x')": "comments",
    "c = ChatClient('openai:m', None, None, 1, 2, 3, 4, 5, 6, 7, 8, 9)\nc.run('x')": "too many",
    "c = ChatClient('openai:')\nc.run('x')": "no model after",
    "c = ChatClient('openai:m', api_key='k', base_url='https://api.x')\nc.run('x')": "vendor's own",
    "c = ChatClient('openai:m')\nc.run()": "no prompt",
    "c = LlmClient()\nc.run('x')": "old default",
    "c = LlmClient(url, completion_mode=mode)\nc.run('x')": "when the program runs",
    "class A:\n    c = ChatClient('openai:m')\n    def f(self): self.c.run(1, True)": "to a class",
    "class ChatClient: ...\nc = LlmClient(url)\nc.run('x')": "ChatClient of its own",
}


@pytest.mark.parametrize("old", list(LEFT))
def test_what_cannot_be_proved_stays_and_is_listed(migrated, old):
    line = "from root.agents.chat_client import ChatClient"
    if "LlmClient" in old:
        line = "from root.agents.llm_client import LlmClient"
    package = ("--package", "root.agents")
    new, left = migrated(f"{line}\n{old}\n", *package)
    assert new == f"{line}\n{old}\n".replace("root.agents", "tokenwire.legacy")
    number = next(
        i for i, text in enumerate(old.splitlines(), 2) if " = " in text or "use(" in text
    )
    assert len(left) == 1
    assert left[0].startswith(f"app.py:{number}: ")
    assert LEFT[old] in left[0]


@pytest.mark.parametrize("use", ["from app import c", "import app\napp.c.run('x', True)"])
def test_a_client_that_another_file_reaches_stays(migrated, tmp_path, use):
    (tmp_path / "other.py").write_text(f"{use}\n")
    text = "from root.agents.chat_client import ChatClient\nc = ChatClient('openai:m')\n"
    new, left = migrated(text, "--package", "root.agents")
    assert new == text.replace("root.agents", "tokenwire.legacy")
    assert ["used by another file" in line for line in left] == [True]


def test_clients_in_attributes_move_with_all_their_uses(migrated, tmp_path):
    other = tmp_path / "other.py"
    other.write_text("def f(agent):\n    return agent.llm.run('x', top_p=1)\n")
    text = """\
    from root.agents.chat_client import ChatClient
    class Agent:
        def __init__(self):
            self.llm = ChatClient("groq:m")
    """
    new, left = migrated(text, "--package", "root.agents")
    assert f'self.llm = ChatClient("groq:m", {USUAL})' in new
    assert left == []
    other.write_text("def f(agent):\n    return agent.llm.run('x', top_k=1)\n")
    new, left = migrated(text, "--package", "root.agents")
    assert "tokenwire.legacy" in new
    assert ["other.py:2 would have to change" in line for line in left] == [True]


def test_the_factory_star_imports_and_strings_are_listed(migrated):
    text = """\
    from root.agents.llm_client_factory import LlmClientFactory
    from root.agents.llm_exceptions import *
    import root.agents.llm_client
    patch("root.agents.llm_client_factory.ChatClient")
    """
    new, left = migrated(text)
    assert new == textwrap.dedent(text)
    assert [line.partition(": ")[0] for line in left] == [
        "app.py:1",
        "app.py:2",
        "app.py:3",
        "app.py:4",
    ]


ERRORS = """\
from root.agents.chat_client import ChatClient
from root.agents.llm_exceptions import LlmError
c = ChatClient("groq:m")
try:
    c.run("hi")
except LlmError as error:
    print({shown})
"""


def test_errors_move_with_all_clients_or_not_at_all(migrated):
    new, left = migrated(ERRORS.format(shown="error"))
    assert new.startswith("from tokenwire import ChatClient, LlmError\nc = ")
    assert left == []
    new, left = migrated(ERRORS.format(shown="error.metadata"))
    assert new == ERRORS.format(shown="error.metadata").replace("root.agents", "tokenwire.legacy")
    assert [".metadata" in line for line in left] == [True, True]
    new, left = migrated(ERRORS.format(shown="error") + "use(ChatClient('openai:m'))\n")
    assert 'ChatClient("groq:m")\n' in new
    assert len(left) == 3


def test_old_clients_on_disk_and_unreadable_files_are_listed(tmp_path, capsys):
    package = tmp_path / "root" / "agents"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (tmp_path / "root" / "__init__.py").touch()
    (package / "llm_client.py").write_text("from .llm_exceptions import LlmError\n")
    (tmp_path / "broken.py").write_text("def (:\n")
    (tmp_path / "app.py").write_text("from root.agents.llm_client import LlmClient\n")
    migrate.main([str(tmp_path), "--write"])
    left = capsys.readouterr().err
    assert f"{tmp_path}/broken.py:1: cannot be read" in left
    assert f"{tmp_path}/root/agents/llm_client.py:1: an old client" in left
    assert (package / "llm_client.py").read_text() == "from .llm_exceptions import LlmError\n"


def test_encodings_and_line_ends_stay(tmp_path):
    file = tmp_path / "app.py"
    text = (
        "# coding: latin-1\r\nfrom root.agents.chat_client import ChatClient\r\n"
        "é = 'ü'; c = ChatClient('groq:m'); c.run('ö', top_k=1)  # ß\r\n"
    )
    file.write_bytes(text.encode("latin-1"))
    migrate.main([str(tmp_path), "--write", "--package", "root.agents"])
    assert file.read_bytes().decode("latin-1") == (
        "# coding: latin-1\r\nfrom tokenwire import ChatClient\r\n"
        f"é = 'ü'; c = ChatClient(\"groq:m\", {USUAL}); c.run('ö')  # ß\r\n"
    )


def run_example(name, sim, *before):
    sim.reset()
    sim.set_script({"default": {"reply": {"text": "```py\nblue\n```"}}})
    program = [
        *before,
        "import runpy",
        f"runpy.run_path({str(EXAMPLES / name)!r}, run_name='__main__')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        env={**os.environ, "SERVER": sim.base_url},
        capture_output=True,
        text=True,
        check=True,
    )
    # Those of one gather come in any order.
    sent = sorted(str((request["path"], request["body"])) for request in sim.requests())
    return done.stdout, sent


def test_the_example_sends_and_prints_the_same_before_and_after(sim):
    install = "import tokenwire.legacy; tokenwire.legacy.install('root.agents')"
    before = run_example("migration_before.py", sim, install)
    assert run_example("migration_after.py", sim) == before
    assert len(before[1]) == 5


def test_the_example_is_what_the_command_makes(tmp_path):
    file = tmp_path / "app.py"
    file.write_bytes((EXAMPLES / "migration_before.py").read_bytes())
    migrate.main([str(file), "--write"])
    assert file.read_bytes() == (EXAMPLES / "migration_after.py").read_bytes()
