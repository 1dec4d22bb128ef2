"""Tool calls of a real model, whose grammar is limited to the schema by the server.

The model does not start a call by itself, so it is given the beginning of one.
"""

from __future__ import annotations

import os

import pytest
from tests.real.weather import ASKED, BEGUN, QUESTION, TWICE, get_weather, names_and_arguments

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLAMA_ADDRESS" not in os.environ,
        reason="no llama-server: `make test-real` installs and starts one",
    ),
]


async def test_calls_come_whole_and_streamed_sync_and_async(llama):
    chat = llama.chat()
    reply = chat.complete([QUESTION, BEGUN], **ASKED)
    assert (names_and_arguments(reply.tool_calls), reply.finish_reason) == (TWICE, "tool_calls")

    with chat.stream([QUESTION, BEGUN], **ASKED) as stream:
        events = list(stream.events())
    done = [event.call for event in events if isinstance(event, tw.ToolCallDone)]
    assert names_and_arguments(done) == TWICE
    assert done == list(stream.response.tool_calls)
    assert len({call.id for call in done}) == 2
    # Fragments of the calls, joined by index.
    put_together = ["", ""]
    for event in events:
        if isinstance(event, tw.ToolCallDelta):
            put_together[event.fragment.index] += event.fragment.arguments
    assert [call.arguments for call in done] == put_together
    # The first was complete before the second began.
    kinds = [type(event) for event in events]
    assert kinds.index(tw.ToolCallDone) < len(kinds) - 1 - kinds[::-1].index(tw.ToolCallDelta)

    async with chat.stream_async([QUESTION, BEGUN], **ASKED) as stream:
        async for _ in stream:
            pass
    assert names_and_arguments(stream.response.tool_calls) == TWICE


def test_a_call_that_the_token_limit_cuts_is_not_taken_for_json(llama):
    begun = {**BEGUN, "content": BEGUN["content"].removesuffix('"city": "')}
    reply = llama.chat().complete([QUESTION, begun], **{**ASKED, "max_tokens": 40})
    assert reply.finish_reason == "length"
    assert reply.tool_calls[0].parsed_arguments == {"city": "Paris"}
    with pytest.raises(tw.LlmDecodeError):
        _ = reply.tool_calls[1].parsed_arguments


def test_the_results_go_back_and_the_model_answers_in_text(llama):
    chat = llama.chat()
    reply = chat.complete([QUESTION, BEGUN], **ASKED)
    results = [call.result(get_weather(**call.parsed_arguments)) for call in reply.tool_calls]
    talk = [QUESTION, reply.message, *results]
    answer = chat.complete(talk, tools=[get_weather], tool_choice="none", max_tokens=20)
    assert answer.text
    assert answer.tool_calls == ()
