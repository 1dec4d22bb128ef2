"""Recorded replies that go back: every item in the next request equals the one that arrived.

The first test compares with the recorded reply itself, the second with the next request of the
recorded client, which had the same reply.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.comparing import json_leaves
from tests.wire.recorded import same_value, turns
from tests.wire.responses.bodies import answer, canonical, is_known
from tests.wire.responses.reading_events import Output, first_stream
from tests.wire.responses.replaying import ResponsesReplay
from tests.wire.returning import Returning

if TYPE_CHECKING:
    from collections.abc import Callable


_READ = ("message", "reasoning", "function_call", "custom_tool_call")

# What a recorded client did to an item of a reply before it sent it back, and we do not.
LEFT_OUT = "the client left out a key"
RESPELLED = "the client wrote the arguments in other words"
OWN_ID = "the client made the id"
REWROTE = "the client wrote an item of a server-side tool in its own form"
EMPTIED = "the client emptied a key"
ADDED = "the client added a key that the reply does not have"
OTHERWISE = "not in the reply before, or under a call id that the client made"


def items_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the items of a recorded reply, from its JSON."""
    if not row["is_sse"]:
        items: list[dict[str, Any]] = json.loads(row["response_body_text"])["output"]
        return items
    output = Output()
    for event in first_stream(row):
        output.add(event)
    return [item.said for item in output.in_order()]


def comparable(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item without what never goes back.

    Log probabilities belong to the reply; null and an empty list are absent (wire.md 1).
    """
    item = {key: value for key, value in item.items() if value is not None}
    if item.get("type") == "reasoning" and item.get("content") == []:
        del item["content"]
    if item.get("type") == "message":
        item["content"] = [
            {k: v for k, v in block.items() if k != "logprobs" and v is not None}
            for block in item["content"]
        ]
    return item


def outcomes(
    rows: list[dict[str, Any]], *, store: bool
) -> list[tuple[list[dict[str, Any]], list[str]]]:
    """Return (the items that came back, what was dropped) for each row."""
    returned = Returning(ResponsesReplay, answer).outcomes(rows, store=store)
    return [(canonical(body)["input"][1:-1], dropped) for body, dropped in returned]


def replied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with a whole reply that has an item."""
    return [
        row
        for row in rows
        if row["status"] == 200
        and "response.failed" not in row["response_body_text"]
        and "chat.completion" not in row["response_body_text"]
        and items_of(row)
    ]


def check(otherwise: dict[str, list[str]]) -> None:
    shown = [f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in otherwise.items() if wrong]
    assert not shown, f"{len(shown)} differ\n  " + "\n  ".join(shown[:30])


@pytest.mark.parametrize("store", [True, False], ids=["stored", "not stored"])
def test_every_item_of_a_reply_goes_back_as_it_arrived(
    responses_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
    store: bool,
) -> None:
    # What a body holds does not depend on the transport: each one takes half of the rows.
    rows = replied(responses_rows)[("direct", "general").index(transport) :: 2]
    assert len(rows) >= 435
    otherwise = {}
    count = left_out = 0
    for row, (sent, dropped) in zip(rows, outcomes(rows, store=store), strict=True):
        expected = [comparable(item) for item in items_of(row)]
        returned = [comparable(item) for item in sent]
        if not store:
            # An id alone is refused there (wire.md 18.1), and so is the id of an item that needs
            # the reasoning before it.
            kept = [item for item in expected if item["type"] != "reasoning" or is_known(item)]
            left_out += len(expected) - len(kept)
            listed = len(dropped) >= len(expected) - len(kept) and bool(dropped) == (
                kept != expected
            )
            wrong = [] if listed else [f"dropped: {dropped}"]
            if kept != expected:
                for item in [*kept, *returned]:
                    item.pop("id", None)
            expected = kept
        else:
            wrong = [f"dropped: {dropped}"] if dropped else []
        count += len(expected)
        wrong += json_leaves("input", returned, expected)
        otherwise[f"{row['number']} {row['provider']} {row['source']}"] = wrong
    differ = sum(map(bool, otherwise.values()))
    report_line(f"{len(rows)} replies with {count} items went back, {differ} differ")
    report_line(f"{left_out} reasoning items without encrypted content were left out, and listed")
    check(otherwise)


def new_items(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the assistant said in the second request and not yet in the first."""
    known, items = (canonical(json.loads(row["request_body"]))["input"] for row in (before, after))
    if items[: len(known)] == known:
        items = items[len(known) :]
    return [
        item
        for item in items
        if item["type"] not in ("function_call_output", "additional_tools")
        and item.get("role", "assistant") == "assistant"
    ]


def same_item(recorded: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether it is the same item, in whatever form."""
    if recorded["type"] != sent["type"]:
        return False
    if recorded["type"] == "message":
        texts = [[block.get("text") for block in one["content"]] for one in (recorded, sent)]
        return texts[0] == texts[1]
    key = "call_id" if recorded.get("call_id") else "encrypted_content"
    if recorded["type"] == "reasoning" and not recorded.get("encrypted_content"):
        key = "summary"
    return key not in recorded or same_value(recorded[key], sent.get(key))


def same_json(recorded: str, sent: str) -> bool:
    """Whether two texts are the same JSON."""
    return bool(json.loads(recorded) == json.loads(sent))


def test_what_a_recorded_client_sent_back_is_in_what_we_send_back(
    responses_rows: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    by_number = {row["number"]: row for row in responses_rows}
    held = {
        before["number"]: new_items(before, after)
        for before, after in turns(replied(responses_rows))
    }
    rows = [by_number[number] for number, items in held.items() if items]
    assert len(rows) >= 200
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)
    for row, (sent, _) in zip(rows, outcomes(rows, store=True), strict=True):
        name = f"{row['number']} {row['provider']} {row['source']}"
        for recorded in held[row["number"]]:
            ours = next((item for item in sent if same_item(recorded, item)), None)
            if ours is None:
                reasons[f"{OTHERWISE}: {recorded['type']}"] += 1
                continue
            found[recorded["type"]] += 1
            found["encrypted"] += bool(recorded.get("encrypted_content"))
            reasons.update(
                f"{LEFT_OUT}: {recorded['type']}.{k}" for k in ours.keys() - recorded.keys()
            )
            otherwise[name] += differing(recorded, ours, reasons)
    for reason, count in sorted(reasons.items()):
        report_line(f"{count:>5}  {reason}")
    report_line(f"{len(rows)} requests after a reply; items of it that they hold: {dict(found)}")
    # Every reasoning item is there.
    assert f"{OTHERWISE}: reasoning" not in reasons
    assert found["encrypted"] == 82
    assert sum(found.values()) - found["encrypted"] >= 300
    check(otherwise)


def differing(recorded: dict[str, Any], ours: dict[str, Any], reasons: Counter[str]) -> list[str]:
    """Return where the recorded item says something that ours does not."""
    wrong = []
    for key, value in recorded.items():
        mine: Any = ours.get(key)
        if same_value(value, mine):
            continue
        if key == "content" and recorded["type"] == "message":
            wrong += [
                f"content[{number}].{name}: recorded {one!r:.200}"
                for number, block in enumerate(value)
                for name, one in block.items()
                if one not in ([], None) and not same_value(one, mine[number].get(name))
            ]
        elif isinstance(value, str) and key == "arguments" and same_json(value, mine):
            reasons[RESPELLED] += 1
        elif key == "id":
            reasons[f"{OWN_ID}: {recorded['type']}"] += 1
        elif value in (None, []):
            reasons[f"{EMPTIED}: {recorded['type']}.{key}"] += 1
        elif recorded["type"] not in _READ:
            reasons[f"{REWROTE}: {recorded['type']}.{key}"] += 1
        elif key not in ours:
            # The first test shows that we lose none.
            reasons[f"{ADDED}: {recorded['type']}.{key}"] += 1
        else:
            wrong.append(f"{recorded['type']}.{key}: recorded {value!r:.300}, ours {mine!r:.300}")
    return wrong
