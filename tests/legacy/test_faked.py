"""A fake answers code on the older interface, which then needs no keys."""

from __future__ import annotations

import pytest

from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.llm_client_factory import LlmClientFactory
from tokenwire.legacy.llm_exceptions import LlmConfigError


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChatClient(model_name="groq:llama"),
        lambda: LlmClientFactory().get_client("groq:llama"),
    ],
)
def test_no_key_is_needed_while_the_fake_is_active(make, tokenwire_fake):
    tokenwire_fake.add({"*:llama": "It is faked."})
    client = make()
    assert client.run("hi", stream=False) == "It is faked."
    (request,) = tokenwire_fake.requests
    assert request.url == "https://api.groq.com/openai/v1/chat/completions"
    tokenwire_fake.__exit__(None, None, None)
    with pytest.raises(LlmConfigError, match="no API key for groq"):
        make()
