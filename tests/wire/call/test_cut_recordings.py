"""Recordings that were cut, with the real client over a socket: short must not pass for whole.

The expected results, with all that came, are those of the plain reading.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.replaying import Replay
from tests.wire.samples import changed

if TYPE_CHECKING:
    from tests.wire.samples import Sample

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CUTS = 10
STREAM_ERRORS = ("LlmStreamIncompleteError", "LlmStreamInterruptedError", "LlmStreamServerError")


def cuts_of(row: dict[str, Any]) -> list[int]:
    """Return offsets into the body: some drawn, and the borders where a mistake is likely."""
    body, draw = row["response_body_text"], Random(row["number"])
    places = {draw.randrange(1, len(body)) for _ in range(CUTS)}
    for mark in ('"finish_reason":"', '"usage":{', "data: [DONE]", "data:", "\n\n"):
        found = body.rfind(mark)
        if found > 0:
            places |= {found, found + len(mark)}
    end = body.rstrip()
    places |= {len(end), len(end) - 1, body.find("\n", 1) + 1, body.find("\n\n") + 2}
    return sorted(place for place in places if 0 < place < len(body) and body[:place].strip())


def cut(rows: list[dict[str, Any]], *, lost: bool) -> list[Replay]:
    """Return a replay of each row at each cut."""
    return [
        Replay(
            changed(row, f"{turn}-{place}", row["response_body_text"][:place]), "whole", lost=lost
        )
        for turn, row in enumerate(rows)
        for place in cuts_of(row)
    ]


def test_a_stream_that_ends_early_is_an_error_with_all_that_came(sample: Sample) -> None:
    replays = cut(sample.of(streams=True), lost=False)
    outcomes = sample.compare(replays, at_least=1_000)
    short = 0
    for replay, seen in zip(replays, outcomes, strict=True):
        body = replay.row["response_body_text"]
        # Without the reading: neither a finish nor the end mark has come.
        if "[DONE]" not in body and '"finish_reason":"' not in body.replace(" ", ""):
            assert seen.error is not None
            assert seen.error.kind in STREAM_ERRORS
            short += 1
    assert short >= 500


def test_a_stream_whose_connection_is_lost_is_an_error_with_all_that_came(sample: Sample) -> None:
    # After the end mark nothing is missing, whatever happens to the connection.
    replays = [
        replay
        for replay in cut(sample.of(streams=True), lost=True)
        if "[DONE]" not in replay.row["response_body_text"]
    ]
    outcomes = sample.compare(replays, at_least=1_000)
    assert all(seen.error for seen in outcomes)


@pytest.mark.parametrize("lost", [False, True])
def test_a_whole_reply_that_is_cut_is_an_error(sample: Sample, lost: bool) -> None:
    replays = [
        replay
        for replay in cut(sample.of(streams=False), lost=lost)
        if lost or len(replay.row["response_body_text"].rstrip()) > 0
    ]
    sample.compare(replays, at_least=500)
