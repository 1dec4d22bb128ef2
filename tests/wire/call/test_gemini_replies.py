"""Odd replies of Gemini, whole and streamed, as a caller sees them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent
from tests.wire.call.test_whole_truth import answers, replay

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

GOOD: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "hello"}]}, "finishReason": "STOP"}]
}


def client_of(sim: SimServer, **settings: Any) -> Any:
    settings = {"api_key": "k", "max_retries": 0, **settings}
    return tw.ChatClient("google:gemini-x", base_url=sim.base_url, **settings)


def streamed(*events: Any) -> dict[str, Any]:
    text = "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in events)
    return replay(text, "text/event-stream")


def content(value: Any) -> dict[str, Any]:
    return {"candidates": [{"content": value, "finishReason": "STOP"}]}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"candidates": GOOD["candidates"][0]}, "candidates is an object"),
        (content("hello"), "content is a string"),
        (content([{"text": "hello"}]), "content is a list"),
        (content({"parts": {"text": "hello"}}), "parts is an object"),
        (content({"parts": [None, 5, "hello"]}), "parts is a number"),
    ],
)
def test_content_of_another_type_is_an_error_that_names_the_field(
    sim: SimServer, ask: Asking, body: dict[str, Any], field: str
) -> None:
    client = client_of(sim)
    answers(sim, replay(json.dumps(body)))
    with pytest.raises(tw.LlmUnexpectedContentError, match=field):
        ask.complete(client, "q")
    # As the first event, and after some text.
    for before in ([], [{"candidates": [{"content": {"parts": [{"text": "so"}]}}]}]):
        answers(sim, streamed(*before, body))
        with pytest.raises(tw.LlmUnexpectedContentError, match=field) as caught:
            ask.read(client, "q")
        partial = caught.value.partial
        assert (partial.text if partial else "") == ("so" if before else "")


@pytest.mark.parametrize(
    "empty", [{}, {"usageMetadata": {"promptTokenCount": 3}}, {"modelVersion": "m"}]
)
def test_a_stream_that_breaks_after_an_event_without_candidates_is_retried(
    sim: SimServer, ask: Asking, empty: dict[str, Any]
) -> None:
    answers(sim, streamed(empty), streamed(GOOD))
    retry = tw.RetryPolicy(first=0.001)
    _, reply = ask.read(client_of(sim, max_retries=None, retry=retry), "q")
    assert (reply.text, len(sent(sim))) == ("hello", 2)


@pytest.mark.parametrize("nested", [[[GOOD]], [[[]], [[GOOD]]]])
def test_a_list_in_a_list_is_read_alike_whole_and_streamed(
    sim: SimServer, ask: Asking, nested: Any
) -> None:
    client = client_of(sim)
    answers(sim, replay(json.dumps(nested)))
    assert ask.complete(client, "q").text == "hello"
    assert ask.read(client, "q")[1].text == "hello"
    answers(sim, streamed(nested))
    assert ask.read(client, "q")[1].text == "hello"


def test_a_call_in_pieces_that_comes_again_as_a_whole_is_one_call(
    sim: SimServer, ask: Asking
) -> None:
    def event(call: dict[str, Any]) -> dict[str, Any]:
        return {"candidates": [{"content": {"parts": [{"functionCall": call}]}}]}

    piece = {"jsonPath": "$.city", "stringValue": "Oslo"}
    end = {"candidates": [{"finishReason": "STOP"}]}
    answers(
        sim,
        streamed(
            event({"name": "f", "willContinue": True}),
            event({"partialArgs": [piece], "willContinue": True}),
            event({}),
            event({"name": "f", "args": {"city": "Oslo"}}),
            end,
        ),
    )
    _, reply = ask.read(client_of(sim), "q")
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [("f", '{"city":"Oslo"}')]
