"""Recorded replies that go back: every block in the next request equals the one that arrived.

The first test compares with the recorded reply itself, the second with the next request of the
recorded client, which had the same reply.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.wire.comparing import json_leaves
from tests.wire.messages.bodies import answer, canonical
from tests.wire.messages.reading_events import Message, first_stream, read_stream_exchange
from tests.wire.messages.replaying import MessagesReplay
from tests.wire.plain_events import is_json
from tests.wire.recorded import same_value, turns
from tests.wire.returning import Returning

if TYPE_CHECKING:
    from collections.abc import Callable

# What a recorded client did to a block of a reply before it sent it back, and we do not.
LEFT_OUT = "the client left out a key"
REPAIRED = "the client repaired the name of a tool"
FOLDED = "the recording has plain quotes and dashes"
EMPTIED = "the client emptied a key"
OTHERWISE = "not in the reply before, or in the client's own words"
# Curly quotes, and the dashes.
_FOLDED = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")


def blocks_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the blocks of a recorded reply, from its JSON."""
    if not row["is_sse"]:
        content: list[dict[str, Any]] = json.loads(row["response_body_text"])["content"]
        return content
    message = Message()
    for event in first_stream(row):
        message.add(event)
    blocks = [message.blocks[index].whole() for index in sorted(message.blocks)]
    for block in blocks:
        if block["type"] == "tool_use" and is_json(block["input"]):
            block["input"] = json.loads(block["input"])
    return blocks


def comparable(block: dict[str, Any]) -> dict[str, Any]:
    """Return the block without what says nothing: null and empty are absent (wire.md 1)."""
    return {
        key: value
        for key, value in block.items()
        if not (key in ("citations", "signature") and not value)
    }


def is_whole(row: dict[str, Any]) -> bool:
    """Whether no call of the reply was cut off."""
    return all(
        isinstance(block["input"], dict) for block in blocks_of(row) if block["type"] == "tool_use"
    )


def replied(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with a reply that has a block."""
    return [row for row in rows if row["status"] == 200 and blocks_of(row)]


def said(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the assistant said in a request."""
    return [
        block
        for message in canonical(body)["messages"]
        if message["role"] == "assistant"
        for block in message["content"]
    ]


def check(otherwise: dict[str, list[str]]) -> None:
    shown = [f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in otherwise.items() if wrong]
    assert not shown, f"{len(shown)} differ\n  " + "\n  ".join(shown[:30])


def test_every_block_of_a_reply_goes_back_as_it_arrived(
    messages_rows: list[dict[str, Any]],
    transport: str,
    report_line: Callable[[str], None],
) -> None:
    # What a body holds does not depend on the transport: each one takes half of the rows.
    rows = [row for row in replied(messages_rows) if is_whole(row)]
    rows = rows[("direct", "general").index(transport) :: 2]
    assert len(rows) >= 430
    otherwise = {}
    kinds: Counter[str] = Counter()
    outcomes = Returning(MessagesReplay, answer).outcomes(rows)
    for row, (sent, dropped) in zip(rows, outcomes, strict=True):
        # Anthropic refuses an empty block of text, so none goes back.
        expected = [comparable(one) for one in blocks_of(row) if one.get("text") != ""]
        returned = [comparable(one) for one in said(sent)]
        kinds.update(block["type"] for block in expected)
        kinds["signature"] += sum("signature" in block for block in expected)
        wrong = [f"dropped: {dropped}"] if dropped else []
        wrong += json_leaves("content", returned, expected)
        otherwise[f"{row['number']} {row['provider']} {row['source']}"] = wrong
    report_line(f"{len(rows)} replies went back, {sum(map(bool, otherwise.values()))} differ")
    report_line(f"their blocks: {dict(kinds)}")
    check(otherwise)


def test_a_call_that_was_cut_off_goes_back_as_the_text_that_it_is(
    messages_rows: list[dict[str, Any]],
) -> None:
    """Its arguments are not an object, and closing them would make up a call."""
    rows = [row for row in replied(messages_rows) if not is_whole(row)]
    assert len(rows) == 1
    assert read_stream_exchange(rows[0]).finish_reason == "length"
    ((sent, dropped),) = Returning(MessagesReplay, answer).outcomes(rows)
    cut = [block["input"] for block in blocks_of(rows[0]) if block["type"] == "tool_use"]
    back = [block["input"] for block in said(sent) if block["type"] == "tool_use"]
    assert (back, dropped) == ([{"input": text} for text in cut], [])


def folded(value: Any) -> Any:
    """Return the value as some recordings have it, with plain quotes and dashes (wire.md 0.1)."""
    if isinstance(value, str):
        return unicodedata.normalize("NFKC", value).translate(_FOLDED)
    if isinstance(value, list):
        return [folded(one) for one in value]
    if isinstance(value, dict):
        return {key: folded(one) for key, one in value.items()}
    return value


def same_block(recorded: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether it is the same block, in whatever form."""
    if recorded["type"] != sent["type"]:
        return False
    recorded, sent = folded(recorded), folded(sent)
    key = next((k for k in ("id", "tool_use_id", "signature", "data") if k in recorded), None)
    if key is not None:
        return same_value(recorded[key], sent.get(key))
    return all(same_value(recorded.get(k), sent.get(k)) for k in ("text", "content"))


def test_what_a_recorded_client_sent_back_is_in_what_we_send_back(
    messages_rows: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    by_number = {row["number"]: row for row in messages_rows}
    held = {}
    for before, after in turns([row for row in replied(messages_rows) if is_whole(row)]):
        known, blocks = (said(json.loads(row["request_body"])) for row in (before, after))
        held[before["number"]] = blocks[len(known) :] if blocks[: len(known)] == known else blocks
    rows = [by_number[number] for number, blocks in held.items() if blocks]
    assert len(rows) >= 150
    found: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)
    outcomes = Returning(MessagesReplay, answer).outcomes(rows)
    for row, (body, _) in zip(rows, outcomes, strict=True):
        name = f"{row['number']} {row['provider']} {row['source']}"
        sent = said(body)
        for recorded in held[row["number"]]:
            ours = next((block for block in sent if same_block(recorded, block)), None)
            if ours is None:
                reasons[f"{OTHERWISE}: {recorded['type']}"] += 1
                continue
            found[recorded["type"]] += 1
            found["signature"] += bool(recorded.get("signature"))
            reasons.update(
                f"{LEFT_OUT}: {recorded['type']}.{k}"
                for k in comparable(ours).keys() - recorded.keys()
            )
            otherwise[name] += differing(recorded, ours, reasons)
    for reason, count in sorted(reasons.items()):
        report_line(f"{count:>5}  {reason}")
    report_line(f"{len(rows)} requests after a reply; blocks of it that they hold: {dict(found)}")
    # Every signed or redacted block is there.
    assert f"{OTHERWISE}: thinking" not in reasons
    assert f"{OTHERWISE}: redacted_thinking" not in reasons
    assert found["signature"] >= 10
    assert found["tool_use"] >= 120
    check(otherwise)


def differing(recorded: dict[str, Any], ours: dict[str, Any], reasons: Counter[str]) -> list[str]:
    """Return where the recorded block says something that ours does not."""
    wrong = []
    for key, value in recorded.items():
        if same_value(value, ours.get(key)) or key == "cache_control":
            continue
        if same_value(folded(value), folded(ours.get(key))):
            reasons[FOLDED] += 1
        elif key == "name" and recorded["type"] == "tool_use":
            reasons[REPAIRED] += 1
        elif value in (None, [], {}):
            reasons[f"{EMPTIED}: {recorded['type']}.{key}"] += 1
        else:
            wrong.append(
                f"{recorded['type']}.{key}: recorded {value!r:.300}, ours {ours.get(key)!r:.300}"
            )
    return wrong
