"""Tests with llmock, which breaks calls on purpose and judges how the client handles it.

It judges by what it sees: attempts, their times, and whether a failed one was repeated. It cannot
see an exception. tokenwire never repeats a stream of which the caller has received some text: it
raises, and the caller decides. The callers here ask again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import urllib.request

import pytest

import tokenwire as tw

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "REAL_LLMOCK_ADDRESS" not in os.environ,
        reason="no llmock: `make test-real` installs and starts one",
    ),
]

PROMPT = "How are you today?"
CLEAN = "PASS  the client handled every injected fault correctly."


class Mock:
    """llmock's control API."""

    def __init__(self, address: str) -> None:
        self.address = address

    def _ask(self, method: str, path: str, body: object = None) -> str:
        request = urllib.request.Request(
            f"{self.address}/_llmock/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
        )
        with contextlib.closing(urllib.request.urlopen(request, timeout=10)) as reply:
            text: str = reply.read().decode()
            return text

    def reset(self) -> None:
        self._ask("POST", "reset")

    def script(self, *behaviours: dict[str, object]) -> None:
        self._ask("POST", "scenario", {"behaviors": behaviours})

    def pending(self) -> list[object]:
        pending: list[object] = json.loads(self._ask("GET", "scenario"))["pending"]
        return pending

    def statuses(self) -> list[int]:
        return [
            request["status"] for request in json.loads(self._ask("GET", "requests"))["requests"]
        ]

    def verdict(self) -> str:
        return self._ask("GET", "verdict?format=text")

    def findings(self) -> list[str]:
        return [finding["code"] for finding in json.loads(self._ask("GET", "verdict"))["findings"]]


@pytest.fixture
def mock():
    control = Mock(os.environ["REAL_LLMOCK_ADDRESS"])
    control.reset()
    yield control
    assert control.pending() == [], "a scripted fault never happened"


# By API: the path of its provider, and after how many events of a stream there is some text, but
# not all.
APIS = {
    "chat": ("/v1", 3),
    "responses": ("/v1", 6),
    "messages": ("/anthropic/v1", 5),
    "gemini": ("/gemini/v1beta", 2),
}
MODELS = {"messages": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}


@pytest.fixture(params=APIS)
def chat(mock, request):
    path, _ = APIS[request.param]
    model = MODELS.get(request.param, "gpt-4o-mini")
    base_url = f"{mock.address}{path}"
    return tw.ChatClient(model, base_url=base_url, api_key="sk-mock", api=request.param)


# Where the last event is, and what may be missing before it, differs between them.
only_chat = pytest.mark.parametrize("chat", ["chat"], indirect=True)


def fail(status, **fields):
    return {"type": "fail", "status": status, **fields}


def stream_fault(kind, **fields):
    return {"type": "stream_fault", "kind": kind, "match": {"stream": True}, **fields}


def some_text(chat):
    """Return after how many events of a stream there is some text, but not all."""
    _, events = APIS[chat.api]
    return events


def assert_clean(mock):
    """No error and no warning."""
    assert mock.findings() == []
    assert CLEAN in mock.verdict()


async def test_healthy_calls_of_every_kind(mock, chat):
    text = chat.run(PROMPT)
    assert text
    assert await chat.run_async(PROMPT) == text
    assert chat.run(PROMPT, stream=True) == await chat.run_async(PROMPT, stream=True) == text
    assert mock.statuses() == [200] * 4
    assert_clean(mock)


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_a_passing_failure_is_outlived(mock, chat, status, is_streamed):
    mock.script(fail(status))
    assert await chat.run_async(PROMPT, stream=is_streamed)
    assert mock.statuses() == [status, 200]
    assert_clean(mock)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_two_failures_in_a_row_are_outlived_with_growing_waits(mock, chat, is_streamed):
    mock.script(fail(503, times=2))
    assert chat.run(PROMPT, stream=is_streamed)
    assert mock.statuses() == [503, 503, 200]
    assert_clean(mock)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_retry_after_is_kept(mock, chat, is_streamed):
    mock.script(fail(429, retry_after=1, times=2))
    reply = chat.complete(PROMPT) if not is_streamed else streamed(chat)
    waits = [attempt.slept for attempt in reply.attempts]
    assert sum(wait >= 1.0 for wait in waits) == 2
    assert mock.statuses() == [429, 429, 200]
    assert_clean(mock)


def streamed(chat, **params):
    with chat.stream(PROMPT, **params) as stream:
        for _ in stream:
            pass
    return stream.response


def test_giving_up_comes_after_the_retries_and_says_what_happened(mock, chat):
    mock.script(fail(500, times=3))
    with pytest.raises(tw.LlmServerError) as caught:
        chat.run(PROMPT)
    assert [attempt.status for attempt in caught.value.attempts] == [500, 500, 500]
    assert_clean(mock)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, tw.LlmAPIError),
        (401, tw.LlmAuthenticationError),
        (403, tw.LlmAuthenticationError),
        (404, tw.LlmAPIError),
        (422, tw.LlmAPIError),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
async def test_what_no_retry_can_mend_is_not_retried(mock, chat, status, error, is_streamed):
    mock.script(fail(status))
    with pytest.raises(error) as caught:
        await chat.run_async(PROMPT, stream=is_streamed)
    assert caught.value.status_code == status
    assert mock.statuses() == [status]
    assert_clean(mock)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("truncate", tw.LlmStreamIncompleteError),
        ("disconnect", tw.LlmStreamInterruptedError),
        ("malformed", tw.LlmDecodeError),
    ],
)
async def test_a_broken_stream_is_an_error_with_what_came(mock, chat, kind, error, way):
    # It is long, so that a client that leaves at the fault leaves well before the end.
    whole = " ".join(f"word{number}" for number in range(60))
    mock.script(
        {"type": "reply", "text": whole, "times": 2},
        stream_fault(kind, after_chunks=some_text(chat)),
    )
    run = chat.run_async
    if way == "sync":

        async def run(prompt, **params):
            return chat.run(prompt, **params)

    with pytest.raises(error) as caught:
        await run(PROMPT, stream=True)
    partial = caught.value.partial.text
    assert partial
    assert whole.startswith(partial)
    assert len(partial) < len(whole)
    # llmock counts a call as a repetition only if the first one had ended, so wait for that.
    assert len(mock.statuses()) == 1
    # A caller who sees the error can act on it, and then the verdict is good.
    assert chat.run(PROMPT, stream=True) == whole
    assert_clean(mock)


def test_the_verdict_cannot_see_an_exception(mock, chat):
    mock.script(stream_fault("truncate", after_chunks=some_text(chat)))
    with pytest.raises(tw.LlmStreamIncompleteError):
        chat.run(PROMPT, stream=True)
    # It was not repeated, so llmock takes it as accepted. The caller knew: it got the error.
    assert mock.findings() == ["truncated_stream_accepted"]


@pytest.mark.parametrize("kind", ["truncate", "disconnect"])
def test_a_stream_that_broke_before_its_first_event_is_repeated(mock, chat, kind):
    mock.script(stream_fault(kind, after_chunks=0))
    assert chat.run(PROMPT, stream=True) == chat.run(PROMPT)
    assert len(mock.statuses()) == 3
    assert_clean(mock)


@only_chat
def test_every_place_before_the_finish_reason_is_noticed(mock, chat):
    whole, finish = chunks_before_the_finish(chat)
    mock.reset()
    for place in range(1, finish + 1):
        mock.script(stream_fault("truncate", after_chunks=place))
        with pytest.raises(tw.LlmStreamIncompleteError) as caught:
            chat.run(PROMPT, stream=True)
        assert caught.value.retryable
        assert chat.run(PROMPT, stream=True) == whole
    assert finish >= 5
    assert mock.statuses() == [200] * 2 * finish
    assert_clean(mock)


@only_chat
@pytest.mark.parametrize(("behind", "has_usage"), [(1, False), (2, True)])
def test_a_cut_behind_the_finish_reason_leaves_a_whole_reply(mock, chat, behind, has_usage):
    whole, finish = chunks_before_the_finish(chat)
    mock.reset()
    mock.script(stream_fault("truncate", after_chunks=finish + behind))
    reply = streamed(chat)
    assert (reply.text, reply.finish_reason, reply.usage is not None) == (whole, "stop", has_usage)
    # llmock expects `[DONE]`. tokenwire does not, because some servers never send it.
    assert mock.findings() == ["truncated_stream_accepted"]


def chunks_before_the_finish(chat):
    """Return the text, and the number of chunks before the one with the finish reason."""
    with chat.stream(PROMPT) as stream:
        chunks = list(stream)
    reasons = [chunk.finish_reason for chunk in chunks]
    return stream.response.text, reasons.index("stop")


@pytest.mark.parametrize(
    # How many events open the text, how many follow it before the last, and the last.
    ("chat", "before", "behind", "last"),
    [
        # Two events open the response and two the text; three close the text.
        pytest.param("responses", 4, 3, "response.completed", id="responses"),
        # The message, the block and a ping; the end of the block, and the reason.
        pytest.param("messages", 3, 2, "message_stop", id="messages"),
        # Only text; the last of it comes with the reason.
        pytest.param("gemini", 0, -1, "finishReason", id="gemini"),
    ],
    indirect=["chat"],
)
def test_every_place_before_the_terminal_event_is_noticed(mock, chat, before, behind, last):
    with chat.stream(PROMPT) as stream:
        words = [chunk.text for chunk in stream if chunk.text]
    whole = "".join(words)
    mock.reset()
    places = range(before + 1, before + len(words) + behind + 1)
    for place in places:
        mock.script(stream_fault("truncate", after_chunks=place))
        with pytest.raises(tw.LlmStreamIncompleteError, match=re.escape(last)) as caught:
            chat.run(PROMPT, stream=True)
        assert caught.value.partial is not None
        assert caught.value.partial.text == "".join(words[: place - before])
        assert chat.run(PROMPT, stream=True) == whole
    assert mock.statuses() == [200] * 2 * len(places)
    assert_clean(mock)


@pytest.mark.parametrize(
    ("chat", "place"),
    # In Messages, the start of a block is handed to the caller.
    [("responses", 1), ("responses", 2), ("responses", 3), ("messages", 1)],
    indirect=["chat"],
)
def test_a_stream_that_broke_before_its_text_is_repeated(mock, chat, place):
    mock.script(stream_fault("truncate", after_chunks=place))
    assert chat.run(PROMPT, stream=True) == chat.run(PROMPT)
    assert len(mock.statuses()) == 3
    assert_clean(mock)


def test_a_stall_ends_by_the_idle_limit(mock, chat):
    mock.script(stream_fault("stall", after_chunks=some_text(chat), stall_seconds=20))
    limit = tw.Timeout(idle=0.5)
    with pytest.raises(tw.LlmStallTimeoutError) as caught:
        streamed(chat, timeout=limit)
    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert chat.run(PROMPT, stream=True)
    assert_clean(mock)


def test_a_stall_that_ends_in_time_costs_nothing(mock, chat):
    mock.script(stream_fault("stall", after_chunks=2, stall_seconds=0.3))
    assert streamed(chat).text == chat.run(PROMPT)
    assert_clean(mock)


def test_a_slow_first_token_shows_in_the_timing(mock, chat):
    mock.script({"type": "slow_first_token", "seconds": 0.3})
    timing = streamed(chat).timing
    assert timing.first_token >= 0.3
    assert_clean(mock)


def test_a_slow_first_token_ends_by_its_limit(mock, chat):
    mock.script({"type": "slow_first_token", "seconds": 20})
    with pytest.raises((tw.LlmContentTimeoutError, tw.LlmFirstByteTimeoutError)):
        streamed(chat, timeout=tw.Timeout(first_token=0.3))
    assert_clean(mock)


def test_a_delay_of_the_whole_reply_ends_by_the_total_limit(mock, chat):
    mock.script({"type": "delay", "seconds": 20})
    with pytest.raises(tw.LlmDeadlineExceededError):
        chat.run(PROMPT, timeout=0.3)


def test_a_scripted_reply_with_tool_calls_whole_and_streamed(mock, chat):
    calls = [
        {"name": "get_weather", "arguments": {"city": "Paris"}},
        {"name": "get_time", "arguments": {"zone": "CET"}},
    ]
    mock.script({"type": "reply", "tool_calls": calls, "times": 2})
    expected = [("get_weather", {"city": "Paris"}), ("get_time", {"zone": "CET"})]
    for reply in (chat.complete(PROMPT), streamed(chat)):
        assert [(call.name, call.parsed_arguments) for call in reply.tool_calls] == expected
        assert reply.finish_reason == "tool_calls"
    assert_clean(mock)


def get_weather(city: str) -> str:
    """Say what the weather is."""
    return f"It rains in {city}."


@pytest.mark.parametrize("is_streamed", [False, True])
def test_arguments_that_are_no_json_are_an_error_when_read(mock, chat, is_streamed):
    if chat.api == "gemini" or (chat.api == "messages" and not is_streamed):
        pytest.skip("arguments that are whole are an object in this API")
    mock.script({"type": "tool_fault", "kind": "malformed_arguments"})
    params = {"tools": [get_weather]}
    reply = streamed(chat, **params) if is_streamed else chat.complete(PROMPT, **params)
    with pytest.raises(tw.LlmDecodeError):
        _ = reply.tool_calls[0].parsed_arguments
    assert reply.tool_calls[0].arguments
    assert_clean(mock)


def test_a_call_of_an_unknown_tool_comes_through_as_it_is(mock, chat):
    mock.script({"type": "tool_fault", "kind": "unknown_tool"})
    reply = chat.complete(PROMPT, tools=[get_weather])
    assert reply.tool_calls[0].name != "get_weather"
    assert_clean(mock)


def test_a_tool_loop_ends(mock, chat):
    talk = [{"role": "user", "content": "What is the weather in Paris?"}]
    reply = chat.complete(talk, tools=[get_weather])
    rounds = 0
    while reply.tool_calls:
        rounds += 1
        results = [call.result(get_weather(**call.parsed_arguments)) for call in reply.tool_calls]
        talk += [reply.message, *results]
        reply = chat.complete(talk, tools=[get_weather])
    assert (rounds, bool(reply.text)) == (1, True)
    assert_clean(mock)


async def test_hundreds_of_calls_under_sixty_faults_are_all_accounted_for(mock, chat):
    # All prompts differ, so that llmock can distinguish the calls.
    faults = [fail(503), fail(429, retry_after=0.2), fail(500)] * 20
    mock.script(*faults)
    client = chat.with_options(max_retries=4)
    prompts = [f"{PROMPT} {number}" for number in range(300)]
    rows = [row async for row in client.map_async(prompts, concurrency=32)]
    assert [(row.index, row.error) for row in rows] == [(index, None) for index in range(300)]
    assert sum(len(row.response.attempts) for row in rows) == 360
    assert sorted(mock.statuses()) == [200] * 300 + [429] * 20 + [500] * 20 + [503] * 20
    assert_clean(mock)
