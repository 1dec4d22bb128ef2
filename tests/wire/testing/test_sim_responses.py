"""The simulator's Responses beside recorded ones: requests that it takes, and what it sends."""

from __future__ import annotations

import json
from collections import defaultdict
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.recorded import recorded_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tokenwire.testing import SimServer

# The servers of OpenAI itself. Others took over its API, with other ids.
OPENAI = ("openai", "azure", "chatgpt")


@pytest.fixture(scope="module")
def recorded(data_dir: Path) -> list[dict[str, Any]]:
    rows = recorded_rows(data_dir, "responses")
    rows = [row for row in rows if row["provider"] in OPENAI]
    assert len(rows) > 500
    return rows


@pytest.fixture
def post(sim: SimServer) -> Iterator[Callable[[Any], tuple[int, str]]]:
    """Ask the simulator on one connection. Returns the status and the body."""
    connection = HTTPConnection("127.0.0.1", sim.port, timeout=10)

    def ask(body: Any) -> tuple[int, str]:
        headers = {"content-type": "application/json"}
        connection.request("POST", "/v1/responses", json.dumps(body).encode(), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()

    yield ask
    connection.close()


def events_of(body: str) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            yield json.loads(line[5:])


@pytest.mark.no_connection
def test_what_openai_accepted_is_accepted(
    post: Callable[[Any], tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    """All but the encrypted reasoning of other accounts, which OpenAI refuses, too."""
    asked, refused = 0, []
    for row in recorded:
        if row["status"] >= 400 or not (row["request_body"] or "").startswith("{"):
            continue
        body = json.loads(row["request_body"])
        items = body["input"] if isinstance(body["input"], list) else []
        for item in items:
            # Without these, an item is that of no account.
            if item.pop("encrypted_content", None):
                item.pop("id", None)
        status, answer = post(body)
        asked += 1
        if status != 200:
            refused.append((row["source"], answer))
    assert asked > 500
    assert refused == []


def shapes(events: Iterator[dict[str, Any]]) -> dict[str, set[str]]:
    """The keys of each kind of event, item and part, in their order."""
    found: dict[str, set[str]] = defaultdict(set)
    for event in events:
        name = event["type"]
        found[name].add(" ".join(key for key in event if key != "obfuscation"))
        for key in ("item", "part"):
            if isinstance(event.get(key), dict):
                kind = f"{name} {event[key]['type']}"
                found[kind].add(" ".join(event[key]))
        if "response" in event:
            found["response"].add(" ".join(event["response"]))
    return found


# What the recording tools left in its order. `response.incomplete` was only recorded by others.
IN_ORDER = ("wire", "body-only", "chunks-reframed")
UNKNOWN = ("response.incomplete",)


@pytest.mark.no_connection
def test_events_and_items_have_the_recorded_keys_in_the_recorded_order(
    sim: SimServer, post: Callable[[Any], tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    calls = [{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": "text"}]
    said = {"text": "It is blue.", "reasoning": "Because.", "tool_calls": calls}
    sim.set_script({"default": {"reply": said}})
    body = {
        "model": "gpt-5.6",
        "input": "Why?",
        "store": False,
        "stream": True,
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}],
    }
    status, sent = post(body)
    sim.set_script({"default": {"reply": {"text": "It is", "finish_reason": "length"}}})
    _, short = post({**body, "background": True})
    assert status == 200
    of_wire = (row for row in recorded if row["is_sse"] and row["fidelity"] in IN_ORDER)
    known = shapes(event for row in of_wire for event in events_of(row["response_body_text"]))
    mine = shapes(event for body in (sent, short) for event in events_of(body))
    missing = {
        name: keys - known[name]
        for name, keys in mine.items()
        if keys - known[name] and name not in UNKNOWN
    }
    assert missing == {}
    assert len(mine) > 20
