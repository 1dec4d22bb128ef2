"""A few recordings of each provider, as they are and changed."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from tests.wire.comparing import Comparison
from tests.wire.plain_reading import PlainReply, choices_asked, read_exchange
from tests.wire.replaying import Replay, replay_async

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire.testing import SimServer

OF_EACH = 4  # exchanges of each provider, and all that ask for several answers
LONGEST = 400_000  # characters; longer ones would only take longer


class Sample:
    """A few whole and streamed replies of each provider, and a simulator to replay them."""

    def __init__(
        self, sim: SimServer, rows: list[dict[str, Any]], report_line: Callable[[str], None]
    ) -> None:
        self.sim = sim
        self.report_line = report_line
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
        comparison.check(self.report_line)
        assert comparison.rows >= at_least
        return outcomes


def changed(row: dict[str, Any], name: object, body: str, **more: Any) -> dict[str, Any]:
    """Return the row with another body; `name` distinguishes its replay from the others."""
    return {**row, "cut": f"-{name}", "response_body_text": body, **more}
