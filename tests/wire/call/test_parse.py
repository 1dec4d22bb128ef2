"""Typed output: `parse`, `response_format=`, `.parsed`, and asking again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest
from pydantic import BaseModel
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


class Answer(BaseModel):
    """A caller's pydantic model."""

    text: str
    score: int


@dataclass
class Point:
    """A caller's dataclass."""

    x: int
    y: int


ANSWER_FORMAT = {
    "type": "json_schema",
    "json_schema": {
        "name": "Answer",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"text": {"type": "string"}, "score": {"type": "integer"}},
            "required": ["text", "score"],
            "additionalProperties": False,
        },
    },
}


def chat_on(sim: SimServer) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url)


def answers(sim: SimServer, *texts: str) -> None:
    """Answer with each text once, in order, and then always with the last one."""
    rules = [{"times": 1, "then": {"reply": {"text": text}}} for text in texts]
    sim.set_script({"rules": rules, "default": {"reply": {"text": texts[-1]}}})


def untitled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: untitled(item)
            for key, item in value.items()
            if not (key in ("title", "description") and isinstance(item, str))
        }
    return value


def test_a_model_is_asked_for_and_read(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"text": "blue", "score": 7}')
    assert ask.parse(chat_on(sim), Answer, "-") == Answer(text="blue", score=7)
    assert untitled(sent(sim)[0]["response_format"]) == ANSWER_FORMAT


def test_a_dataclass_is_asked_for_and_read(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"x": 1, "y": 2}')
    assert ask.parse(chat_on(sim), Point, "-") == Point(1, 2)


def test_a_list_is_asked_for_within_an_object(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"value": [1, 2]}', "[3]")
    assert ask.parse(chat_on(sim), list[int], "-") == [1, 2]
    assert ask.parse(chat_on(sim), list[int], "-") == [3]
    schema = sent(sim)[0]["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["value"]["type"] == "array"


def test_a_fence_around_the_answer_is_taken_off(sim: SimServer, ask: Asking) -> None:
    answers(sim, '```json\n{"text": "blue", "score": 7}\n```')
    assert ask.parse(chat_on(sim), Answer, "-") == Answer(text="blue", score=7)


def test_the_made_up_answer_of_the_simulator_fits(sim: SimServer, ask: Asking) -> None:
    assert isinstance(ask.parse(chat_on(sim), Answer, "-"), Answer)


def test_parsed_of_a_whole_and_of_a_streamed_reply(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"text": "blue", "score": 7}')
    whole = ask.complete(chat_on(sim), "-", response_format=Answer)
    _, streamed = ask.read(chat_on(sim), "-", response_format=Answer)
    assert whole.parsed == streamed.parsed == Answer(text="blue", score=7)
    assert whole.parsed is whole.parsed


def test_a_paid_reply_is_not_lost_because_it_does_not_fit(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"text": "blue"}')
    reply = ask.complete(chat_on(sim), "-", response_format=Answer)
    assert reply.text == '{"text": "blue"}'
    with pytest.raises(tw.LlmValidationError, match="score"):
        _ = reply.parsed


def test_a_schema_is_sent_and_the_json_read(sim: SimServer, ask: Asking) -> None:
    schema = {"title": "Pair", "type": "object", "properties": {"a": {"type": "integer"}}}
    answers(sim, '{"a": 1}')
    assert ask.complete(chat_on(sim), "-", response_format=schema).parsed == {"a": 1}
    assert ask.parse(chat_on(sim), schema, "-") == {"a": 1}
    for body in sent(sim):
        assert body["response_format"]["type"] == "json_schema"
        assert body["response_format"]["json_schema"]["name"] == "Pair"
        assert untitled(body["response_format"]["json_schema"]["schema"]) == untitled(schema)


def test_a_format_in_the_providers_words_goes_as_it_is(sim: SimServer, ask: Asking) -> None:
    for form in ({"type": "json_object"}, ANSWER_FORMAT):
        ask.complete(chat_on(sim), "-", response_format=form)
    assert [body["response_format"] for body in sent(sim)] == [
        {"type": "json_object"},
        ANSWER_FORMAT,
    ]


def test_a_call_overrides_the_clients_format(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"text": "blue", "score": 7}')
    chat = tw.ChatClient("m", base_url=sim.base_url, response_format=Answer)
    assert ask.complete(chat, "-").parsed == Answer(text="blue", score=7)
    other = ask.complete(chat, "-", response_format={"type": "json_object"})
    assert other.parsed == {"text": "blue", "score": 7}
    assert ask.complete(chat, "-", response_format={"type": "text"}).parsed == other.text
    assert ask.complete(chat, "-", response_format=None).parsed is None
    assert [body.get("response_format", {}).get("type") for body in sent(sim)] == [
        "json_schema",
        "json_object",
        "text",
        None,
    ]


def test_reask_sends_the_answer_back_with_its_problems(sim: SimServer, ask: Asking) -> None:
    answers(sim, '{"text": "blue", "score": "high"}', '{"text": "blue", "score": 7}')
    assert ask.parse(chat_on(sim), Answer, "How?", reask=1) == Answer(text="blue", score=7)
    first, second = (body["messages"] for body in sent(sim))
    assert first == [{"role": "user", "content": "How?"}]
    assert second[:2] == [
        {"role": "user", "content": "How?"},
        {"role": "assistant", "content": '{"text": "blue", "score": "high"}'},
    ]
    assert second[2]["role"] == "user"
    assert "score" in second[2]["content"]
    assert len(second) == 3


def test_reask_of_a_request_keeps_its_arguments(sim: SimServer, ask: Asking) -> None:
    answers(sim, "{", '{"text": "blue", "score": 7}')
    request = tw.LlmRequest("How?", temperature=0.5)
    assert ask.parse(chat_on(sim), Answer, request, reask=2).score == 7
    assert [body["temperature"] for body in sent(sim)] == [0.5, 0.5]
    assert request.prompt == "How?"


def test_the_last_answer_that_does_not_fit_is_on_the_error(sim: SimServer, ask: Asking) -> None:
    answers(sim, "{", '{"text": 1, "score": 2}')
    with pytest.raises(tw.LlmValidationError, match="text") as caught:
        ask.parse(chat_on(sim), Answer, "-", reask=1)
    assert caught.value.partial is not None
    assert caught.value.partial.text == '{"text": 1, "score": 2}'
    assert len(sim.requests()) == 2


def test_a_refusal_is_not_parsed(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"reply": {"refusal": "No."}}})
    with pytest.raises(tw.LlmModelError, match=r"No\."):
        ask.parse(chat_on(sim), Answer, "-", reask=3)
    assert len(sim.requests()) == 1


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"text": "I cannot.", "finish_reason": "refusal"}, r"the model refused: I cannot\."),
        ({"refusal": "No."}, r"the model refused: No\."),
        ({"text": "{", "finish_reason": "content_filter"}, "filter stopped the reply"),
        ({"tool_calls": [{"name": "f", "arguments": {}}]}, r"the reply calls tools \(f\)"),
        (
            {"text": "One moment.", "tool_calls": [{"name": "f", "arguments": {}}]},
            r"the reply calls tools \(f\) instead of answering",
        ),
    ],
)
def test_every_way_to_read_says_why_there_is_no_answer(
    sim: SimServer, ask: Asking, reply: dict[str, Any], problem: str
) -> None:
    sim.set_script({"default": {"reply": reply}})
    chat = chat_on(sim)
    whole = ask.complete(chat, "-", response_format=Answer)
    _, streamed = ask.read(chat, "-", response_format=Answer)
    (row,) = chat.map(["-"], concurrency=1, response_format=Answer)
    for read in (
        lambda: whole.parsed,
        lambda: streamed.parsed,
        lambda: row.result().parsed,
        lambda: ask.parse(chat, Answer, "-", reask=3),
    ):
        with pytest.raises(tw.LlmModelError, match=problem) as caught:
            read()
        error = caught.value
        assert (error.provider, error.model) == ("openai-compatible", "m")
        assert error.request_id is not None
        assert error.headers is not None
        assert error.response is error.partial
    assert len(sim.requests()) == 4


@pytest.mark.parametrize("reask", [-1, 1.5, True, "1"])
def test_a_wrong_reask_is_refused(sim: SimServer, ask: Asking, reask: Any) -> None:
    with pytest.raises(tw.LlmConfigError, match="reask"):
        ask.parse(chat_on(sim), Answer, "-", reask=reask)


@pytest.mark.parametrize("kind", [None, Final, ClassVar[int]])
def test_what_is_not_the_type_of_a_value_is_refused(sim: SimServer, ask: Asking, kind: Any) -> None:
    with pytest.raises(tw.LlmConfigError, match="not"):
        ask.parse(chat_on(sim), kind, "-")
    assert sim.requests() == []


def test_a_type_without_a_schema_is_refused(sim: SimServer, ask: Asking) -> None:
    class Odd:
        pass

    with pytest.raises(tw.LlmConfigError):
        ask.parse(chat_on(sim), Odd, "-")
    assert sim.requests() == []


CUT = {"text": '{"text": "blu', "verbatim": True, "finish_reason": "length"}


def replies(sim: SimServer, **reply: Any) -> None:
    sim.set_script({"default": {"reply": {"verbatim": True, **reply}}})


def test_a_reply_cut_off_by_the_limit_is_not_asked_for_again(sim: SimServer, ask: Asking) -> None:
    replies(sim, **CUT)
    wanted = "max_tokens=4 cut the reply off; raise max_tokens"
    with pytest.raises(tw.LlmModelError, match=wanted) as caught:
        ask.parse(chat_on(sim), Answer, "-", max_tokens=4, reask=2)
    assert caught.value.response is caught.value.partial
    assert caught.value.partial is not None
    assert caught.value.partial.text == CUT["text"]
    assert "line 1, column 14" in str(caught.value)
    assert (caught.value.provider, caught.value.model) == ("openai-compatible", "m")
    assert len(sim.requests()) == 1


def test_the_limit_is_named_wherever_it_was_given(sim: SimServer, ask: Asking) -> None:
    replies(sim, **CUT)
    chat = tw.ChatClient("m", base_url=sim.base_url, max_tokens=7)
    request = tw.LlmRequest("-", max_completion_tokens=5)
    for client, asked, limit in (
        (chat, "-", "max_tokens=7"),
        (chat_on(sim), request, "max_completion_tokens=5"),
        (chat_on(sim).with_options(extra_body={"max_tokens": 6}), "-", "max_tokens=6"),
        (chat_on(sim), "-", "the token limit"),
    ):
        with pytest.raises(tw.LlmModelError, match=f"{limit} cut the reply off"):
            ask.parse(client, Answer, asked)


def test_every_way_to_read_says_that_the_limit_cut_the_reply_off(
    sim: SimServer, ask: Asking
) -> None:
    replies(sim, **CUT)
    whole = ask.complete(chat_on(sim), "-", response_format=Answer)
    _, streamed = ask.read(chat_on(sim), "-", response_format=Answer)
    (row,) = chat_on(sim).map(["-"], concurrency=1, response_format=Answer)
    for reply in (whole, streamed, row.result()):
        with pytest.raises(tw.LlmModelError, match="the token limit cut the reply off") as caught:
            _ = reply.parsed
        assert caught.value.response is reply


def test_a_whole_value_is_read_although_the_limit_was_reached(sim: SimServer, ask: Asking) -> None:
    replies(sim, text='{"text": "blue", "score": 7}', finish_reason="length")
    assert ask.parse(chat_on(sim), Answer, "-") == Answer(text="blue", score=7)


def test_a_number_at_the_limit_may_lack_digits(sim: SimServer, ask: Asking) -> None:
    replies(sim, text="12", finish_reason="length")
    with pytest.raises(tw.LlmModelError, match="inside a number"):
        ask.parse(chat_on(sim), int, "-")
    replies(sim, text="12")
    assert ask.parse(chat_on(sim), int, "-") == 12


def test_a_whole_value_that_does_not_fit_is_asked_for_again_at_the_limit(
    sim: SimServer, ask: Asking
) -> None:
    replies(sim, text='{"text": "blue"}', finish_reason="length")
    with pytest.raises(tw.LlmValidationError, match="score"):
        ask.parse(chat_on(sim), Answer, "-", reask=1)
    assert len(sim.requests()) == 2


@pytest.mark.parametrize("reply", [{"text": "<think>Hm"}, {"text": "", "reasoning": "Hm"}])
def test_thoughts_that_use_the_limit_up_are_named(
    sim: SimServer, ask: Asking, reply: dict[str, str]
) -> None:
    replies(sim, finish_reason="length", **reply)
    with pytest.raises(tw.LlmModelError, match=r"max_tokens=3 .*(thinking|reasoning)"):
        ask.parse(chat_on(sim), Answer, "-", max_tokens=3, reask=2)
    assert len(sim.requests()) == 1


@pytest.mark.parametrize(
    "think", ["<think>\nNo {x}\n</think>\n\n", "<think>\n\n</think>\n", "</think>"]
)
def test_thoughts_before_the_answer_stay_in_the_text(
    sim: SimServer, ask: Asking, think: str
) -> None:
    replies(sim, text=f'{think}{{"text": "blue", "score": 7}}')
    reply = ask.complete(chat_on(sim), "-", response_format=Answer)
    assert reply.parsed == ask.parse(chat_on(sim), Answer, "-") == Answer(text="blue", score=7)
    assert reply.text.startswith(think)


def test_an_error_of_typed_output_has_the_id_of_the_request(sim: SimServer, ask: Asking) -> None:
    for reply in ({"text": "{}"}, CUT, {"text": "", "refusal": "No."}):
        replies(sim, headers={"x-request-id": "r1"}, **reply)
        with pytest.raises(tw.LlmError) as caught:
            ask.parse(chat_on(sim), Answer, "-")
        assert caught.value.request_id == "r1"
        assert caught.value.partial is not None


def commented(sim: SimServer, *, phases: bool = True) -> tw.ChatClient:
    """A client of a model that says what it does before it answers, in a message of its own."""

    def message(item_id: str, phase: str, *texts: str) -> dict[str, Any]:
        blocks = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
        item = {"type": "message", "id": item_id, "role": "assistant", "content": blocks}
        return {**item, "phase": phase} if phases else item

    comment = message("msg_1", "commentary", "Let me look. ", "One moment.")
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    answer = message("msg_2", "final_answer", '{"text": "blue",', ' "score": 7}')
    response: dict[str, Any] = {"id": "resp_1"}
    response |= {"object": "response", "status": "completed", "model": "gpt-5.6"}
    response["output"] = [comment, search, answer]
    events = [
        {"type": "response.output_item.done", "output_index": at, "item": item}
        for at, item in enumerate(response["output"])
    ]
    events.append({"type": "response.completed", "response": response})
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    whole = {"replay": {"text": json.dumps(response)}}
    rules = [{"match": {"stream": True}, "then": {"replay": {"text": stream}}}]
    sim.set_script({"rules": rules, "default": whole})
    return tw.ChatClient("gpt-5.6", base_url=sim.base_url, api="responses")


def test_a_comment_before_the_answer_is_not_part_of_the_typed_answer(
    sim: SimServer, ask: Asking
) -> None:
    client = commented(sim)
    assert ask.parse(client, Answer, "-") == Answer(text="blue", score=7)
    _, reply = ask.read(client, "-", response_format=Answer)
    assert reply.parsed == Answer(text="blue", score=7)
    assert reply.text.startswith("Let me look. One moment.{")
    with client.stream("-", response_format=Answer) as stream:
        assert [*stream.partial()][-1] == Answer(text="blue", score=7)


def test_a_text_without_a_phase_is_part_of_the_typed_answer(sim: SimServer, ask: Asking) -> None:
    with pytest.raises(tw.LlmDecodeError, match='there is "L"'):
        ask.parse(commented(sim, phases=False), Answer, "-")


@pytest.mark.parametrize("place", ["call", "client", "request", "extra_body"])
def test_asking_again_in_a_stored_conversation_repeats_nothing(
    sim: SimServer, ask: Asking, place: str
) -> None:
    """The server has added the question and the reply to it, and refuses duplicates."""
    answers(sim, "[]", '{"text": "blue", "score": 7}')
    given: dict[str, Any] = {"conversation": "conv_1"}
    if place == "extra_body":
        given = {"extra_body": given}
    of_client = given if place == "client" else {}
    of_call = given if place in ("call", "extra_body") else {}
    client = tw.ChatClient("m", base_url=sim.base_url, api="responses", **of_client)
    asked: Any = tw.LlmRequest(prompt="-", **given) if place == "request" else "-"
    assert ask.parse(client, Answer, asked, reask=1, **of_call).score == 7
    first, second = sent(sim)
    assert first["input"] == "-"
    assert [item["role"] for item in second["input"]] == ["user"]
    assert "does not have the required form" in second["input"][0]["content"]
    assert first["conversation"] == second["conversation"] == "conv_1"


def test_asking_again_after_an_earlier_reply_repeats_the_question(
    sim: SimServer, ask: Asking
) -> None:
    answers(sim, "[]", '{"text": "blue", "score": 7}')
    client = tw.ChatClient("m", base_url=sim.base_url, api="responses")
    ask.parse(client, Answer, "-", reask=1, previous_response_id="resp_1")
    second = sent(sim)[1]
    assert [item["role"] for item in second["input"]] == ["user", "assistant", "user"]
    assert second["previous_response_id"] == "resp_1"
