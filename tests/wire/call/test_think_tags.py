"""`think_tags`: thoughts that a server leaves in the text become reasoning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

TOKENS = ["<th", "ink>\nIs it", " 4?</thi", "nk>", "\n\n", '{"n"', ": 5}"]
TEXT = "".join(TOKENS)
PARTED = ("\nIs it 4?", '{"n": 5}')


def chat_on(sim: SimServer, fault: Any = None, **settings: Any) -> tw.ChatClient:
    behaviour = {"reply": {"tokens": TOKENS}, **({"fault": fault} if fault else {})}
    sim.set_script({"default": behaviour})
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_thoughts_become_reasoning_in_whole_replies_and_streams(
    sim: SimServer, ask: Asking, api: str
) -> None:
    chat = chat_on(sim, api=api)
    whole = ask.complete(chat, "-", think_tags=True)
    chunks, streamed = ask.read(chat, "-", think_tags=True)
    assert (whole.reasoning, whole.text) == PARTED
    assert (streamed.reasoning, streamed.text) == PARTED
    assert "".join(chunk.text for chunk in chunks) == PARTED[1]
    assert isinstance(streamed.message.content, list)
    assert isinstance(whole.message.content, list)
    kinds = [type(part).__name__ for part in streamed.message.content]
    assert kinds == ["ReasoningPart", "TextPart"]
    assert kinds == [type(part).__name__ for part in whole.message.content]


@pytest.mark.parametrize("think_tags", [None, False])
def test_without_the_option_the_text_stays(
    sim: SimServer, ask: Asking, think_tags: bool | None
) -> None:
    chat = chat_on(sim, think_tags=think_tags)
    whole = ask.complete(chat, "-")
    _, streamed = ask.read(chat, "-")
    assert (whole.reasoning, whole.text) == (streamed.reasoning, streamed.text) == (None, TEXT)


def test_it_may_be_set_on_the_client_and_is_not_sent(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, think_tags=True)
    assert ask.complete(chat, "-").text == PARTED[1]
    assert ask.complete(chat, "-", think_tags=False).text == TEXT
    assert all("think_tags" not in request["body"] for request in sim.requests())


def test_a_stream_that_breaks_in_a_tag_keeps_all_of_it(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, {"kind": "reset", "at": {"events": 4}}, think_tags=True)
    with pytest.raises(tw.LlmStreamingError) as raised:
        ask.read(chat, "-")
    partial = raised.value.partial
    assert partial is not None
    assert (partial.reasoning, partial.text) == ("\nIs it 4?</thi", "")


def test_a_value_that_is_not_a_bool_is_refused(sim: SimServer, ask: Asking) -> None:
    with pytest.raises(tw.LlmError, match="think_tags"):
        ask.complete(chat_on(sim), "-", think_tags="yes")
