"""`dropped`: which parts of the caller's messages a provider does not accept, by their place."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.wire.asking import sent

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

THOUGHT = tw.ReasoningPart("Light is scattered.", provider="deepseek", field="reasoning_content")
CALL = {"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}"}
# A reply of another provider, as a message with parts and as a dict in the neutral form.
MESSAGES: list[Any] = [
    {"role": "user", "content": "Why is the sky blue?"},
    tw.LlmMessage("assistant", [THOUGHT, "Rayleigh."]),
    {"role": "user", "content": [{"type": "text", "text": "And at night?"}]},
    {
        "role": "assistant",
        "parts": [{"type": "text", "text": "Dark."}, {"type": "reasoning", "text": "No light."}],
    },
    tw.LlmMessage("user", "Thanks."),
]
DROPPED = ("messages[1].content[0]", "messages[3].parts[1]")


def client(sim: SimServer, provider: str = "openai", **settings: Any) -> tw.ChatClient:
    settings.setdefault("max_retries", 0)
    return tw.ChatClient(
        "m", provider=provider, base_url=sim.base_url, api_key="sk-test", **settings
    )


def at(messages: list[Any], path: str) -> object:
    """Return the value at a path of the caller's messages."""
    reached: object = {"messages": messages}
    for step in path.replace("[", ".[").split("."):
        if step.startswith("["):
            reached = reached[int(step[1:-1])]  # type: ignore[index]
        else:
            reached = reached[step] if isinstance(reached, dict) else getattr(reached, step)
    return reached


def test_the_paths_lead_to_the_parts_in_the_callers_own_messages(sim: SimServer, ask: Asking):
    for reply in (ask.complete(client(sim), MESSAGES), ask.read(client(sim), MESSAGES)[1]):
        assert reply.dropped == DROPPED
        assert at(MESSAGES, reply.dropped[0]) == THOUGHT
        assert at(MESSAGES, reply.dropped[1]) == {"type": "reasoning", "text": "No light."}
    for body in sent(sim):
        assert [message["content"] for message in body["messages"]][1::2] == ["Rayleigh.", "Dark."]
        assert "reasoning_content" not in body["messages"][1]


IMAGE = {"type": "image", "url": "https://example.org/a.png"}
AUDIO = {"type": "audio", "data": "AAAA", "format": "mp3"}


@pytest.mark.parametrize(
    ("api", "role", "part"),
    [("responses", "user", AUDIO), ("messages", "system", IMAGE), ("gemini", "system", IMAGE)],
)
def test_an_error_has_the_same_paths(
    sim: SimServer, ask: Asking, api: str, role: Any, part: dict[str, Any]
):
    chat = client(sim, "openai-compatible", api=api)
    parts: list[Any] = [{"type": "text", "text": "Look."}, part]
    for message, path in [
        (tw.LlmMessage(role, parts), "messages[0].content[1]: "),
        ({"role": role, "parts": parts}, "messages[0].parts[1]: "),
    ]:
        for call in (ask.complete, ask.read):
            with pytest.raises(tw.LlmValidationError) as refused:
                call(chat, [message, MESSAGES[0]])
            assert path in str(refused.value)


def test_most_replies_dropped_nothing(sim: SimServer, ask: Asking):
    chat = client(sim)
    for prompt in ("hi", MESSAGES[:1], tw.LlmMessage("user", ["hi", "you"])):
        assert ask.complete(chat, prompt).dropped == ()
        assert ask.read(chat, prompt)[1].dropped == ()
    text = tw.CompletionClient("m", base_url=sim.base_url)
    assert ask.complete(text, "hi").dropped == ()
    assert tw.LlmResponse(provider="p", model="m", text="hi").dropped == ()
    assert tw.LlmStream.from_chunks(["hi"], provider="p", model="m").response.dropped == ()


def test_what_goes_back_to_its_provider_is_not_dropped(sim: SimServer, ask: Asking):
    deepseek = client(sim, "deepseek")
    in_a_tool_loop = [tw.LlmMessage("assistant", [THOUGHT, CALL]), MESSAGES[-1]]
    assert ask.complete(deepseek, in_a_tool_loop).dropped == ()
    # Reasoning without a provider is left out.
    assert ask.complete(deepseek, MESSAGES).dropped == DROPPED[1:]


def test_the_paths_stand_in_the_order_of_the_parts(sim: SimServer):
    parts: list[Any] = [
        THOUGHT,
        *(tw.OpaquePart("elsewhere", "x", {}) for _ in range(11)),
        THOUGHT,
        "a",
    ]
    dropped = client(sim, "groq").complete([tw.LlmMessage("assistant", parts)]).dropped
    assert dropped == tuple(f"messages[0].content[{at}]" for at in range(13))


def test_a_single_message_and_a_request_have_the_same_paths(sim: SimServer, ask: Asking):
    chat = client(sim, system="Be brief.")
    assert ask.complete(chat, MESSAGES[1]).dropped == ("messages[0].content[0]",)
    assert ask.complete(chat, tuple(MESSAGES)).dropped == DROPPED
    request = tw.LlmRequest(messages=MESSAGES)
    dropped = ask.complete(chat, request).dropped
    # A request turns each dict into a message.
    assert dropped == ("messages[1].content[0]", "messages[3].content[1]")
    assert [at(request.messages or [], path).type for path in dropped] == ["reasoning"] * 2  # type: ignore[attr-defined]


def test_messages_that_are_not_sent_lose_nothing(sim: SimServer, ask: Asking):
    instead = {"messages": [{"role": "user", "content": "hi"}]}
    assert ask.complete(client(sim), MESSAGES, extra_body=instead).dropped == ()
    assert sent(sim)[0]["messages"] == instead["messages"]


def test_each_row_of_a_map_has_its_own(sim: SimServer, ask: Asking):
    rows = ask.map(client(sim), [MESSAGES, "hi", MESSAGES[1:2]], concurrency=3)
    assert [row.response.dropped for row in rows] == [DROPPED, (), ("messages[0].content[0]",)]


def test_a_partial_reply_says_it_too(sim: SimServer, ask: Asking):
    sim.set_script({"default": {"fault": {"kind": "reset", "at": {"events": 3}}}})
    with pytest.raises(tw.LlmError) as cut:
        ask.read(client(sim), MESSAGES)
    assert cut.value.partial is not None
    assert cut.value.partial.dropped == DROPPED


def test_a_stream_says_it_from_the_start(sim: SimServer):
    stream = client(sim).stream(MESSAGES)
    assert stream.response.dropped == DROPPED
    with stream:
        assert stream.response.dropped == DROPPED


def test_a_retry_and_a_fresh_key_change_nothing(sim: SimServer, ask: Asking):
    sim.set_script({"rules": [{"times": 1, "then": {"error": {"status": 503}}}]})
    chat = client(sim, retry=tw.RetryPolicy(first=0.001), max_retries=None)
    assert ask.complete(chat, MESSAGES).dropped == DROPPED
    keys = tw.ChatClient("openai:m", base_url=sim.base_url, api_key=lambda: "sk-test")
    refused = {"rules": [{"times": 1, "then": {"error": {"status": 401}}}]}
    sim.set_script(refused)
    assert ask.complete(keys, MESSAGES).dropped == DROPPED
    sim.set_script(refused)
    assert ask.read(keys, MESSAGES)[1].dropped == DROPPED


class Kept(BaseModel):
    """A user's model that contains a reply."""

    reply: tw.LlmResponse[Any]


def test_it_outlives_pickles_dicts_copies_and_models(sim: SimServer):
    reply = client(sim).complete(MESSAGES)
    stored = reply.to_dict()
    assert stored["dropped"] == list(DROPPED)
    for again in (
        *(pickle.loads(pickle.dumps(reply, each)) for each in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.deepcopy(reply),
        tw.LlmResponse.from_dict(stored),
        Kept.model_validate_json(Kept(reply=reply).model_dump_json()).reply,
    ):
        assert (again, again.dropped) == (reply, DROPPED)
        assert hash(again) == hash(reply)


def test_what_was_stored_without_it_still_loads(sim: SimServer):
    reply = client(sim).complete("hi")
    stored = reply.to_dict()
    del stored["dropped"]
    again = tw.LlmResponse.from_dict(stored)
    assert (again, again.dropped) == (reply, ())
    restore, (json, raw) = reply.__reduce__()
    older = json.replace(b'"dropped":[],', b"").replace(b',"dropped":[]', b"")
    assert b"dropped" not in older
    assert restore(older, raw) == reply


def test_a_listener_sees_it(sim: SimServer, ask: Asking):
    seen: list[Any] = []
    remove = tw.on_call(seen.append)
    try:
        ask.complete(client(sim), MESSAGES)
        ask.read(client(sim), MESSAGES)
    finally:
        remove()
    assert [event.response.dropped for event in seen] == [DROPPED] * 2
