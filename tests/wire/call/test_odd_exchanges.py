"""Exchanges written by hand, for what wire.md describes and no recording shows.

The expected results are those of the plain reading.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.comparing import Comparison
from tests.wire.replaying import Replay, replay_sync

from tokenwire.testing import SimServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DONE = "[DONE]"


def piece(delta: dict[str, Any], finish: str | None = None, **choice: Any) -> dict[str, Any]:
    """Return an event with one choice."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **choice}
    return {"id": "a", "model": "m", "choices": [choice]}


def calls(*fragments: dict[str, Any]) -> dict[str, Any]:
    """Return an event with fragments of tool calls."""
    return piece({"tool_calls": list(fragments)})


def call(arguments: object, name: str | None = None, **keys: Any) -> dict[str, Any]:
    """Return a call, or a fragment of one."""
    return {"function": {"arguments": arguments, **({"name": name} if name else {})}, **keys}


CALLED = (piece({}, "tool_calls"), DONE)
STOPPED = (piece({}, "stop"), DONE)
USAGE = {"prompt_tokens": 1, "completion_tokens": 2}

STREAMS: dict[str, tuple[object, ...]] = {
    "a call with a key of its own": (
        calls(call("{}", "f", index=0, id="c1", extra_content={"google": {"signature": "s"}})),
        *CALLED,
    ),
    "a call without an id": (calls(call("{}", "f", index=0)), *CALLED),
    "an id that is the text null": (calls(call("{}", "f", index=0, id="null")), *CALLED),
    "two whole calls at one index": (
        calls(call('{"a":1}', "f", index=0), call('{"a":2}', "f", index=0)),
        *CALLED,
    ),
    "two ids at one index": (
        calls(call('{"a":1}', "f", index=0, id="c1")),
        calls(call('{"a":2}', "g", index=0, id="c2")),
        *CALLED,
    ),
    "fragments without an index": (
        calls(call("", "f", id="c1")),
        calls(call('{"a":')),
        calls(call("2}")),
        *CALLED,
    ),
    "id and name repeated": (
        calls(call("", "f", index=0, id="c1")),
        calls(call('{"a":', "f", index=0, id="c1")),
        calls(call("2}", "f", index=0, id="c1")),
        *CALLED,
    ),
    "calls that take turns": (
        calls(call("", "f", index=0, id="c1"), call("", "g", index=1, id="c2")),
        calls(call('{"b":1}', index=1)),
        calls(call('{"a":1}', index=0)),
        *CALLED,
    ),
    "indexes from 1": (calls(call("{}", "f", index=1, id="c1")), *CALLED),
    "arguments as an object": (calls(call({}, "f", index=0, id="c1")), *CALLED),
    "a custom tool": (
        calls({"index": 0, "id": "c1", "type": "custom", "custom": {"name": "f", "input": "x"}}),
        *CALLED,
    ),
    "half a character in each of two events": (
        '{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}',
        '{"choices":[{"index":0,"delta":{"content":"\\ude00"}}]}',
        *STOPPED,
    ),
    "half a character": ('{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}', *STOPPED),
    "a word of Mistral": (piece({"content": "x"}, "model_length"), DONE),
    "a word of DeepSeek": (piece({"content": "x"}, "insufficient_system_resource"), DONE),
    "no word at all": (piece({"content": "x"}), DONE),
    "usage in each event": (
        {**piece({"content": "x"}), "usage": {**USAGE, "completion_tokens": 1}},
        {**piece({"content": "y"}, "stop"), "usage": USAGE},
        DONE,
    ),
    "usage in Groq's field": (
        {**piece({"content": "x"}, "stop"), "x_groq": {"usage": USAGE}},
        DONE,
    ),
    "usage in a choice": (piece({"content": "x"}, "stop", usage=USAGE), DONE),
    "logprobs of a refusal": (
        piece({"refusal": "no"}, "stop", logprobs={"refusal": [{"token": "no", "logprob": -1.5}]}),
        DONE,
    ),
    "infinite logprobs": (
        piece(
            {"content": "x"},
            "stop",
            logprobs={"content": [{"token": "x", "logprob": float("-inf"), "bytes": [120]}]},
        ),
        DONE,
    ),
    "choices that take turns": (
        piece({"content": "a"}, index=1),
        piece({"content": "b"}),
        piece({"content": "c"}, "stop", index=1),
        piece({"content": "d"}, "stop"),
        DONE,
    ),
    "a signature of thinking": (
        piece({"content": [{"type": "thinking", "thinking": "a", "signature": "s"}]}),
        piece({"content": "b"}, "stop"),
        DONE,
    ),
    "the text so far, in message": (
        {"choices": [{"index": 0, "message": {"content": "He"}}]},
        {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]},
        DONE,
    ),
    "the whole text, in message at the end": (
        piece({"content": "He"}),
        {"choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}]},
        DONE,
    ),
    "an error first": ({"error": {"message": "slow down", "code": 429}},),
    "an error that is a text": (piece({"content": "x"}), {"error": "broken"}),
}

WHOLE: dict[str, dict[str, Any]] = {
    "calls without ids": {
        "choices": [{"message": {"tool_calls": [call("", "f"), call("", "f", id="")]}}]
    },
    "choices without an index": {
        "choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]
    },
    "no choices": {"id": "x", "choices": []},
    "counts with a point": {
        "usage": {"prompt_tokens": 5.0, "completion_tokens": 2.0},
        "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}],
    },
}

ERRORS: dict[str, tuple[int, object]] = {
    "in a list": (400, [{"error": {"code": 400, "message": "bad", "status": "INVALID_ARGUMENT"}}]),
    "a detail": (422, {"detail": "bad"}),
    "a text": (404, {"error": "model 'x' not found"}),
    "of a gateway": (502, "<html>Bad Gateway</html>"),
}


@pytest.fixture(scope="module")
def agree() -> Iterator[Callable[..., None]]:
    """Replay a body, and compare the outcome with the plain reading."""
    with SimServer(log_capacity=0) as sim:

        def compare(body: str, *, status: int = 200, is_sse: bool = False) -> None:
            kind = "text/event-stream" if is_sse else "application/json"
            row = {
                "number": 0,
                "provider": "openai",
                "api": "chat.completions",
                "request_body": "{}",
                "status": status,
                "response_headers": {"content-type": kind},
                "response_body_text": body,
                "is_sse": is_sse,
            }
            for chunking in ("whole", "bytes7", "random"):
                replay = Replay(row, chunking)
                comparison = Comparison()
                [seen] = replay_sync(sim, [replay])
                comparison.add(chunking, seen, replay.expected())
                comparison.check(lambda _: None)

        yield compare


@pytest.mark.parametrize("name", STREAMS)
def test_an_odd_stream_is_read_as_it_is_meant(agree: Callable[..., None], name: str) -> None:
    pieces = [one if isinstance(one, str) else json.dumps(one) for one in STREAMS[name]]
    agree("".join(f"data: {one}\n\n" for one in pieces), is_sse=True)


@pytest.mark.parametrize("name", WHOLE)
def test_an_odd_reply_is_read_as_it_is_meant(agree: Callable[..., None], name: str) -> None:
    agree(json.dumps(WHOLE[name]))


@pytest.mark.parametrize("name", ERRORS)
def test_an_odd_error_is_read_as_it_is_meant(agree: Callable[..., None], name: str) -> None:
    status, body = ERRORS[name]
    agree(body if isinstance(body, str) else json.dumps(body), status=status)
