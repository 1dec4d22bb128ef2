"""`tokenwire check`: what it prints, where, and its exit codes."""

from __future__ import annotations

import json
import sys

import pytest

SECRET = "sk-canary-0123456789-0123456789"


@pytest.fixture(autouse=True)
def without_prices(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)


@pytest.fixture
def file(tmp_path, sim):
    def write(content):
        path = tmp_path / "tokenwire.toml"
        path.write_text(content.replace("URL", sim.base_url), encoding="utf-8")
        return path

    return write


GOOD = """
[providers.acme]
base_url = "URL"
[models.fast]
model = "acme:m1"
context_window = 32768
capabilities = ["vision", "tools"]
[models.base]
model = "acme:m2"
api = "completions"
"""


def test_check_lists_the_clients_and_sends_nothing(command, file, sim):
    code, out, err = command("check", file(GOOD))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "NAME  CLIENT            API          MODEL    NOTE",
        "fast  ChatClient        chat         acme:m1",
        "base  CompletionClient  completions  acme:m2",
    ]
    assert sim.requests() == []


def test_a_probe_makes_one_tiny_call_to_each(command, file, sim):
    code, out, _ = command("check", "--probe", file(GOOD))
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines()] == ["PROBE", "ok", "ok"]
    calls = sorted((request["path"], request["body"]["max_tokens"]) for request in sim.requests())
    assert calls == [("/v1/chat/completions", 16), ("/v1/completions", 16)]


def test_a_failed_probe_is_reported_and_not_retried(command, file, sim):
    sim.set_script({"default": {"error": {"status": 503}}})
    code, out, _ = command("check", "--probe", "--json", file(GOOD))
    assert code == 1
    probes = [row["probe"].partition(":")[0] for row in json.loads(out)["models"]]
    assert probes == ["LlmServerError", "LlmServerError"]
    assert len(sim.requests()) == 2


def test_a_missing_key_is_a_note_and_fails_only_a_probe(command, file):
    path = file('[models.fast]\nmodel = "groq:m"\n')
    note = "no API key for groq: set GROQ_API_KEY or name another variable in key_var"
    code, out, _ = command("check", "--json", path)
    row = {"name": "fast", "client": "ChatClient", "api": "chat", "model": "groq:m", "note": note}
    assert (code, json.loads(out)) == (0, {"file": str(path), "problems": [], "models": [row]})
    code, out, _ = command("check", "--json", "--probe", path)
    assert (code, json.loads(out)["models"]) == (1, [{**row, "probe": "not tried"}])


def test_every_problem_is_a_line_on_standard_error(command, file):
    path = file(f'[models.a]\nmodel = "grok:m"\napi_key = "{SECRET}"\nmax_retries = -1\n')
    code, out, err = command("check", path)
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        (
            "tokenwire: models.a.api_key: a key does not belong here; name its variable: key_var, "
            "key_vars"
        ),
        "tokenwire: models.a.max_retries: -1 is not a whole number of at least 0",
        'tokenwire: models.a.model: provider grok: unknown (got "grok:m"); did you mean groq?',
    ]
    code, out, err = command("check", "--json", path)
    assert (code, err) == (2, "")
    assert [problem["path"] for problem in json.loads(out)["problems"]] == [
        "models.a.api_key",
        "models.a.max_retries",
        "models.a.model",
    ]


def test_a_missing_file_is_reported(command):
    code, out, err = command("check", "/no/such.toml")
    assert (code, out) == (2, "")
    assert err == "tokenwire: /no/such.toml: No such file or directory\n"
    code, out, _ = command("check", "--json", "/no/such.toml")
    assert (code, json.loads(out)["error"]["kind"]) == (2, "LlmConfigError")


def test_other_commands_list_the_problems_of_a_configuration_in_their_error(command, file):
    path = file('[models.a]\nmodel = "grok:m"\nmax_retries = -1\n')
    code, out, err = command("run", "-m", "a", "--json", "--config", path, "hi")
    assert (code, err.count("\n")) == (2, 1)
    assert len(json.loads(out)["error"]["problems"]) == 2
