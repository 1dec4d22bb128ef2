"""Recordings that were changed: cut anywhere, read in another form, or with a field said twice.

A few exchanges of each provider, with the real client over a socket. What is short must not pass
for whole. The expected results are those of the plain reading.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import chain
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from tests.wire.comparing import Comparison
from tests.wire.plain_events import events
from tests.wire.plain_reading import PlainReply, choices_asked, read_exchange, read_whole
from tests.wire.replaying import Replay, recorded_rows, replay_async

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OF_EACH = 4  # exchanges of each provider, and all that ask for several answers
CUTS = 10
LONGEST = 400_000  # characters; longer ones would only take longer
STREAM_ERRORS = ("LlmStreamIncompleteError", "LlmStreamInterruptedError", "LlmStreamServerError")


class Sample:
    """A few whole and streamed replies of each provider, and a simulator to replay them."""

    def __init__(
        self, sim: SimServer, rows: list[dict[str, Any]], tell: Callable[[str], None]
    ) -> None:
        self.sim = sim
        self.tell = tell
        self.rows = [
            row
            for row in rows
            if row["status"] == 200
            and len(row["response_body_text"]) <= LONGEST
            and read_exchange(row, "m").error is None
        ]

    def of(self, *, streams: bool) -> list[dict[str, Any]]:
        by_provider: dict[str, list[dict[str, Any]]] = defaultdict(list)
        several = []
        for row in self.rows:
            if row["is_sse"] == streams:
                by_provider[row["provider"]].append(row)
                if (choices_asked(row) or 1) > 1:
                    several.append(row)
        spread = [rows[:: max(1, len(rows) // OF_EACH)][:OF_EACH] for rows in by_provider.values()]
        # A row that was drawn twice is asked twice, under two names.
        return list(chain(*spread, several))

    def compare(self, replays: list[Replay], *, at_least: int) -> list[PlainReply]:
        outcomes = replay_async(self.sim, replays)
        comparison = Comparison()
        for replay, seen in zip(replays, outcomes, strict=True):
            expected = replay.row.get("expected") or replay.expected()
            comparison.add(f"{replay.model} of {replay.row['provider']}", seen, expected)
        comparison.check(self.tell)
        assert comparison.rows >= at_least
        return outcomes


@pytest.fixture(scope="module")
def sample(data_dir: Path, tell: Callable[[str], None]) -> Iterator[Sample]:
    with SimServer(log_capacity=0) as sim:
        yield Sample(sim, recorded_rows(data_dir), tell)


def changed(row: dict[str, Any], name: object, body: str, **more: Any) -> dict[str, Any]:
    """Return the row with another body; `name` tells its replay from the others."""
    return {**row, "cut": f"-{name}", "response_body_text": body, **more}


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
        # Said once more without the reading: neither a finish nor the end mark has come.
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


def _reply_as_stream(row: dict[str, Any]) -> str:
    data = json.loads(row["response_body_text"])
    choices = []
    for choice in data["choices"]:
        delta = choice.get("message") or choice.get("delta")
        rest = {key: value for key, value in choice.items() if key not in ("message", "delta")}
        choices.append({**rest, "delta": delta} if delta else rest)
    return f"data: {json.dumps({**data, 'choices': choices})}\n\ndata: [DONE]\n\n"


def test_a_whole_reply_says_the_same_as_a_stream_of_one_event(sample: Sample) -> None:
    replays = []
    for row in sample.rows:
        if not row["is_sse"]:
            expected = read_whole(row["response_body_text"], f"row{row['number']}-whole-one")
            expected.raw = None
            streamed = changed(row, "one", _reply_as_stream(row), is_sse=True, expected=expected)
            replays.append(Replay(streamed, "whole"))
    sample.compare(replays, at_least=2_000)


# Each of these says something twice in a document whose message is under the key `mine`.
Twice: TypeAlias = "Callable[[dict[str, Any], str], None]"


def _pieces(data: dict[str, Any], mine: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (choice, its message) for each choice that has one."""
    return [(choice, choice[mine]) for choice in data["choices"] if choice.get(mine)]


def text_too(data: dict[str, Any], mine: str) -> None:
    """As Together and Hugging Face's router send it."""
    for choice, message in _pieces(data, mine):
        if isinstance(message.get("content"), str):
            choice["text"] = message["content"]


def another_text_too(data: dict[str, Any], mine: str) -> None:
    for choice, _ in _pieces(data, mine):
        choice["text"] = "something else"


def message_and_delta(data: dict[str, Any], mine: str) -> None:
    """As Writer sends it."""
    for choice, message in _pieces(data, mine):
        choice["delta" if mine == "message" else "message"] = message


def reasoning_by_two_names(data: dict[str, Any], mine: str) -> None:
    """As vLLM sent it while it changed the name."""
    for _, message in _pieces(data, mine):
        if message.get("reasoning_content"):
            message["reasoning"] = message["reasoning_content"]


def usage_in_a_choice(data: dict[str, Any], _: str) -> None:
    """As Kimi sends it."""
    for choice in data["choices"]:
        if data.get("usage"):
            choice["usage"] = data["usage"]


def old_call_too(data: dict[str, Any], mine: str) -> None:
    """As Snowflake sends it, but not empty."""
    for _, message in _pieces(data, mine):
        for call in message.get("tool_calls") or []:
            message["function_call"] = call.get("function")


TWICE = [
    text_too,
    another_text_too,
    message_and_delta,
    reasoning_by_two_names,
    usage_in_a_choice,
    old_call_too,
]


def _body_with(row: dict[str, Any], twice: Twice) -> str:
    """Return the body of the row with each of its JSON documents changed."""

    def changed_json(text: str) -> str:
        data = json.loads(text)
        data.setdefault("choices", [])
        twice(data, "delta" if row["is_sse"] else "message")
        return json.dumps(data)

    if not row["is_sse"]:
        return changed_json(row["response_body_text"])
    return "".join(
        f"data: {data if data.strip() == '[DONE]' else changed_json(data)}\n\n"
        for _, data in events(row["response_body_text"])
    )


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("twice", TWICE, ids=lambda twice: twice.__name__)
def test_what_a_reply_says_twice_counts_once(sample: Sample, twice: Twice, streams: bool) -> None:
    replays = []
    for turn, row in enumerate(sample.of(streams=streams)):
        if row["api"] != "chat.completions":
            continue
        said_twice = changed(row, f"{turn}-{twice.__name__}", _body_with(row, twice))
        # The reply is that of the recording as it is, but under the name of this replay.
        expected = read_exchange(row, Replay(said_twice, "whole").model)
        expected.headers, expected.request_id = {}, None
        if not streams:
            expected.raw = said_twice["response_body_text"].encode()
        replays.append(Replay({**said_twice, "expected": expected}, "whole"))
    sample.compare(replays, at_least=80)
