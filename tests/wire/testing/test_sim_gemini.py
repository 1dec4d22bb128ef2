"""The simulator's Gemini beside recorded ones: requests that it takes, and what it sends."""

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

SIGNATURES = re.compile(r'"(thoughtSignature|thought_signature)": ?"[^"]*"')
# What the documentation gives for calls of another model.
DUMMY = r'"\1": "skip_thought_signature_validator"'


@pytest.fixture(scope="module")
def recorded(data_dir: Path) -> list[dict[str, Any]]:
    rows = recorded_rows(data_dir, "gemini.generate", "gemini.stream")
    assert len(rows) > 900
    return rows


@pytest.fixture
def post(sim: SimServer) -> Iterator[Callable[[str, str], tuple[int, str]]]:
    """Ask the simulator on one connection. Returns the status and the body."""
    connection = HTTPConnection("127.0.0.1", sim.port, timeout=10)

    def ask(path: str, body: str) -> tuple[int, str]:
        headers = {"content-type": "application/json"}
        connection.request("POST", path, body.encode(), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()

    yield ask
    connection.close()


def path_of(row: dict[str, Any]) -> str:
    # A recording tool wrote a name with angle brackets for a project.
    return re.sub(r"^https?://[^/]+", "", row["url"]).replace("<", "").replace(">", "")


@pytest.mark.no_connection
def test_what_google_accepted_is_accepted(
    post: Callable[[str, str], tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    """All but the signatures, which belong to a key."""
    asked, refused = 0, []
    for row in recorded:
        if row["status"] >= 400 or not (row["request_body"] or "").startswith("{"):
            continue
        body = SIGNATURES.sub(DUMMY, row["request_body"])
        status, answer = post(path_of(row), body)
        asked += 1
        if status != 200:
            refused.append((row["source"], answer))
    assert asked > 800
    assert refused == []


def shapes(value: Any, name: str, found: dict[str, set[str]]) -> dict[str, set[str]]:
    """The sets of keys of each kind of object."""
    if isinstance(value, dict):
        found[name].add(" ".join(sorted(value)))
        for key, inner in value.items():
            if key != "args":
                shapes(inner, key, found)
    elif isinstance(value, list):
        for inner in value:
            shapes(inner, name, found)
    return found


def events_of(body: str) -> Iterator[Any]:
    if body.startswith("data:"):
        yield from (json.loads(line[5:]) for line in body.split("\r\n\r\n") if line)
    else:
        yield json.loads(body)


@pytest.mark.no_connection
def test_replies_and_events_have_the_recorded_keys(
    sim: SimServer, post: Callable[[str, str], tuple[int, str]], recorded: list[dict[str, Any]]
) -> None:
    calls = [{"name": "f", "arguments": {"a": 1}, "id": "1"}, {"name": "g", "arguments": {}}]
    said = {"text": "It is blue.", "reasoning": "Because.", "tool_calls": calls}
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Why?"}]}]})
    verbs = ("generateContent", "streamGenerateContent?alt=sse", "streamGenerateContent")
    mine: dict[str, set[str]] = defaultdict(set)
    for reply in (said, {"text": "It is", "finish_reason": "length"}):
        sim.set_script({"default": {"reply": reply}})
        for verb in verbs:
            status, answer = post(f"/v1beta/models/gemini-3-pro-preview:{verb}", body)
            assert status == 200
            for event in events_of(answer):
                shapes(event, "", mine)
    known: dict[str, set[str]] = defaultdict(set)
    for row in recorded:
        if row["status"] == 200 and not row["source"].startswith("prism"):
            text = row["response_body_text"].replace("\r\n", "\n")
            lines = [line[5:] for line in text.splitlines() if line.startswith("data:")]
            for event in map(json.loads, lines) if row["is_sse"] else [json.loads(text)]:
                shapes(event, "", known)
    missing = {name: keys - known[name] for name, keys in mine.items() if keys - known[name]}
    assert missing == {}
    assert len(mine) >= 7
