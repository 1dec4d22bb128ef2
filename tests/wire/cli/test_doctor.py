"""`tokenwire doctor`: it finds and names the usual faults, and shows no secret."""

from __future__ import annotations

import json
from importlib import metadata

import pytest
from tests.wire.origins import Origin, response

from tokenwire import _engine
from tokenwire.cli import findings, libraries

SECRET = "sk-canary-0123456789-0123456789"


@pytest.fixture
def found(command, monkeypatch):
    """Runs the doctor; returns its findings about a thing. No secret may be printed."""
    # It imports openai in another process each time.
    monkeypatch.setattr(libraries, "openai_findings", lambda: ())

    def run(about, *words):
        code, out, err = command("doctor", "--json", *words)
        assert SECRET not in out + err
        assert SECRET not in "".join(command("doctor", *words)[1:])
        report = json.loads(out)
        rows = [row for row in report["findings"] if row["about"] == about]
        assert rows, f"nothing about {about}"
        problems = any(row["status"] == "problem" for row in report["findings"])
        assert (report["ok"], code) == (not problems, int(problems))
        return rows

    return run


def status_and_text(rows):
    return [(row["status"], row["text"]) for row in rows]


def test_a_clean_environment_has_no_problem_and_nothing_is_sent(command, sim, monkeypatch):
    monkeypatch.setenv("VLLM_BASE_URL", sim.base_url)
    code, out, err = command("doctor")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "no problem found"
    assert sim.requests() == []


def test_versions_and_how_to_install_an_extra(found, monkeypatch):
    monkeypatch.setattr(findings, "_installed", lambda name: None if "otel" in name else "1")
    monkeypatch.setattr(
        metadata,
        "requires",
        lambda _: ["pydantic>=2", "otel-api>=1.30 ; extra == 'otel'", 'x>=1; extra == "tokens"'],
    )
    assert found("tokenwire")[0]["details"]["build"] in ("debug", "release")
    assert found("tokenwire")[0]["details"]["version"] == _engine.__version__
    assert status_and_text(found("extra tokens")) == [("ok", "x 1")]
    missing = "not installed: pip install '.[otel]' in the clone"
    assert status_and_text(found("extra otel")) == [("ok", missing)]


def test_the_extras_are_those_of_the_package():
    extras = {"openai", "otel", "prices", "tokens", "toml"}
    assert {extra for _, extra in findings._extras()} == extras


def test_an_engine_of_another_version_is_a_problem(found, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: "9.9")
    assert found("tokenwire")[0]["status"] == "problem"


def test_a_package_without_metadata_is_noted(found, monkeypatch):
    def absent(_name):
        raise metadata.PackageNotFoundError

    monkeypatch.setattr(metadata, "version", absent)
    monkeypatch.setattr(metadata, "requires", absent)
    assert found("tokenwire")[0]["status"] == "note"
    assert found("pydantic")[0]["status"] == "problem"


def test_roots_are_counted_with_their_place(found, roots, tmp_path, monkeypatch):
    assert found("TLS roots")[0]["details"]["certificates"] > 0
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    assert status_and_text(found("TLS roots")) == [("ok", f"1 from SSL_CERT_FILE, {roots}")]
    (tmp_path / "broken.pem").write_text("no PEM here")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "broken.pem"))
    (row,) = found("TLS roots")
    assert row["status"] == "problem"
    assert "broken.pem: it has no certificate" in row["text"]
    assert "unset SSL_CERT_FILE" in row["text"]


def test_one_empty_folder_of_several_is_noted(found, roots, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_DIR", f"/no/such:{tmp_path}")
    assert [row["status"] for row in found("TLS roots")] == ["note", "ok"]
    monkeypatch.setenv("SSL_CERT_DIR", "/no/such")
    assert [row["status"] for row in found("TLS roots")] == ["problem"]


def test_a_system_without_roots_uses_the_bundled_ones(found, monkeypatch):
    place = {"setting": "bundled", "path": None, "certificates": 9, "problem": None}
    report = {**_engine._report(), "roots": [place]}
    monkeypatch.setattr(_engine, "_report", lambda: report)
    (row,) = found("TLS roots")
    assert (row["status"], row["text"].partition(":")[0]) == ("ok", "9 bundled ones")


def test_proxies_are_shown_without_their_credentials(found, monkeypatch):
    assert status_and_text(found("https proxy")) == [("ok", "none")]
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SECRET}@proxy.example:3128")
    proxy = "http://proxy.example:3128 (from HTTPS_PROXY), except for this machine"
    assert status_and_text(found("https proxy")) == [("ok", proxy)]
    monkeypatch.setenv("no_proxy", ".lan, 10.0.0.0/8")
    text = f"{proxy} and .lan, 10.0.0.0/8"
    assert status_and_text(found("https proxy")) == [("ok", text)]
    assert status_and_text(found("http proxy")) == [("ok", "none")]
    monkeypatch.setenv("no_proxy", "*")
    text = "none, though HTTPS_PROXY is set: NO_PROXY"
    assert status_and_text(found("https proxy")) == [("ok", text)]


def test_a_proxy_that_cannot_be_used_is_a_problem(found, monkeypatch):
    monkeypatch.setenv("http_proxy", f"ftp://user:{SECRET}@proxy.example")
    (row,) = found("http proxy")
    assert row["status"] == "problem"
    assert "environment variable http_proxy" in row["text"]


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"HTTPS_PROXY": f'"http://user:{SECRET}@proxy.example"'}, "HTTPS_PROXY is in quotes"),
        ({"HTTPS_PROXY": "proxy.example", "NO_PROXY": "'a.example'"}, "NO_PROXY has quotes"),
    ],
)
def test_a_value_in_quotes_is_a_problem(found, monkeypatch, variables, why):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (row,) = found("https proxy")
    assert row["status"] == "problem"
    assert why in row["text"]


def test_the_first_variable_that_names_roots_is_used(found, roots, monkeypatch):
    for name in ("CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(roots))
        assert status_and_text(found("TLS roots")) == [("ok", f"1 from {name}, {roots}")]


def test_variables_of_other_programs_that_name_roots_are_noted(found, roots, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(roots))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(roots))
    notes = [row["text"].partition(":")[0] for row in found("TLS roots") if row["status"] == "note"]
    assert notes == [
        f"{name} is set, but not read" for name in ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
    ]
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    assert status_and_text(found("TLS roots")) == [("ok", f"1 from SSL_CERT_FILE, {roots}")]


def test_the_address_of_azure_is_shown_with_its_api_version(found, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/")
    text = "calls to azure, with its key, go to https://me.openai.azure.com/openai"
    variable = "(from AZURE_OPENAI_ENDPOINT)"
    assert status_and_text(found("address")) == [("ok", f"{text}/v1 {variable}")]
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    version = "by default with api-version 2024-10-21 (from OPENAI_API_VERSION)"
    assert status_and_text(found("address")) == [("ok", f"{text} {variable}, {version}")]


def test_a_key_of_azure_without_an_address_is_noted(found, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    ((status, text),) = status_and_text(found("address"))
    assert (status, text.partition(":")[0]) == ("note", "azure has a key, but no address")
    assert "AZURE_OPENAI_ENDPOINT" in text


def test_of_two_keys_of_a_provider_the_second_is_noted(found, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", SECRET)
    assert status_and_text(found("key"))[:2] == [
        ("ok", "AZURE_OPENAI_API_KEY is set"),
        ("note", "AZURE_OPENAI_AD_TOKEN is set, but AZURE_OPENAI_API_KEY comes first"),
    ]


def test_an_api_version_under_the_name_of_other_programs_is_noted(found, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_VERSION", "2024-10-21")
    text = "AZURE_OPENAI_API_VERSION is set, but not read: set OPENAI_API_VERSION to it"
    assert status_and_text(found("address")) == [("note", text)]
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/")
    assert [row["status"] for row in found("address")] == ["ok"]


def test_open_files_limit_the_connections(found, monkeypatch):
    resource = pytest.importorskip("resource")
    limits = (1_024, 1_048_576)
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    (row,) = found("open files")
    assert row["status"] == "note"
    assert row["text"].endswith("`ulimit -n 1048576` before the program raises it")
    limits = (65_536, 65_536)
    assert found("open files")[0]["status"] == "ok"
    assert found("open files")[0]["details"]["max_connections"] >= 1


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (SECRET, None),
        ("", "is set but empty"),
        (f"{SECRET}\n", "has a line break at position 31"),
        (f" {SECRET}", "has a space at position 0"),
        (f'"{SECRET}"', "is in quotes"),
        (f"Bearer {SECRET}", "begins with the word Bearer"),
        ("${GROQ_KEY}", "is the name of a variable"),
        (f"{SECRET} {SECRET}", "has a space"),
        (f"{SECRET}\u2026", "is shortened or a placeholder"),
    ],
)
def test_a_visible_fault_of_a_key_is_reported_without_the_key(found, monkeypatch, value, message):
    monkeypatch.setenv("GROQ_API_KEY", value)
    row, absent = found("key")
    assert row["details"] == {"variable": "GROQ_API_KEY", "present": True}
    assert row["status"] == ("problem" if message else "ok")
    assert row["text"].startswith(f"GROQ_API_KEY {message or 'is set'}")
    assert "OPENAI_API_KEY" in absent["details"]["variables"]


def test_the_configuration_and_its_keys_are_checked(found, monkeypatch, tmp_path):
    assert found("configuration")[0]["status"] == "ok"
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tokenwire.toml"
    file.write_text(
        '[providers.acme]\nbase_url = "http://127.0.0.1:9/v1"\nkey_vars = ["ACME_KEY"]\n'
        '[models.a]\nmodel = "acme:m"\nkey_var = "TEAM_KEY"\n'
    )
    # It exists, and is not read.
    ((status, text),) = status_and_text(found("configuration"))
    assert (status, text.endswith("export TOKENWIRE_CONFIG=tokenwire.toml")) == ("note", True)
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(file))
    lacks = "a: no API key for acme: set TEAM_KEY or name another variable in key_var"
    configured = ("ok", f"{file}: 1 model")
    assert status_and_text(found("configuration")) == [configured, ("note", lacks)]
    assert {"ACME_KEY", "TEAM_KEY"} <= set(found("key")[-1]["details"]["variables"])
    monkeypatch.setenv("TEAM_KEY", SECRET)
    assert status_and_text(found("configuration")) == [configured]
    file.write_text('[models.a]\nmodel = "grok:m"\nmax_retries = -1\n')
    (row,) = found("configuration")
    assert row["status"] == "problem"
    assert row["text"].endswith(f"(and 1 more: tokenwire check {file})")
    file.unlink()
    assert found("configuration")[0]["text"].endswith("No such file or directory")


def test_an_address_from_the_environment_is_reported(found, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    (row,) = found("address")
    assert row["status"] == "note"
    assert "go to http://127.0.0.1:9/v1 (from OPENAI_BASE_URL)" in row["text"]
    monkeypatch.setenv("OPENAI_BASE_URL", "127.0.0.1:9/v1")
    assert found("address")[0]["status"] == "problem"


def test_reach_asks_only_for_the_models(found, sim, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", sim.base_url)
    rows = found("reach", "--reach", "openai", sim.base_url)
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert rows[0]["text"].startswith(f"openai at {sim.base_url} answers after ")
    assert {request["path"] for request in sim.requests()} == {"/v1/models"}


def test_reach_distinguishes_a_refused_key_from_a_missing_key(found, sim, monkeypatch):
    sim.set_script({"require_key": "sk-right"})
    monkeypatch.setenv("OPENAI_BASE_URL", sim.base_url)
    (row,) = found("reach", "--reach", "openai")
    assert row["status"] == "ok"
    assert row["text"].endswith(": 401, there is no key to try")
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    (row,) = found("reach", "--reach", "openai")
    assert (row["status"], row["details"]["error"]) == ("problem", "LlmAuthenticationError")


def test_reach_reports_a_missing_server(found):
    (row,) = found("reach", "--reach", "http://127.0.0.1:9/v1")
    assert (row["status"], row["details"]["error"]) == ("problem", "LlmConnectError")


@pytest.mark.parametrize(
    ("answer", "expected"), [(404, "note"), (403, "problem"), (503, "problem")]
)
def test_reach_reports_what_a_server_answers_instead_of_models(found, answer, expected):
    with Origin(answers=[response(answer)] * 2) as server:
        (row,) = found("reach", "--reach", server.base_url)
    assert (row["status"], row["details"]["http_status"]) == (expected, answer)
    assert f"at {server.base_url} answers after " in row["text"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("grok", "did you mean groq?"),
        (
            "azure",
            "set AZURE_OPENAI_BASE_URL or AZURE_OPENAI_ENDPOINT or AZURE_RESOURCE_NAME, or",
        ),
        ("openai-compatible", "openai-compatible has no default address: give its URL"),
    ],
)
def test_reach_without_an_address_is_a_usage_error(command, target, message):
    code, out, err = command("doctor", "--reach", target)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
