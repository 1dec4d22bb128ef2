"""A fake answers and records alike in each API."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel

import tokenwire as tw
from tokenwire.testing import cut, error, fake, reply, tool_call
from tokenwire.types import (
    ImagePart,
    LlmMessage,
    ReasoningPart,
    TextPart,
    ToolCallPart,
    ToolResult,
)

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import FakeRequest

MODEL = "openai:gpt-4o-mini"
MODELS = {
    "chat": MODEL,
    "responses": MODEL,
    "messages": "anthropic:claude-opus-4-5",
    "gemini": "google:gemini-2.5-flash",
}
APIS = tuple(MODELS)


def client_of(api: str, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient(MODELS[api], api=api, **settings)


class City(BaseModel):
    name: str


def weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


CALLS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "limits": {"max_tokens": 5, "temperature": 0.5},
    "tools": {"tools": [weather], "tool_choice": "required"},
    "a tool": {
        "tools": [weather],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    },
}
# What Gemini has no place for.
OF_MOST: dict[str, dict[str, Any]] = {
    "one tool": {"tools": [weather], "tool_choice": "required", "parallel_tool_calls": False},
    "a user": {"user": "u"},
}
# What Messages has no place for, either.
OF_OPENAI: dict[str, dict[str, Any]] = {
    "a limit of probability": {"top_p": 0.25, "temperature": 0.5},
    "log probabilities": {"logprobs": 2},
    "JSON": {"response_format": {"type": "json_object"}},
    "labels": {"metadata": {"a": "b"}, "user": "u"},
}


def read(request: FakeRequest) -> dict[str, Any]:
    """What a test looks at. The ids of calls differ, and Gemini may have none."""
    assert request.model == MODELS[request.api].partition(":")[2]
    names = ("messages", "prompt", "params", "tools", "text", "stream", "attempt")
    seen = {name: getattr(request, name) for name in names}
    text = re.sub(r'("id"|"tool_call_id"): ("(call|toolu)_\w+"|null)', r'\1: "…"', json.dumps(seen))
    read: dict[str, Any] = json.loads(text)
    return read


def requests_of(ask: Asking, api: str, *calls: dict[str, Any]) -> list[dict[str, Any]]:
    """What a fake records of a conversation with a tool, for each of the calls."""
    turns = [tool_call("weather", city="Paris"), "It rains."]
    with fake({"*": turns * len(calls)}) as f:
        client = client_of(api, system="Be brief.")
        for settings in calls:
            picture = ImagePart(url="https://example.com/a.png")
            messages = [LlmMessage("user", [TextPart("What is it like?"), picture])]
            first = ask.complete(client, messages, **settings)
            messages.append(first.message)
            messages += [call.result(weather("Paris")) for call in first.tool_calls]
            messages += [LlmMessage("assistant", "It rains."), LlmMessage("user", "Really?")]
            ask.complete(client, messages, **settings)
    assert {request.api for request in f.requests} == {api}
    seen = [read(request) for request in f.requests]
    if api == "messages" and not any("max_tokens" in settings for settings in calls):
        # The API demands a limit, so the client adds one.
        limits = [request["params"].pop("max_completion_tokens") for request in seen]
        assert min(limits) >= 4096
    return seen


@pytest.mark.parametrize("name", CALLS)
def test_a_request_reads_alike(ask: Asking, name: str) -> None:
    of_chat, *others = (requests_of(ask, api, CALLS[name]) for api in APIS)
    assert others == [of_chat] * len(others)
    assert [request["text"] for request in of_chat] == ["What is it like?", "Really?"]


@pytest.mark.parametrize("name", OF_MOST)
def test_a_request_reads_alike_in_most_apis(ask: Asking, name: str) -> None:
    of_chat, *others = (requests_of(ask, api, OF_MOST[name]) for api in APIS[:3])
    assert others == [of_chat] * len(others)


@pytest.mark.parametrize("name", OF_OPENAI)
def test_a_request_to_openai_reads_alike(ask: Asking, name: str) -> None:
    of_chat, of_responses = (requests_of(ask, api, OF_OPENAI[name]) for api in APIS[:2])
    assert of_responses == of_chat


def test_a_typed_answer_and_a_stream_read_alike() -> None:
    seen = []
    for api in APIS:
        with fake({"*": ['{"name": "Paris"}', "hi"]}) as f:
            client = client_of(api)
            assert client.parse(City, "Which city?").name == "Paris"
            assert client.run("hi", stream=True) == "hi"
        seen.append([read(request) for request in f.requests])
    assert seen[0] == seen[1]
    assert [request["stream"] for request in seen[0]] == [False, True]
    # Messages has no name for a schema, and a form of its own.
    of_chat, of_messages = ([request.pop("params") for request in seen[at]] for at in (0, 2))
    assert seen[0] == seen[2]
    schemas = [params[0]["response_format"]["json_schema"] for params in (of_chat, of_messages)]
    assert schemas[0]["schema"]["required"] == schemas[1]["schema"]["required"] == ["name"]


REPLIES: dict[str, Any] = {
    "a text": "It is blue.",
    "no text": "",
    "a call": tool_call("weather", city="Paris"),
    "a text and calls": ("Let me look.", tool_call("weather", city="Paris"), tool_call("time")),
    "reasoning": reply("It is blue.", reasoning="Rayleigh scattered it."),
    "a cut text": reply("It is", finish_reason="length"),
    "usage": reply("hi", usage={"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
    "no usage": reply("hi", usage={}),
}


# Messages and Gemini have one word for both, and the reason in the details.
REFUSALS: dict[str, Any] = {
    "a refusal": {"reply": {"refusal": "I will not."}},
    "a filtered text": reply("It is", finish_reason="content_filter"),
}


def got(response: tw.LlmResponse) -> dict[str, Any]:
    usage = response.usage
    counts = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {
        "text": response.text,
        "reasoning": response.reasoning,
        "refusal": response.refusal,
        "calls": [(call.name, call.parsed_arguments) for call in response.tool_calls],
        "finish_reason": response.finish_reason,
        "usage": usage and [getattr(usage, name) for name in counts],
    }


def outcomes_of(ask: Asking, name: str, api: str, answer: Any) -> list[dict[str, Any]]:
    """What comes of the reply, whole and streamed."""
    with fake({"*": answer}):
        client = client_of(api)
        whole = got(ask.complete(client, "hi"))
        _, streamed = ask.read(client, "hi")
    outcomes = [{**whole, "usage": whole["usage"] if "usage" in name else None}]
    if name not in ("usage", "no usage"):
        # A stream of chat has its usage only if it is asked for.
        outcomes.append({**got(streamed), "usage": None})
    return outcomes


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_comes_out_alike(ask: Asking, name: str) -> None:
    of_chat, *others = (outcomes_of(ask, name, api, REPLIES[name]) for api in APIS)
    assert others == [of_chat] * len(others)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_comes_out_alike(ask: Asking, name: str) -> None:
    of_chat, of_responses, of_messages, of_gemini = (
        outcomes_of(ask, name, api, REFUSALS[name]) for api in APIS
    )
    assert of_responses == of_chat
    blocked = {"refusal": None, "finish_reason": "content_filter"}
    assert of_gemini == [{**outcome, **blocked} for outcome in of_chat]
    kept = {"refusal": None, "finish_reason": "refusal"}
    assert of_messages == [{**outcome, **kept} for outcome in of_chat]


@pytest.mark.parametrize(
    ("api", "field"), [("messages", "explanation"), ("gemini", "blockReasonMessage")]
)
def test_the_reason_of_a_refusal_is_in_the_details(ask: Asking, api: str, field: str) -> None:
    with fake({"*": REFUSALS["a refusal"]}):
        details = ask.complete(client_of(api), "hi").stop_details
    assert details is not None
    assert details[field] == "I will not."


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_an_error_is_the_same(ask: Asking, status: int) -> None:
    problems = []
    for api in APIS:
        answer = error(status, "No.", code="because", type="kind")
        with fake({"*": answer}), pytest.raises(tw.LlmError) as raised:
            ask.complete(client_of(api, max_retries=0), "hi")
        # The text of a 404 says what was asked for, which differs, as does the provider.
        text = str(raised.value).partition(" (asked for")[0].partition(": ")[2]
        problems.append((type(raised.value), text, raised.value.retryable))
    assert problems == problems[:1] * len(APIS)


def test_a_stream_is_cut_at_the_same_place(ask: Asking) -> None:
    for api in APIS:
        with fake({"*": cut("one two three", after_events=3)}):
            with pytest.raises(tw.LlmStreamInterruptedError) as raised:
                ask.run(client_of(api), "hi", stream=True)
            assert raised.value.partial is not None
            assert raised.value.partial.text == "one two"
            with pytest.raises(tw.LlmConnectionLostError):
                ask.run(client_of(api, max_retries=0), "hi")


# What goes wrong, and what a stream of "one two three" then ends with.
FAULTS: dict[str, tuple[dict[str, Any], type[tw.LlmError] | None, str]] = {
    "cut": ({"kind": "close", "at": {"events": 3}}, tw.LlmStreamInterruptedError, "one two"),
    "reset": ({"kind": "reset", "at": {"events": 2}}, tw.LlmStreamInterruptedError, "one"),
    "no terminator": ({"kind": "no_terminator"}, None, "one two three"),
    "bad chunk": (
        {"kind": "bad_chunk_size", "at": {"events": 3}},
        tw.LlmStreamInterruptedError,
        "one two",
    ),
    "silence": ({"kind": "stall", "at": {"events": 3}}, tw.LlmStallTimeoutError, "one two"),
    "an error": (
        {"kind": "error_event", "at": {"events": 3}, "done": True},
        tw.LlmStreamServerError,
        "one two",
    ),
    "a named error": (
        {"kind": "error_event", "at": {"events": 3}, "named": True},
        tw.LlmStreamServerError,
        "one two",
    ),
    "no end": (
        {"kind": "drop_done", "before_finish": True},
        tw.LlmStreamIncompleteError,
        "one two three",
    ),
    "late events": ({"kind": "after_done", "events": 2}, None, "one two three"),
    "comments": (
        {"kind": "comments", "at": {"events": 2}, "interval_ms": 1, "count": 3},
        None,
        "one two three",
    ),
    "HTML": ({"kind": "html"}, tw.LlmUnexpectedContentError, ""),
    "a head in portions": (
        {"kind": "slow_head", "bytes": 30, "interval_ms": 1},
        None,
        "one two three",
    ),
}


# A stream of Gemini has no mark at its end but that of the body.
OF_GEMINI: dict[str, tuple[type[tw.LlmError] | None, str]] = {
    "no terminator": (tw.LlmStreamInterruptedError, "one two three"),
    "late events": (None, "one two three late late"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("api", APIS)
def test_what_goes_wrong_ends_alike(ask: Asking, api: str, name: str) -> None:
    fault, expected, text = FAULTS[name]
    if api == "gemini" and name in OF_GEMINI:
        expected, text = OF_GEMINI[name]
    answer = {"reply": {"text": "one two three"}, "fault": fault}
    with fake({"*": answer}):
        client = client_of(api, max_retries=0, timeout=0.5)
        try:
            got, problem = ask.run(client, "hi", stream=True), None
        except tw.LlmError as error:
            got, problem = (error.partial.text if error.partial else ""), type(error)
    assert (problem, got) == (expected, text)


def test_an_event_that_is_sent_twice_counts_once_in_responses(ask: Asking) -> None:
    answer = {"reply": {"text": "one two three"}, "fault": {"kind": "repeat", "events": 9}}
    with fake({"openai:*": answer}):
        assert ask.run(tw.ChatClient(MODEL, api="responses"), "hi", stream=True) == "one two three"


@pytest.mark.parametrize(("api", "last"), [("responses", "response.completed")])
def test_a_stream_without_its_last_event_is_incomplete(ask: Asking, api: str, last: str) -> None:
    answer = {"reply": {"text": "one two"}, "fault": {"kind": "drop_done"}}
    with fake({"*": answer}), pytest.raises(tw.LlmStreamIncompleteError) as raised:
        ask.run(client_of(api), "hi", stream=True)
    assert raised.value.partial is not None
    assert raised.value.partial.text == "one two"
    assert last in str(raised.value)


def test_the_api_of_a_model_is_the_one_that_it_needs(ask: Asking) -> None:
    """A fake sees what would have been sent, and chat refuses what the real one refuses."""
    with fake({"openai:*": "It rains."}) as f:
        newer = tw.ChatClient("openai:gpt-5.6")
        assert ask.complete(newer, "hi", tools=[weather]).text == "It rains."
        with pytest.raises(tw.LlmAPIError, match="/v1/responses"):
            ask.complete(tw.ChatClient("openai:gpt-5.6", api="chat"), "hi", tools=[weather])
    assert [request.api for request in f.requests] == ["responses", "chat"]


def saved(provider: str, *ids: str, **reasoning: Any) -> list[LlmMessage]:
    """A conversation that another server than the simulator answered, with one call."""
    own: dict[str, Any] = {"provider": provider, "api": "responses"}
    thought = ReasoningPart("Hm.", item={"id": ids[0]}, **reasoning, **own)
    said = TextPart("Let me look.", item={"id": ids[1]}, **own)
    call = ToolCallPart("call_1", "weather", "{}", {"item": {"id": ids[2]}}, **own)
    result = LlmMessage("tool", [ToolResult("call_1", "It rains.")])
    return [LlmMessage("user", "hi"), LlmMessage("assistant", [thought, said, call]), result]


def test_a_saved_conversation_of_a_real_server_is_answered(ask: Asking) -> None:
    sealed = {"field": "summary", "signature": "gAAAAABm-of-a-real-server"}
    encrypted = saved("openai", "rs_1", "msg_1", "fc_1", **sealed)
    shown = saved("vllm", "9f-0", "9f-1", "9f-2", field="content")
    with fake({"*": "It rains."}) as f:
        assert ask.run(tw.ChatClient("openai:gpt-5.6"), encrypted) == "It rains."
        assert ask.run(tw.ChatClient("vllm:m", api="responses"), shown) == "It rains."
    assert [request.body["input"][1]["type"] for request in f.requests] == ["reasoning"] * 2


@pytest.mark.parametrize("name", ["azure:gpt-5.6", "openai:gpt-5.6", "gpt-5.6"])
def test_a_fake_refuses_no_tools_in_chat(ask: Asking, name: str) -> None:
    at = "https://gateway.example/v1"
    client = tw.ChatClient(name, base_url=at, api="chat")
    with fake({"*": "It rains."}):
        assert ask.complete(client, "hi", tools=[weather]).text == "It rains."


def test_a_fake_takes_what_only_one_server_knows(ask: Asking) -> None:
    client = tw.ChatClient("vllm:gpt-4o-like", api="responses")
    more = {"seed": 1, "stop": ["x"], "messages": []}
    with fake({"*": "It rains."}):
        reply = ask.complete(client, "hi", extra_body=more, reasoning_effort="low")
        assert reply.text == "It rains."
