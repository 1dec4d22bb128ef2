"""`fake`: what it answers, what it records, and its errors."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

import tokenwire as tw
from tokenwire.testing import cut, error, fake, reply, tool_call

MODEL = "openai:gpt-4o-mini"


def test_the_example_of_the_documentation():
    with tw.testing.fake({"openai:*": ["hi", tool_call("f", x=1), error(429), "again"]}) as f:
        chat = tw.ChatClient(MODEL, system="Be brief.")
        assert chat.run("Say hi.") == "hi"
        (call,) = chat.complete("Call f.").tool_calls
        assert (call.name, call.parsed_arguments) == ("f", {"x": 1})
        assert chat.run("Say it again.") == "again"
        f.assert_all_used()
    assert f.requests[0].messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hi."},
    ]


def test_every_attempt_is_a_request_without_a_delay(ask):
    with fake({"openai:*": [error(429), error(500), "third"]}) as f:
        client = tw.ChatClient(MODEL, max_retries=2)
        start = time.monotonic()
        reply = ask.complete(client, "hi")
        assert time.monotonic() - start < 0.5
    assert [attempt.status for attempt in reply.attempts] == [429, 500, 200]
    assert [(one.attempt, one.call) for one in f.requests] == [
        (number, f.requests[0].call) for number in (1, 2, 3)
    ]


def test_a_delay_that_the_provider_asks_for_is_kept():
    with fake({"openai:*": [error(429, retry_after=0.2), "hi"]}):
        reply = tw.ChatClient(MODEL).complete("hi")
    assert 0.2 <= reply.attempts[0].slept < 0.3


def test_errors_of_a_fake_leave_the_clients_retry_budget_alone(sim):
    sim.set_script({"rules": [{"times": 1, "then": {"error": {"status": 500}}}]})
    # Two retries after a 500 take 28 tokens.
    client = tw.ChatClient("m", base_url=sim.base_url, retry=tw.RetryPolicy(budget=30, first=0.001))
    for _ in range(3):
        with fake({"*": [error(500), error(500), "hi"]}):
            assert client.run("hi") == "hi"
        with fake({"*": error(500)}), pytest.raises(tw.LlmServerError) as raised:
            client.run("hi")
        assert len(raised.value.attempts) == 3
    assert len(client.complete("hi").attempts) == 2


def test_the_caller_gets_an_error(ask):
    busy = error(429, "Slow down.", code="busy", retry_after=200)
    with fake({"openai:*": busy}), pytest.raises(tw.LlmRateLimitError) as raised:
        ask.complete(tw.ChatClient(MODEL), "hi")
    problem = raised.value
    assert (problem.code, problem.retry_after, len(problem.attempts)) == ("busy", 200.0, 1)
    assert str(problem) == "openai:gpt-4o-mini: HTTP 429: Slow down."


def test_a_text_is_sent_unchanged_whatever_the_limits(ask):
    text = "one two three. four"
    with fake({"openai:*": text}) as f:
        client = tw.ChatClient(MODEL, max_tokens=1, stop=["."])
        whole = ask.complete(client, "hi")
        pieces, streamed = ask.read(client, "hi", view="text")
    assert (whole.text, whole.finish_reason) == (text, "stop")
    assert ("".join(pieces), streamed.finish_reason) == (text, "stop")
    assert [one.stream for one in f.requests] == [False, True]
    assert f.requests[0].params == {"max_completion_tokens": 1, "stop": ["."]}


def test_one_reply_may_have_a_text_and_several_tool_calls(ask):
    parts = ("Let me look.", tool_call("f", a=[1]), tool_call("g"))
    with fake({"openai:*": [parts, [tool_call("f"), tool_call("f")]]}):
        client = tw.ChatClient(MODEL)
        first, second = ask.complete(client, "hi"), ask.complete(client, "hi")
    assert (first.text, first.finish_reason) == ("Let me look.", "tool_calls")
    called = [(call.name, call.parsed_arguments) for call in first.tool_calls]
    assert called == [("f", {"a": [1]}), ("g", {})]
    assert [call.name for call in second.tool_calls] == ["f", "f"]
    assert len({call.id for call in second.tool_calls}) == 2


def test_usage_reasoning_and_finish_reason_come_from_the_reply(ask):
    answer = reply(
        "It is",
        finish_reason="length",
        reasoning="Hm.",
        usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
    )
    with fake({"openai:*": answer}):
        got = ask.complete(tw.ChatClient(MODEL), "hi")
    assert (got.text, got.finish_reason, got.reasoning) == ("It is", "length", "Hm.")
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (3, 4)


def test_a_stream_is_cut_where_the_reply_says(ask):
    with fake({"openai:*": cut("one two three", after_events=3)}):
        with pytest.raises(tw.LlmStreamInterruptedError) as raised:
            ask.run(tw.ChatClient(MODEL), "hi", stream=True)
        assert raised.value.partial is not None
        assert raised.value.partial.text == "one two"
        with pytest.raises(tw.LlmConnectionLostError):
            ask.run(tw.ChatClient(MODEL, max_retries=0), "hi")


def test_any_behaviour_of_the_simulator_is_a_reply(ask):
    stall = {"reply": {"text": "one two"}, "fault": {"kind": "stall", "at": {"events": 2}}}
    with fake({"openai:*": stall}), pytest.raises(tw.LlmStallTimeoutError) as raised:
        ask.run(tw.ChatClient(MODEL, timeout=0.1), "hi", stream=True)
    assert raised.value.partial is not None
    assert raised.value.partial.text == "one"


def test_a_function_answers_by_the_request(ask):
    def answer(request):
        last = request.messages[-1]["content"]
        return error(400, "No.") if last == "bad" else last.upper()

    with fake({"openai:*": answer}) as f:
        rows = ask.map(tw.ChatClient(MODEL), ["a", "bad", "c"], concurrency=3)
    assert [row.response and row.response.text for row in rows] == ["A", None, "C"]
    assert len(f.requests) == 3


def test_a_function_may_call_a_model():
    inner = tw.ChatClient("groq:x", api_key="sk-canary")
    with fake({"openai:*": lambda _: inner.run("2").upper(), "groq:*": "two"}) as f:
        assert tw.ChatClient(MODEL).run("1") == "TWO"
    assert [one.provider for one in f.requests] == ["openai", "groq"]


async def asynchronous(request: Any) -> str:
    return "hi"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _: 1 / 0, "raised ZeroDivisionError: division by zero"),
        (lambda _: None, "returned a wrong reply: a NoneType is not a reply"),
        (lambda _: {"reply": {"txt": ""}}, "unknown field `txt`"),
        (asynchronous, "is async; give a plain function"),
    ],
)
def test_the_caller_gets_the_error_of_a_function(ask, answer, said):
    with fake({"openai:*": answer}) as f, pytest.raises(tw.LlmConfigError) as raised:
        ask.complete(tw.ChatClient(MODEL), "hi")
    assert str(raised.value).startswith('fake: the function of "openai:*" ')
    assert said in str(raised.value)
    assert len(f.requests) == 1


def test_a_list_that_is_used_up_is_an_error_without_a_retry(call):
    with fake({"openai:*": ["one", "two"]}) as f:
        client = tw.ChatClient(MODEL)
        assert (call(client), call(client)) == ("one", "two")
        with pytest.raises(tw.LlmConfigError) as raised:
            call(client)
    assert str(raised.value) == (
        'the fake has no reply left for "openai:gpt-4o-mini": the list of "openai:*" has 2, and '
        "this is request 3; give more, or one reply without a list, which answers every request"
    )
    assert not raised.value.retryable
    assert len(f.requests) == 3


def test_a_model_without_a_rule_is_an_error_without_a_retry(call):
    with (
        fake({"openai:gpt-*": "hi", "vllm:*": "ho"}) as f,
        pytest.raises(tw.LlmConfigError) as raised,
    ):
        call(tw.ChatClient("groq:llama"))
    assert str(raised.value) == (
        'the fake has no rule for "groq:llama"; its patterns: "openai:gpt-*", "vllm:*"'
    )
    assert [(one.provider, one.model) for one in f.requests] == [("groq", "llama")]


def test_a_tool_call_cannot_answer_a_completion():
    llama = tw.CompletionClient("vllm:base")
    with fake({"vllm:*": tool_call("f")}), pytest.raises(tw.LlmConfigError) as raised:
        llama.run("hi")
    assert '"vllm:*" calls a tool, and "vllm:base" is a text completion' in str(raised.value)


def test_an_inner_fake_wins_and_leaves_the_rest_to_the_outer_one():
    with fake({"*": "outer"}) as outer:
        client = tw.ChatClient(MODEL)
        with fake({"openai:*": ["inner"]}) as inner:
            assert client.run("1") == "inner"
            assert tw.ChatClient("groq:x").run("2") == "outer"
            # A rule whose list is used up still matches.
            with pytest.raises(tw.LlmConfigError, match="no reply left"):
                client.run("3")
        assert client.run("4") == "outer"
    assert [one.messages[0]["content"] for one in inner.requests] == ["1", "3"]
    assert [one.messages[0]["content"] for one in outer.requests] == ["2", "4"]


def test_fakes_may_end_in_any_order():
    first, second = fake({"*": "first"}), fake({"openai:*": "second"})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    client = tw.ChatClient(MODEL)
    assert client.run("hi") == "second"
    with pytest.raises(tw.LlmConfigError, match="already active"), second:
        pass
    second.__exit__(None, None, None)
    second.__exit__(None, None, None)
    with pytest.raises(tw.LlmConfigError, match="OPENAI_API_KEY"):
        client.run("hi")


def test_all_threads_use_it_and_no_request_is_lost():
    texts: list[str] = []
    with fake({"openai:*": [str(number) for number in range(64)]}) as f:
        client = tw.ChatClient(MODEL)

        def ask_some():
            texts.extend(client.run("hi") for _ in range(8))

        threads = [threading.Thread(target=ask_some) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        f.assert_all_used()
    assert sorted(map(int, texts)) == list(range(64))
    assert len(f.requests) == 64


def test_a_stream_that_is_open_at_the_end_raises_and_does_not_hang():
    stalled = {"reply": {"text": "one two"}, "fault": {"kind": "stall", "at": {"events": 2}}}
    with fake({"openai:*": stalled}):
        stream = tw.ChatClient(MODEL).stream("hi")
        assert next(stream).text == ""
        assert next(stream).text == "one"
    with pytest.raises(tw.LlmStreamInterruptedError):
        next(stream)


def test_the_end_does_not_wait_for_a_function():
    asked, done = threading.Event(), threading.Event()

    def hang(_request):
        asked.set()
        done.wait(20)
        return "late"

    async def give_up():
        with fake({"openai:*": hang}):
            call = asyncio.ensure_future(tw.ChatClient(MODEL).run_async("hi"))
            await asyncio.to_thread(asked.wait, 10)
        return await asyncio.gather(call, return_exceptions=True)

    try:
        (outcome,) = asyncio.run(give_up())
    finally:
        done.set()
    assert isinstance(outcome, tw.LlmConnectionError)


def test_an_error_at_the_end_of_a_list_answers_further_attempts(call):
    rules = {"openai:*": ["hi", tw.testing.tool_call("f", x=1), tw.testing.error(429)]}
    with tw.testing.fake(rules) as f:
        chat = tw.ChatClient("openai:m", max_retries=2)
        assert chat.run("-") == "hi"
        assert chat.complete("-").tool_calls[0].parsed_arguments == {"x": 1}
        with pytest.raises(tw.LlmRateLimitError) as caught:
            call(chat)
        assert [request.attempt for request in f.requests] == [1, 1, 1, 2, 3]
        assert len(caught.value.attempts) == 3
        f.assert_all_used()
        with pytest.raises(tw.LlmConfigError, match="no reply left"):
            call(chat)
