"""Recorded replies that go back: every part in the next request equals the one that arrived.

The first test compares with the recorded reply itself, the second with the next request of the
recorded client, which had the same reply.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.wire.comparing import json_leaves
from tests.wire.gemini.bodies import answer, camel, said
from tests.wire.gemini.replaying import GeminiReplay
from tests.wire.recorded import same_value, turns
from tests.wire.returning import Returning

if TYPE_CHECKING:
    from collections.abc import Callable

# What a recorded client did to a part of a reply before it sent it back, and we do not.
LEFT_OUT = "the client left out a key"
ADDED = "the client gave the call an id, or a signature of its own"
FOLDED = "the recording has plain quotes and dashes"
LETTERS = "the client wrote the base64 of a signature in other letters"
OTHERWISE = "not in the reply before, or in the client's own words"
# Curly quotes, and the dashes.
_FOLDED = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


# Base64 for URLs.
_LETTERS = str.maketrans("+/", "-_")


def parts_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parts that must go back, from the plain reading of a reply."""
    reading = GeminiReplay(row, "whole").expected()
    if reading.error is not None:
        return []
    return [
        written(part)
        for part in reading.parts
        # The keys beside the content describe it.
        if part["type"] != "opaque" or part["field"] == "parts"
    ]


def written(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part as Gemini had it."""
    if part["type"] == "opaque":
        value: dict[str, Any] = part["value"]
        return value
    if part["type"] == "text":
        return {key: value for key, value in part.items() if key != "type"}
    if part["type"] == "reasoning":
        signed = {"thoughtSignature": part["signature"]} if "signature" in part else {}
        return {"text": part["text"], "thought": True, **signed}
    extra = dict(part.get("extra") or {})
    call = {"name": part["name"], "args": json.loads(part["arguments"])}
    if part["id"]:
        call["id"] = part["id"]
    return {"functionCall": {**call, **extra.pop("function", {})}, **extra}


def returning() -> Returning:
    return Returning(GeminiReplay, lambda body: answer(body, streamed=False))


def check(otherwise: dict[str, list[str]]) -> None:
    shown = [f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in otherwise.items() if wrong]
    assert not shown, f"{len(shown)} differ\n  " + "\n  ".join(shown[:30])


def name_of(row: dict[str, Any]) -> str:
    return f"{row['number']} {row['provider']} {row['source']}"


def test_every_part_of_a_reply_goes_back_as_it_arrived(
    gemini_rows: list[dict[str, Any]], transport: str, report_line: Callable[[str], None]
) -> None:
    # What a body holds does not depend on the transport: each one takes half of the rows.
    rows = [row for row in gemini_rows if parts_of(row)]
    rows = rows[("direct", "general").index(transport) :: 2]
    assert len(rows) >= 430
    otherwise = {}
    kinds: Counter[str] = Counter()
    outcomes = returning().outcomes(rows)
    for row, (sent, dropped) in zip(rows, outcomes, strict=True):
        expected, returned = parts_of(row), said(sent)
        kinds.update(key for part in expected for key in part)
        # The keys beside the content come after it.
        beside = {f"messages[1].content[{len(expected) + number}]" for number in range(10)}
        lost = [one for one in dropped if one not in beside]
        wrong = [f"dropped: {lost}"] if lost else []
        wrong += json_leaves("parts", returned, camel(expected))
        otherwise[name_of(row)] = wrong
    report_line(f"{len(rows)} replies went back, {sum(map(bool, otherwise.values()))} differ")
    report_line(f"the keys of their parts: {dict(kinds)}")
    check(otherwise)


def folded(value: Any) -> Any:
    """Return the value as some recordings have it, with plain quotes and dashes (wire.md 0.1)."""
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).translate(_FOLDED)
    if isinstance(value, list):
        return [folded(one) for one in value]
    if isinstance(value, dict):
        return {key: folded(one) for key, one in value.items()}
    return value


def same_part(recorded: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether it is the same part, in whatever form."""
    if "functionCall" in recorded:
        ours, theirs = sent.get("functionCall") or {}, recorded["functionCall"]
        keys = ["name", "args", *(["id"] if "id" in ours else [])]
        return bool(ours) and all(same_value(theirs.get(k), ours.get(k)) for k in keys)
    key = next(iter(recorded.keys() - {"thought", "thoughtSignature"}), "text")
    if key not in sent or bool(recorded.get("thought")) != bool(sent.get("thought")):
        return False
    return same_value(folded(recorded[key]), folded(sent[key]))


def differing(recorded: dict[str, Any], ours: dict[str, Any], reasons: Counter[str]) -> list[str]:
    """Return where the recorded part says something that ours does not."""
    wrong = []
    for key, value in recorded.items():
        if same_value(value, ours.get(key)) or (key, value) == ("thought", False):
            continue
        if same_value(folded(value), folded(ours.get(key))):
            reasons[FOLDED] += 1
        elif key == "thoughtSignature" and same_value(value, ours.get(key, "").translate(_LETTERS)):
            reasons[LETTERS] += 1
        elif key == "functionCall" and "id" not in ours[key]:
            reasons[f"{ADDED}: id"] += 1
        elif key == "thoughtSignature" and key not in ours:
            reasons[f"{ADDED}: {key}"] += 1
        else:
            wrong.append(f"{key}: recorded {value!r:.300}, ours {ours.get(key)!r:.300}")
    return wrong


def test_what_a_recorded_client_sent_back_is_in_what_we_send_back(
    gemini_rows: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    by_number = {row["number"]: row for row in gemini_rows}
    held = {}
    for before, after in turns([row for row in gemini_rows if parts_of(row)]):
        known, parts = (said(json.loads(row["request_body"])) for row in (before, after))
        held[before["number"]] = parts[len(known) :] if parts[: len(known)] == known else parts
    rows = [by_number[number] for number, parts in held.items() if parts]
    assert len(rows) >= 100
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)
    for row, (body, _) in zip(rows, returning().outcomes(rows), strict=True):
        sent = said(body)
        for recorded in held[row["number"]]:
            ours = next((part for part in sent if same_part(recorded, part)), None)
            if ours is None:
                reasons[f"{OTHERWISE}: {'/'.join(recorded)}"] += 1
                continue
            found.update([*recorded])
            reasons.update(f"{LEFT_OUT}: {key}" for key in ours.keys() - recorded.keys())
            otherwise[name_of(row)] += differing(recorded, ours, reasons)
    for reason, count in sorted(reasons.items()):
        report_line(f"{count:>5}  {reason}")
    report_line(f"{len(rows)} requests after a reply; what they hold of it: {dict(found)}")
    check(otherwise)
