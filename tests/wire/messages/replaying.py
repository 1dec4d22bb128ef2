"""Recorded Messages exchanges, and what each one must give."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.wire.messages.reading import API, read_whole_exchange
from tests.wire.messages.reading_events import read_stream_exchange
from tests.wire.plain_events import is_json
from tests.wire.socket_replays import Replay

if TYPE_CHECKING:
    from tests.wire.reading import Reading


class MessagesReplay(Replay):
    """One row of the Messages API."""

    API = API
    LAST = "message_stop"
    LIST = "citations"

    def expected(self) -> Reading:
        """Return the plain reading."""
        read = read_stream_exchange if self.row["is_sse"] else read_whole_exchange
        return read(self.row, lost=self.ending is not None)

    @property
    def says_json(self) -> bool:
        """Whether the arguments of calls arrive as JSON, and not as its text in fragments."""
        return not self.row["is_sse"]

    def comparable(self, reading: Reading) -> Reading:
        """Return the reading with arguments in one spelling, if they arrived as JSON."""
        if not self.says_json:
            return reading
        return replace(reading, parts=[_with_json(part) for part in reading.parts])


class WholeBlocksReplay(MessagesReplay):
    """A stream that has each block whole in its start."""

    says_json = True


class InterleavedReplay(MessagesReplay):
    """A stream whose blocks arrive in turns: its pieces have another order than the reply."""

    def comparable(self, reading: Reading) -> Reading:
        """Return the reading without what the order of the pieces says."""
        return replace(super().comparable(reading), contradictions=[])


def _with_json(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] != "tool_call" or not is_json(part["arguments"]):
        return part
    # The order of the keys counts, white space does not.
    pairs = json.loads(part["arguments"], object_pairs_hook=list)
    return {**part, "arguments": pairs}
