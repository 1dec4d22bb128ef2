"""The gates of `benches/` measure what they claim, and fail where they should."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tokenwire import ChatClient

BENCHES = Path(__file__).resolve().parents[2] / "benches"


@pytest.fixture
def bench(monkeypatch):
    """Import a program of `benches/`, whose modules import each other as top-level modules."""
    monkeypatch.syspath_prepend(str(BENCHES / "peers"))
    monkeypatch.syspath_prepend(str(BENCHES))
    yield importlib.import_module
    for name, module in list(sys.modules.items()):
        if BENCHES in Path(getattr(module, "__file__", None) or "/").parents:
            del sys.modules[name]


def scenario_of(name, bench):
    [found] = [one for one in bench("scenarios").SCENARIOS if one.name == name]
    return found


def test_counting_instructions_fails_without_valgrind(tmp_path):
    done = subprocess.run(
        [sys.executable, str(BENCHES / "callgrind.py")],
        capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert "valgrind is not installed" in done.stdout


def test_the_hostile_replies_repeat_everything_that_the_gates_promise(bench):
    names = {shape.name for shape in bench("hostile").shapes()}
    assert names >= {
        "members of a message",
        "choices",
        "calls",
        "fragments of a call",
        "lines of an event",
        "events without choices",
        "comments",
        "blank lines",
        "chunks of a byte",
        "chunks with extensions",
        "header fields",
        "logprobs",
        "blocks of text",
        "escapes in content",
        "finish reasons",
        "usage objects",
        "messages that catch up",
        "details of an error, 400",
        "nested lists",
    }


def test_a_hostile_reply_is_json_with_as_many_repetitions_as_it_says(bench):
    # What is broken on purpose, or cut by HTTP.
    others = {"nesting", "interim heads", "lines of JSON without data"}
    for shape in bench("hostile").shapes():
        small, large = shape.response(50), shape.response(100)
        assert len(small) < len(large), shape
        if shape.name in others or shape.name.startswith("chunks"):
            continue
        _, _, body = large.partition(b"\r\n\r\n")
        if shape.form in {"whole", "document"}:
            assert isinstance(json.loads(body), dict), shape
            continue
        lines = body.replace(b",\ndata: ", b",").replace(b"[\ndata: ", b"[").split(b"\n")
        data = [line[6:] for line in lines if line.startswith(b"data: {")]
        assert data, shape
        for event in data:
            assert isinstance(json.loads(event), dict), shape


def test_a_reply_that_takes_more_memory_or_does_not_end_fails_the_gate(bench):
    measured = bench("memory").Measured
    assert not measured("a", "whole", 8, allowed=100, took=100, outcome="ok").is_over
    assert measured("a", "whole", 8, allowed=100, took=101, outcome="ok").is_over
    assert measured("a", "whole", 8, allowed=100, took=None, outcome="ended with -9").is_over


@pytest.mark.parametrize("api", ["responses", "messages", "gemini"])
def test_a_scenario_has_the_same_text_in_every_api(bench, sim, api):
    scenario = scenario_of("burst8-sync", bench)
    tokens = scenario.spec["tokens"]
    sim.set_script(scenario.script)
    clients = (
        ChatClient("m", base_url=sim.base_url, api_key="k", api=one) for one in ("chat", api)
    )
    of_chat, of_api = (client.complete("go", max_tokens=tokens).text for client in clients)
    assert of_api == of_chat
    assert len(of_api.split()) == tokens


def test_a_wrong_text_does_not_reach_a_gate(bench):
    scenario = scenario_of("burst8-sync", bench)
    results = bench("report").Results({}, "", 1)
    results.add(scenario, "tokenwire", {"cpu_us": 1.0})
    results.add(scenario, "tokenwire, Messages", {"cpu_us": 0.1, "wrong": "16 instead of 5000"})
    results.add(scenario, "tokenwire, Gemini", {"cpu_us": 1.2})
    place_of = [gate.ours for gate in scenario.gates].index
    holds = [verdict.holds for verdict in results.verdicts(scenario)]
    assert holds[place_of("tokenwire, Messages")] is None
    assert holds[place_of("tokenwire, Gemini")] is True
    assert not results.passes()
