"""The Gemini of aimock, which answers by rules."""

from __future__ import annotations

import os

import pytest
from tests.real.weather import get_weather

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_AIMOCK_ADDRESS" not in os.environ,
        reason="no aimock: `make test-real` installs and starts one where npm is",
    ),
]

ANSWER = "It rains in Paris today, and tomorrow as well."


@pytest.fixture
def client():
    address = os.environ["REAL_AIMOCK_ADDRESS"]
    base_url = f"{address}/v1beta"
    return tw.ChatClient("gemini-2.5-flash", base_url=base_url, api_key="any", api="gemini")


async def test_four_ways_to_ask_give_one_reply(client):
    assert client.run("hi") == ANSWER
    assert await client.run_async("hi") == ANSWER
    with client.stream("hi") as stream:
        pieces = list(stream.text_stream)
    assert len(pieces) > 1
    assert "".join(pieces) == stream.response.text == ANSWER
    assert stream.response.finish_reason == "stop"
    async with client.stream_async("hi") as stream:
        assert "".join([piece async for piece in stream.text_stream]) == ANSWER


@pytest.mark.parametrize("is_streamed", [False, True])
def test_thoughts_are_not_text(client, is_streamed):
    reply = streamed(client, "Think.") if is_streamed else client.complete("Think.")
    assert reply.reasoning == "Light scatters."
    assert reply.text == "It is blue because light scatters."


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_call_goes_out_and_its_result_comes_back(client, is_streamed):
    question = {"role": "user", "content": "What is the weather in Paris?"}
    params = {"tools": [get_weather]}
    talk = [question]
    reply = streamed(client, talk, **params) if is_streamed else client.complete(talk, **params)
    (call,) = reply.tool_calls
    assert (call.name, call.parsed_arguments) == ("get_weather", {"city": "Paris"})
    assert reply.finish_reason == "tool_calls"
    talk += [reply.message, call.result(get_weather("Paris"))]
    assert client.complete(talk, **params).text == ANSWER


def test_an_error_is_the_class_of_its_status(client):
    with pytest.raises(tw.LlmRateLimitError, match="Slow down") as caught:
        client.run("Refuse.", max_retries=0)
    assert caught.value.status_code == 429


def test_a_stream_that_is_cut_is_never_a_reply(client):
    with pytest.raises((tw.LlmStreamInterruptedError, tw.LlmStreamIncompleteError)):
        client.run("Cut.", stream=True, max_retries=0)


def streamed(client, prompt, **params):
    with client.stream(prompt, **params) as stream:
        for _ in stream:
            pass
    return stream.response
