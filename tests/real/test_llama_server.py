"""Tests with a real model: SmolLM2-135M under llama-server (`make test-real` starts it)."""

from __future__ import annotations

import os

import pytest
from pydantic import BaseModel

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLAMA_ADDRESS" not in os.environ,
        reason="no llama-server: `make test-real` installs and starts one",
    ),
]

QUESTION = "Name three colours."
BEGINNING = "1, 2, 3, 4,"


class City(BaseModel):
    name: str
    population: int


def whole(reply):
    """Return a reply's contents without what differs between calls."""
    choices = [(choice.index, choice.text, choice.finish_reason) for choice in reply.choices]
    usage = reply.usage
    return (
        reply.model,
        choices,
        (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens),
    )


async def collected(stream):
    async with stream as entered:
        return [piece async for piece in entered.text_stream], entered.response


@pytest.mark.parametrize("kind", ["chat", "completion"])
async def test_four_ways_to_ask_give_one_reply(llama, kind):
    client = getattr(llama, kind)(max_tokens=24)
    prompt = QUESTION if kind == "chat" else BEGINNING
    reply = client.complete(prompt)
    assert reply.text
    assert reply.finish_reason in {"stop", "length"}
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert whole(await client.complete_async(prompt)) == whole(reply)
    assert client.run(prompt) == await client.run_async(prompt) == reply.text

    with client.stream(prompt) as stream:
        pieces = list(stream.text_stream)
    async_pieces, async_reply = await collected(client.stream_async(prompt))
    assert len(pieces) > 5
    assert "".join(pieces) == "".join(async_pieces) == reply.text
    assert whole(stream.response) == whole(async_reply) == whole(reply)


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_times_of_a_stream_are_in_order_and_make_the_rate(llama, kind):
    with getattr(llama, kind)(max_tokens=20).stream(QUESTION) as stream:
        for _ in stream:
            pass
    timing, usage = stream.response.timing, stream.response.usage
    assert 0 < timing.first_byte <= timing.first_token < timing.last_token <= timing.total
    rate = (usage.completion_tokens - 1) / (timing.last_token - timing.first_token)
    assert timing.tokens_per_second == pytest.approx(rate)


def test_the_rate_of_a_whole_reply_is_over_the_whole_time(llama):
    reply = llama.chat(max_tokens=20).complete(QUESTION)
    assert 0 < reply.timing.first_byte <= reply.timing.total
    rate = reply.usage.completion_tokens / reply.timing.total
    assert reply.timing.tokens_per_second == pytest.approx(rate)


def test_chat_logprobs_spell_the_reply(llama):
    reply = llama.chat(max_tokens=8).complete(QUESTION, logprobs=3)
    assert b"".join(entry.bytes for entry in reply.logprobs).decode() == reply.text
    assert all(entry.logprob <= 0 and len(entry.top) == 3 for entry in reply.logprobs)
    # At temperature 0 the chosen token is the likeliest one.
    assert all(entry.token == entry.top[0][0] for entry in reply.logprobs)


def test_completion_logprobs_spell_the_reply_streamed_too(llama):
    # This server accepts `echo` and ignores it.
    client = llama.completion(max_tokens=8, logprobs=2, echo=True)
    reply = client.complete(BEGINNING)
    assert "".join(entry.token for entry in reply.logprobs) == reply.text
    with client.stream(BEGINNING) as stream:
        for _ in stream:
            pass
    assert [entry.token for entry in stream.response.logprobs] == [
        entry.token for entry in reply.logprobs
    ]


async def test_a_schema_is_kept_by_the_server_and_read_into_the_model(llama):
    chat = llama.chat(max_tokens=120)
    city = chat.parse(City, "Name a city and its population as JSON.")
    assert type(city) is City
    assert await chat.parse_async(City, "Name a city and its population as JSON.") == city
    reply = chat.complete("Name a city and its population as JSON.", response_format=City)
    assert reply.parsed == City.model_validate_json(reply.text) == city


def test_a_reply_cut_by_the_token_limit_is_kept_when_it_does_not_parse(llama):
    with pytest.raises(tw.LlmModelError) as caught:
        llama.chat(max_tokens=4).parse(City, "Name a city and its population as JSON.")
    reply = caught.value.partial
    assert reply is not None
    assert reply.finish_reason == "length"
    assert reply.text.startswith("{")


def test_several_choices_come_apart(llama):
    settings = {"max_tokens": 8, "temperature": 1.2, "seed": 5}
    reply = llama.chat(**settings).complete(QUESTION, n=3)
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    assert len({choice.text for choice in reply.choices}) > 1

    with llama.chat(**settings).stream(QUESTION, n=3) as stream:
        texts = ["", "", ""]
        for chunk in stream:
            texts[chunk.index] += chunk.text
    assert [choice.text for choice in stream.response.choices] == texts
    assert all(texts)


@pytest.mark.parametrize("kind", ["chat", "completion"])
def test_a_stop_word_ends_the_reply_and_is_not_in_it(llama, kind):
    client = getattr(llama, kind)(max_tokens=100)
    prompt = "Count: 1, 2, 3" if kind == "chat" else BEGINNING
    free = client.complete(prompt, max_tokens=20).text
    stop = free[10:13]
    reply = client.complete(prompt, stop=[stop])
    assert (reply.text, reply.finish_reason) == (free[: free.index(stop)], "stop")


def test_a_seed_repeats_a_reply_and_another_does_not(llama):
    chat = llama.chat(max_tokens=24, temperature=1.5)
    first = chat.run(QUESTION, seed=1)
    assert chat.run(QUESTION, seed=1) == first
    assert chat.run(QUESTION, seed=2) != first


def test_the_system_prompt_and_earlier_messages_count(llama):
    plain = llama.chat(max_tokens=4).complete(QUESTION)
    with_system = llama.chat(max_tokens=4, system="You are a pirate.").complete(QUESTION)
    assert with_system.usage.prompt_tokens > plain.usage.prompt_tokens
    talk = [{"role": "user", "content": QUESTION}, plain.message]
    again = llama.chat(max_tokens=4).complete([*talk, {"role": "user", "content": "And more?"}])
    assert again.usage.prompt_tokens > plain.usage.total_tokens


async def test_the_list_of_models(llama):
    assert llama.chat().models() == ["SmolLM2-135M-Instruct"]
    assert await llama.completion().models_async() == ["SmolLM2-135M-Instruct"]
    llama.chat().validate_config(probe=True)


@pytest.mark.parametrize("kind", ["chat", "completion"])
@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_prompt_that_does_not_fit_the_window_is_its_own_error(llama, kind, is_streamed):
    client = getattr(llama, kind)(max_tokens=4)
    prompt = "word " * (llama.context_tokens + 10)
    with pytest.raises(tw.LlmContextLengthError) as caught:
        client.run(prompt, stream=is_streamed)
    error = caught.value
    assert (error.status_code, error.type) == (400, "exceed_context_size_error")
    assert (error.retryable, len(error.attempts)) == (False, 1)


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_wrong_key_is_an_authentication_error_without_the_key(llama, is_streamed):
    client = tw.ChatClient("llamacpp:m", base_url=llama.address, api_key="sk-wrong-key")
    with pytest.raises(tw.LlmAuthenticationError) as caught:
        await client.run_async("hi", stream=is_streamed)
    assert (caught.value.status_code, len(caught.value.attempts)) == (401, 1)
    assert "sk-wrong-key" not in repr(caught.value)


def test_a_path_that_is_not_there_is_an_api_error(llama):
    client = llama.chat().with_options(base_url=llama.address + "/nowhere")
    with pytest.raises(tw.LlmAPIError) as caught:
        client.complete("hi")
    assert type(caught.value) is tw.LlmAPIError
    assert (caught.value.status_code, len(caught.value.attempts)) == (404, 1)


def test_a_connection_that_the_server_retires_costs_nothing(llama):
    # It closes each connection after 100 requests, and says so only in the last answer.
    chat = llama.chat()
    assert [chat.models() for _ in range(230)] == [["SmolLM2-135M-Instruct"]] * 230


async def test_map_keeps_four_calls_in_flight_and_the_order(llama, llama_log):
    prompts = [f"Say {number}." for number in range(12)]
    chat = llama.chat(max_tokens=8)
    rows = list(chat.map(prompts, concurrency=4))
    assert [(row.index, row.error) for row in rows] == [(index, None) for index in range(12)]
    # The server's own count.
    running = most = ended = 0
    while ended < 12:
        if llama_log.wait_for(r"launch_slot_|release:")[0] == "launch_slot_":
            running += 1
            most = max(most, running)
        else:
            running -= 1
            ended += 1
    assert most == 4
    rows = [row async for row in chat.map_async(prompts, concurrency=4)]
    assert [(row.index, row.error) for row in rows] == [(index, None) for index in range(12)]
