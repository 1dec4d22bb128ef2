"""A fake answers code on the older interface, which then needs no keys."""

from __future__ import annotations

import pytest

from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.llm_client_factory import LlmClientFactory
from tokenwire.legacy.llm_exceptions import LlmConfigError


@pytest.mark.parametrize("model", ["openai:gpt-5.6", "gpt-5.6", "openai:o3-pro", "gpt-4o"])
def test_the_older_interface_goes_on_speaking_chat(model, tokenwire_fake):
    """The new clients ask some of these models by another API."""
    tokenwire_fake.add({"*": "It is faked."})
    makers = [lambda: ChatClient(model_name=model)]
    if ":" in model:
        makers.append(lambda: LlmClientFactory().get_client(model))
    for make in makers:
        assert make().run("hi", stream=False) == "It is faked."
        assert "".join(make().run("hi", stream=True)) == "It is faked."
    assert [request.api for request in tokenwire_fake.requests] == ["chat"] * 2 * len(makers)
    urls = {request.url for request in tokenwire_fake.requests}
    assert urls == {"https://api.openai.com/v1/chat/completions"}


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
