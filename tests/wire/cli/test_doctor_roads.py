"""`tokenwire doctor` says which road calls take: transport, proxy, unix socket, roots."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tokenwire.cli import libraries

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.chooses_transport

SECRET = "sk-canary-0123456789"
OPENAI = "https://api.openai.com/v1"
PROXY = f"http://user:{SECRET}@proxy.example:3128"


@pytest.fixture
def found(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, Any]]]:
    """Run the doctor; returns its findings about a thing."""
    # It imports openai in another process each time.
    monkeypatch.setattr(libraries, "openai_findings", lambda: ())

    def run(about: str, *words: str) -> list[dict[str, Any]]:
        _, out, err = command("doctor", "--json", *words)
        assert SECRET not in out + err
        return [row for row in json.loads(out)["findings"] if row["about"] == about]

    return run


def test_the_transport_and_its_variable_are_shown(
    found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (row,) = found("transport")
    assert (row["status"], row["details"]) == ("ok", {"transport": "auto", "variable": None})
    monkeypatch.setenv("TOKENWIRE_TRANSPORT", "general")
    (row,) = found("transport")
    assert (row["status"], row["text"]) == ("ok", "general (from TOKENWIRE_TRANSPORT)")
    monkeypatch.setenv("TOKENWIRE_TRANSPORT", "fast")
    (row,) = found("transport")
    assert (row["status"], "TOKENWIRE_TRANSPORT must be" in row["text"]) == ("problem", True)


def test_a_provider_that_is_set_up_has_a_road(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("road") == []
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    (row,) = found("road")
    begin = f"openai: {OPENAI} by the"
    assert (row["status"], row["text"]) == (
        "ok",
        f"{begin} direct transport, without a proxy, roots: {row['details']['roots']}",
    )
    assert row["details"] == {
        "name": "openai",
        "url": OPENAI,
        "api": "chat",
        "transport": "direct",
        "proxy": None,
        "proxy_from": None,
        "socket": None,
        "roots": row["details"]["roots"],
    }
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    (row,) = found("road")
    proxy = "through http://proxy.example:3128 (from HTTPS_PROXY)"
    assert row["text"].startswith(f"{begin} general transport, {proxy}, roots: ")
    assert row["details"]["proxy"] == "http://proxy.example:3128"
    assert row["details"]["proxy_from"] == "HTTPS_PROXY"


def test_the_roots_are_named(found: Any, roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    (row,) = found("road")
    assert row["details"]["roots"] == "SSL_CERT_FILE"
    # Calls do not fall back on those of the system.
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    (row,) = found("road")
    assert row["details"]["roots"] == "SSL_CERT_FILE"


def test_a_model_that_reads_no_variable_has_the_roots_of_the_system(
    found: Any, roots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokenwire.toml"
    entry = 'model = "m"\nbase_url = "https://a.example/v1"\n'
    file.write_text(f"[models.a]\n{entry}[models.b]\n{entry}trust_env = false\n")
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    assert [row["details"]["roots"] for row in found("road")] == ["SSL_CERT_FILE", "system"]


@pytest.mark.parametrize("target", ["unix:/no/such.sock:/v1", "unix:///no/such.sock:/v1"])
def test_a_unix_socket_in_either_form_can_be_reached(found: Any, target: str) -> None:
    (row,) = found("reach", "--reach", target)
    assert "there is no /no/such.sock" in row["text"]


def test_a_unix_socket_and_this_machine_need_no_proxy(
    found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("VLLM_API_BASE", "unix:///run/vllm.sock:/v1")
    (row,) = found("road")
    assert row["text"] == "vllm: unix:///run/vllm.sock:/v1 by the direct transport, a unix socket"
    assert row["details"]["socket"] == "/run/vllm.sock"
    assert row["details"]["roots"] is None
    monkeypatch.setenv("VLLM_API_BASE", "http://localhost:8000/v1")
    (row,) = found("road")
    assert row["text"].endswith("by the direct transport, without a proxy")


def test_a_road_that_is_closed_is_a_problem(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("HTTPS_PROXY", "socks4://user:hunter2@proxy:1080")
    (row,) = found("road")
    assert (row["status"], "SOCKS 4" in row["text"]) == ("problem", True)
    monkeypatch.delenv("OPENAI_API_KEY")
    # A wrong address is one problem, not two.
    monkeypatch.setenv("VLLM_API_BASE", "unix://run/vllm.sock")
    assert found("road") == []
    assert [row["status"] for row in found("address")] == ["problem"]


def test_models_of_the_configuration_and_targets_have_roads(
    found: Any, tmp_path: Path, roots: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tokenwire.toml"
    file.write_text(
        f'[models.a]\nmodel = "m"\nbase_url = "https://a.example/v1"\nca_bundle = "{roots}"\n'
        '[models.b]\nmodel = "m"\nbase_url = "http://b.example/v1"\nproxy = "socks://p:1"\n'
        '[models.c]\nmodel = "m"\nbase_url = "http://c.example/v1"\ntransport = "general"\n'
    )
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(file))
    target = "http://127.0.0.1:9/v1"
    assert [row["text"] for row in found("road", "--reach", target)] == [
        "a: https://a.example/v1 by the direct transport, without a proxy, roots: ca_bundle",
        "b: http://b.example/v1 by the general transport, through socks5h://p:1 (from proxy)",
        "c: http://c.example/v1 by the general transport, without a proxy",
        f"openai-compatible: {target} by the direct transport, without a proxy",
    ]
