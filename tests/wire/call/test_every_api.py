"""One program in every API: only the model string differs. And one conversation in two of them."""

from __future__ import annotations

import asyncio
import itertools
import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire import testing
from tokenwire.types import ToolCallPart

if TYPE_CHECKING:
    from tokenwire.testing.fakes import FakeRequest

EXAMPLE = Path(__file__).parents[3] / "examples" / "every_api.py"
PROGRAM = runpy.run_path(str(EXAMPLE), run_name="every_api")
MODELS: dict[str, str] = PROGRAM["MODELS"]
ADVICE = PROGRAM["Advice"](city="Paris", degrees=18.5)
TOOLS = ["get_temperature", "look_around"]
CALLS = [
    ("get_temperature", {"city": "Paris"}),
    ("get_temperature", {"city": "Oslo"}),
    ("look_around", {"city": "Paris"}),
]
PAIRS = list(itertools.permutations(MODELS, 2))


def talk(
    *apis: str, stream: bool, asynchronous: bool
) -> tuple[list[tw.LlmResponse[Any]], list[FakeRequest]]:
    """Run the program. Returns its replies and the requests."""
    models = [MODELS[api] for api in apis]
    with PROGRAM["simulated"]() as fake:
        if asynchronous:
            replies = asyncio.run(PROGRAM["talk_async"](*models, stream=stream))
        else:
            replies = PROGRAM["talk"](*models, stream=stream)
    fake.assert_all_used()
    return replies, fake.requests


def called(replies: list[tw.LlmResponse[Any]]) -> list[tuple[str, Any]]:
    return [(call.name, call.parsed_arguments) for reply in replies for call in reply.tool_calls]


def said(message: dict[str, Any]) -> Any:
    """What a message in the form of chat says, in every API."""
    content = message.get("content") or ""
    blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
    texts = "".join(block.get("text", "") for block in blocks)
    images = sum(block["type"] == "image_url" for block in blocks)
    calls = [call["function"]["name"] for call in message.get("tool_calls") or ()]
    return message["role"], texts, images, calls


def conversation(request: FakeRequest) -> list[Any]:
    """What the messages say. A schema may be in a message of the system."""
    return [said(one) for one in request.messages if one["role"] != "system"]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("api", MODELS)
def test_the_program_does_the_same_in_every_api(api: str, stream: bool, asynchronous: bool) -> None:
    replies, requests = talk(api, stream=stream, asynchronous=asynchronous)
    assert [(reply.api, reply.finish_reason) for reply in replies] == [
        (api, "tool_calls"),
        (api, "tool_calls"),
        (api, "stop"),
    ]
    assert [reply.reasoning for reply in replies[:2]] == [f"I need {name}." for name in TOOLS]
    assert called(replies) == CALLS
    assert replies[-1].parsed == ADVICE
    assert [reply.dropped for reply in replies] == [()] * 3
    assert [(one.api, one.stream) for one in requests] == [(api, stream)] * 3
    assert conversation(requests[-1]) == [
        ("user", PROGRAM["QUESTION"], 1, []),
        ("assistant", "", 0, ["get_temperature", "get_temperature"]),
        ("tool", "18.5", 0, []),
        ("tool", "11.0", 0, []),
        ("assistant", "", 0, ["look_around"]),
        ("tool", "A sunny day in Paris.", int(api != "chat"), []),
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("first", "then"), PAIRS, ids=map("-then-".join, PAIRS))
def test_a_conversation_moves_to_another_provider(first: str, then: str, stream: bool) -> None:
    replies, requests = talk(first, then, stream=stream, asynchronous=stream)
    assert [reply.api for reply in replies] == [first, then, then]
    assert called(replies) == CALLS
    assert replies[-1].parsed == ADVICE
    thought = [
        f"messages[1].content[{at}]"
        for at, part in enumerate(replies[0].message.content)
        if not isinstance(part, ToolCallPart)
    ]
    assert thought == ["messages[1].content[0]"]
    for reply in replies[1:]:
        whole_parts = [path for path in reply.dropped if path.endswith("]")]
        # What a call came with besides is left out, too: it means nothing to another provider.
        others = set(reply.dropped) - set(whole_parts)
        assert whole_parts == thought
        assert others <= {f"messages[1].content[{at}].extra" for at in (1, 2)}
    for earlier, later in itertools.pairwise(map(conversation, requests)):
        assert later[: len(earlier)] == earlier


@pytest.mark.parametrize("api", MODELS)
def test_a_refusal_is_raised_with_what_is_said_about_it(api: str) -> None:
    # Gemini has no refusal: it blocks the prompt.
    is_blocked = api == "gemini"
    said = "the provider's filter stopped the reply" if is_blocked else "the model refused"
    with testing.fake({"*": testing.reply(refusal="I will not.")}):
        chat = tw.client(MODELS[api])
        for ask in (chat.run, lambda prompt: chat.parse(PROGRAM["Advice"], prompt)):
            with pytest.raises(tw.LlmModelError, match=f"^{said}: I will not") as caught:
                ask("q")
            assert caught.value.response is not None
            reason = caught.value.response.finish_reason
            assert reason == ("content_filter" if is_blocked else "refusal")


def test_a_filter_that_says_nothing_is_named_by_its_word() -> None:
    with testing.fake({"*": testing.reply("{", finish_reason="content_filter")}):
        gemini, chat = tw.client(MODELS["gemini"]), tw.client(MODELS["chat"])
        with pytest.raises(tw.LlmModelError, match=r"filter stopped the reply: SAFETY$"):
            gemini.run("q")
        with pytest.raises(tw.LlmModelError, match=r"filter stopped the reply$"):
            chat.run("q")


# What a call of each API comes with, as its `ToolCall` has it, which knows nothing of its provider.
EXTRAS: list[tuple[str, dict[str, Any]]] = [
    ("chat", {"extra_content": {"google": {"thought_signature": "c2ln"}}}),
    ("responses", {"item": {"id": "fc_1", "status": "completed"}}),
    ("messages", {"caller": {"type": "direct"}}),
    ("messages", {"toolset_name": "browser"}),
    ("gemini", {"thoughtSignature": "c2ln"}),
    ("gemini", {"thought_signature": "c2ln"}),
]


def by_hand(call: tw.ToolCall | ToolCallPart) -> list[Any]:
    return [
        tw.LlmMessage("user", "How warm is it?"),
        tw.LlmMessage("assistant", ["I look.", call]),
        call.result(18.5),
    ]


def sent_to(api: str, messages: list[Any]) -> tuple[tuple[str, ...], str]:
    """Return what was left out of a conversation, and the body that went out."""
    with testing.fake({"*": "Warm."}) as fake:
        reply = tw.client(MODELS[api]).complete(messages)
    assert reply.text == "Warm."
    return reply.dropped, json.dumps(fake.requests[-1].body)


@pytest.mark.parametrize("to", MODELS)
@pytest.mark.parametrize("kind", [tw.ToolCall, ToolCallPart])
def test_a_call_written_by_hand_goes_to_every_api(kind: Any, to: str) -> None:
    dropped, body = sent_to(to, by_hand(kind("call_1", "get_temperature", '{"city": "Paris"}')))
    assert dropped == ()
    # Gemini demands a signature of each call, and has a word for those that cannot have one.
    assert ("skip_thought_signature_validator" in body) == (to == "gemini")


@pytest.mark.parametrize("to", MODELS)
@pytest.mark.parametrize(("api", "extra"), EXTRAS)
def test_what_a_call_came_with_goes_back_to_its_api_alone(
    api: str, extra: dict[str, Any], to: str
) -> None:
    dropped, body = sent_to(to, by_hand(tw.ToolCall("call_1", "get_temperature", "{}", extra)))
    assert dropped == (() if to == api else ("messages[1].content[1].extra",))
    kept = extra["item"].keys() - {"id"} if "item" in extra else extra.keys()
    assert all((f'"{key}"' in body) == (to == api) for key in kept - {"thoughtSignature"})


def test_the_keys_of_a_function_of_chat_are_not_sent_to_messages() -> None:
    call = tw.ToolCall("call_1", "get_temperature", "{}", {"function": {"strict": True}})
    dropped, body = sent_to("messages", by_hand(call))
    assert dropped == ("messages[1].content[1].extra",)
    assert "strict" not in body
