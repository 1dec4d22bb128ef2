"""Every recorded stream that ends cleanly near its middle is an error with everything so far."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from tests.fault.scenes import chat, completion
from tests.wire.recorded import recorded_rows

from tokenwire import LlmStreamIncompleteError

AT_A_TIME = 50
APIS = {"chat.completions": chat, "completions": completion}
FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
EVENT_END = re.compile(rb"\r?\n\r?\n")


def cut(body: bytes) -> bytes | None:
    """The first half of a stream's events, up to the first one that finishes a choice."""
    ends = [match.end() for match in EVENT_END.finditer(body)]
    finish = FINISHED.search(body)
    done = body.find(b"[DONE]")
    limit = min(finish.start() if finish else len(body), done if done >= 0 else len(body))
    ends = [end for end in ends[: max(1, len(ends) // 2)] if end <= limit]
    head = body[: ends[-1]] if ends else b""
    return head if b"data:" in head else None


@pytest.fixture(scope="module")
def cuts(data_dir) -> list[tuple[str, str, str]]:
    """(source, API, cut stream) of each recorded stream."""
    found = []
    for row in recorded_rows(data_dir, *APIS):
        text = row["response_body_text"]
        # One server answered with a stream of another API, which is a different error.
        if row["status"] == 200 and row["is_sse"] and '"message_start"' not in text:
            head = cut(text.encode())
            if head is not None:
                found.append((row["source"], row["api"], head.decode()))
    return found


def script(rows: list[tuple[str, str, str]]) -> dict[str, Any]:
    rules = [
        {
            "match": {"body": f"row {number}."},
            "then": {"replay": {"text": body, "headers": {"content-type": "text/event-stream"}}},
        }
        for number, (_, _, body) in enumerate(rows)
    ]
    return {"rules": rules}


def wrong(source, error, texts):
    """What is wrong with the end of a stream, if anything."""
    if type(error) is not LlmStreamIncompleteError:
        return f"{source}: {error!r}"
    partial = error.partial.text if error.partial else ""
    if partial != "".join(texts):
        return f"{source}: partial {partial!r}, delivered {texts!r}"
    return None


async def outcome(client, prompt):
    texts = []
    try:
        async with client.stream_async(prompt) as stream:
            async for chunk in stream:
                if chunk.index == 0:
                    texts.append(chunk.text)
    except Exception as error:  # noqa: BLE001 (the class is what is judged)
        return error, texts
    return None, texts


def test_f35_every_recorded_stream_that_is_cut_raises(sim, cuts):
    clients = {api: make(sim) for api, make in APIS.items()}

    async def replay(rows):
        ends = await asyncio.gather(
            *(outcome(clients[api], f"row {number}.") for number, (_, api, _) in enumerate(rows))
        )
        return [wrong(row[0], *end) for row, end in zip(rows, ends, strict=True)]

    problems = []
    for first in range(0, len(cuts), AT_A_TIME):
        rows = cuts[first : first + AT_A_TIME]
        sim.set_script(script(rows))
        problems += [problem for problem in asyncio.run(replay(rows)) if problem]
    assert (problems, len(cuts) > 1_000) == ([], True)


def test_f35_every_recorded_stream_that_is_cut_raises_in_sync_code(sim, cuts):
    clients = {api: make(sim) for api, make in APIS.items()}
    problems = []
    for first in range(0, len(cuts), AT_A_TIME):
        rows = cuts[first : first + AT_A_TIME]
        sim.set_script(script(rows))
        for number, (source, api, _) in enumerate(rows):
            texts: list[str] = []
            error: Exception | None = None
            try:
                for chunk in clients[api].stream(f"row {number}."):
                    if chunk.index == 0:
                        texts.append(chunk.text)
            except Exception as caught:  # noqa: BLE001 (the class is what is judged)
                error = caught
            problems.append(wrong(source, error, texts))
    assert set(problems) == {None}
