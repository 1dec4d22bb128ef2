"""Every recorded exchange of chat and text completions, with the real client over a socket.

Each one is replayed whole, in pieces of 7 bytes, and in pieces of random length; a stream is then
read as chunks, as events and as batches. The client's result must not depend on any of it. It must
be equal, in every field that a user can read, to what a second, simple reader finds in the
recording.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.comparing import Comparison
from tests.wire.plain_errors import PlainError
from tests.wire.plain_events import INSIDE, events
from tests.wire.plain_reading import PlainCall, PlainChoice, PlainReply, read_exchange
from tests.wire.recorded import recorded_rows
from tests.wire.replaying import APIS, CHUNKINGS, Replay, replay_async, replay_sync

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = 3505
# The fields of one pass over all rows. Fewer of them mean that a comparison has stopped looking.
FIELDS = 116_000

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

    def __init__(
        self, sim: SimServer, rows: list[dict[str, Any]], report_line: Callable[[str], None]
    ) -> None:
        self.sim = sim
        self.rows = rows
        self.report_line = report_line

    def replays(self, chunkings: list[str], *, exact: bool = False) -> list[Replay]:
        """A replay of each row; the ways to split it take turns."""
        return [
            Replay(row, chunkings[turn % len(chunkings)], exact=exact)
            for turn, row in enumerate(self.rows)
        ]

    def judge(self, replays: list[Replay], outcomes: list[PlainReply]) -> None:
        """Compare the outcomes with the simple reader's."""
        comparison = Comparison()
        for replay, seen in zip(replays, outcomes, strict=True):
            row = replay.row
            name = f"row {row['number']}, {row['provider']}, {row['source']}"
            comparison.add(name, seen, replay.expected())
        comparison.check(self.report_line)
        assert comparison.rows == ROWS
        assert comparison.fields >= FIELDS


@pytest.fixture(scope="module")
def recordings(data_dir: Path, report_line: Callable[[str], None]) -> Iterator[Recordings]:
    with SimServer(log_capacity=0) as sim:
        yield Recordings(sim, recorded_rows(data_dir, *APIS), report_line)


@pytest.mark.no_connection
def test_the_plain_reading_reads_events_as_whatwg_does(data_dir: Path) -> None:
    cases = json.loads((data_dir / "sse_cases.json").read_text("utf-8"))["cases"]
    assert len(cases) == 122
    for case in cases:
        text = base64.b64decode(case["input_b64"]).decode("utf-8", "replace")
        strict, lenient = list(events(text, lost=True)), list(events(text))
        if case["name"] == "field-error-llamacpp":
            # The one field more that the reading knows: llama.cpp's line of an error.
            assert strict.pop(0) == lenient.pop(0) == ("error", '{"code":400,"message":"context"}')
        expected = [(event["event"], event["data"]) for event in case["events"]]
        assert strict == expected, case["name"]
        flushed = case.get("eof_flush_event") or {"event": "", "data": ""}
        with_last = [*expected, (flushed["event"], flushed["data"])]
        assert [one for one in lenient if one[0] != INSIDE] in (expected, with_last), case["name"]


@pytest.mark.no_connection
def test_the_recordings_are_all_there(recordings: Recordings) -> None:
    apis = Counter(row["api"] for row in recordings.rows)
    assert apis == {"chat.completions": 3443, "completions": 62}
    assert sum(row["is_sse"] for row in recordings.rows) == 1105
    assert sum(row["status"] >= 400 for row in recordings.rows) == 58


@pytest.mark.no_connection
def test_only_the_listed_recordings_have_no_reply(recordings: Recordings) -> None:
    without_reply = []
    for row in recordings.rows:
        error = read_exchange(row, "m").error
        if error is not None and error.kind in NO_REPLY_ERRORS:
            without_reply.append(row["source"])
    listed = {end for source in without_reply for end in NO_REPLY if source.endswith(end)}
    assert len(without_reply) == len(NO_REPLY)
    assert listed == set(NO_REPLY)


@pytest.mark.no_connection
def test_the_recordings_have_every_field_of_the_reading(recordings: Recordings) -> None:
    filled: Counter[str] = Counter()
    for row in recordings.rows:
        reply = read_exchange(row, "m")
        read: list[PlainReply | PlainChoice | PlainCall | PlainError] = [reply, *reply.choices]
        read += [call for choice in reply.choices for call in choice.calls]
        if reply.error is not None:
            read.append(reply.error)
        for one in read:
            filled.update(field.name for field in fields(one) if getattr(one, field.name))
    kinds = PlainReply, PlainChoice, PlainCall, PlainError
    known = {field.name for kind in kinds for field in fields(kind)}
    # A comparison of fields that no recording fills would say nothing. `test_odd_exchanges` has
    # calls with keys of their own; `contradictions` are the client's, never a recording's.
    assert known - filled.keys() == {"contradictions", "extra"}


def test_recordings_with_their_headers_are_what_they_say(recordings: Recordings) -> None:
    replays = recordings.replays(["whole"], exact=True)
    recordings.judge(replays, replay_async(recordings.sim, replays))


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
