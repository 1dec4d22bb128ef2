"""`tokenwire models`: the names of a configuration, what a server has, and what is described."""

from __future__ import annotations

import json
import sys

import pytest

SECRET = "sk-canary-0123456789-0123456789"
NAMES = """
[providers.acme]
base_url = "https://llm.acme.example/v1"
key_vars = ["ACME_API_KEY"]
[models.ours]
model = "acme:m1"
context_window = 32768
capabilities = ["vision", "tools"]
[models.fast]
model = "groq:llama"
key_var = "TEAM_GROQ_KEY"
[models.local]
model = "vllm://10.0.0.5:8000@Qwen/Qwen3"
[models.cloud]
model = "azure:gpt"
[models.bare]
model = "gemma3:4b"
base_url = "URL"
[models.play]
model = "sim:chat"
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.chdir(tmp_path)
    for name in ("TOKENWIRE_CONFIG", "TEAM_GROQ_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path, sim):
    def write(content, name="ours.toml"):
        path = tmp_path / name
        path.write_text(content.replace("URL", sim.base_url), encoding="utf-8")
        return path

    return write


# The configuration


def test_the_names_are_listed_with_address_and_variable_of_the_key(command, file, sim, monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", SECRET)
    code, out, err = command("models", "--config", file(NAMES))
    assert (code, err) == (0, "")
    rows = [line.split(maxsplit=4) for line in out.splitlines()]
    assert rows[1] == ["ours", "acme:m1", "chat", "https://llm.acme.example/v1", "ACME_API_KEY"]
    assert [row[0] for row in rows[2:]] == ["fast", "local", "cloud", "bare", "play"]
    assert rows[2][4] == "missing: set TEAM_GROQ_KEY"
    assert rows[3] == ["local", "vllm:Qwen/Qwen3", "chat", "http://10.0.0.5:8000/v1", "not needed"]
    assert rows[5][1:4] == ["openai-compatible:gemma3:4b", "chat", sim.base_url]
    assert SECRET not in out
    assert sim.requests() == []


def test_an_address_that_is_missing_is_named_by_its_variables(command, file, monkeypatch):
    for name in ("AZURE_OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    code, out, _ = command("models", "--json", "--config", file(NAMES))
    rows = {row["name"]: row for row in json.loads(out)["models"]}
    assert code == 0
    assert rows["cloud"]["address"].startswith("missing: set AZURE_OPENAI_")
    assert rows["play"]["address"] == "this process"
    assert (rows["fast"]["key_variables"], rows["fast"]["key_is_set"]) == (["TEAM_GROQ_KEY"], False)


def test_the_environment_may_name_the_configuration(command, file, monkeypatch):
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(file('[models.fast]\nmodel = "sim:chat"\n')))
    code, out, err = command("models")
    assert (code, err, out.splitlines()[1].split()[0]) == (0, "", "fast")


def test_what_is_right_is_listed_and_what_is_wrong_is_named(command, file):
    path = file("""
        [providers.bad]
        base_url = 3
        [models.good]
        model = "sim:chat"
        [models.misspelt]
        model = "grok:m"
        [models.of_bad]
        model = "bad:m"
        """)
    code, out, err = command("models", "--config", path)
    assert (code, [line.split()[0] for line in out.splitlines()]) == (2, ["NAME", "good"])
    assert [line.split(": ")[2] for line in err.splitlines()] == [
        "providers.bad.base_url",
        "models.misspelt.model",
    ]
    code, out, _ = command("models", "--json", "--config", path)
    listed = json.loads(out)
    assert (code, len(listed["problems"])) == (2, 2)
    assert [row["name"] for row in listed["models"]] == ["good"]


@pytest.mark.parametrize(
    ("key", "words"),
    [(None, "tokenwire models --provider NAME"), ("sk-x", "tokenwire models --provider openai")],
)
def test_without_a_configuration_a_note_says_what_to_do(command, monkeypatch, key, words):
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    code, out, err = command("models")
    assert (code, out, err.count("\n")) == (0, "", 1)
    assert "--config or TOKENWIRE_CONFIG" in err
    assert words in err
    assert "sk-x" not in err


def test_a_file_in_the_folder_is_not_read_but_noted(command, file):
    file(NAMES, "tokenwire.toml")
    code, out, err = command("models")
    assert (code, out) == (0, "")
    assert "--config tokenwire.toml" in err


def test_a_configuration_without_names_is_noted(command, file):
    config = file("[defaults]\ntimeout = 5\n")
    note = f"tokenwire: {config} has no [models.NAME]\n"
    assert command("models", "--config", config) == (0, "", note)


# A server


def test_a_server_is_asked_for_its_models(command, sim, file, monkeypatch):
    sim.set_script({"models": ["b", "a"], "require_key": SECRET})
    monkeypatch.setenv("OWN", SECRET)
    words = ("models", "--base-url", sim.base_url, "--key-env", "OWN")
    assert command(*words) == (0, "b\na\n", "")
    assert json.loads(command(*words, "--json")[1]) == ["b", "a"]
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    assert command("models", "--provider", "openai", "--base-url", sim.base_url)[1] == "b\na\n"
    config = file('[models.x]\nmodel = "m"\nbase_url = "URL"\nkey_var = "OWN"\n')
    assert command("models", "-m", "x", "--config", config)[1] == "b\na\n"


def test_a_provider_of_the_configuration_is_asked(command, sim, file):
    sim.set_script({"models": ["m1"]})
    config = file('[providers.acme]\nbase_url = "URL"\n')
    assert command("models", "--provider", "acme", "--config", config) == (0, "m1\n", "")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--provider", "grok"), 2, "provider grok: unknown; did you mean groq?"),
        (("--provider", "openai"), 2, "set OPENAI_API_KEY or give --key-env NAME"),
        (("--provider", ""), 2, "provider"),
        (("--base-url", ""), 2, "base_url"),
        (("-m", ""), 2, "model"),
        (("--provider", "sim", "-m", "sim:chat"), 2, "give one of them"),
        (("--provider", "sim", "--key-env", "NOT_SET"), 2, "the environment has no NOT_SET"),
        (("--key-env", "X"), 2, "--key-env: use it with --provider"),
        (("--described", "-m", "sim:chat"), 2, "--model: leave it out with --described"),
        (("--base-url", "http://127.0.0.1:9/v1"), 1, "nothing listens at 127.0.0.1:9"),
    ],
)
def test_what_cannot_be_asked_is_an_error_in_one_line(command, words, code, message):
    found, out, err = command("models", *words)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert message in err


@pytest.mark.parametrize("status", [404, 405])
def test_a_server_without_a_list_is_named(command, sim, status):
    sim.set_script({"default": {"error": {"status": status}}})
    code, out, err = command("models", "--base-url", sim.base_url)
    assert (code, out) == (1, "")
    assert err == (
        f"tokenwire: openai-compatible at {sim.base_url} has no list of models ({status})\n"
    )


# Descriptions


def test_described_models_are_listed_with_their_limits(command, file):
    config = file(NAMES)
    code, out, _ = command("models", "--described", "--config", config, "--provider", "acme")
    assert code == 0
    assert out.splitlines() == [
        "MODEL    CONTEXT  OUTPUT  CAPABILITIES",
        "acme:m1  32768    ?       tools, vision",
    ]
    code, out, _ = command("models", "--config", config, "--capability", "tools", "--json")
    assert [(row["name"], row["context_window"]) for row in json.loads(out)] == [("m1", 32768)]


def test_described_models_of_an_unknown_provider_name_the_nearest(command):
    code, out, err = command("models", "--described", "--provider", "grok")
    assert (code, out) == (2, "")
    assert err == "tokenwire: provider grok: unknown; did you mean groq?\n"


# A name that is misspelt


def test_a_misspelt_name_names_the_configured_ones(command, file):
    config = file(NAMES)
    for words in (("run", "hi"), ("models",), ("count", "--text", "hi")):
        code, out, err = command(words[0], "-m", "locla", "--config", config, *words[1:])
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f'"locla" is not in {config}; did you mean "local"?' in err
        assert "configured: ours, fast, local, cloud, bare, play" in err


@pytest.mark.parametrize("words", [("run", "-m", "gpt4", "hi"), ("models", "-m", "gpt4")])
def test_a_name_without_a_configuration_lists_the_providers(command, words):
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert 'write "provider:model", such as "openai:gpt4", or give --base-url URL' in err
    assert "the providers are openai, azure, anthropic, " in err


@pytest.mark.parametrize("words", [("run", "-m", "fast", "hi"), ("models", "-m", "fast")])
def test_a_name_in_a_file_that_is_not_read_says_how_to_read_it(command, file, words):
    file(NAMES, "tokenwire.toml")
    code, _, err = command(*words)
    assert code == 2
    assert "is only read with --config tokenwire.toml" in err


def test_a_missing_key_names_its_variable_and_the_simulator(command):
    code, out, err = command("run", "-m", "openai:gpt-4o", "hi")
    assert (code, out) == (2, "")
    assert err == (
        "tokenwire: no API key for openai: set OPENAI_API_KEY or give --key-env NAME; "
        "`-m sim:chat` needs none\n"
    )
