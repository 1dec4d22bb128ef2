"""F55: a program ends immediately and silently, whatever its streams are doing."""

from __future__ import annotations

import time

import pytest
from tests.fault.scenes import outcome, start

SCENES = [
    "sync_streams",
    "sync_streams_in_a_cycle",
    "async_streams_after_their_loop",
    "async_streams_in_a_loop_left_open",
    "daemon_threads_with_sync_streams",
    "daemon_threads_with_calls",
    "daemon_threads_with_loops",
    "a_map_half_done",
    "a_daemon_thread_with_a_map",
    "an_error_with_streams_open",
]
# 200 programs in all, a few at a time.
ROUNDS = 5
AT_A_TIME = 4


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_f55_a_program_ends_in_silence(sim, scene):
    sim.set_script({"default": {"pacing": {"tokens": 100_000, "per_token_us": 200}}})
    slowest = 0.0
    for _ in range(ROUNDS):
        began = time.monotonic()
        programs = [start("exit.py", scene, sim.base_url) for _ in range(AT_A_TIME)]
        ends = [outcome(program) for program in programs]
        slowest = max(slowest, time.monotonic() - began)
        assert ends == [(0, "", "")] * AT_A_TIME
    # Start, import and exit of four programs that share two cores with the simulator.
    assert slowest < 2 + AT_A_TIME


def test_a_call_after_the_engine_has_stopped_is_refused(sim):
    assert outcome(start("exit.py", "calls_after_the_end", sim.base_url)) == (0, "", "")
