"""`tokenwire doctor` names the installed SDKs, and the client of ours that each accepts."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tokenwire.cli import libraries


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs the metadata of a package, but not the package. Nothing else is installed."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])

    def add(name, version, *requirements):
        folder = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = [f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
        (folder / "METADATA").write_text("\n".join(lines) + "\n")

    return add


def texts():
    return [(finding.status, finding.text) for finding in libraries.library_findings()]


def test_nothing_is_said_if_none_is_installed(install):
    assert texts() == []


@pytest.mark.parametrize(
    ("requirement", "module"),
    [
        ("httpx2<3,>=2.12.0", "tokenwire.httpx2"),
        ("httpx<1,>=0.23.0", "tokenwire.httpx"),
        ("httpx", "tokenwire.httpx"),
        ("httpx (>=0.23)", "tokenwire.httpx"),
        ("httpx[http2]>=0.23; python_version >= '3.10'", "tokenwire.httpx"),
    ],
)
def test_the_client_is_that_of_the_library_that_an_sdk_requires(install, requirement, module):
    install("groq", "1.7.0", "anyio>=4", requirement, "httpx-aiohttp; extra == 'aiohttp'")
    assert texts() == [("ok", f"groq 1.7.0 accepts a client of {module}")]


def test_a_library_of_an_extra_or_of_a_similar_name_does_not_count(install):
    requirements = ("httpx-sse>=0.4", "httpx2>=2; extra == 'httpx2'", "requests")
    install("openai", "0.28.1", *requirements)
    assert texts() == [("ok", "openai 0.28.1 uses neither httpx2 nor httpx")]


def test_of_two_libraries_the_newer_counts(install):
    install("anthropic", "2.0", "httpx>=0.28", "httpx2>=2")
    assert texts() == [("ok", "anthropic 2.0 accepts a client of tokenwire.httpx2")]


def test_a_library_over_openai_s_accepts_what_openai_s_does(install):
    for name in ("litellm", "langchain-openai", "pydantic-ai", "instructor"):
        install(name, "1.0", "openai>=3", "httpx>=0.23")
    install("openai", "3.57.0", "httpx2>=2")
    accepted = "accepts a client of tokenwire.httpx2"
    assert texts() == [
        ("ok", f"openai 3.57.0 {accepted}"),
        ("ok", f"litellm 1.0 {accepted}"),
        ("ok", f"langchain-openai 1.0 {accepted}"),
        ("ok", f"pydantic-ai 1.0 {accepted}"),
        ("ok", f"instructor 1.0 {accepted}"),
    ]


@pytest.fixture
def child(install, monkeypatch):
    """Sets what the other process runs, with openai 4.0.0 installed."""
    install("openai", "4.0.0", "httpx2>=2")
    return lambda code: monkeypatch.setattr(libraries, "_PARTS", code)


def parts():
    return [
        (finding.about, finding.status, finding.text) for finding in libraries.openai_findings()
    ]


def test_the_parts_are_those_of_the_installed_openai():
    version = pytest.importorskip("openai").__version__
    (row,) = libraries.openai_findings()
    assert (row.about, row.status) == ("openai", "ok")
    assert (
        row.text
        == f"tokenwire.openai: transport, streams, requests, replies on with openai {version}"
    )
    names = ("transport", "streams", "requests", "replies")
    assert row.details == {"version": version, **dict.fromkeys(names, True), "reasons": []}


def test_a_part_that_is_off_is_named_with_the_reason(child):
    found = '[[false, true, true], ["Stream.__init__ takes other arguments"]]'
    child(f"print('hello'); print({found!r})")
    text = (
        "tokenwire.openai: transport, requests, replies on, streams left to openai 4.0.0: "
        "Stream.__init__ takes other arguments"
    )
    assert parts() == [("openai", "note", text)]


def test_the_parts_are_a_row_of_the_doctor(child, command):
    child("print('[[true, true, true], []]')")
    _, out, _ = command("doctor", "--json")
    (row,) = [row for row in json.loads(out)["findings"] if row["about"] == "openai"]
    assert (
        row["text"]
        == "tokenwire.openai: transport, streams, requests, replies on with openai 4.0.0"
    )
    assert row["details"]["streams"] is True


def test_an_openai_that_cannot_be_imported_is_a_note(child):
    child("raise ImportError('no such thing')")
    text = "tokenwire.openai does not work with openai 4.0.0: ImportError: no such thing"
    assert parts() == [("openai", "note", text)]


def test_an_openai_that_ends_the_process_is_a_note(child):
    child("import os; os._exit(3)")
    text = "tokenwire.openai does not work with openai 4.0.0: exit status 3"
    assert parts() == [("openai", "note", text)]


def test_an_openai_that_hangs_is_a_note(child, monkeypatch):
    monkeypatch.setattr(libraries, "_PARTS_SECONDS", 0.2)
    child("import threading; threading.Event().wait()")
    ((about, status, text),) = parts()
    assert (about, status) == ("openai", "note")
    assert text.startswith("tokenwire.openai cannot be tried with openai 4.0.0: ")
    assert "timed out after 0.2 seconds" in text


def test_without_openai_nothing_is_said_of_it(install):
    install("groq", "1.7.0", "httpx>=0.23")
    assert parts() == []


def test_each_library_is_a_row_also_of_the_json(install, command):
    install("google-genai", "3.6.1", "httpx2>=2")
    install("httpx2", "2.16.2", "httpcore2")
    install("httpx", "0.28.1", "httpcore")
    code, out, _ = command("doctor", "--json")
    rows = [row for row in json.loads(out)["findings"] if row["about"] == "library"]
    assert [row["text"] for row in rows] == [
        "google-genai 3.6.1 accepts a client of tokenwire.httpx2",
        "httpx2 2.16.2 can use tokenwire.httpx2",
        "httpx 0.28.1 can use tokenwire.httpx",
    ]
    assert rows[0]["details"] == {
        "library": "google-genai",
        "version": "3.6.1",
        "module": "tokenwire.httpx2",
    }
    assert code in (0, 1)


def test_no_library_is_imported():
    script = (
        "import sys; from tokenwire.cli import main; main(['doctor'])\n"
        "assert not {'httpx', 'httpx2', 'openai'} & set(sys.modules)"
    )
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "library " in done.stdout
