"""The Messages API of llama-server, which opens a block before it closes the one before."""

from __future__ import annotations

import os

import pytest
from tests.real.weather import ASKED, BEGUN, TWICE, get_weather, names_and_arguments
from tests.real.weather import QUESTION as WEATHER

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLAMA_ADDRESS" not in os.environ,
        reason="no llama-server: `make test-real` installs and starts one",
    ),
]

QUESTION = "Name three colours."


@pytest.fixture
def client(llama):
    return llama.chat(api="messages")


def contents(reply):
    """Return what does not differ between two replies to the same question."""
    usage = reply.usage
    return (
        reply.text,
        reply.finish_reason,
        reply.provider_finish_reason,
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
    )


async def test_four_ways_to_ask_give_one_reply(client):
    assert client.api == "messages"
    reply = client.complete(QUESTION, max_tokens=24)
    assert reply.text
    assert contents(await client.complete_async(QUESTION, max_tokens=24)) == contents(reply)
    with client.stream(QUESTION, max_tokens=24) as stream:
        pieces = list(stream.text_stream)
    assert len(pieces) > 5
    assert "".join(pieces) == reply.text
    assert contents(stream.response) == contents(reply)
    async with client.stream_async(QUESTION, max_tokens=24) as stream:
        pieces = [piece async for piece in stream.text_stream]
    assert "".join(pieces) == reply.text
    assert contents(stream.response) == contents(reply)
    assert stream.response.message.content == reply.message.content


async def test_calls_come_whole_and_streamed_sync_and_async(client):
    reply = client.complete([WEATHER, BEGUN], **ASKED)
    assert (names_and_arguments(reply.tool_calls), reply.finish_reason) == (TWICE, "tool_calls")

    with client.stream([WEATHER, BEGUN], **ASKED) as stream:
        events = list(stream.events())
    done = [event.call for event in events if isinstance(event, tw.ToolCallDone)]
    assert names_and_arguments(done) == TWICE
    assert done == list(stream.response.tool_calls)
    assert len({call.id for call in done}) == 2

    async with client.stream_async([WEATHER, BEGUN], **ASKED) as stream:
        async for _ in stream:
            pass
    assert names_and_arguments(stream.response.tool_calls) == TWICE


def test_the_results_go_back_and_the_model_answers_in_text(client):
    reply = client.complete([WEATHER, BEGUN], **ASKED)
    results = [call.result(get_weather(**call.parsed_arguments)) for call in reply.tool_calls]
    talk = [WEATHER, reply.message, *results]
    answer = client.complete(talk, tools=[get_weather], tool_choice="none", max_tokens=20)
    assert answer.text
    assert answer.tool_calls == ()
    assert answer.dropped == ()


def test_the_system_prompt_and_earlier_messages_count(llama, client):
    plain = client.complete(QUESTION, max_tokens=4)
    pirate = llama.chat(api="messages", system="You are a pirate.")
    assert pirate.complete(QUESTION, max_tokens=4).usage.prompt_tokens > plain.usage.prompt_tokens
    talk = [{"role": "user", "content": QUESTION}, plain.message]
    again = client.complete([*talk, {"role": "user", "content": "And more?"}], max_tokens=4)
    assert again.usage.prompt_tokens > plain.usage.total_tokens


def test_a_stop_sequence_ends_the_text(client):
    reply = client.complete(QUESTION, max_tokens=24)
    word = reply.text.split()[3]
    stopped = client.complete(QUESTION, max_tokens=24, stop=[word])
    assert stopped.text == reply.text.partition(word)[0]
    assert stopped.finish_reason == "stop"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_prompt_that_does_not_fit_the_window_is_its_own_error(llama, client, is_streamed):
    prompt = "word " * (llama.context_tokens + 10)
    with pytest.raises(tw.LlmContextLengthError) as caught:
        client.run(prompt, stream=is_streamed, max_tokens=4)
    error = caught.value
    assert error.status_code == 400
    assert (error.retryable, len(error.attempts)) == (False, 1)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_wrong_key_is_an_authentication_error_without_the_key(llama, is_streamed):
    client = tw.ChatClient(
        "llamacpp:m", base_url=llama.address, api_key="sk-wrong-key", api="messages"
    )
    with pytest.raises(tw.LlmAuthenticationError) as caught:
        await client.run_async("hi", stream=is_streamed)
    assert (caught.value.status_code, len(caught.value.attempts)) == (401, 1)
    assert "sk-wrong-key" not in repr(caught.value)


def test_a_stream_that_is_left_stops_the_server(client, llama_log):
    with client.stream("Tell a long story.", max_tokens=400) as stream:
        next(iter(stream))
    assert llama_log.wait_for("cancel task")
