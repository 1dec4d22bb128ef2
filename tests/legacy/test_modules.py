"""The modules of the older interface, and how they are served to an application."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tokenwire.legacy
from tokenwire.legacy import _install, _settings
from tokenwire.legacy.llm_client import LlmClient

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = {
    "base_llm_client": "LlmClientInterface BaseLlmClient",
    "llm_data_types": "MessageRole LlmMessage LlmRequest LlmResponse LlmStreamChunk",
    "llm_exceptions": "LlmError LlmConfigError LlmAPIError LlmTimeoutError LlmAuthenticationError "
    "LlmRateLimitError LlmModelError LlmStreamingError LlmValidationError",
    "model_registry": "LlmProvider ModelConfig ModelRegistry",
    "chat_client": "ChatClient TokenCounter LlmClientInterface",
    "completion_client": "CompletionClient clean_llm_response LlmCompletion TokenCounter",
    "llm_client": "LlmClient TokenCounter",
    "llm_completion": "LlmCompletion CompletionStreamingContext TokenCounter",
    "llm_client_factory": "LlmClientFactory LlmClient ChatClient CompletionClient "
    "LlmClientInterface ConfigurationManager du",
    "token_counter": "TokenCounter",
}
# The files of an application, with its old clients.
FILES = {
    "root/__init__.py": "",
    "root/agents/__init__.py": "",
    "root/agents/llm_client.py": "raise RuntimeError('the old file')",
    "root/agents/llm_exceptions.py": "raise RuntimeError('the old file')",
    "root/agents/agent_base.py": """
from .llm_exceptions import LlmError
from . import llm_data_types
from root.agents.prompt_formatter import fmt
class OwnError(LlmError):
    pass
""",
    "root/agents/prompt_formatter.py": "fmt = 'own'",
}
PROGRAM = """
import sys
import tokenwire.legacy
tokenwire.legacy.install("root.agents")
"""


def run(folder: Path, program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def application(tmp_path):
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.mark.parametrize("module", list(NAMES))
def test_every_module_has_the_names_of_the_contract(module):
    found = importlib.import_module(f"tokenwire.legacy.{module}")
    assert [name for name in NAMES[module].split() if not hasattr(found, name)] == []
    assert set(NAMES) == set(_install.MODULES)


@pytest.mark.parametrize(
    "statement",
    [
        "import root.agents.llm_client as x",
        "from root.agents import llm_client as x",
        "import root.agents.llm_client; x = root.agents.llm_client",
        "import importlib; x = importlib.import_module('root.agents.llm_client')",
        "import root.agents; from root.agents.llm_client import *; x = root.agents.llm_client",
    ],
)
def test_every_form_of_import_gives_the_adapter(application, statement):
    program = f"""
{statement}
from tokenwire.legacy import llm_client
assert x is llm_client is sys.modules["root.agents.llm_client"]
assert x.__spec__.name == x.__name__ == "tokenwire.legacy.llm_client"
from root.agents.llm_client import LlmClient
assert LlmClient is llm_client.LlmClient
"""
    assert run(application, program) == ""


def test_relative_imports_work_and_all_else_stays_the_applications_own(application):
    program = """
from root.agents import agent_base
import tokenwire.legacy.llm_exceptions as ours
assert agent_base.OwnError.__base__ is ours.LlmError
assert agent_base.llm_data_types.__name__ == "tokenwire.legacy.llm_data_types"
assert agent_base.fmt == "own" and agent_base.__file__.endswith("root/agents/agent_base.py")
try:
    import root.agents.no_such_module
except ModuleNotFoundError as error:
    assert error.name == "root.agents.no_such_module"
else:
    raise SystemExit("found")
"""
    assert run(application, program) == ""


@pytest.mark.parametrize("package", ["root.agents", "agents", "a.b.c"])
def test_missing_packages_are_created(tmp_path, package):
    program = f"""
tokenwire.legacy.install("{package}")
import {package}.llm_client_factory as x
from {package} import llm_exceptions
assert x.__name__ == "tokenwire.legacy.llm_client_factory"
"""
    assert run(tmp_path, program) == ""


def test_uninstall_removes_created_packages_that_would_hide_the_applications_own(tmp_path):
    program = """
import os
tokenwire.legacy.install("root.agents")
tokenwire.legacy.install("root.old.agents")
import root.agents.llm_client, root.old.agents.llm_client
tokenwire.legacy.uninstall("root.agents")
assert not hasattr(root, "agents") and root.old.agents.llm_client
tokenwire.legacy.uninstall("root.old.agents")
os.makedirs("root/agents")
open("root/agents/llm_client.py", "w").write("own = True")
sys.path_importer_cache.clear()
import root.agents.llm_client
assert root.agents.llm_client.own
"""
    assert run(tmp_path, program) == ""


def test_none_of_the_old_clients_dependencies_is_needed(application):
    program = """
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise AssertionError(f"{name} is wanted")
BLOCKED = {"pydantic_ai", "openai", "anthropic", "groq", "google", "httpx", "aiohttp", "requests",
           "tiktoken", "transformers", "nest_asyncio", "numpy"}
sys.meta_path.insert(0, Blocked())
import importlib
from tokenwire.legacy._install import MODULES
for name in MODULES:
    importlib.import_module(f"root.agents.{name}")
"""
    assert run(application, program) == ""


def test_the_package_itself_may_import_its_clients(application):
    (application / "root/agents/__init__.py").write_text(
        "from .llm_client_factory import LlmClientFactory\nfrom .agent_base import OwnError\n"
    )
    assert run(application, "from root.agents import LlmClientFactory, OwnError") == ""


def test_created_packages_are_removed_with_the_last_user(monkeypatch, tmp_path):
    tokenwire.legacy.install("made_up.agents")
    importlib.import_module("made_up.agents.llm_client")
    tokenwire.legacy.install("made_up.others")
    tokenwire.legacy.uninstall("made_up.agents")
    left = {name for name in sys.modules if name.partition(".")[0] == "made_up"}
    assert left == {"made_up"}
    tokenwire.legacy.uninstall("made_up.others")
    assert "made_up" not in sys.modules
    (tmp_path / "made_up").mkdir()
    (tmp_path / "made_up/__init__.py").write_text("own = True")
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        assert importlib.import_module("made_up").own
    finally:
        sys.modules.pop("made_up", None)


def test_modules_imported_too_early_are_replaced_with_a_warning(application, monkeypatch):
    (application / "root/agents/llm_client.py").write_text("old = True")
    importlib.invalidate_caches()
    monkeypatch.syspath_prepend(str(application))
    before = set(sys.modules)
    try:
        early = importlib.import_module("root.agents.llm_client")
        assert early.old
        with pytest.warns(RuntimeWarning, match=r"root\.agents\.llm_client"):
            tokenwire.legacy.install("root.agents")
        late = importlib.import_module("root.agents.llm_client")
        assert late.LlmClient is LlmClient
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            tokenwire.legacy.install("root.agents")
        tokenwire.legacy.uninstall("root.agents")
        assert importlib.import_module("root.agents.llm_client").old
        assert "root.agents" not in _install._FINDER.packages
        assert _install._FINDER not in sys.meta_path
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "root":
                del sys.modules[name]


def test_modules_imported_too_early_are_replaced_even_if_warnings_are_errors(
    application, monkeypatch
):
    for name in ("chat_client", "llm_client"):
        (application / f"root/agents/{name}.py").write_text("old = True")
    monkeypatch.syspath_prepend(str(application))
    before = set(sys.modules)
    try:
        for name in ("chat_client", "llm_client"):
            importlib.import_module(f"root.agents.{name}")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(RuntimeWarning, match="chat_client"):
                tokenwire.legacy.install("root.agents")
        assert importlib.import_module("root.agents.llm_client").LlmClient is LlmClient
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "root":
                del sys.modules[name]


def test_star_imports_bind_the_names_of_the_contract(application):
    (application / "root/config").mkdir()
    (application / "root/config/configuration_manager.py").write_text(
        "class ConfigurationManager: ..."
    )
    for module, names in NAMES.items():
        program = (
            f"from root.agents.{module} import *\nprint(set({names.split()}) - set(globals()))"
        )
        assert run(application, program) == "set()\n", module


@pytest.mark.parametrize("package", ["", "root/agents", "root.", ".agents", "a b", None, 5])
def test_a_path_that_is_not_a_package_is_refused(package):
    with pytest.raises(ValueError, match=r"root\.agents"):
        tokenwire.legacy.install(package)


def test_each_entry_point_warns_once_at_the_line_that_uses_it(sim, monkeypatch):
    monkeypatch.setattr(_settings._Chosen, "warned", frozenset())
    from tokenwire.legacy.chat_client import ChatClient
    from tokenwire.legacy.completion_client import CompletionClient
    from tokenwire.legacy.llm_client_factory import LlmClientFactory
    from tokenwire.legacy.llm_completion import LlmCompletion
    from tokenwire.legacy.model_registry import ModelRegistry
    from tokenwire.legacy.token_counter import TokenCounter

    endpoint = f"{sim.base_url}/completions"
    uses: dict[str, Callable[[], object]] = {
        "ChatClient": lambda: ChatClient("openai:m", base_url=sim.base_url),
        "CompletionClient": lambda: CompletionClient(endpoint, "m"),
        "LlmClient": lambda: LlmClient(sim.base_url),
        "LlmCompletion": lambda: LlmCompletion(endpoint),
        "LlmClientFactory": LlmClientFactory,
        "ModelRegistry": ModelRegistry,
        "TokenCounter": TokenCounter,
    }
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    for name, use in uses.items():
        with pytest.warns(DeprecationWarning, match=f"^{name} .*tokenwire") as caught:
            use()
        spelling = str(caught[0].message).partition("new code writes ")[2]
        assert eval(spelling, {"tokenwire": tokenwire}) is not None
        assert [(Path(one.filename).name, len(caught)) for one in caught] == [
            (Path(__file__).name, 1)
        ]
        use()


def test_clients_that_the_factory_creates_do_not_warn(monkeypatch):
    from tokenwire.legacy.llm_client_factory import LlmClientFactory

    factory = LlmClientFactory()
    monkeypatch.setattr(_settings._Chosen, "warned", frozenset({"LlmClientFactory"}))
    monkeypatch.setenv("TOKENWIRE_LEGACY_BASE_URL", "http://localhost:3000")
    monkeypatch.setenv("GROQ_API_KEY", "sk-1234567")
    factory.get_client("groq:m")
    factory.get_client("vllm:m")


def test_a_name_that_a_test_restores_is_looked_up_again(application, monkeypatch):
    (application / "root/config").mkdir()
    manager = application / "root/config/configuration_manager.py"
    manager.write_text("class ConfigurationManager:\n    def __init__(self, env_var_name): ...\n")
    from tokenwire.legacy import llm_client_factory as factory

    stand_in, fake = factory.ConfigurationManager, type("Fake", (), {})
    with monkeypatch.context() as patch:
        patch.setattr(factory, "ConfigurationManager", fake)
        assert factory.ConfigurationManager is fake
        patch.setattr("tokenwire.legacy.llm_client_factory.du.get_api_key", lambda name: name)
        assert factory.du.get_api_key("groq") == "groq"
    assert factory.ConfigurationManager is stand_in
    assert factory.du.get_api_key("groq") is None
    monkeypatch.syspath_prepend(str(application))
    before = set(sys.modules)
    try:
        tokenwire.legacy.install("root.agents")
        assert factory.ConfigurationManager.__module__ == "root.config.configuration_manager"
    finally:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "root":
                del sys.modules[name]


def test_the_classes_can_be_mocked_with_their_spec():
    from unittest.mock import create_autospec

    from tokenwire.legacy.chat_client import ChatClient
    from tokenwire.legacy.llm_client_factory import LlmClientFactory

    client = create_autospec(ChatClient, instance=True)
    client.run.return_value = "mocked"
    factory = create_autospec(LlmClientFactory, instance=True)
    factory.get_client.return_value = client
    assert factory.get_client("groq:m").run("hi", stream=True) == "mocked"
