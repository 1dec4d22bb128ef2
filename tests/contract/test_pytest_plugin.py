"""The plugin that every run of pytest loads: what it provides, and that it costs almost nothing."""

from __future__ import annotations

import subprocess
import sys

import tokenwire as tw

pytest_plugins = ["pytester"]

TESTS = """
import pytest
import tokenwire as tw

CLIENT = tw.ChatClient("openai:gpt-4o-mini", api_key="sk-canary")


def test_fake(tokenwire_fake):
    tokenwire_fake.add({"openai:*": ["hi"]})
    assert CLIENT.run("Say hi.") == "hi"
    assert tokenwire_fake.requests[0].messages[0]["content"] == "Say hi."
    with pytest.raises(tw.LlmConfigError, match="no reply left"):
        CLIENT.run("Say hi.")


async def asked():
    return await CLIENT.run_async("Say hi.")


def test_the_next_test_has_a_new_fake(tokenwire_fake, tokenwire_block_network):
    import asyncio

    assert tokenwire_fake.requests == []
    with pytest.raises(tw.LlmConfigError, match="no rule for .* patterns: none"):
        CLIENT.run("Say hi.")
    tokenwire_fake.add({"*": "ho"})
    assert asyncio.run(asked()) == "ho"


def test_block_network(tokenwire_block_network):
    with pytest.raises(tw.LlmConnectionError, match="block_network"):
        CLIENT.run("Say hi.")


def test_sim(tokenwire_sim, tokenwire_block_network):
    assert tw.ChatClient("m", base_url=tokenwire_sim.base_url).run("hi") != ""
    assert len(tokenwire_sim.requests()) == 1
"""

LOADED = """
import sys

def test_nothing():
    assert "tokenwire.pytest_plugin" in sys.modules
    loaded = [name for name in sys.modules if name.startswith("tokenwire")]
    assert sorted(loaded) == ["tokenwire", "tokenwire.pytest_plugin"]
"""


def test_the_fixtures_work(pytester):
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4)


def test_they_are_listed_with_what_they_do(pytester):
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    listed = result.stdout.str()
    for name in ("tokenwire_fake", "tokenwire_block_network", "tokenwire_sim"):
        assert name in listed
    assert "An active fake without rules" in listed


def test_only_the_plugin_is_loaded(pytester):
    pytester.makepyfile(LOADED)
    result = pytester.runpytest_subprocess("-W", "error", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1)


def test_it_imports_only_what_pytest_imports_anyway():
    program = (
        "import sys, pytest; before = set(sys.modules); import tokenwire.pytest_plugin;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["tokenwire", "tokenwire.pytest_plugin"]


def test_the_fixtures_are_those_of_this_run(tokenwire_fake, tokenwire_block_network, tokenwire_sim):
    tokenwire_fake.add({"*": "hi"})
    assert tw.ChatClient("m", base_url=tokenwire_sim.base_url).run("-") == "hi"
    assert (len(tokenwire_fake.requests), tokenwire_sim.requests()) == (1, [])
