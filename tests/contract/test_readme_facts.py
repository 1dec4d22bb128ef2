"""README.md, CONTRIBUTING.md and docs/factory.md name what exists, and leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tokenwire import LlmConfigError
from tokenwire._engine import is_provider, provider_apis, provider_names, provider_row
from tokenwire.settings.client_settings import CLIENT_SETTINGS
from tokenwire.testing import SimServer

ROOT = Path(__file__).resolve().parents[2]
CODE = {".py", ".pyi", ".rs", ".md"}
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURE = README.partition("## The path of a call")[2].partition("```text")[2].partition("```")[0]
RECIPES = (
    (ROOT / "CONTRIBUTING.md")
    .read_text(encoding="utf-8")
    .partition("## How to add")[2]
    .partition("\n## ")[0]
)
FACTORY = (ROOT / "docs" / "factory.md").read_text(encoding="utf-8")
PROVIDERS = README.partition("## Providers")[2].partition("\n## ")[0]


def source(place: str) -> str:
    """The text of a file, or of all files in a folder."""
    path = ROOT / place
    files = sorted(path.rglob("*.*")) if path.is_dir() else [path]
    return "\n".join(file.read_text(encoding="utf-8") for file in files if file.suffix in CODE)


def test_the_figure_names_what_exists():
    steps = re.findall(r"^ *([\w.]+) +((?:python|rust)/[\w/.]+)", FIGURE, re.MULTILINE)
    assert len(steps) >= 12
    missing = [
        f"{name} in {place}"
        for name, place in steps
        if not re.search(rf"\b(?:def|class|fn|struct|trait) {name.split('.')[-1]}\b", source(place))
    ]
    assert missing == []


def test_the_recipes_name_what_exists():
    missing, places_seen, names_seen = [], 0, 0
    for step in re.split(r"\n\n|\n\d\. ", RECIPES):
        words = re.findall(r"`([^`]+)`", step)
        places = [word for word in words if "/" in word or (ROOT / word).is_file()]
        # `event.rs` after the folder that it is in.
        files = [word for word in words if re.fullmatch(r"\w+\.(?:rs|py)", word)]
        names = [word for word in words if re.fullmatch(r"[A-Za-z_]\w+", word) and word != "mod"]
        missing += [place for place in places if not (ROOT / place).exists()]
        missing += [
            file for file in files if not any((ROOT / place / file).is_file() for place in places)
        ]
        if not places:
            continue
        text = "\n".join(source(place) for place in places if (ROOT / place).exists())
        missing += [name for name in names if not re.search(rf"\b{name}\b", text)]
        places_seen += len(places)
        names_seen += len(names)
    assert missing == []
    assert places_seen >= 25
    assert names_seen >= 15


def test_the_list_of_providers_is_the_engine_s():
    named = set(re.findall(r"`([a-z]+)`", PROVIDERS))
    assert len(named) >= 20
    assert [name for name in named if not is_provider(name)] == []
    with pytest.raises(LlmConfigError) as caught:
        provider_row("no-such-provider")
    known = set(re.findall(r"[\w-]+", str(caught.value).partition("one of: ")[2]))
    assert known - named == {"openai-compatible", "sim"}
    listed = FACTORY.partition("\nProviders: ")[2].partition("\n\n")[0]
    assert known - set(re.findall(r"\w+", listed)) == {"openai-compatible"}


@pytest.mark.parametrize("api", ["Responses", "Messages"])
def test_the_list_of_providers_with_an_api_is_the_engine_s(api):
    text = (ROOT / "docs" / "apis.md").read_text(encoding="utf-8")
    listed = text.partition(f"These providers have the {api} API")[2].partition("\n\n")[0]
    named = set(re.findall(r"`([a-z]+)`", listed))
    own = {name for name in provider_names() if api.lower() in provider_apis(name)}
    assert len(own) >= 15
    assert named == own


def test_the_list_of_settings_has_those_of_every_client():
    rows = dict(re.findall(r"^\| `(defaults|models)\b.*?` \| (.*) \|$", FACTORY, re.MULTILINE))
    names = {section: set(re.findall(r"`(\w+)`", row)) for section, row in rows.items()}
    of_entries = {name for name, row in CLIENT_SETTINGS.items() if row.in_entry}
    of_defaults = {name for name, row in CLIENT_SETTINGS.items() if row.in_defaults}
    assert of_defaults - names["defaults"] == set()
    assert of_entries - names["defaults"] - names["models"] == set()


def test_the_number_of_faults_is_right():
    with SimServer() as sim, pytest.raises(LlmConfigError) as caught:
        sim.set_script({"default": {"fault": {"kind": "?"}}})
    kinds = re.findall(r"`(\w+)`", str(caught.value).partition("expected")[2])
    assert len(kinds) == 22
    assert "twenty-two kinds of faults" in README
