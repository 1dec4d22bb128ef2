"""What `tokenwire doctor` and `tokenwire check` say of Anthropic, Google and the clouds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.chooses_transport

SECRET = "sk-canary-0123456789"
VERTEX = "https://europe-west1-aiplatform.googleapis.com"


class Row(NamedTuple):
    """A provider, as the environment sets it up."""

    keys: tuple[str, ...]
    places: dict[str, str]
    # By the model of a configuration: its API.
    models: dict[str, str]
    url: str
    # That of a model with any name.
    api: str


ROWS = {
    "anthropic": Row(
        ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
        {},
        {"claude-opus-4-7": "messages"},
        "https://api.anthropic.com",
        "messages",
    ),
    "google": Row(
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        {},
        {"gemini-3-flash-preview": "gemini"},
        "https://generativelanguage.googleapis.com",
        "gemini",
    ),
    "vertex": Row(
        ("GOOGLE_OAUTH_ACCESS_TOKEN", "GOOGLE_API_KEY"),
        {"GOOGLE_CLOUD_LOCATION": "europe-west1", "GOOGLE_CLOUD_PROJECT": "p"},
        {"gemini-3-flash-preview": "gemini", "claude-opus-4-7": "messages"},
        f"{VERTEX}/v1beta1/projects/p/locations/europe-west1",
        "gemini",
    ),
    "foundry": Row(
        ("ANTHROPIC_FOUNDRY_API_KEY",),
        {"ANTHROPIC_FOUNDRY_RESOURCE": "me"},
        {"claude-opus-4-7": "messages"},
        "https://me.services.ai.azure.com/anthropic",
        "messages",
    ),
    "bedrock": Row(
        ("AWS_BEARER_TOKEN_BEDROCK",),
        {"AWS_REGION": "us-east-1"},
        {"anthropic.claude-opus-4-7": "messages", "openai.gpt-oss-120b": "chat"},
        "https://bedrock-mantle.us-east-1.api.aws/v1",
        "chat",
    ),
}


@pytest.fixture
def found(command: Callable[..., tuple[int, str, str]]) -> Callable[[str], list[dict[str, Any]]]:
    """Run the doctor; returns its findings about a thing."""

    def run(about: str) -> list[dict[str, Any]]:
        code, out, err = command("doctor", "--json")
        assert SECRET not in out + err
        assert code == 0
        return [row for row in json.loads(out)["findings"] if row["about"] == about]

    return run


@pytest.fixture
def checked(
    command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> Callable[..., list[dict[str, Any]]]:
    """Check a configuration with these models; returns what is said of each."""

    def run(*models: str) -> list[dict[str, Any]]:
        path = tmp_path / "tokenwire.toml"
        tables = (f'[models.m{at}]\nmodel = "{model}"\n' for at, model in enumerate(models))
        path.write_text("".join(tables), encoding="utf-8")
        code, out, err = command("check", "--json", path)
        assert (code, err) == (0, "")
        assert SECRET not in out
        rows: list[dict[str, Any]] = json.loads(out)["models"]
        return rows

    return run


@pytest.mark.parametrize("provider", ROWS)
def test_a_provider_that_is_set_up_has_its_key_its_address_and_its_api(
    provider: str, found: Any, checked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[provider]
    for name, value in {row.keys[0]: SECRET, **row.places}.items():
        monkeypatch.setenv(name, value)
    assert found("key")[0]["text"] == f"{row.keys[0]} is set"
    assert found("address") == []
    (road,) = (road for road in found("road") if road["details"]["name"] == provider)
    assert (road["details"]["url"], road["details"]["api"]) == (row.url, row.api)
    rows = checked(*(f"{provider}:{model}" for model in row.models))
    assert [(row["api"], row.get("note")) for row in rows] == [
        (api, None) for api in row.models.values()
    ]


@pytest.mark.parametrize("provider", ROWS)
def test_a_missing_key_is_named_with_its_variables(
    provider: str, found: Any, checked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[provider]
    for name, value in row.places.items():
        monkeypatch.setenv(name, value)
    assert set(row.keys) <= set(found("key")[-1]["details"]["variables"])
    for said in checked(*(f"{provider}:{model}" for model in row.models)):
        assert said["note"].startswith(f"no API key for {provider}: set {' or '.join(row.keys)}")


@pytest.mark.parametrize("provider", [name for name, row in ROWS.items() if row.places])
def test_a_missing_place_is_named_with_its_variables_and_the_api_is_the_same(
    provider: str, found: Any, checked: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = ROWS[provider]
    monkeypatch.setenv(row.keys[0], SECRET)
    (note,) = found("address")
    assert note["text"].startswith(f"{provider} has a key, but no address: ")
    for said in checked(*(f"{provider}:{model}" for model in row.models)):
        assert said["note"].startswith(f"{provider} has no default address: ")
        for variable in row.places:
            assert f"set {variable} or" in said["note"]
            assert variable in note["text"]
        assert said["api"] == row.models[said["model"].partition(":")[2]]


def test_each_place_of_an_address_is_needed(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_OAUTH_ACCESS_TOKEN", SECRET)
    (note,) = found("address")
    assert note["text"] == (
        "vertex has a key, but no address: set GOOGLE_CLOUD_LOCATION or CLOUD_ML_REGION, and set "
        "GOOGLE_CLOUD_PROJECT or ANTHROPIC_VERTEX_PROJECT_ID, or give base_url="
    )


def test_a_key_of_google_is_not_taken_for_one_of_vertex(
    found: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", SECRET)
    assert found("address") == []
    assert [road["details"]["name"] for road in found("road")] == ["google"]
