"""Recorded request bodies, read into our form and written again by the client.

What is written must equal the recorded body up to the order of keys, and up to the listed
differences, each of which says the same to the API in other words.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.wire.answering import Answering
from tests.wire.comparing import json_leaves
from tests.wire.messages.bodies import answer, canonical
from tests.wire.messages.recorded_requests import Asked, read_request
from tests.wire.recorded import recorded_body
from tests.wire.replaying import our_name

from tokenwire import ChatClient, LlmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS = 808
REFUSALS = 8
WAVE = 100
STREAM = "`stream: false` is left out"
ERROR = "`is_error: false`, the default, is left out"
FIVE_MINUTES = "`ttl: 5m`, the default, is left out"
PARALLEL = "`disable_parallel_tool_use: false`, the default, is left out"
NOTHING = "a null, an empty list or an empty description is left out"
DIALECT = "`$schema`, which says nothing of the answer, is left out"
EMPTY = "an empty text is left out"
REFUSED = "refused by the client and by the recorded server"


async def ask(row: dict[str, Any], asked: Asked, server: Answering) -> tuple[Any, list[str]]:
    """Send the request. Returns the body that arrived, or the error, and what was dropped."""
    client = ChatClient(
        f"{our_name(row['provider'])}:{asked.model}",
        api="messages",
        base_url=server.base_url(f"{row['number']}/v1"),
        api_key="k",
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


def every_object(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in a JSON value."""
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, (dict, list)):
            yield from every_object(one)


def alike(recorded: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """Leave out of both bodies what says no more than the API's default. Returns the reasons."""
    found = set()
    for body in (recorded, sent):
        for block in every_object([body["messages"], body.get("system"), body.get("tools")]):
            if block.get("type") == "tool_result" and block.get("is_error") is False:
                del block["is_error"]
                found.add(ERROR)
            if (block.get("cache_control") or {}).get("ttl") == "5m":
                del block["cache_control"]["ttl"]
                found.add(FIVE_MINUTES)
    choice = recorded.get("tool_choice") or {}
    sends = "disable_parallel_tool_use" in (sent.get("tool_choice") or {})
    if choice.get("disable_parallel_tool_use") is False and not sends:
        del choice["disable_parallel_tool_use"]
        found.add(PARALLEL)
    if recorded.get("stream") is False and "stream" not in sent:
        del recorded["stream"]
        found.add(STREAM)
    for key in [key for key, value in recorded.items() if value in (None, []) and key not in sent]:
        del recorded[key]
        found.add(NOTHING)
    return found | alike_schemas(recorded, sent) | without_empty_texts(recorded, sent)


def alike_schemas(recorded: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """Do the same for the tools and the schema of the answer."""
    found = set()
    for tool, other in zip(recorded.get("tools") or [], sent.get("tools") or [], strict=False):
        if tool.get("description") == "" and "description" not in other:
            del tool["description"]
            found.add(NOTHING)
    form = (recorded.get("output_config") or {}).get("format") or {}
    if form.get("schema", {}).pop("$schema", None):
        found.add(DIALECT)
    return found


def without_empty_texts(recorded: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """Leave out the recorded empty blocks of text that the sent body lacks."""
    found = set()
    systems = (recorded.get("system") or [], sent.get("system") or [])
    pairs = [(one["content"], other["content"]) for one, other in messages_of(recorded, sent)]
    for blocks, others in [systems, *pairs]:
        empty = [one for one in blocks if one.get("type") == "text" and not one["text"]]
        for block in empty if len(blocks) - len(others) == len(empty) else ():
            blocks.remove(block)
            found.add(EMPTY)
    if not recorded.get("system", True):
        del recorded["system"]
    return found


def messages_of(
    recorded: dict[str, Any], sent: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each recorded message with the one that was sent in its place."""
    yield from zip(recorded["messages"], sent["messages"], strict=False)


def test_recorded_requests_are_written_as_they_were(
    messages_rows: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    rows = [row for row in messages_rows if row["request_body"]]
    assert len(rows) == REQUESTS
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)

    def read(row: dict[str, Any]) -> Asked:
        return read_request(recorded_body(row), our_name(row["provider"]), "m")

    with Answering(lambda path: answer(server.received[path])) as server:

        async def ask_all(wave: list[dict[str, Any]]) -> list[tuple[Any, list[str]]]:
            return await asyncio.gather(*(ask(row, read(row), server) for row in wave))

        waves = [rows[start : start + WAVE] for start in range(0, len(rows), WAVE)]
        outcomes = [outcome for wave in waves for outcome in asyncio.run(ask_all(wave))]
    for row, (sent, dropped) in zip(rows, outcomes, strict=True):
        name = f"{row['number']} {row['provider']} {row['source']}"
        if isinstance(sent, LlmError):
            if row["status"] == 400:
                reasons[REFUSED] += 1
            else:
                otherwise[name].append(f"{type(sent).__name__}: {sent}")
            continue
        if dropped:
            otherwise[name].append(f"dropped: {dropped}")
        recorded, written = canonical(recorded_body(row)), canonical(sent)
        reasons.update(alike(recorded, written))
        otherwise[name] += json_leaves("body", written, recorded)
    differ = {name: wrong for name, wrong in otherwise.items() if wrong}
    for reason, count in reasons.most_common():
        report_line(f"{count:>5}  {reason}")
    report_line(f"{len(rows)} recorded requests, {len(differ)} are written otherwise")
    shown = [f"{name}:\n    " + "\n    ".join(wrong) for name, wrong in differ.items()]
    assert reasons[REFUSED] == REFUSALS
    assert not differ, f"{len(differ)} differ\n  " + "\n  ".join(shown[:400])
