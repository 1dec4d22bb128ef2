"""docs/simulator.md: its scripts are accepted, and it names every field of the schema."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tokenwire import LlmConfigError
from tokenwire.testing import SimServer

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"
TEXT = GUIDE.read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^<!-- script -->\n```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

# For each place that accepts only certain words, a script with an unknown word.
PLACES = {
    "script": {"?": 1},
    "rule": {"rules": [{"?": 1}]},
    "match": {"rules": [{"match": {"?": 1}}]},
    "behaviour": {"default": {"?": 1}},
    "reply": {"default": {"reply": {"?": 1}}},
    "tool call": {"default": {"reply": {"tool_calls": [{"?": 1}]}}},
    "replay": {"default": {"replay": {"?": 1}}},
    "chunking": {"default": {"replay": {"text": "", "chunking": "?"}}},
    "error": {"default": {"error": {"?": 1}}},
    "pacing": {"default": {"pacing": {"?": 1}}},
    "framing": {"default": {"framing": "?"}},
    "accept": {"accept": {"kind": "?"}},
    "fault": {"default": {"fault": {"kind": "?"}}},
    "position": {"default": {"fault": {"kind": "reset", "at": "?"}}},
}


def words_of(script):
    """Return the words that the simulator lists when it finds an unknown one."""
    with SimServer() as sim, pytest.raises(LlmConfigError) as caught:
        sim.set_script(script)
    words = re.findall(r"`(\w+)`", str(caught.value).partition("expected")[2])
    assert words, str(caught.value)
    return words


def test_the_guide_has_scripts():
    assert len(SCRIPTS) >= 8


@pytest.mark.parametrize("number", range(len(SCRIPTS)))
def test_a_script_of_the_guide_is_accepted(sim, number):
    sim.set_script(json.loads(SCRIPTS[number]))


@pytest.mark.parametrize("place", PLACES)
def test_every_word_of_the_schema_is_in_the_guide(place):
    words = words_of(PLACES[place])
    assert [word for word in words if not re.search(rf"[`\"]{word}[`\"]", TEXT)] == []


@pytest.mark.parametrize("kind", words_of(PLACES["fault"]))
def test_every_field_of_a_fault_is_in_its_row(kind):
    row = re.search(rf"^\| `{kind}` \| (.*?) \|", TEXT, re.MULTILINE)
    assert row, f"no row for {kind}"
    described = set(re.findall(r"`(\w+)`", row[1]))
    with SimServer() as sim, pytest.raises(LlmConfigError) as caught:
        sim.set_script({"default": {"fault": {"kind": kind, "?": 1}}})
    known = set(re.findall(r"`(\w+)`", str(caught.value).partition("expected")[2]))
    assert described == known
