"""Each row of docs/drop-in.md with a line for an SDK has a test against that SDK."""

from __future__ import annotations

from tests.real.rows_of_documents import rows
from tests.real.sdk_rows import USES


def test_each_row_is_run():
    titles = [row.title for row in rows()]
    assert len(titles) >= 20
    assert sorted(titles) == sorted(USES)


def test_each_row_says_what_it_gains():
    gains = {(row.gains[0], row.gains[1]) for row in rows()}
    assert gains == {
        ("connections", "streams"),
        ("connections", "replies"),
        ("connections", "cut streams"),
    }
