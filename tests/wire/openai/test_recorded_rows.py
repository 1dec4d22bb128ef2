"""Every recorded reply gives through our clients what it gives through openai's."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_body, recorded_rows

pytest.importorskip("openai")

from tests.wire.openai.both_clients import NEEDED, Call, arguments, outcomes
from tests.wire.openai.equality import is_incomplete, unlike
from tests.wire.openai.row_server import CHUNKINGS, Reply, RowServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.openai.both_clients import Outcome

# The rows are dealt out to so many parts, and the default run reads one of them.
_PARTS = 20
# So many rows are asked for, compared and forgotten at a time.
_BATCH = 40


def _call(number: int, row: dict[str, Any]) -> Call:
    body = recorded_body(row) if row["request_body"] else {}
    if row["is_sse"]:
        body["stream"] = True
    return Call(number, row["api"], arguments(row["api"], body))


def _reply(row: dict[str, Any]) -> Reply:
    kind = "text/event-stream" if row["is_sse"] else "application/json"
    headers = row["response_headers"] or {}
    lines = f"content-type: {headers.get('content-type', kind)}", f"x-request-id: {row['number']}"
    return Reply(row["status"], (row["response_body_text"] or "").encode(), lines)


def _is_cut(row: dict[str, Any]) -> bool:
    """Whether a stream has no end that openai's API has."""
    # It ends after an error in a field that openai ignores, or is of an older API of Anthropic's.
    is_other = row["url"].endswith("/v1/complete")
    return bool(row["is_sse"] and (is_other or "\nerror: " in row["response_body_text"]))


def _batches(rows: list[dict[str, Any]]) -> Iterator[range]:
    for start in range(0, len(rows), _BATCH):
        yield range(start, min(start + _BATCH, len(rows)))


def _check(data_dir: Any, part: int, report_line: Callable[[str], None]) -> None:
    rows = recorded_rows(data_dir, *NEEDED)[part::_PARTS]
    counts: Counter[str] = Counter(rows=len(rows))
    different: list[str] = []
    with RowServer([_reply(row) for row in rows]) as server:
        for batch in _batches(rows):
            calls = [_call(number, rows[number]) for number in batch]
            for call, chunking, seen in outcomes(server, calls, CHUNKINGS):
                for who in ("", "-async"):
                    stock, ours = seen[f"stock{who}"], seen[f"ours{who}"]
                    keys = (call.key(chunking, f"{module}{who}") for module in ("stock", "ours"))
                    why = (
                        unlike(stock, ours, with_dumps=chunking == "whole")
                        or _unlike_request(*map(server.requests.pop, keys))
                        or _misjudged(rows[call.number], ours)
                    )
                    if why is not None:
                        source = rows[call.number]["source"]
                        different.append(f"{source} {chunking} ours{who}: {why}")
                    counts["calls"] += 1
                    counts["items"] += len(ours.items)
                    counts["errors"] += ours.error is not None
                    counts["incomplete"] += is_incomplete(ours)
    report_line(
        "each through both clients: " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )
    assert not different, f"{len(different)}: " + "\n".join(different[:20])


def _misjudged(row: dict[str, Any], ours: Outcome) -> str | None:
    is_cut = _is_cut(row)
    return None if is_incomplete(ours) is is_cut else f"incomplete is not {is_cut}"


def _unlike_request(theirs: bytes, ours: bytes) -> str | None:
    (their_head, _, their_body), (our_head, _, our_body) = (
        request.partition(b"\r\n\r\n") for request in (theirs, ours)
    )
    if their_body != our_body:
        return f"sent {our_body[:2000]!r}, not {their_body[:2000]!r}"
    their_lines, our_lines = (_lines(head) for head in (their_head, our_head))
    return None if their_lines == our_lines else f"sent {our_lines}, not {their_lines}"


def _lines(head: bytes) -> list[bytes]:
    """Return the lines of a request with the names of headers in lower case, as ours are."""
    first, *headers = head.split(b"\r\n")
    pairs = (line.partition(b":") for line in headers)
    return [first, *(name.lower() + b":" + value for name, _, value in pairs)]


@pytest.mark.timeout(110)
def test_a_recorded_row_is_the_same_through_both(
    data_dir: Any, report_line: Callable[[str], None]
) -> None:
    _check(data_dir, 0, report_line)


@pytest.mark.slow
@pytest.mark.timeout(110)
@pytest.mark.parametrize("part", range(1, _PARTS))
def test_every_recorded_row_is_the_same_through_both(
    data_dir: Any, part: int, every_row: bool, report_line: Callable[[str], None]
) -> None:
    if not every_row:
        pytest.skip("the other parts, some minutes: run them with -m slow")
    _check(data_dir, part, report_line)
