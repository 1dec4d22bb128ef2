"""F56, F57: a forked child makes its own connections and does not touch its parent's."""

from __future__ import annotations

import os

import pytest
from tests.fault.scenes import TOKENS, outcome, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

SCENES = [
    "before_use",
    "after_use",
    "in_a_grandchild",
    "with_a_live_stream",
    "with_a_live_async_stream",
    "while_another_thread_reads",
    "with_a_call_that_was_not_awaited",
    "in_the_middle_of_a_map",
    "by_multiprocessing",
    "while_threads_ask",
    "while_threads_are_counted",
]


@pytest.mark.parametrize("scene", SCENES)
def test_f56_a_fork(sim, scene):
    sim.set_script(
        {
            "default": {"reply": {"tokens": TOKENS}},
            "rules": [
                {
                    "match": {"body": "slow"},
                    "then": {"reply": {"tokens": TOKENS}, "pacing": {"per_token_us": 100_000}},
                }
            ],
        }
    )
    assert outcome(start("fork.py", scene, sim.base_url)) == (0, "", "")
