"""Input that is nested too deeply, or that UTF-8 cannot carry, is an error of ours."""

from __future__ import annotations

from typing import Any

import pytest

import tokenwire as tw
from tokenwire.testing import SimServer, fake

LEVELS = 20_000


def nested() -> list[Any]:
    value: list[Any] = []
    for _ in range(LEVELS):
        value = [value]
    return value


@pytest.fixture(scope="module")
def chat():
    return tw.ChatClient("m", base_url="http://127.0.0.1:1/v1", max_retries=0)


ODD: dict[str, Any] = {"model": "m", "base_url": "http://a/v1", "a\ud800": 1}


@pytest.mark.parametrize(
    "ask",
    [
        lambda chat: chat.run(nested()),
        lambda chat: chat.run([{"role": "user", "content": nested()}]),
        lambda chat: chat.run("-", stop=nested()),
        lambda chat: chat.run("-", metadata={"a": nested()}),
        lambda chat: chat.run("-", extra_body={"a": nested()}),
        lambda chat: chat.run("-", tools=[{"type": "function", "function": {"a": nested()}}]),
        lambda chat: chat.run("-", response_format={"a": nested()}),
        lambda _: tw.ToolCall("c", "f", "[" * LEVELS + "]" * LEVELS).parsed_arguments,
        lambda _: SimServer({"default": nested()}),
        lambda _: fake({"*": [{"reply": nested()}]}).__enter__(),
        lambda _: tw.LlmClientFactory({"models": {"a": {"model": "m", "params": nested()}}}),
        lambda chat: chat.run("-", **{"a\ud800": 1}),
        lambda _: tw.ChatClient(**ODD),
        lambda _: SimServer({"default": object()}),
    ],
)
def test_deep_or_broken_input_is_an_error_of_ours(chat, ask):
    with pytest.raises(tw.LlmError) as caught:
        ask(chat)
    # It can be printed, and it does not repeat what it is about.
    assert len(str(caught.value).encode()) < 1_000


@pytest.mark.parametrize("text", ['{"data": %s}', "%s"])
def test_a_deep_list_of_models_has_the_wrong_form(text):
    deep = text % ("[" * LEVELS + "]" * LEVELS)
    with SimServer({"default": {"replay": {"text": deep}}}) as sim:
        chat = tw.ChatClient("m", base_url=sim.base_url, max_retries=0)
        with pytest.raises(tw.LlmUnexpectedContentError, match="list of models"):
            chat.models()
