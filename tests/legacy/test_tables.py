"""The factory's tables: in a subclass, with missing entries, with wrong values."""

from __future__ import annotations

import pytest
from tests.legacy.asking import headers, sent

import tokenwire.legacy
from tokenwire.legacy.llm_client_factory import LlmClientFactory
from tokenwire.legacy.llm_exceptions import LlmAPIError, LlmConfigError


def test_a_subclass_may_have_different_tables(sim, monkeypatch):
    class Subclass(LlmClientFactory):
        VENDOR_URLS = {**LlmClientFactory.VENDOR_URLS, "openai": sim.base_url, "corp": sim.base_url}  # noqa: RUF012
        VENDOR_CONFIG = {  # noqa: RUF012
            **LlmClientFactory.VENDOR_CONFIG,
            "corp": {"client_type": "chat", "env_var": "CORP_KEY", "key_name": "corp"},
        }

    monkeypatch.setenv("OPENAI_API_KEY", "sk-1234567")
    Subclass().get_client("openai:gpt-4o").run("hi")
    assert sent(sim)["model"] == "gpt-4o"
    with pytest.raises(LlmConfigError, match="CORP_KEY"):
        Subclass().get_client("corp:m")
    monkeypatch.setenv("CORP_KEY", "corp-1234567")
    client = Subclass().get_client("corp:m")
    client.run("hi")
    assert (client.model_name, sent(sim)["model"]) == ("corp:m", "m")
    assert "authorization" in headers(sim)


@pytest.mark.parametrize("vendor", ["corp", "together", "openai"])
def test_a_vendor_without_an_address_never_gets_the_private_machines(private, monkeypatch, vendor):
    monkeypatch.setenv("SOME_KEY", "sk-1234567")
    LlmClientFactory.VENDOR_CONFIG[vendor] = {"client_type": "chat", "env_var": "SOME_KEY"}
    LlmClientFactory.VENDOR_URLS.pop(vendor, None)
    with pytest.raises(LlmConfigError, match=f"add an address for '{vendor}'"):
        LlmClientFactory().get_client(f"{vendor}:m")
    assert private.requests() == []


def test_a_parameter_that_is_not_a_string_is_reported_with_its_key():
    tokenwire.legacy.use_config({"k": "openai:m", "k_params": {1: 2}})
    with pytest.raises(LlmConfigError, match="k_params: put the name 1 in quotes"):
        LlmClientFactory().get_client("k")


@pytest.mark.parametrize(
    ("vendor", "variable"),
    [("anthropic", "ANTHROPIC_BASE_URL"), ("google-gla", "GOOGLE_GEMINI_BASE_URL")],
)
def test_an_address_that_serves_only_the_vendors_dialect_is_explained(
    sim, monkeypatch, vendor, variable
):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-1234567")
    monkeypatch.setenv("GEMINI_API_KEY", "sk-1234567")
    monkeypatch.setenv(variable, f"http://127.0.0.1:{sim.port}")
    sim.set_script({"default": {"error": {"status": 404, "message": "no such path"}}})
    with pytest.raises(LlmAPIError, match=r"no such path.*in OpenAI's dialect.*does not serve"):
        LlmClientFactory().get_client(f"{vendor}:m").run("hi")


@pytest.mark.parametrize(
    ("vendor", "address"),
    [
        ("anthropic", "https://api.anthropic.com/v1"),
        ("google-gla", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("mistralai", "https://api.mistral.ai/v1"),
        ("groq", "https://api.groq.com/openai/v1"),
        ("openai", "https://api.openai.com/v1"),
    ],
)
def test_vendors_are_called_where_they_serve_openais_dialect(monkeypatch, vendor, address):
    variable = LlmClientFactory.VENDOR_API_ENV_VARS[vendor]
    assert variable is not None
    monkeypatch.setenv(variable, "sk-1234567")
    client = LlmClientFactory().get_client(f"{vendor}:m").model
    assert (client.base_url, client.model) == (address, "m")
