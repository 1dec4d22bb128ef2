"""Tools: what is offered to the model, what it calls, and how results are sent back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


def get_weather(city: str, days: int = 1) -> str:
    """Look up the weather.

    Args:
        city: A city's name.
        days: How many days ahead.
    """
    return f"{city}: sunny for {days} d"


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Look up the weather.",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "description": "A city's name."},
                "days": {"type": "integer", "description": "How many days ahead.", "default": 1},
            },
            "required": ["city"],
        },
    },
}


def chat_on(sim: SimServer, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("openrouter:m", base_url=sim.base_url, api_key="k", **settings)


def without_flags(schema: Any) -> Any:
    """Return a schema without the keys that only strict mode requires."""
    if isinstance(schema, dict):
        return {
            name: without_flags(value)
            for name, value in schema.items()
            if name != "additionalProperties"
        }
    return schema


@pytest.mark.parametrize(
    "tool",
    [
        get_weather,
        tw.Tool.from_function(get_weather),
        WEATHER,
        WEATHER["function"],
    ],
    ids=["function", "Tool", "dict", "bare dict"],
)
def test_a_function_a_tool_and_a_dict_offer_the_same(
    sim: SimServer, ask: Asking, tool: Any
) -> None:
    ask.complete(chat_on(sim), "-", tools=[tool])
    assert without_flags(sent(sim)[0]["tools"][0]) == WEATHER


def test_a_tool_round_trip_sends_the_reply_back_as_it_came(sim: SimServer, ask: Asking) -> None:
    calling = {
        "text": "Let me look.",
        "reasoning": "A tool knows.",
        "reasoning_field": "reasoning",
        "tool_calls": [
            {"id": "c1", "name": "get_weather", "arguments": '{"city": "Paris"}'},
            {"id": "c2", "name": "get_weather", "arguments": '{"city": "Rome", "days": 2}'},
        ],
    }
    sim.set_script(
        {
            "rules": [{"times": 1, "then": {"reply": calling}}],
            "default": {"reply": {"text": "Sunny in both."}},
        }
    )
    messages: list[Any] = [{"role": "user", "content": "Weather in Paris and Rome?"}]
    reply = ask.complete(chat_on(sim), messages, tools=[get_weather])
    assert (reply.finish_reason, len(reply.tool_calls)) == ("tool_calls", 2)
    while reply.tool_calls:
        results = [call.result(get_weather(**call.parsed_arguments)) for call in reply.tool_calls]
        messages += [reply.message, *results]
        reply = ask.complete(chat_on(sim), messages, tools=[get_weather])
    assert reply.text == "Sunny in both."
    assert sent(sim)[1]["messages"] == [
        {"role": "user", "content": "Weather in Paris and Rome?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "reasoning": "A tool knows.",
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
                },
                {
                    "id": "c2",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Rome", "days": 2}'},
                },
            ],
        },
        {
            "role": "tool",
            "tool_call_id": "c1",
            "name": "get_weather",
            "content": "Paris: sunny for 1 d",
        },
        {
            "role": "tool",
            "tool_call_id": "c2",
            "name": "get_weather",
            "content": "Rome: sunny for 2 d",
        },
    ]


def test_a_streamed_reply_goes_back_as_a_whole_one_does(sim: SimServer, ask: Asking) -> None:
    calling = {
        "reasoning": "A tool knows.",
        "tool_calls": [{"id": "c1", "name": "f", "arguments": "{}"}],
    }
    sim.set_script({"default": {"reply": calling}})
    whole = ask.complete(chat_on(sim), "-")
    _, streamed = ask.read(chat_on(sim), "-")
    assert streamed.message == whole.message
    assert streamed.tool_calls == whole.tool_calls == (tw.ToolCall("c1", "f", "{}"),)


def test_what_a_provider_adds_to_a_message_goes_back_to_it_alone(
    sim: SimServer, ask: Asking
) -> None:
    message = (
        '{"role":"assistant","content":"x","reasoning_details":[{"type":"r","data":"sig="}],'
        '"annotations":[{"a":1}]}'
    )
    body = f'{{"id":"1","choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}]}}'
    sim.set_script({"rules": [{"times": 1, "then": {"replay": {"text": body}}}]})
    reply = ask.complete(chat_on(sim), "-")
    again = [{"role": "user", "content": "-"}, reply.message]
    ask.complete(chat_on(sim), again)
    ask.complete(tw.ChatClient("groq:m", base_url=sim.base_url, api_key="k"), again)
    same, other = (body["messages"][1] for body in sent(sim)[1:])
    assert same["reasoning_details"] == [{"type": "r", "data": "sig="}]
    assert other == {"role": "assistant", "content": "x"}


def test_reasoning_in_blocks_is_read_and_goes_back_as_blocks(sim: SimServer, ask: Asking) -> None:
    blocks = [{"type": "reasoning.text", "index": 0, "text": "A tool.", "signature": "sig="}]
    message = {"role": "assistant", "content": "x", "reasoning_details": blocks}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    whole = json.dumps({"id": "1", "choices": [choice]})
    pieces = [
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "A "}]},
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "tool."}]},
        {"reasoning_details": [{"type": "reasoning.text", "index": 0, "signature": "sig="}]},
        {"content": "x"},
    ]
    choices = [{"index": 0, "delta": piece} for piece in pieces]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [json.dumps({"id": "1", "choices": [choice]}) for choice in choices]
    stream = "".join(f"data: {data}\n\n" for data in [*events, "[DONE]"])
    rules = [{"times": 1, "then": {"replay": {"text": text}}} for text in (whole, stream)]
    sim.set_script({"rules": rules})
    reply = ask.complete(chat_on(sim), "-")
    chunks, streamed = ask.read(chat_on(sim), "-")
    assert reply.reasoning == streamed.reasoning == "A tool."
    assert [chunk.reasoning for chunk in chunks if chunk.reasoning] == ["A ", "tool."]
    assert reply.message == streamed.message
    ask.complete(chat_on(sim), [{"role": "user", "content": "-"}, streamed.message])
    assert sent(sim)[2]["messages"][1] == message


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        ({"temperature": 21}, '{"temperature":21}'),
        (None, "null"),
        ([1, 2], "[1,2]"),
        (ValueError("no such city"), "ValueError: no such city"),
    ],
)
def test_a_result_of_any_kind_goes_back_as_text(
    sim: SimServer, ask: Asking, value: object, content: str
) -> None:
    call = tw.ToolCall("c1", "f", "{}")
    ask.complete(chat_on(sim), [{"role": "user", "content": "-"}, call.result(value)])
    assert sent(sim)[0]["messages"][1] == {
        "role": "tool",
        "tool_call_id": "c1",
        "name": "f",
        "content": content,
    }


def test_no_arguments_read_as_an_empty_dict() -> None:
    assert tw.ToolCall("c", "f", "").parsed_arguments == {}
    assert tw.ToolCall("c", "f", '{"a": [1]}').parsed_arguments == {"a": [1]}
    with pytest.raises(tw.LlmDecodeError, match="f"):
        _ = tw.ToolCall("c", "f", '{"a": ').parsed_arguments


def test_a_call_cut_by_the_limit_says_so(sim: SimServer, ask: Asking) -> None:
    call = {"id": "c1", "name": "f", "arguments": '{"a": '}
    sim.set_script({"default": {"reply": {"tool_calls": [call], "finish_reason": "length"}}})
    for reply in (ask.complete(chat_on(sim), "-"), ask.read(chat_on(sim), "-")[1]):
        assert reply.finish_reason == "length"
        assert reply.tool_calls == (tw.ToolCall("c1", "f", '{"a": '),)


def test_a_raw_line_end_leaves_parallel_whole_calls_apart(sim: SimServer, ask: Asking) -> None:
    calls = [
        {"index": 0, "function": {"name": "f", "arguments": f'{{"a": "x\n{number}"}}'}}
        for number in (1, 2)
    ]
    pieces = [{"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]} for call in calls]
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    lines = [f"data: {json.dumps(event)}\n\n" for event in [*pieces, end]]
    text = "".join([*lines, "data: [DONE]\n\n"])
    answer = {"text": text, "headers": {"content-type": "text/event-stream"}}
    sim.set_script({"default": {"replay": answer}})
    _, reply = ask.read(chat_on(sim), "-")
    found = [call.parsed_arguments for call in reply.tool_calls]
    assert found == [{"a": "x\n1"}, {"a": "x\n2"}]


def test_a_call_without_a_finish_reason_is_a_call(sim: SimServer, ask: Asking) -> None:
    call = {"id": "c1", "name": "f", "arguments": "{}"}
    sim.set_script({"default": {"reply": {"tool_calls": [call], "finish_reason": ""}}})
    for reply in (ask.complete(chat_on(sim), "-"), ask.read(chat_on(sim), "-")[1]):
        assert (reply.finish_reason, reply.provider_finish_reason) == ("tool_calls", None)


def test_choosing_among_tools_is_sent_as_given(sim: SimServer, ask: Asking) -> None:
    named = {"type": "function", "function": {"name": "get_weather"}}
    for choice in ("required", named):
        ask.complete(
            chat_on(sim), "-", tools=[get_weather], tool_choice=choice, parallel_tool_calls=False
        )
    assert [(body["tool_choice"], body["parallel_tool_calls"]) for body in sent(sim)] == [
        ("required", False),
        (named, False),
    ]


def test_a_tool_or_its_name_chooses_it(sim: SimServer, ask: Asking) -> None:
    tool = tw.Tool("get_image", "An image.", {"type": "object", "properties": {}})
    tools: list[Any] = [get_weather, tool]
    for choice, name in (
        ("get_weather", "get_weather"),
        (get_weather, "get_weather"),
        (tool, "get_image"),
        ({"name": "get_image"}, "get_image"),
    ):
        ask.complete(chat_on(sim), "-", tools=tools, tool_choice=choice)
        ask.complete(chat_on(sim, tools=tools), "-", tool_choice=choice)
        ask.complete(chat_on(sim, tool_choice=choice), "-", tools=tools)
        ask.complete(chat_on(sim), tw.LlmRequest("-", tools=tools, tool_choice=choice))
        named = {"type": "function", "function": {"name": name}}
        assert [body["tool_choice"] for body in sent(sim)[-4:]] == [named] * 4


def test_a_choice_that_names_no_tool_is_refused(sim: SimServer, ask: Asking) -> None:
    wanted = "tool_choice: no tool is named 'f'; the tools are 'get_weather'"
    for choice in ("f", {"type": "function", "function": {"name": "f"}}, {"name": "f"}):
        with pytest.raises(tw.LlmConfigError, match=wanted):
            ask.complete(chat_on(sim), "-", tools=[get_weather], tool_choice=choice)
    with pytest.raises(tw.LlmConfigError, match="'f'; there are no tools"):
        ask.complete(chat_on(sim), "-", tool_choice="f")
    assert sim.requests() == []


def test_a_choice_among_tools_of_the_server_is_sent_as_given(sim: SimServer, ask: Asking) -> None:
    # The simulator itself knows no tools of a server.
    body = {"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}
    sim.set_script({"default": {"replay": {"text": json.dumps(body)}}})
    own = {"type": "web_search_preview"}
    ask.complete(chat_on(sim), "-", tool_choice=own)
    ask.complete(chat_on(sim), "-", tool_choice="search", extra_body={"tools": [own]})
    ask.complete(chat_on(sim), "-", tools=[own], tool_choice=own)
    assert [body["tool_choice"] for body in sent(sim)] == [own, "search", own]


def test_what_cannot_be_a_tool_is_named(sim: SimServer, ask: Asking) -> None:
    def sums(*numbers: int) -> int:
        return sum(numbers)

    with pytest.raises(tw.LlmConfigError, match="sums"):
        ask.complete(chat_on(sim), "-", tools=[sums])
    for tools in (get_weather, WEATHER, "get_weather"):
        with pytest.raises(tw.LlmValidationError, match="tools: give a list"):
            ask.complete(chat_on(sim), "-", tools=tools)
    assert sim.requests() == []


def test_tools_and_a_choice_without_a_type_are_functions(sim: SimServer, ask: Asking) -> None:
    function = {"name": "get_image", "parameters": {"type": "object", "properties": {}}}
    given = {"tools": [{"function": function}], "tool_choice": {"function": {"name": "get_image"}}}
    ask.complete(chat_on(sim), "q", **given)
    ask.complete(chat_on(sim), tw.LlmRequest("q", **given))  # type: ignore[arg-type]
    ask.complete(chat_on(sim, **given), "q")
    for body in sent(sim):
        assert body["tools"] == [{"type": "function", "function": function}]
        assert body["tool_choice"] == {"type": "function", "function": {"name": "get_image"}}
