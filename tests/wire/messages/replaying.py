"""Recorded Messages exchanges, and what each one must give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.wire.messages.reading import API, read_whole_exchange
from tests.wire.messages.reading_events import read_stream_exchange
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
