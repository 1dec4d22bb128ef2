"""`stream.events()`: which events, in which order. A tool call is done before the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

COUNTS: dict[str, Any] = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
USAGE = tw.Usage(**COUNTS)


def chat_on(sim: SimServer) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=sim.base_url)


def says(sim: SimServer, **reply: Any) -> None:
    sim.set_script({"default": {"reply": {"usage": COUNTS, **reply}}})


def fragment(
    index: int, arguments: str, call: str | None = None, name: str | None = None
) -> tw.ToolCallDelta:
    return tw.ToolCallDelta(tw.ToolCallFragment(index, call, name, arguments))


def test_reasoning_and_text_arrive_in_order(sim: SimServer, ask: Asking) -> None:
    says(sim, reasoning="Hm so", tokens=["It", " is"])
    events, _ = ask.read(chat_on(sim), "-", view="events")
    assert events == [
        tw.ReasoningDelta("Hm"),
        tw.ReasoningDelta(" so"),
        tw.TextDelta("It"),
        tw.TextDelta(" is"),
        tw.UsageReported(USAGE),
        tw.End(),
    ]


def test_a_refusal_arrives_in_pieces(sim: SimServer, ask: Asking) -> None:
    says(sim, refusal="Not that.")
    events, _ = ask.read(chat_on(sim), "-", view="events")
    assert events == [
        tw.RefusalDelta("Not"),
        tw.RefusalDelta(" that."),
        tw.UsageReported(USAGE),
        tw.End(),
    ]


def test_each_tool_call_is_done_as_soon_as_it_is_complete(sim: SimServer, ask: Asking) -> None:
    says(
        sim,
        tool_calls=[
            {"id": "a", "name": "weather", "arguments": '{"city":"Paris"}'},
            {"id": "b", "name": "now", "arguments": "{}"},
        ],
        tool_fragment_bytes=8,
    )
    events, reply = ask.read(chat_on(sim), "-", view="events")
    weather, now = tw.ToolCall("a", "weather", '{"city":"Paris"}'), tw.ToolCall("b", "now", "{}")
    assert [event for event in events if isinstance(event, tw.ToolCallDelta)] == [
        fragment(0, "", "a", "weather"),
        fragment(0, '{"city":'),
        fragment(0, '"Paris"}'),
        fragment(1, "", "b", "now"),
        fragment(1, "{}"),
    ]
    rest = [event for event in events if not isinstance(event, tw.ToolCallDelta)]
    assert rest == [
        tw.ToolCallDone(weather),
        tw.ToolCallDone(now),
        tw.UsageReported(USAGE),
        tw.End(),
    ]
    assert events.index(tw.ToolCallDone(weather)) < events.index(fragment(1, "", "b", "now"))
    assert reply.tool_calls == (weather, now)


def test_a_complete_call_in_one_event_is_done_with_it(sim: SimServer, ask: Asking) -> None:
    says(sim, tool_calls=[{"id": "a", "name": "f", "arguments": "{}"}], tool_fragment_bytes=0)
    events, _ = ask.read(chat_on(sim), "-", view="events")
    assert events == [
        fragment(0, "{}", "a", "f"),
        tw.ToolCallDone(tw.ToolCall("a", "f", "{}")),
        tw.UsageReported(USAGE),
        tw.End(),
    ]


def test_a_call_is_done_while_the_stream_is_still_open(sim: SimServer) -> None:
    calls = [{"id": "a", "name": "f", "arguments": "{}"}, {"id": "b", "name": "g", "arguments": ""}]
    reply = {"tool_calls": calls, "tool_fragment_bytes": 0}
    fault = {"kind": "stall", "at": {"events": 3}}
    sim.set_script({"default": {"reply": reply, "fault": fault}})
    with chat_on(sim).stream("-") as stream:
        done = next(event for event in stream.events() if isinstance(event, tw.ToolCallDone))
        assert done.call == tw.ToolCall("a", "f", "{}")
        assert stream.response.finish_reason is None


def test_events_name_their_choice(sim: SimServer, ask: Asking) -> None:
    says(sim, tokens=["x"])
    events, _ = ask.read(chat_on(sim), "-", view="events", n=2)
    deltas = [event for event in events if isinstance(event, tw.TextDelta)]
    assert sorted(delta.index for delta in deltas) == [0, 1]
    assert events[-1] == tw.End()


def test_a_cut_stream_has_no_end_event(sim: SimServer) -> None:
    fault = {"kind": "drop_done", "before_finish": True}
    sim.set_script({"default": {"reply": {"tokens": ["a"]}, "fault": fault}})
    events: list[object] = []
    with (
        pytest.raises(tw.LlmStreamIncompleteError),
        chat_on(sim).stream("-") as stream,
    ):
        events.extend(iter(stream.events()))
    assert tw.End() not in events


def test_events_match_by_position(sim: SimServer, ask: Asking) -> None:
    says(sim, text="x", tool_calls=[{"id": "a", "name": "f", "arguments": "{}"}])
    events, _ = ask.read(chat_on(sim), "-", view="events")
    matched: list[object] = []
    for event in events:
        match event:
            case tw.TextDelta(text):
                matched.append(text)
            case tw.ToolCallDelta(tw.ToolCallFragment(name=str(name))):
                matched.append(name)
            case tw.ToolCallDone(call):
                matched.append(call)
            case tw.UsageReported(usage):
                matched.append(usage)
            case tw.End():
                matched.append("end")
    assert matched == ["x", "f", tw.ToolCall("a", "f", "{}"), USAGE, "end"]
