"""What README.md and CONTRIBUTING.md say about the tree and the providers is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tokenwire import LlmConfigError
from tokenwire._engine import is_provider, provider_row
from tokenwire.testing import SimServer

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIGURE = README.partition("## The way of a call")[2].partition("```text")[2].partition("```")[0]
PROVIDERS = README.partition("## Providers")[2].partition("\n## ")[0]


def test_every_place_in_the_figure_exists():
    places = re.findall(r"(?:python|rust)/[\w/.]+", FIGURE)
    assert len(places) >= 9
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_every_place_in_the_recipes_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = text.partition("## How to add")[2].partition("\n## ")[0]
    places = re.findall(r"`((?:python|rust|docs)/[\w/.]+)`", recipes)
    assert len(places) >= 16
    assert [place for place in places if not (ROOT / place).exists()] == []


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
