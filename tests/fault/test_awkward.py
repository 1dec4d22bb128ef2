"""A reader at an awkward moment gets an answer or an error, never silence."""

from __future__ import annotations

import pytest
from tests.fault.scenes import outcome, start

SCENES = [
    "no_descriptor_for_a_lane",
    "no_descriptor_for_the_io_thread",
    "loops_read_one_stream",
    "the_collector_reads_the_stream",
]


@pytest.mark.parametrize("scene", SCENES)
def test_a_program_at_an_awkward_moment_ends(sim, scene):
    pacing = {"tokens": 500, "per_token_us": 300}
    paced = {"match": {"body": "paced"}, "then": {"pacing": pacing}}
    sim.set_script({"rules": [paced]})
    assert outcome(start("awkward.py", scene, sim.base_url)) == (0, "", "")
