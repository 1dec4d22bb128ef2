"""Recorded request bodies of Gemini, read into our form and written again by the client.

What is written must equal the recorded body up to the order of keys and the spelling of Google's
keys, and up to the listed differences, each of which says the same to the API in other words.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from tests.wire.answering import Answering
from tests.wire.comparing import json_leaves
from tests.wire.gemini.bodies import answer, canonical, joined
from tests.wire.gemini.recorded_requests import Asked, read_request
from tests.wire.recorded import recorded_body
from tests.wire.replaying import our_name

from tokenwire import ChatClient, LlmError

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS = 885
WAVE = 100
THOUGHT = "`thought: false`, the default, is left out"
ROLE = "the role of the system instruction, which says nothing, is left out"
EMPTY = "an empty object, list or description is left out"
MODEL = "the model, which is in the address, is left out"
SCHEMA = "`parameters` in JSON Schema are written as `parametersJsonSchema`"
JOINED = "contents of one role that follow each other are one content"
BASE64 = "base64 is in its usual letters"
WHOLE = "a whole number is written without its fraction"
ANY_ARGUMENTS = "a function without parameters is written with the empty schema"
LEVEL = "the level of thinking is in lower case"
REFUSED = "refused by the client and by the recorded server"
# Why a request cannot be written, by the end of its source.
KNOWN: dict[str, str] = {}


async def ask(row: dict[str, Any], asked: Asked, server: Answering) -> tuple[Any, list[str]]:
    """Send the request. Returns the body that arrived, or the error, and what was dropped."""
    key = f"{row['number']}-{row['api']}/v1"
    client = ChatClient(
        f"{our_name(row['provider'])}:{asked.model}",
        api="gemini",
        base_url=server.base_url(key),
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
    return json.loads(server.received[key]), list(dropped)


def test_recorded_requests_are_written_as_they_were(
    gemini_rows: list[dict[str, Any]], report_line: Callable[[str], None]
) -> None:
    rows = [row for row in gemini_rows if row["request_body"]]
    assert len(rows) == REQUESTS
    reasons: Counter[str] = Counter()
    otherwise: dict[str, list[str]] = defaultdict(list)

    async def read_and_ask(row: dict[str, Any]) -> tuple[Any, list[str]]:
        try:
            asked = read_request(recorded_body(row), row, our_name(row["provider"]))
        except LlmError as error:
            return error, []
        return await ask(row, asked, server)

    with Answering(lambda path: answer(b"", streamed="gemini.stream" in path)) as server:

        async def ask_all(wave: list[dict[str, Any]]) -> list[tuple[Any, list[str]]]:
            return await asyncio.gather(*map(read_and_ask, wave))

        waves = [rows[start : start + WAVE] for start in range(0, len(rows), WAVE)]
        outcomes = [outcome for wave in waves for outcome in asyncio.run(ask_all(wave))]
    for row, (sent, dropped) in zip(rows, outcomes, strict=True):
        name = f"{row['number']} {row['provider']} {row['source']}"
        if isinstance(sent, LlmError):
            known = next((why for end, why in KNOWN.items() if name.endswith(end)), None)
            if row["status"] == 400 or known:
                reasons[known or REFUSED] += 1
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
    assert not differ, f"{len(differ)} differ\n  " + "\n  ".join(shown)


def alike(recorded: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """Leave out of the recorded body what says no more than the default. Returns the reasons."""
    found = alike_parts(recorded) | alike_tools(recorded, sent) | alike_config(recorded)
    if recorded.get("systemInstruction", {}).pop("role", None):
        found.add(ROLE)
    if recorded.pop("model", None):
        found.add(MODEL)
    if len(recorded["contents"]) != len(sent["contents"]):
        found.add(JOINED)
    for body in (recorded, sent):
        body["contents"] = joined(body["contents"])
    for key in [key for key, value in recorded.items() if value in ({}, []) and key not in sent]:
        del recorded[key]
        found.add(EMPTY)
    return found


def alike_parts(recorded: dict[str, Any]) -> set[str]:
    """Do it for the parts of all contents."""
    found = set()
    contents = [*recorded["contents"], recorded.get("systemInstruction") or {}]
    for part in [part for content in contents for part in content.get("parts") or []]:
        data = part.get("inlineData") or {}
        if {*"-_"} & {*data.get("data", "")}:
            data["data"] = data["data"].replace("-", "+").replace("_", "/")
            found.add(BASE64)
        if part.get("thought") is False:
            del part["thought"]
            found.add(THOUGHT)
    return found


def alike_tools(recorded: dict[str, Any], sent: dict[str, Any]) -> set[str]:
    """Do it for the functions."""
    found = set()
    for function, other in zip(functions_of(recorded), functions_of(sent), strict=False):
        if "parameters" in function and "parametersJsonSchema" in other:
            function["parametersJsonSchema"] = function.pop("parameters")
            found.add(SCHEMA)
        if other.get("parametersJsonSchema") == {} and "parametersJsonSchema" not in function:
            del other["parametersJsonSchema"]
            found.add(ANY_ARGUMENTS)
        if function.get("description") == "" and "description" not in other:
            del function["description"]
            found.add(EMPTY)
    return found


def alike_config(recorded: dict[str, Any]) -> set[str]:
    """Do it for `generationConfig`."""
    found = set()
    config = recorded.get("generationConfig") or {}
    if isinstance(config.get("topK"), float):
        config["topK"] = int(config["topK"])
        found.add(WHOLE)
    thinking = config.get("thinkingConfig") or {}
    level = thinking.get("thinkingLevel")
    if level is not None and level != level.lower():
        thinking["thinkingLevel"] = level.lower()
        found.add(LEVEL)
    return found


def functions_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the functions that a body declares."""
    tools = body.get("tools") or []
    return [one for tool in tools for one in tool.get("functionDeclarations") or []]
