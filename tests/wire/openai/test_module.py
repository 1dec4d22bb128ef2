"""`import tokenwire.openai as openai` is the whole change; `install()` and `langchain()`."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

stock = pytest.importorskip("openai")

import tokenwire.openai as ours  # noqa: E402
from tokenwire.testing import SimServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-canary-0123456789-0123456789"
MESSAGES: Any = [{"role": "user", "content": "Which colour?"}]
CLIENTS = ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")
THEIRS = {name: getattr(stock, name) for name in (*CLIENTS, "Client", "AsyncClient")}


@pytest.fixture
def installed() -> Iterator[list[str]]:
    holders = ours.install()
    yield holders
    ours.uninstall()


@pytest.mark.no_connection
@pytest.mark.parametrize("name", CLIENTS)
def test_the_clients_are_subclasses_of_openai_s(name):
    kind = getattr(ours, name)
    assert issubclass(kind, THEIRS[name])
    assert kind is not THEIRS[name]
    assert kind.__name__ == name


@pytest.mark.no_connection
def test_the_clients_of_azure_are_our_clients(monkeypatch):
    options: Any = {"api_key": KEY, "azure_endpoint": "http://127.0.0.1:1", "api_version": "1"}
    client = ours.AzureOpenAI(**options)
    assert isinstance(client, (ours.OpenAI, stock.AzureOpenAI, stock.OpenAI))
    for kind in (ours.OpenAI, stock.AzureOpenAI, stock.OpenAI):
        assert isinstance(client, kind)
    assert isinstance(ours.AsyncAzureOpenAI(**options), ours.AsyncOpenAI)
    assert (ours.Client, ours.AsyncClient) == (ours.OpenAI, ours.AsyncOpenAI)


@pytest.mark.no_connection
def test_every_other_name_is_openai_s():
    mine = set(ours.__all__)
    for name in set(stock.__all__) - mine:
        assert getattr(ours, name) is getattr(stock, name), name
    assert ours.types is stock.types
    assert ours.RateLimitError is stock.RateLimitError
    assert ours.NOT_GIVEN is stock.NOT_GIVEN
    assert {*stock.__all__, *mine} <= set(dir(ours))
    with pytest.raises(
        AttributeError, match=r"^module 'tokenwire\.openai' has no attribute 'nothing'$"
    ):
        getattr(ours, "nothing")  # noqa: B009


@pytest.mark.no_connection
@pytest.mark.parametrize("how", ["set", "monkeypatch", "mock"])
def test_settings_of_the_module_are_openai_s(how):
    # Type checkers do not know that one follows the other.
    stock: Any = sys.modules["openai"]
    ours: Any = sys.modules["tokenwire.openai"]
    assert not stock.organization
    if how == "set":
        ours.organization = "org"
        assert stock.organization == ours.organization == "org"
        ours.organization = None
    elif how == "mock":
        with mock.patch("tokenwire.openai.organization", "org"):
            assert stock.organization == ours.organization == "org"
    else:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(ours, "organization", "org")
            assert stock.organization == ours.organization == "org"
    assert stock.organization is ours.organization is None
    assert "organization" not in vars(ours)


def test_calls_of_the_module_are_openai_s(monkeypatch):
    with SimServer() as sim:
        monkeypatch.setattr(ours, "api_key", KEY)
        # It is taken as it is, without a slash at the end.
        monkeypatch.setattr(ours, "base_url", f"{sim.base_url}/")
        # It keeps its own there, which is closed below.
        monkeypatch.setattr(stock, "http_client", None)
        stock._reset_client()
        reply = ours.chat.completions.create(model="m", messages=MESSAGES)
        assert type(reply) is stock.types.chat.ChatCompletion
        client = stock._load_client()
        assert not isinstance(client, ours.OpenAI)
        client.close()
        stock._reset_client()


@pytest.mark.no_connection
def test_a_star_import_has_our_clients():
    names: dict[str, Any] = {}
    exec("from tokenwire.openai import *", names)
    assert {name: names[name] for name in CLIENTS} == {
        name: getattr(ours, name) for name in CLIENTS
    }
    assert names["RateLimitError"] is stock.RateLimitError
    assert names["NOT_GIVEN"] is stock.NOT_GIVEN


@pytest.mark.no_connection
def test_a_client_of_another_library_is_ours_after_install(installed):
    library = ModuleType("library")
    exec("import openai\nfrom openai import OpenAI, AsyncClient", vars(library))
    assert library.OpenAI is ours.OpenAI
    assert library.AsyncClient is ours.AsyncOpenAI
    assert {name: getattr(library.openai, name) for name in CLIENTS} == {
        name: getattr(ours, name) for name in CLIENTS
    }
    ours.uninstall()
    assert {name: getattr(stock, name) for name in THEIRS} == THEIRS


@pytest.mark.no_connection
def test_install_twice_and_uninstall_without_it_do_no_harm():
    ours.install()
    ours.install()
    ours.uninstall()
    ours.uninstall()
    assert {name: getattr(stock, name) for name in THEIRS} == THEIRS


@pytest.mark.no_connection
def test_install_names_the_modules_that_hold_the_former_classes(monkeypatch):
    for name, held in {
        "early": THEIRS["AsyncOpenAI"],
        "late": ours.OpenAI,
        "none": object(),
    }.items():
        module = ModuleType(f"library_{name}")
        module.Chosen = held  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
    # Such as a module that is loaded when it is first used.
    monkeypatch.setitem(sys.modules, "library_odd", None)
    try:
        holders = ours.install()
    finally:
        ours.uninstall()
    found = [name for name in holders if name.startswith("library")]
    assert found == ["library_early"]
    assert not [name for name in holders if name.split(".")[0] in ("openai", "tokenwire")]


def test_a_client_made_after_install_works(installed):
    with SimServer() as sim, stock.OpenAI(api_key=KEY, base_url=sim.base_url) as client:
        assert type(client) is ours.OpenAI
        assert client.chat.completions.create(model="m", messages=MESSAGES).choices
        assert type(client.with_options(timeout=3)) is ours.OpenAI


@pytest.mark.no_connection
def test_langchain_gives_the_clients_together():
    found = ours.langchain(api_key=KEY, base_url="http://127.0.0.1:1/v1")
    assert set(found) == {"client", "async_client", "root_client", "root_async_client"}
    assert type(found["root_client"]) is ours.OpenAI
    assert type(found["root_async_client"]) is ours.AsyncOpenAI
    assert found["client"] is found["root_client"].chat.completions
    assert found["async_client"] is found["root_async_client"].chat.completions
    assert {found[name].base_url.port for name in ("root_client", "root_async_client")} == {1}


def test_chat_open_ai_of_langchain_uses_them():
    langchain_openai = pytest.importorskip("langchain_openai", reason="langchain-openai is missing")
    with SimServer({"default": {"reply": {"text": "red"}}}) as sim:
        options = {"api_key": KEY, "base_url": sim.base_url}
        found = [
            langchain_openai.ChatOpenAI(model="m", **chosen).invoke("Which colour?").content
            for chosen in (options, ours.langchain(**options))
        ]
    assert found == ["red", "red"]


SNIPPET = """
    import tokenwire.openai as openai

    client = openai.OpenAI(api_key="k")
    reply = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}])
    reveal_type(reply)
    reveal_type(openai.install())

    def show(error: openai.RateLimitError, broken: openai.StreamIncompleteError) -> None:
        reveal_type(error)
        reveal_type(broken.partial)

    openai.api_key = "k"
"""
CHECKERS = {
    "mypy": ["--strict", "--no-incremental"],
    "basedpyright": ["--pythonpath", sys.executable],
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.chooses_transport
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_type_checker_sees_openai_s_own_types(checker, tmp_path, every_row):
    if not every_row:
        pytest.skip("it reads all of openai, a minute or two: run it with -m slow")
    program = Path(sys.executable).with_name(checker)
    if not program.exists():
        pytest.skip(f"{checker} is not installed")
    path = tmp_path / "snippet.py"
    path.write_text(textwrap.dedent(SNIPPET))
    command = [str(program), *CHECKERS[checker], str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    for shown in ("ChatCompletion", "list[str]", "RateLimitError", "LlmResponse"):
        assert shown in done.stdout


@pytest.mark.no_connection
@pytest.mark.parametrize("kind", ["OpenAI", "AsyncOpenAI"])
@pytest.mark.parametrize("replaced", ["chat", "completions", "embeddings", "responses"])
def test_a_mock_in_place_of_a_resource_is_what_a_client_has(kind, replaced):
    with mock.patch.object(THEIRS[kind], replaced) as resource:
        assert getattr(getattr(ours, kind)(api_key=KEY), replaced) is resource


@pytest.mark.no_connection
def test_a_mock_in_place_of_the_completions_of_chat_is_what_a_client_has():
    with mock.patch("openai.resources.chat.chat.Chat.completions") as resource:
        assert ours.OpenAI(api_key=KEY).chat.completions is resource
