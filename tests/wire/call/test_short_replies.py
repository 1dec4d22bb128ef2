"""A reply that is not whole never passes for one, however it ends and however it is read."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent
from tests.wire.call.test_whole_truth import answers, choice, replay, streamed, whole

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

HALF = "half an ans"
ERROR = {"code": 502, "message": "Upstream died"}
WORDS = ["error", "abort", "insufficient_system_resource", "network_error", "ERROR"]


def message_of(delta: dict[str, Any], *, text: bool) -> dict[str, Any]:
    return {"text": delta.get("content", "")} if text else {"delta": delta}


def failing(streams: bool, *, text: bool = False, **end: Any) -> dict[str, Any]:
    """A reply with half its text, whose choice ends with these fields."""
    if not streams:
        said = {"text": HALF} if text else {"message": {"role": "assistant", "content": HALF}}
        return whole([choice(**said, **end)])
    return streamed(
        [
            {"choices": [choice(**message_of({"content": HALF}, text=text))]},
            {"choices": [choice(**message_of({"content": ""}, text=text), **end)]},
        ]
    )


def client_of(kind: type, sim: SimServer, **settings: Any) -> Any:
    return kind("m", base_url=sim.base_url, api_key="k", **{"max_retries": 0, **settings})


def events(stream: tw.LlmStream) -> None:
    with stream:
        list(stream.events())


def chunks(stream: tw.LlmStream) -> None:
    with stream:
        list(stream)


WAYS_TO_READ: dict[str, Callable[[Any], object]] = {
    "complete": lambda client: client.complete("q"),
    "run": lambda client: client.run("q"),
    "run, streamed": lambda client: client.run("q", stream=True),
    "parse": lambda client: client.parse(dict, "q"),
    "events": lambda client: events(client.stream("q")),
    "chunks": lambda client: chunks(client.stream("q")),
}


@pytest.mark.parametrize("way", WAYS_TO_READ)
@pytest.mark.parametrize("kind", [tw.ChatClient, tw.CompletionClient])
@pytest.mark.parametrize("end", [{"finish_reason": word} for word in WORDS] + [{"error": ERROR}])
def test_a_choice_that_failed_is_an_error_with_what_came(
    sim: SimServer, way: str, kind: type, end: dict[str, Any]
) -> None:
    if kind is tw.CompletionClient and way == "parse":
        pytest.skip("text completions have no typed output")
    text = kind is tw.CompletionClient
    both = {"rules": [{"match": {"stream": True}, "then": failing(True, text=text, **end)}]}
    sim.set_script({**both, "default": failing(False, text=text, **end)})
    with pytest.raises(
        tw.LlmError, match="Upstream died" if "error" in end else "finish_reason"
    ) as caught:
        WAYS_TO_READ[way](client_of(kind, sim))
    assert isinstance(caught.value, (tw.LlmServerError, tw.LlmStreamServerError))
    assert caught.value.partial is not None
    assert caught.value.partial.text == HALF


def test_a_stream_gives_its_text_before_the_failure(sim: SimServer, ask: Asking) -> None:
    answers(sim, failing(True, finish_reason="error", error=ERROR))
    seen = []

    def read_all() -> None:
        with client_of(tw.ChatClient, sim).stream("q") as stream:
            for chunk in stream:
                seen.append(chunk.text)  # noqa: PERF401 - an error ends it

    with pytest.raises(tw.LlmStreamServerError):
        read_all()
    assert "".join(seen) == HALF


def test_usage_after_a_failure_is_in_the_partial_reply(sim: SimServer, ask: Asking) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    events: list[dict[str, Any]] = [
        {"choices": [choice(delta={"content": HALF})]},
        {"choices": [choice(delta={}, finish_reason="error")]},
        {"choices": [], "usage": usage},
    ]
    answers(sim, streamed(events))
    with pytest.raises(tw.LlmStreamServerError) as caught:
        ask.read(client_of(tw.ChatClient, sim), "q")
    assert caught.value.partial is not None
    assert caught.value.partial.usage is not None
    assert caught.value.partial.usage.completion_tokens == 2


@pytest.mark.parametrize("where", ["top", "choice"])
@pytest.mark.parametrize("streams", [False, True])
def test_an_error_beside_text_keeps_the_text(
    sim: SimServer, ask: Asking, where: str, streams: bool
) -> None:
    said = {"delta" if streams else "message": {"content": HALF}}
    body: dict[str, Any] = {"choices": [choice(**said, finish_reason="error", error=ERROR)]}
    if where == "top":
        body = {"choices": [choice(**said, finish_reason="error")], "error": ERROR}
    answers(sim, streamed([body]) if streams else replay(json.dumps(body)))
    chat = client_of(tw.ChatClient, sim)
    with pytest.raises(tw.LlmError, match="Upstream died") as caught:
        ask.read(chat, "q") if streams else ask.complete(chat, "q")
    assert caught.value.partial is not None
    assert caught.value.partial.text == HALF


@pytest.mark.parametrize("streams", [False, True])
def test_a_failure_is_tried_again_while_nothing_was_given_out(
    sim: SimServer, ask: Asking, streams: bool
) -> None:
    said = {"delta" if streams else "message": {"content": ""}}
    body = [choice(**said, finish_reason="error", error=ERROR)]
    bad = streamed([{"choices": body}]) if streams else whole(body)
    good = failing(streams, finish_reason="stop")
    answers(sim, bad, good)
    retry = tw.RetryPolicy(first=0.001)
    chat = client_of(tw.ChatClient, sim, max_retries=None, retry=retry)
    reply = ask.read(chat, "q")[1] if streams else ask.complete(chat, "q")
    assert (reply.text, len(sent(sim))) == (HALF, 2)
    assert [attempt.error for attempt in reply.attempts] == ["server", None]


def test_a_choice_that_never_comes_makes_a_stream_without_a_mark_incomplete(
    sim: SimServer, ask: Asking
) -> None:
    one = [
        {"choices": [choice(delta={"content": "a"})]},
        {"choices": [choice(delta={}, finish_reason="stop")]},
    ]
    answers(sim, streamed(one, done=False))
    chat = client_of(tw.ChatClient, sim)
    assert ask.read(chat, "q")[1].text == "a"
    for two in ({"n": 2}, {"extra_body": {"n": 2}}):
        with pytest.raises(tw.LlmStreamIncompleteError, match="2 choices were asked") as caught:
            ask.read(chat, "q", **two)
        assert caught.value.partial is not None
        assert caught.value.partial.text == "a"


def test_a_server_may_ignore_the_number_of_choices(sim: SimServer, ask: Asking) -> None:
    # OpenRouter does, and ends its streams with [DONE].
    chat = client_of(tw.ChatClient, sim)
    answers(sim, whole([choice(message={"content": "a"}, finish_reason="stop")]))
    assert ask.complete(chat, "q", n=2).text == "a"
    answers(sim, streamed([{"choices": [choice(delta={"content": "a"}, finish_reason="stop")]}]))
    assert ask.read(chat, "q", n=2)[1].text == "a"


@pytest.mark.parametrize(
    ("prompt", "n", "asked"),
    [(["a", "b"], 1, 2), ([[1], [2], [3]], 2, 6), ([1, 2, 3], 1, 1), ("a", 2, 2), (["a"], 1, 1)],
)
def test_each_prompt_of_a_list_has_its_choices(
    sim: SimServer, ask: Asking, prompt: Any, n: int, asked: int
) -> None:
    client = client_of(tw.CompletionClient, sim)
    choices = [choice(index=at, text="t", finish_reason="stop") for at in range(asked)]
    answers(sim, whole(choices))
    assert len(ask.complete(client, prompt, n=n).choices) == asked
    answers(sim, whole(choices[1:]) if asked > 1 else whole([]))
    with pytest.raises(tw.LlmUnexpectedContentError):
        ask.complete(client, prompt, n=n)


@pytest.mark.parametrize("message", [{}, {"message": None}, {"delta": None}])
def test_a_choice_without_a_message_is_no_reply(
    sim: SimServer, ask: Asking, message: dict[str, Any]
) -> None:
    answers(sim, whole([choice(**message, finish_reason="stop")]))
    with pytest.raises(tw.LlmUnexpectedContentError, match="no message"):
        ask.complete(client_of(tw.ChatClient, sim), "q")


def test_a_stream_that_only_begins_is_incomplete_in_spite_of_its_mark(
    sim: SimServer, ask: Asking
) -> None:
    answers(sim, streamed([{"choices": [choice(delta={"role": "assistant"})]}]))
    with pytest.raises(tw.LlmStreamIncompleteError, match="choice 0 had not finished"):
        ask.read(client_of(tw.ChatClient, sim), "q")
    # With text the mark is enough: some servers give no reason.
    answers(sim, streamed([{"choices": [choice(delta={"content": "a"})]}]))
    assert ask.read(client_of(tw.ChatClient, sim), "q")[1].text == "a"


def test_the_token_limit_is_no_failure(sim: SimServer, ask: Asking) -> None:
    for word in ("length", "max_tokens", "model_length", "MAX_TOKENS"):
        answers(sim, failing(False, finish_reason=word))
        assert ask.complete(client_of(tw.ChatClient, sim), "q").finish_reason == "length"


def test_a_failure_is_in_its_row_of_a_map_and_in_the_call_event(
    sim: SimServer, calls_seen: list[tw.CallEvent]
) -> None:
    answers(sim, failing(False, finish_reason="error"))
    (row,) = client_of(tw.ChatClient, sim).map(["q"], concurrency=1)
    assert isinstance(row.error, tw.LlmServerError)
    (event,) = calls_seen
    assert event.error is not None


@pytest.fixture
def calls_seen() -> Iterator[list[tw.CallEvent]]:
    seen: list[tw.CallEvent] = []
    stop = tw.on_call(seen.append)
    yield seen
    stop()


@pytest.mark.parametrize("word", ["error", "abort"])
def test_the_command_line_says_that_a_reply_was_cut_off(sim: SimServer, word: str) -> None:
    answers(sim, failing(True, finish_reason=word))
    command = [
        sys.executable,
        "-m",
        "tokenwire",
        "run",
        "-m",
        "m",
        "--base-url",
        sim.base_url,
        "hi",
    ]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (3, HALF)
    assert word in done.stderr
