"""Every recorded reply of Responses stays what it is, wherever a program keeps it.

Its message is saved as JSON, pickled, copied and put into another reply. Each copy must equal it,
and the engine must read the same from it.
"""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.answering import Answering
from tests.wire.recorded import recorded_response, recorded_rows

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 887
# Replies with a message of several parts, and with counts of the provider's own.
SEVERAL_PARTS, DETAILED = 400, 100


def replies(rows: dict[str, dict[str, Any]]) -> Iterator[tuple[str, tw.LlmResponse]]:
    """Each reply, or the part of one that came with an error, and where it was recorded."""
    with Answering(lambda number: [recorded_response(rows[number])]) as server:
        for number, row in rows.items():
            client = tw.ChatClient(
                "openai:m",
                base_url=server.base_url(number),
                api="responses",
                api_key="k",
                max_retries=0,
            )
            try:
                reply: tw.LlmResponse | None
                if row["is_sse"]:
                    with client.stream("-") as stream:
                        for _ in stream.batches():
                            pass
                        reply = stream.response
                else:
                    reply = client.complete("-")
            except tw.LlmError as error:
                reply = error.partial
            if reply is not None:
                yield row["source"], reply


def copies(message: tw.LlmMessage) -> Iterator[tw.LlmMessage]:
    """The message, kept in each of the ways."""
    yield tw.LlmMessage.model_validate_json(message.model_dump_json())
    yield tw.LlmMessage.model_validate(message.model_dump(exclude_unset=True))
    yield pickle.loads(pickle.dumps(message))
    yield message.model_copy(deep=True)
    yield tw.LlmMessage(message.role, list(message.content))
    yield tw.LlmResponse(provider="openai", model="m", api="responses", message=message).message


@pytest.mark.slow
def test_each_recorded_reply_stays_what_it_is(data_dir: Path) -> None:
    every = recorded_rows(data_dir, "responses")
    rows = {str(row["number"]): row for row in every if row["status"] == 200}
    seen = several = detailed = 0
    for source, reply in replies(rows):
        message = reply.message
        for copy in copies(message):
            assert copy.__tokenwire_json__() == message.__tokenwire_json__(), source
        for kept in (
            pickle.loads(pickle.dumps(reply)),
            tw.LlmResponse.from_dict(json.loads(json.dumps(reply.to_dict()))),
        ):
            assert (kept, kept.usage, kept.status) == (reply, reply.usage, reply.status), source
            assert hash(kept.usage) == hash(reply.usage), source
            assert kept.message == message, source
            assert kept.citations == reply.citations, source
        assert pickle.loads(pickle.dumps(reply.usage)) == reply.usage, source
        seen += 1
        several += len(message.content) > 1
        detailed += bool(reply.to_dict()["usage"] and reply.to_dict()["usage"].get("details"))
    assert len(rows) == ROWS
    assert seen >= ROWS - 3
    assert several >= SEVERAL_PARTS
    assert detailed >= DETAILED
