"""Every recorded exchange of chat and text completions, with the real client over a socket.

Each one is replayed whole, in pieces of 7 bytes, and in pieces of random length. The client's
result must not depend on the pieces or on how it was asked. It must be equal to what a second,
simple reader finds in the recording.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.plain_reading import PlainReply, read_exchange
from tests.wire.replaying import CHUNKINGS, Replay, recorded_rows, replay_async, replay_sync

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# Rows without a reply of these APIs, by the end of their source. A typed error is right for them.
_LEGACY = "Anthropic's /v1/complete, another API"
_NO_BODY = "the body was not recorded"
_MESSAGES = "the form of Anthropic's Messages API"
NO_REPLY = {
    "test_instrumentor/test_anthropic_instrumentation_async_completions.yaml#0": _LEGACY,
    "test_instrumentor/test_anthropic_instrumentation_async_completions_streaming.yaml#0": _LEGACY,
    "test_instrumentor/test_anthropic_instrumentation_completions.yaml#0": _LEGACY,
    "test_instrumentor/test_anthropic_instrumentation_completions_streaming.yaml#0": _LEGACY,
    "test_completion/test_anthropic_completion_legacy.yaml#0": _LEGACY,
    "beeai/cassettes/test_instrumentor/test_agent.yaml#1": _NO_BODY,
    "beeai/cassettes/test_instrumentor/test_instrumentor.yaml#1": _NO_BODY,
    "beeai/cassettes/test_instrumentor/test_llm_with_tools.yaml#1": _NO_BODY,
    "portkey/tests/cassettes/test_chat_completion.yaml#0": _NO_BODY,
    "opencode_go/minimax_chat/response_000.txt#0": _MESSAGES,
    "opencode_go/minimax_stream/response_000.txt#0": _MESSAGES,
}

NO_REPLY_ERRORS = ("LlmUnexpectedContentError", "LlmStreamIncompleteError")


class Recordings:
    """The rows, what each one says, and a simulator to replay them."""

    def __init__(self, sim: SimServer, rows: list[dict[str, Any]]) -> None:
        self.sim = sim
        self.rows = rows

    def replays(self, chunkings: list[str]) -> list[Replay]:
        """A replay of each row; the three ways to split it take turns."""
        return [
            Replay(number, row, chunkings[number % len(chunkings)])
            for number, row in enumerate(self.rows)
        ]

    def judge(self, replays: list[Replay], outcomes: list[PlainReply]) -> None:
        """Compare the outcomes with the simple reader's. The table must be exact."""
        otherwise, without_reply = {}, set()
        for replay, seen in zip(replays, outcomes, strict=True):
            source = replay.row["source"]
            expected = read_exchange(replay.row, replay.model)
            if expected.error in NO_REPLY_ERRORS:
                # The client's own words, which name the fix. The recording does not contain them.
                assert seen.message
                seen.message = None
                without_reply.add(source)
            _forget_made_up_ids(seen, expected)
            if seen != expected:
                otherwise[source] = f"\n  seen     {seen}\n  expected {expected}"
        assert not otherwise, f"{len(otherwise)} rows: {dict(list(otherwise.items())[:5])}"
        listed = {end for source in without_reply for end in NO_REPLY if source.endswith(end)}
        assert len(without_reply) == len(listed)
        assert listed == set(NO_REPLY)


def _forget_made_up_ids(seen: PlainReply, expected: PlainReply) -> None:
    """A call that came without an id gets one, which the recording does not contain."""
    for choice, sent in zip(seen.choices, expected.choices, strict=False):
        for call, sent_call in zip(choice.calls, sent.calls, strict=False):
            if not sent_call.id:
                assert call.id
                call.id = sent_call.id


@pytest.fixture(scope="module")
def recordings(data_dir: Path) -> Iterator[Recordings]:
    with SimServer(log_capacity=0) as sim:
        yield Recordings(sim, recorded_rows(data_dir))


def test_the_recordings_are_all_there(recordings: Recordings) -> None:
    apis = Counter(row["api"] for row in recordings.rows)
    assert apis == {"chat.completions": 3443, "completions": 62}
    assert sum(row["is_sse"] for row in recordings.rows) == 1105
    assert sum(row["status"] >= 400 for row in recordings.rows) == 58


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_recordings_read_async_are_what_they_say(recordings: Recordings, chunking: str) -> None:
    replays = recordings.replays([chunking])
    recordings.judge(replays, replay_async(recordings.sim, replays))


def test_recordings_read_sync_are_what_they_say(recordings: Recordings) -> None:
    replays = recordings.replays(list(CHUNKINGS))
    recordings.judge(replays, replay_sync(recordings.sim, replays))


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_recordings_read_sync_are_what_they_say_in_every_chunking(
    recordings: Recordings, chunking: str, request: pytest.FixtureRequest
) -> None:
    if "slow" not in request.config.getoption("-m"):
        pytest.skip("the rest of the product, a minute or two: run it with -m slow")
    replays = recordings.replays([chunking])
    recordings.judge(replays, replay_sync(recordings.sim, replays))
