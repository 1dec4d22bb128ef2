"""Recorded request bodies, read into our form and written again by the client.

What is written must equal the recorded body up to the order of keys, and up to the listed
differences, each of which says the same to the API in other words.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.answering import Answering
from tests.wire.comparing import json_leaves
from tests.wire.recorded import recorded_body
from tests.wire.replaying import our_name
from tests.wire.responses.bodies import answer, canonical, is_known
from tests.wire.responses.recorded_requests import Asked, read_request

from tokenwire import ChatClient, LlmError, LlmMessage, ReasoningPart

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS = 789
WAVE = 100
ID_OF_CALL = "the id of a call whose reasoning is left out is left out, too"
STATE_KEYS = ("previous_response_id", "conversation", "background")
STATE = "the API's default, `store: true`, is written"
STATELESS = "`store: false` is written where nothing says otherwise"
STRICT = "`strict: false` is written where the tool does not say"
STREAM = "`stream: false` is left out"
DETAIL = "`detail: auto`, the default, is written with an image"
NOTHING = "a null or an empty list of a tool or an item is left out"
INCLUDE = "encrypted reasoning is asked for"
ID_ALONE = "reasoning without encrypted content is left out under `store: false`"


async def ask(row: dict[str, Any], asked: Asked, server: Answering) -> tuple[Any, list[str]]:
    """Send the request. Returns the body that arrived, or the error, and what was dropped."""
    client = ChatClient(
        f"{our_name(row['provider'])}:{asked.model}",
        api="responses",
        base_url=server.base_url(f"{row['number']}/v1"),
        api_key="k",
        system=asked.system,
        max_retries=0,
    )
    try:
        if asked.stream:
            async with client.stream_async(asked.messages, **asked.params) as stream:
                async for _ in stream:
                    pass
            dropped = stream.response.dropped
        else:
            dropped = (await client.complete_async(asked.messages, **asked.params)).dropped
    except LlmError as error:
        return error, []
    return json.loads(server.received[f"{row['number']}/v1"]), list(dropped)


def without_nothing(sent: dict[str, Any], recorded: dict[str, Any]) -> bool:
    """Leave out what only the recording has and says nothing. Returns whether there was any."""
    found = False
    for name in ("input", "tools"):
        for one, other in zip(sent.get(name) or [], recorded.get(name) or [], strict=False):
            for key in [key for key in other if other[key] in (None, []) and key not in one]:
                del other[key]
                found = True
    return found


def image_details(sent: dict[str, Any], recorded: dict[str, Any]) -> bool:
    """Leave out the details that only the sent images have. Returns whether there was one."""
    found = False
    for item, other in zip(sent["input"], recorded["input"], strict=False):
        for place in ("content", "output"):
            blocks = (item.get(place), other.get(place))
            if not all(isinstance(one, list) for one in blocks):
                continue
            for block, recorded_block in zip(*blocks, strict=False):
                if block.get("detail") == "auto" and "detail" not in recorded_block:
                    del block["detail"]
                    found = True
    return found


def by_id_alone(asked: Asked) -> list[str]:
    """Return the paths of the reasoning that the API could only know by its id (wire.md 18.1).

    That has neither encrypted content nor, as DeepSeek's, its own text.
    """
    paths = []
    for place, message in enumerate(asked.messages):
        item: list[str] = []
        for number, part in enumerate(message.content if isinstance(message, LlmMessage) else ()):
            if not isinstance(part, ReasoningPart):
                continue
            if not (getattr(part, "item", None) or {}).get("continues"):
                item = []
            item.append(f"messages[{place}].content[{number}]")
            paths.append(item[-1])
            if part.signature is not None or part.field == "content":
                paths = [path for path in paths if path not in item]
    return paths


def state(sent: dict[str, Any], recorded: dict[str, Any]) -> str | None:
    """Leave out the `store` that only the sent body has. Returns the reason."""
    if "store" not in sent or "store" in recorded:
        return None
    if not sent["store"] and any(recorded.get(key) for key in STATE_KEYS):
        return None
    return STATE if sent.pop("store") else STATELESS


def strictness(sent: dict[str, Any], recorded: dict[str, Any]) -> bool:
    """Leave out what only the sent tools and form say. Returns whether there was any."""
    forms = [(body.get("text") or {}).get("format") or {} for body in (sent, recorded)]
    tools = zip(sent.get("tools") or [], recorded.get("tools") or [], strict=False)
    found = False
    for one, other in [*tools, (forms[0], forms[1])]:
        if one.get("strict") is False and "strict" not in other:
            del one["strict"]
            found = True
    return found


def ids_alone(sent: dict[str, Any], recorded: dict[str, Any]) -> bool:
    """Leave out the recorded reasoning that has no more than an id. Returns whether a call had one.

    A call with an id needs its reasoning beside it.
    """
    recorded["input"] = [
        item for item in recorded["input"] if item.get("type") != "reasoning" or is_known(item)
    ]
    found = False
    for item, other in zip(sent["input"], recorded["input"], strict=False):
        if item.get("type") == "function_call" and "id" not in item and "id" in other:
            del other["id"]
            found = True
    return found


def forgiven(sent: dict[str, Any], recorded: dict[str, Any], dropped: list[str]) -> list[str]:
    """Undo the listed differences between two bodies. Returns the reasons."""
    encrypted = {"include": ["reasoning.encrypted_content"]}
    asks = "include" not in recorded and not sent.get("store", True)
    found = {
        ID_ALONE: bool(dropped),
        ID_OF_CALL: bool(dropped) and ids_alone(sent, recorded),
        DETAIL: image_details(sent, recorded),
        NOTHING: without_nothing(sent, recorded),
        STRICT: strictness(sent, recorded),
        STREAM: recorded.get("stream") is False and "stream" not in sent,
        INCLUDE: asks and encrypted.items() <= sent.items(),
    }
    if found[STREAM]:
        del recorded["stream"]
    if found[INCLUDE]:
        del sent["include"]
    return [
        reason
        for reason in (*(one for one in found if found[one]), state(sent, recorded))
        if reason
    ]


@pytest.mark.parametrize("says_state", [True, False], ids=["with state", "by default"])
def test_recorded_requests_are_written_as_they_were(
    responses_rows: list[dict[str, Any]], report_line: Callable[[str], None], says_state: bool
) -> None:
    rows = [row for row in responses_rows if row["request_body"]]
    assert len(rows) == REQUESTS
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)

    def read(row: dict[str, Any]) -> Asked:
        provider = our_name(row["provider"])
        return read_request(recorded_body(row), provider, says_state=says_state)

    with Answering(lambda path: answer(server.received[path])) as server:

        async def ask_all(wave: list[dict[str, Any]]) -> list[tuple[Any, list[str]]]:
            return await asyncio.gather(*(ask(row, read(row), server) for row in wave))

        waves = [rows[start : start + WAVE] for start in range(0, len(rows), WAVE)]
        outcomes = [outcome for wave in waves for outcome in asyncio.run(ask_all(wave))]
    for row, (sent, dropped) in zip(rows, outcomes, strict=True):
        name = f"{row['number']} {row['provider']} {row['source']}"
        if isinstance(sent, LlmError):
            otherwise[name].append(f"{type(sent).__name__}: {sent}")
            continue
        recorded = canonical(recorded_body(row))
        written = canonical(sent)
        unsigned = by_id_alone(read(row)) if sent.get("store") is False else []
        if dropped != unsigned:
            otherwise[name].append(f"dropped: {dropped}, expected {unsigned}")
        reasons.update(set(forgiven(written, recorded, dropped)))
        otherwise[name] += json_leaves("body", written, recorded)
    differ = {name: wrong for name, wrong in otherwise.items() if wrong}
    for reason, count in reasons.most_common():
        report_line(f"{count:>5}  {reason}")
    report_line(f"{len(rows)} recorded requests, {len(differ)} are written otherwise")
    shown = [f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in differ.items()]
    assert says_state == (STATE in reasons) == (STATELESS not in reasons)
    assert not differ, f"{len(differ)} differ\n  " + "\n  ".join(shown[:40])
