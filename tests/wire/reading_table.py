"""The comparison of what the client says of a replayed reply with the plain reading, and a table.

A part of a reply is compared whole: its text and every key that goes back to the provider.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from tests.wire.comparing import error_leaves
from tests.wire.reading import Reading
from tests.wire.replaying import our_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.socket_replays import Replay

PASSING = 0.995
# The keys of a part that any provider takes.
_NEUTRAL = {
    "text": ("type", "text"),
    "refusal": ("type", "text"),
    "tool_call": ("type", "id", "name", "arguments"),
}
_BY_VALUE = [one.name for one in fields(Reading) if one.name not in ("other_ids", "id", "error")]


def differences(replay: Replay, seen: Reading, expected: Reading) -> list[str]:
    """Return every place where the client says something else than the reading."""
    seen, expected = replay.comparable(seen), replay.comparable(expected)
    expected = replace(
        expected,
        model=expected.model or replay.key,
        parts=_noted(expected.parts, replay),
        others=[{**one, "parts": _noted(one["parts"], replay)} for one in expected.others],
    )
    leaves = list(_errors(replay, seen, expected))
    names = _BY_VALUE
    if expected.error is not None:
        seen, expected = (_with_content(one, replay.LIST) for one in (seen, expected))
        if seen.model is None and not expected.parts:
            # Without any content the error need not have a partial reply.
            names = ["request_id", "headers", "contradictions"]
    ids: list[str | None] = [*expected.other_ids] or [expected.id]
    if "model" in names:
        leaves.append(("id", seen.id if seen.id not in ids else ids[0], ids[0]))
    for name in names:
        leaves += _leaves(name, getattr(seen, name), getattr(expected, name))
    return [
        f"{path}: seen {left!r:.300}, expected {right!r:.300}"
        for path, left, right in leaves
        if left != right
    ]


def _errors(replay: Replay, seen: Reading, expected: Reading) -> Iterator[tuple[str, Any, Any]]:
    if seen.error is None or expected.error is None:
        yield "error", seen.error, expected.error
        return
    yield from error_leaves("error", seen.error, expected.error)
    if expected.error.kind == "LlmStreamIncompleteError" == seen.error.kind:
        # Its text names what is missing.
        message = seen.error.message
        named = any(words in message for words in (replay.LAST, "inside an event", "has no end"))
        yield "error.message", named or message, True


def _with_content(reading: Reading, empty: str) -> Reading:
    """Leave out of a partial reply what has no content, such as a part that only began.

    The client may give it or not. An empty list is the same as none (wire.md 1).
    """
    parts = [
        {key: value for key, value in part.items() if (key, value) != (empty, [])}
        for part in reading.parts
        if part.get("text") != "" or part.get("signature")
    ]
    return replace(reading, parts=parts)


def _noted(parts: list[dict[str, Any]], replay: Replay) -> list[dict[str, Any]]:
    """Return the parts with the provider, API and model that they go back to.

    A part that has nothing of the provider's goes to any.
    """
    origin = {"provider": our_name(replay.row["provider"]), "api": replay.api or replay.API}
    noted = []
    for part in parts:
        neutral = _NEUTRAL.get(part["type"])
        its_own = neutral is None or not part.keys() <= {*neutral}
        model = {"model": replay.key} if part["type"] == "reasoning" else {}
        noted.append({**part, **(origin if its_own else {}), **model})
    return noted


def _leaves(path: str, seen: Any, expected: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, seen, expected) of every value."""
    if isinstance(seen, dict) and isinstance(expected, dict):
        for key in sorted({*seen, *expected}):
            yield from _leaves(
                f"{path}.{key}", seen.get(key, "(absent)"), expected.get(key, "(absent)")
            )
    elif isinstance(seen, list) and isinstance(expected, list):
        yield f"{path} (length)", len(seen), len(expected)
        for number, (left, right) in enumerate(zip(seen, expected, strict=False)):
            yield from _leaves(f"{path}[{number}]", left, right)
    else:
        yield path, seen, expected


class Table:
    """Counts what passed, by provider and kind of recording, and lists what did not.

    Args:
        known: Why a row differs, by the end of its source.
    """

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known
        self._passed: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._failed: dict[tuple[str, str], set[int]] = defaultdict(set)
        self.otherwise: dict[str, list[str]] = {}
        self.reads = 0

    def add(self, replay: Replay, seen: Reading, expected: Reading) -> None:
        """Compare one reply with its reading."""
        self.reads += 1
        row = replay.row
        kind = "error" if row["status"] >= 400 else "stream" if replay.streams else "whole"
        place, number = (row["provider"], f"{kind}, {row['fidelity']}"), row["number"]
        if wrong := differences(replay, seen, expected):
            self._failed[place].add(number)
            self._passed[place].discard(number)
            self.otherwise[replay.name] = wrong
        elif number not in self._failed[place]:
            self._passed[place].add(number)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return sum(map(len, [*self._passed.values(), *self._failed.values()]))

    def check(self, report_line: Callable[[str], None], *, whole: bool = True) -> None:
        """Report the table, and fail if too many rows differ, or one that is not listed.

        Args:
            report_line: Writes a line.
            whole: Whether to report a line for each provider and kind, and not only the last one.
        """
        failed = sum(map(len, self._failed.values()))
        if whole:
            report_line(f"{'provider':<16}{'kind':<42}{'rows':>6}{'passed':>8}{'failed':>8}")
        for place in sorted({*self._passed, *self._failed}) if whole else ():
            passed, not_passed = len(self._passed[place]), len(self._failed[place])
            line = f"{place[0]:<16}{place[1]:<42}{passed + not_passed:>6}"
            report_line(f"{line}{passed:>8}{not_passed:>8}")
        share = 1 - failed / self.rows
        report_line(f"{self.rows} rows, {self.reads} reads, {failed} rows differ: {share:.2%} pass")
        unlisted = []
        for name, wrong in self.otherwise.items():
            reason = next((why for end, why in self._known.items() if name.endswith(end)), None)
            if reason is not None:
                report_line(f"  {name}: {reason}")
            else:
                unlisted.append(f"{name}:\n    " + "\n    ".join(wrong))
        assert not unlisted, f"{len(unlisted)} differ\n  " + "\n  ".join(unlisted[:30])
        assert share >= PASSING
