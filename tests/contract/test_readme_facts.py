"""README.md and CONTRIBUTING.md name paths, names and providers that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tokenwire import LlmConfigError
from tokenwire._engine import is_provider, provider_row
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


def test_the_number_of_faults_is_right():
    with SimServer() as sim, pytest.raises(LlmConfigError) as caught:
        sim.set_script({"default": {"fault": {"kind": "?"}}})
    kinds = re.findall(r"`(\w+)`", str(caught.value).partition("expected")[2])
    assert len(kinds) == 21
    assert "twenty-one kinds of faults" in README
