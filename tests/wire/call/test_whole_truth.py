"""What a reply says is what the caller gets: once, whole, and back as it came."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

NAN = float("nan")
INFINITY = float("inf")


def replay(text: str, kind: str = "application/json") -> dict[str, Any]:
    return {"replay": {"text": text, "headers": {"content-type": kind}}}


def whole(choices: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return replay(json.dumps({"choices": choices, **fields}))


def streamed(events: list[dict[str, Any]], *, done: bool = True) -> dict[str, Any]:
    text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return replay(text + "data: [DONE]\n\n" * done, "text/event-stream")


def choice(**fields: Any) -> dict[str, Any]:
    return {"index": 0, "finish_reason": None, **fields}


def answers(sim: SimServer, *replies: dict[str, Any]) -> None:
    """Give these replies one after another, and the last one also to all later calls."""
    rules = [{"times": 1, "then": reply} for reply in replies[:-1]]
    sim.set_script({"rules": rules, "default": replies[-1]})


def chat_on(sim: SimServer, model: str = "m", **settings: Any) -> tw.ChatClient:
    settings = {"api_key": "k", "max_retries": 0, **settings}
    return tw.ChatClient(model, base_url=sim.base_url, **settings)


def test_a_token_in_two_fields_of_an_event_is_in_the_reply_once(
    sim: SimServer, ask: Asking
) -> None:
    def event(token: str, finish: str | None = None) -> dict[str, Any]:
        delta = {"token_id": 16, "role": "assistant", "content": token}
        return {"choices": [choice(text=token, delta=delta, finish_reason=finish)]}

    answers(sim, streamed([event("1"), event(","), event(" 2"), event("", "stop")]))
    assert ask.read(chat_on(sim, "together:m"), "q")[1].text == "1, 2"


CALL: dict[str, Any] = {
    "id": "c1",
    "type": "function",
    "function": {"name": "f", "arguments": "{}", "thought": {"n": 1}},
    "extra_content": {"google": {"thought_signature": "SIG"}},
    "flag": True,
}
CUSTOM = {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "print(1)"}, "x": [1]}
BUILTIN = {"id": "c3", "type": "builtin_function", "function": {"name": "h", "arguments": "{}"}}
CALLS = [CALL, CUSTOM, BUILTIN]
BLOCKS = [
    {"type": "text", "text": "a", "note": {"x": 1}},
    {"type": "text", "text": "b"},
    {"type": "refusal", "refusal": "no", "why": "w"},
    {
        "type": "thinking",
        "thinking": [{"type": "text", "text": "t"}, {"type": "reference", "reference_ids": [1]}],
        "closed": True,
    },
    {"type": "new", "new": {"y": [None, 1.5]}},
]


def answer_of_calls(streams: bool) -> dict[str, Any]:
    if not streams:
        message = {"role": "assistant", "content": None, "tool_calls": CALLS}
        return whole([choice(message=message, finish_reason="tool_calls")])
    header = [{**call, "index": index} for index, call in enumerate(CALLS)]
    return streamed(
        [
            {"choices": [choice(delta={"tool_calls": [header[0]]})]},
            {"choices": [choice(delta={"tool_calls": header[1:]})]},
            {"choices": [choice(delta={}, finish_reason="tool_calls")]},
        ]
    )


WAYS_TO_KEEP = {
    "the message": lambda message: message,
    "a copy": copy.deepcopy,
    "a pickle": lambda message: pickle.loads(pickle.dumps(message)),
    "JSON": lambda message: tw.LlmMessage.model_validate_json(message.model_dump_json()),
    "a dict": lambda message: tw.LlmMessage.model_validate(message.model_dump()),
}


@pytest.mark.parametrize("keep", WAYS_TO_KEEP)
@pytest.mark.parametrize("streams", [False, True])
def test_a_tool_call_goes_back_as_it_came(
    sim: SimServer, ask: Asking, streams: bool, keep: str
) -> None:
    answers(sim, answer_of_calls(streams), whole([choice(message={"content": "ok"})]))
    chat = chat_on(sim)
    reply = ask.read(chat, "q")[1] if streams else ask.complete(chat, "q")
    message = WAYS_TO_KEEP[keep](reply.message)
    results = [call.result("ok") for call in reply.tool_calls]
    ask.complete(chat, [{"role": "user", "content": "q"}, message, *results])
    assert sent(sim)[1]["messages"][1]["tool_calls"] == CALLS


def test_a_tool_call_by_itself_keeps_what_it_came_with(sim: SimServer, ask: Asking) -> None:
    answers(sim, answer_of_calls(False), whole([choice(message={"content": "ok"})]))
    chat = chat_on(sim)
    reply = ask.complete(chat, "q")
    call = reply.tool_calls[0]
    assert call.extra == {
        "function": {"thought": {"n": 1}},
        "extra_content": {"google": {"thought_signature": "SIG"}},
        "flag": True,
    }
    for same in (
        pickle.loads(pickle.dumps(call)),
        tw.ToolCall.from_dict(json.loads(json.dumps(call.to_dict()))),
        pickle.loads(pickle.dumps(reply)).tool_calls[0],
        tw.LlmResponse.from_dict(json.loads(json.dumps(reply.to_dict()))).tool_calls[0],
    ):
        assert (same, same.extra) == (call, call.extra)
    ask.complete(chat, [{"role": "user", "content": "q"}, tw.LlmMessage("assistant", [call])])
    assert sent(sim)[1]["messages"][1]["tool_calls"] == [CALL]


def test_what_a_call_came_with_goes_only_to_its_own_provider(sim: SimServer, ask: Asking) -> None:
    answers(sim, answer_of_calls(False), whole([choice(message={"content": "ok"})]))
    reply = ask.complete(chat_on(sim, "openrouter:m"), "q")
    other = ask.complete(chat_on(sim, "groq:m"), [reply.message])
    call = sent(sim)[1]["messages"][0]["tool_calls"][0]
    assert call == {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert "messages[0].content[0].extra" in other.dropped


@pytest.mark.parametrize("streams", [False, True])
def test_content_blocks_go_back_as_they_came(sim: SimServer, ask: Asking, streams: bool) -> None:
    message = {"role": "assistant", "content": BLOCKS}
    answer = whole([choice(message=message, finish_reason="stop")])
    if streams:
        events = [choice(delta={"content": [block]}) for block in BLOCKS]
        events.append(choice(delta={}, finish_reason="stop"))
        answer = streamed([{"choices": [event]} for event in events])
    answers(sim, answer, whole([choice(message={"content": "ok"})]))
    chat = chat_on(sim, "mistral:m")
    reply = ask.read(chat, "q")[1] if streams else ask.complete(chat, "q")
    assert (reply.text, reply.refusal, reply.reasoning) == ("ab", "no", "t")
    kept = pickle.loads(pickle.dumps(reply))
    ask.complete(chat, [kept.message])
    assert sent(sim)[1]["messages"][0]["content"] == BLOCKS


def test_audio_goes_back_by_its_id_and_with_what_we_do_not_know(
    sim: SimServer, ask: Asking
) -> None:
    audio = {
        "id": "a1",
        "data": "AAAA",
        "transcript": "hi",
        "expires_at": 1,
        "voice_state": {"s": 1},
    }
    answers(
        sim, whole([choice(message={"audio": audio})]), whole([choice(message={"content": "ok"})])
    )
    chat = chat_on(sim)
    ask.complete(chat, [ask.complete(chat, "q").message])
    assert sent(sim)[1]["messages"][0]["audio"] == {"id": "a1", "voice_state": {"s": 1}}


@pytest.mark.parametrize("streams", [False, True])
def test_calls_without_an_id_get_one_each_in_every_turn(
    sim: SimServer, ask: Asking, streams: bool
) -> None:
    calls = [
        {"index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"index": 1, "id": "", "function": {"name": "g", "arguments": "{}"}},
        {"index": 2, "id": None, "function": {"name": "f", "arguments": "{}"}},
    ]
    answer = whole([choice(message={"tool_calls": calls}, finish_reason="tool_calls")])
    if streams:
        events = [choice(delta={"tool_calls": calls}), choice(delta={}, finish_reason="tool_calls")]
        answer = streamed([{"choices": [event]} for event in events])
    answers(sim, answer)
    chat = chat_on(sim)
    messages: list[Any] = [{"role": "user", "content": "q"}]
    for _ in range(2):
        reply = ask.read(chat, messages)[1] if streams else ask.complete(chat, messages)
        messages += [reply.message, *[call.result("ok") for call in reply.tool_calls]]
    ask.complete(chat, messages)
    turns = sent(sim)[-1]["messages"]
    ids = [call["id"] for turn in turns for call in turn.get("tool_calls", ())]
    assert all(ids)
    assert len(set(ids)) == len(ids) == 6
    assert [turn["tool_call_id"] for turn in turns if turn["role"] == "tool"] == ids


def test_a_made_up_id_is_the_same_in_all_that_a_stream_gives(sim: SimServer) -> None:
    call = {"index": 0, "function": {"name": "f", "arguments": "{}"}}
    events = [choice(delta={"tool_calls": [call]}), choice(delta={}, finish_reason="tool_calls")]
    answers(sim, streamed([{"choices": [event]} for event in events]))
    with chat_on(sim).stream("q") as stream:
        seen = list(stream.events())
    done = [event.call.id for event in seen if isinstance(event, tw.ToolCallDone)]
    pieces = [event.fragment.id for event in seen if isinstance(event, tw.ToolCallDelta)]
    assert done == [piece for piece in pieces if piece]
    assert done == [call.id for call in stream.response.tool_calls]
    assert None not in done


def test_numbers_that_json_lacks_are_read_and_never_sent(sim: SimServer, ask: Asking) -> None:
    top = [{"token": "#", "logprob": -INFINITY, "bytes": None}, {"token": "!", "logprob": NAN}]
    token = {"token": "No", "logprob": -INFINITY, "bytes": None, "top_logprobs": top}
    call = {
        **CALL,
        "score": NAN,
        "function": {"name": "f", "arguments": '{"x": NaN}', "p": -INFINITY},
    }
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "No", "score": NAN}, {"type": "new", "p": [INFINITY]}],
        "tool_calls": [call],
        "scores": {"a": NAN, "b": "NaN"},
    }
    logprobs = {"content": [token]}
    fields = {"perf": {"speed": NAN}, "created": NAN, "usage": {"prompt_tokens": NAN, "cost": NAN}}
    answer = choice(message=message, logprobs=logprobs, finish_reason="tool_calls", score=NAN)
    answers(sim, whole([answer], **fields), whole([choice(message={"content": "ok"})]))
    chat = chat_on(sim)
    reply = ask.complete(chat, "q")
    assert reply.text == "No"
    assert reply.raw is not None
    assert b"NaN" in reply.raw
    assert reply.logprobs is not None
    assert reply.logprobs[0].logprob == reply.logprobs[0].top[0][1] == -INFINITY
    assert reply.tool_calls[0].arguments == '{"x": NaN}'
    for same in (
        pickle.loads(pickle.dumps(reply)),
        tw.LlmResponse.from_dict(json.loads(json.dumps(reply.to_dict(), allow_nan=False))),
        tw.TokenLogprob.from_dict(
            json.loads(json.dumps(reply.logprobs[0].to_dict(), allow_nan=False))
        ),
    ):
        tokens = getattr(same, "logprobs", None) or [same]
        assert tokens[0].logprob == tokens[0].top[0][1] == -INFINITY
    json.dumps(reply.choices[0].to_dict(), allow_nan=False)
    ask.complete(chat, [reply.message])
    (back,) = sent(sim)[1]["messages"]
    assert back["scores"] == {"a": None, "b": "NaN"}
    assert back["content"][1] == {"type": "new", "p": [None]}
    assert back["tool_calls"][0]["function"]["arguments"] == '{"x": NaN}'
    assert json.loads(reply.message.model_dump_json())["content"]


def test_numbers_that_json_lacks_do_not_end_a_stream(sim: SimServer, ask: Asking) -> None:
    token = {"token": "No", "logprob": NAN, "top_logprobs": [{"token": "#", "logprob": -INFINITY}]}
    events: list[dict[str, Any]] = [
        {"choices": [choice(delta={"content": "No"}, logprobs={"content": [token]})], "speed": NAN},
        {"choices": [choice(delta={}, finish_reason="stop")]},
    ]
    answers(sim, streamed(events))
    _, reply = ask.read(chat_on(sim), "q")
    assert reply.text == "No"
    assert reply.logprobs is not None
    assert reply.logprobs[0].top[0][1] == -INFINITY


def test_an_error_with_a_number_that_json_lacks_says_its_message(
    sim: SimServer, ask: Asking
) -> None:
    body = json.dumps({"error": {"message": "the model broke", "code": 503, "loss": NAN}})
    answers(sim, replay(body))
    with pytest.raises(tw.LlmServerError, match="the model broke"):
        ask.complete(chat_on(sim), "q")


def test_the_inference_id_names_the_request(sim: SimServer) -> None:
    reply = whole([choice(message={"content": "hi"}, finish_reason="stop")])
    reply["replay"]["headers"]["inference-id"] = "inf-7"
    answers(sim, reply)
    assert chat_on(sim).complete("q").request_id == "inf-7"
