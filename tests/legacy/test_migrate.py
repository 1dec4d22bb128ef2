"""`tokenwire migrate`: the imports that it rewrites, and the list of what needs a hand."""

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
from tokenwire.legacy._settings import INSTEAD

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TOKENS = "from tokenwire.legacy import token_counter\n"
ALIASED = "from tokenwire.legacy.llm_client import LlmClient as L"


@pytest.fixture
def migrated(tmp_path, capsys):
    """Migrate the text of a file; return the new text and the list of what needs a hand."""

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
    assert shown.err == "files: 1 to change with --write; places to change by hand: 0\n"
    assert file.read_text() == before


def test_a_missing_path_is_an_error(tmp_path, capsys):
    assert migrate.main([str(tmp_path / "none")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_json_has_the_diffs_and_the_list(tmp_path, capsys):
    file = tmp_path / "app.py"
    file.write_text(
        f'import os\n{ALIASED}\nname = "root.agents.llm_client"\n'.replace(
            "tokenwire.legacy", "root.agents"
        )
    )
    for write in ([], ["--write"]):
        assert cli.main(["migrate", str(tmp_path), "--json", *write]) == 0
        printed = capsys.readouterr()
        report = json.loads(printed.out)
        assert (report["written"], printed.err) == (bool(write), "")
        assert report["failed"] == []
        (change,) = report["changes"]
        assert change["path"] == str(file)
        assert f"+{ALIASED}\n" in change["diff"]
        (note,) = report["notes"]
        assert (note["path"], note["line"]) == (str(file), 3)
        assert "a string names root.agents.llm_client" in note["why"]
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


def test_relative_imports_lead_into_their_package(migrated):
    text = "from .llm_exceptions import LlmError\nfrom .prompt_formatter import fmt\n"
    new, _ = migrated(text, name="root/agents/agent_base.py")
    assert new == (
        "from tokenwire.legacy.llm_exceptions import LlmError\nfrom .prompt_formatter import fmt\n"
    )


def test_modules_of_other_packages_do_not_change(migrated):
    text = "from azure.chat_client import ChatClient\nc = ChatClient('openai:m')\nc.run('hi')\n"
    doubt = "app.py:1: azure.chat_client: say `--package azure` if that held the old clients"
    assert migrated(text) == (text, [doubt])
    assert migrated("from httpx import Client\n") == ("from httpx import Client\n", [])
    new, left = migrated(text, "--package", "azure")
    assert new == text.replace("azure", "tokenwire.legacy")
    assert left == [f"app.py:2: ChatClient: write {INSTEAD['ChatClient']}"]


def test_the_factory_star_imports_and_strings_are_listed(migrated):
    text = """\
    from root.agents.llm_client_factory import LlmClientFactory
    from root.agents.llm_data_types import *
    import root.agents.llm_client
    patch("root.agents.llm_client_factory.ChatClient")
    from root.agents import llm_client, prompt_formatter
    import root.agents.llm_client_factory as factory
    """
    new, left = migrated(text)
    assert new == textwrap.dedent(text)
    parts = [line.partition(": ") for line in left]
    assert [place for place, _, _ in parts] == [f"app.py:{number}" for number in range(1, 7)]
    reasons = (
        "the factory reads the application's configuration",
        "import * hides which names are used",
        "the module is used by its full name",
        "a string names root.agents.llm_client_factory",
        "write two statements",
        "the factory reads the application's configuration",
    )
    for (_, _, why), reason in zip(parts, reasons, strict=True):
        assert reason in why


AGENTS = "root.agents"
FORMS = [
    ("from {} \\\n    import llm_completion\n", AGENTS),
    ("from {} import LlmClient\n", "root.agents.\\\nllm_client"),
    ("from\\\n  {} import token_counter\n", "root . agents"),
    ("if 1: from {} import(LlmClient)\n", "root.agents.llm_client"),
    ("from {} import  LlmClient as L;\n", "root. agents .llm_client"),
    ("import os,{}  as x, sys\n", "root.agents. llm_client"),
]


@pytest.mark.parametrize(("form", "module"), FORMS)
def test_a_module_is_found_however_it_is_written(migrated, form, module):
    ending = ".llm_client" if "llm_client" in module else ""
    expected = form.format(f"tokenwire.legacy{ending}")
    assert migrated(form.format(module), "--package", AGENTS) == (expected, [])


def test_conditional_imports_change_where_they_are(migrated):
    text = """\
    try:
        from root.agents.llm_client import LlmClient
    except ImportError:
        import root.agents.completion_client as LlmClient
    def f():
        from root.agents.llm_data_types import LlmMessage  # late
    """
    new, left = migrated(text)
    assert new == textwrap.dedent(text).replace("root.agents", "tokenwire.legacy")
    assert left == []


def test_the_path_may_be_the_folder_of_the_package(tmp_path):
    agents = tmp_path / "root/agents"
    agents.mkdir(parents=True)
    (agents / "base.py").write_text("from .llm_client import LlmClient\n")
    (agents / "llm_client.py").write_text("class LlmClient: ...\n")
    plan = migrate.planned(agents, ["root.agents"])
    assert [new for _, new in plan.changes] == [
        "from tokenwire.legacy.llm_client import LlmClient\n"
    ]
    assert ["an old client" in note.why for note in plan.notes] == [True]


@pytest.fixture
def planned(tmp_path):
    """Plan the migration of an application; return its new files and the notes."""

    def run(*texts, names=("app.py", "other.py")):
        files = [tmp_path / name for name in names]
        for file, text in zip(files, texts, strict=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        plan = migrate.planned(tmp_path, ["root.agents"])
        changed = {source.path: new for source, new in plan.changes}
        written = files[: len(texts)]
        return [changed.get(file, file.read_text()) for file in written], plan.notes

    return run


@pytest.mark.parametrize(
    "use",
    [
        "import root.agents\nroot.agents.llm_client.LlmClient(url)\n",
        "import root.agents as a\na.llm_client.LlmClient(url)\n",
        "from root import agents\nagents.llm_client.LlmClient(url)\n",
    ],
)
def test_a_module_reached_through_its_package_is_still_imported_there(planned, use):
    package = "from .llm_client import LlmClient\nfrom .token_counter import TokenCounter\n"
    new, notes = planned(package, use, names=("root/agents/__init__.py", "use.py"))
    assert new == [package.replace("from .token", "from tokenwire.legacy.token"), use]
    assert ["through its package" in note.why for note in notes] == [True, False]


def test_a_relative_import_may_lead_to_the_package(planned):
    texts = (
        "",
        "from .llm_client import LlmClient\n",
        "from . import agents\nagents.llm_client.LlmClient(url)\n",
    )
    names = ("root/__init__.py", "root/agents/__init__.py", "root/use.py")
    new, notes = planned(*texts, names=names)
    assert new == list(texts)
    assert ["through its package" in note.why for note in notes] == [True, False]


@pytest.mark.parametrize("use", ["import root.agents.base\n", "from root.agents import base\n"])
def test_relative_imports_in_a_package_inside_a_plain_folder(planned, use):
    base = "root/agents/base.py"
    for text in (
        "from .llm_client import LlmClient\n",
        "from ..agents.llm_client import LlmClient\n",
    ):
        (_, new, _), _ = planned("", text, use, names=("root/agents/__init__.py", base, "use.py"))
        assert new == "from tokenwire.legacy.llm_client import LlmClient\n"


def test_a_relative_module_without_a_space(planned):
    new, _ = planned("from .import llm_client\n", names=("root/agents/base.py",))
    assert new == ["from tokenwire.legacy import llm_client\n"]


def test_a_package_of_the_same_name_inside_another_is_not_touched(planned):
    names = ("other/__init__.py", "other/root/agents/base.py")
    (_, new), notes = planned("", "from .llm_client import LlmClient\n", names=names)
    assert new == "from .llm_client import LlmClient\n"
    assert notes == []


USES = {
    "from root.agents.chat_client import ChatClient": "ChatClient",
    "from root.agents.llm_client import LlmClient as L": "L",
    "import root.agents.llm_completion as lc": "lc.LlmCompletion",
    "from root.agents import token_counter": "token_counter.TokenCounter",
    "from tokenwire.legacy.model_registry import ModelRegistry": "ModelRegistry",
    "from root.agents import LlmCompletion": "LlmCompletion",
    "import tokenwire.legacy.completion_client": "tokenwire.legacy.completion_client."
    "CompletionClient",
}


@pytest.mark.parametrize("line", list(USES))
def test_each_use_of_an_old_class_is_listed_with_what_to_write(migrated, line):
    text = f"{line}\n\nclient = {USES[line]}()\ndef f(c: {USES[line]}): ...\n"
    new, left = migrated(text, "--package", "root.agents")
    # A name that the package itself exports is still imported from there.
    moved = "from root.agents import LlmCompletion" not in line
    assert new == (text.replace("root.agents", "tokenwire.legacy") if moved else text)
    name = {"L": "LlmClient"}.get(USES[line], USES[line].rpartition(".")[2])
    hint = f"{name}: write {INSTEAD[name]}"
    assert left == [f"app.py:3: {hint}", f"app.py:4: {hint}"]
    # The list is the same for code whose imports were changed before.
    assert migrated(new, "--package", "root.agents") == (new, left)


def test_a_call_of_install_names_the_package(migrated, tmp_path):
    (tmp_path / "start.py").write_text('import tokenwire\ntokenwire.legacy.install("azure.old")\n')
    new, left = migrated("from azure.old.token_counter import TokenCounter\n")
    assert new == "from tokenwire.legacy.token_counter import TokenCounter\n"
    assert left == []


def test_errors_are_listed_at_their_import(migrated):
    _, left = migrated("from root.agents.llm_exceptions import LlmError\n")
    assert left == [
        "app.py:1: tokenwire has errors of these names; change them together with the clients"
    ]


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
        "é = 'ü'; import root.agents.llm_client as c; c.f('ö', top_k=1)  # ß\r\n"
    )
    file.write_bytes(text.encode("latin-1"))
    migrate.main([str(tmp_path), "--write", "--package", "root.agents"])
    expected = text.replace("root.agents", "tokenwire.legacy")
    assert file.read_bytes() == expected.encode("latin-1")


def run_example(file, sim, *before):
    """The output of a program, and the requests that it sends."""
    sim.reset()
    sim.set_script({"default": {"reply": {"text": "```py\nblue\n```"}}})
    program = [
        *before,
        "import runpy",
        f"runpy.run_path({str(file)!r}, run_name='__main__')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        env={**os.environ, "SERVER": sim.base_url},
        capture_output=True,
        text=True,
        check=True,
    )
    # Requests of one gather arrive in any order.
    sent = sorted(str((request["path"], request["body"])) for request in sim.requests())
    return done.stdout, sent


def test_the_example_sends_and_prints_the_same_before_and_after(sim, tmp_path, capsys):
    install = "import tokenwire.legacy; tokenwire.legacy.install('root.agents')"
    before = run_example(EXAMPLES / "migration_before.py", sim, install)
    assert len(before[1]) == 5
    assert run_example(EXAMPLES / "migration_after.py", sim) == before
    migrated = tmp_path / "app.py"
    migrated.write_bytes((EXAMPLES / "migration_before.py").read_bytes())
    migrate.main([str(migrated), "--write"])
    assert run_example(migrated, sim) == before
    assert capsys.readouterr().err.count(": write tokenwire.") == 3


def test_the_command_changes_only_the_imports_of_the_example(tmp_path):
    file = tmp_path / "app.py"
    before = (EXAMPLES / "migration_before.py").read_text(encoding="utf-8")
    file.write_text(before, encoding="utf-8")
    migrate.main([str(file), "--write"])
    expected = before.replace("from root.agents.", "from tokenwire.legacy.")
    assert file.read_text(encoding="utf-8") == expected
