"""The simulator's Messages beside recorded ones: requests that it takes, and what it sends."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tokenwire.testing import SimServer

# The servers of Anthropic's models. Others took over the API.
ANTHROPIC = ("anthropic", "vertex")


@pytest.fixture(scope="module")
def recorded(data_dir: Path) -> list[dict[str, Any]]:
    rows = recorded_rows(data_dir, "messages")
    rows = [row for row in rows if row["provider"] in ANTHROPIC]
    assert len(rows) > 800
    return rows


@pytest.fixture
def post(sim: SimServer) -> Iterator[Callable[..., tuple[int, str]]]:
    """Ask the simulator on one connection. Returns the status and the body."""
    connection = HTTPConnection("127.0.0.1", sim.port, timeout=10)

    def ask(body: Any, path: str = "/v1/messages") -> tuple[int, str]:
        headers = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
        connection.request("POST", path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()

    yield ask
    connection.close()


def events_of(body: str) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if line.startswith("data:"):
            yield json.loads(line[5:])


def without_seals(body: dict[str, Any]) -> dict[str, Any]:
    """Without the thinking, which only the provider that signed it takes back."""
    for message in body["messages"]:
        if isinstance(message["content"], list):
            kept = [block for block in message["content"] if "thinking" not in block["type"]]
            message["content"] = kept
    return body


@pytest.mark.no_connection
def test_what_anthropic_accepted_is_accepted(
    post: Callable[..., tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    asked, refused = 0, []
    for row in recorded:
        if row["status"] >= 400 or not (row["request_body"] or "").startswith("{"):
            continue
        path = re.sub(r"^https?://[^/]+", "", row["url"])
        status, answer = post(without_seals(json.loads(row["request_body"])), path)
        asked += 1
        if status != 200:
            refused.append((row["source"], answer))
    assert asked > 500
    assert refused == []


def shapes(value: Any, name: str, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The keys of each kind of event, block, delta and object, in their order."""
    if isinstance(value, dict):
        found[f"{name} {value.get('type', '')}".strip()].add(" ".join(value))
        for key, inner in value.items():
            if key != "input":
                shapes(inner, key, found)
    elif isinstance(value, list):
        for inner in value:
            shapes(inner, name, found)
    return found


# What the recording tools left in its order, and what no recording of this kind has in it.
IN_ORDER = ("wire", "body-only", "chunks-reframed")
# Recorded only by tools that sort the keys, or with `caller`.
SORTED = ("content_block redacted_thinking", "stop_details refusal")
CALLER = ("type id name input", "type id name input caller")


@pytest.mark.no_connection
def test_events_and_blocks_have_the_recorded_keys_in_the_recorded_order(
    sim: SimServer, post: Callable[..., tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    calls = [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]
    said = {"text": "It is blue.", "reasoning": "Because.", "tool_calls": calls}
    sim.set_script({"default": {"reply": said}})
    body = {
        "model": "claude-opus-4-6",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
    }
    _, sent = post(body)
    sim.set_script({"default": {"reply": {"text": "It is", "finish_reason": "length"}}})
    _, short = post(body)
    _, whole = post({**body, "stream": False})
    known: dict[str, set[str]] = defaultdict(set)
    for row in recorded:
        if row["status"] == 200 and row["fidelity"] in IN_ORDER:
            text = row["response_body_text"]
            events = events_of(text) if row["is_sse"] else [json.loads(text)]
            for event in events:
                shapes(event, "", known)
    mine: dict[str, set[str]] = defaultdict(set)
    for event in (*events_of(sent), *events_of(short), json.loads(whole)):
        shapes(event, "", mine)
    missing = {name: keys - known[name] for name, keys in mine.items() if keys - known[name]}
    assert missing == {}
    assert len(mine) > 15
