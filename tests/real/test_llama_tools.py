"""Tool calls of a real model, held to their schema by the server's grammar.

The model does not begin a call by itself, so it is given the beginning of one.
"""

from __future__ import annotations

import os

import pytest

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLAMA_ADDRESS" not in os.environ,
        reason="no llama-server: `make test-real` installs and starts one",
    ),
]


def get_weather(city: str) -> str:
    """Say what the weather is.

    Args:
        city: Name of the city.
    """
    return f"It rains in {city}."


QUESTION = {"role": "user", "content": "What is the weather in Paris?"}
BEGUN = {
    "role": "assistant",
    "content": '<tool_call>\n{"name": "get_weather", "arguments": {',
}
ASKED = {"tools": [get_weather], "tool_choice": "required", "max_tokens": 40}


def names_and_arguments(calls):
    return [(call.name, call.parsed_arguments) for call in calls]


async def test_a_call_comes_whole_and_streamed_sync_and_async(llama):
    chat = llama.chat(parallel_tool_calls=False)
    expected = [("get_weather", {"city": "Paris"})]
    reply = chat.complete([QUESTION, BEGUN], **ASKED)
    assert (names_and_arguments(reply.tool_calls), reply.finish_reason) == (expected, "tool_calls")
    assert reply.tool_calls[0].id

    with chat.stream([QUESTION, BEGUN], **ASKED) as stream:
        events = list(stream.events())
    done = [event.call for event in events if isinstance(event, tw.ToolCallDone)]
    pieces = [event.fragment for event in events if isinstance(event, tw.ToolCallDelta)]
    assert names_and_arguments(done) == expected
    assert done == list(stream.response.tool_calls)
    assert len(pieces) > 3
    assert "".join(piece.arguments for piece in pieces) == done[0].arguments

    async with chat.stream_async([QUESTION, BEGUN], **ASKED) as stream:
        async for _ in stream:
            pass
    assert names_and_arguments(stream.response.tool_calls) == expected


def test_parallel_calls_keep_apart_when_streamed(llama):
    chat = llama.chat(parallel_tool_calls=True)
    with chat.stream([QUESTION, BEGUN], **ASKED) as stream:
        events = list(stream.events())
    calls = stream.response.tool_calls
    assert len(calls) == 2
    assert len({call.id for call in calls}) == 2
    # Fragments of the calls, put together by their index.
    put_together = ["", ""]
    for event in events:
        if isinstance(event, tw.ToolCallDelta):
            put_together[event.fragment.index] += event.fragment.arguments
    assert [call.arguments for call in calls] == put_together
    # The token limit cuts the second one, and what is left of it is not taken for JSON.
    assert stream.response.finish_reason == "length"
    assert calls[0].parsed_arguments == {"city": "Paris"}
    with pytest.raises(tw.LlmDecodeError):
        _ = calls[1].parsed_arguments


def test_the_result_goes_back_and_the_model_answers_in_text(llama):
    chat = llama.chat(parallel_tool_calls=False)
    reply = chat.complete([QUESTION, BEGUN], **ASKED)
    results = [call.result(get_weather(**call.parsed_arguments)) for call in reply.tool_calls]
    talk = [QUESTION, reply.message, *results]
    answer = chat.complete(talk, tools=[get_weather], tool_choice="none", max_tokens=20)
    assert answer.text
    assert answer.tool_calls == ()
