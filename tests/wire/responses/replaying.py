"""Recorded Responses exchanges, and what each one must give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.responses.reading import API, read_whole_exchange
from tests.wire.responses.reading_events import read_stream_exchange
from tests.wire.socket_replays import Replay

if TYPE_CHECKING:
    from tests.wire.reading import Reading


class ResponsesReplay(Replay):
    """One row of the Responses API."""

    API = API
    LAST = "response.completed"
    LIST = "annotations"

    def expected(self) -> Reading:
        """Return the plain reading."""
        read = read_stream_exchange if self.row["is_sse"] else read_whole_exchange
        return read(self.row, lost=self.ending is not None)
