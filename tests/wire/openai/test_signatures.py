"""Our clients look like openai's to whoever inspects them."""

from __future__ import annotations

import inspect

import pytest

openai = pytest.importorskip("tokenwire.openai")
stock = pytest.importorskip("openai")

pytestmark = pytest.mark.no_connection


@pytest.mark.parametrize("name", ["OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"])
def test_a_client_takes_the_arguments_of_openai_s(name):
    ours, theirs = getattr(openai, name), getattr(stock, name)
    assert issubclass(ours, theirs)
    assert ours is not theirs
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert inspect.signature(ours.__init__) == inspect.signature(theirs.__init__)
    assert len(inspect.signature(ours).parameters) > 10


@pytest.mark.parametrize("name", ["OpenAI", "AsyncOpenAI"])
def test_create_takes_the_arguments_of_openai_s(name):
    client = getattr(openai, name)(api_key="any")
    theirs = getattr(stock, name)(api_key="any")
    for path in ("chat.completions", "completions", "embeddings", "responses"):
        mine, other = client, theirs
        for part in path.split("."):
            mine, other = getattr(mine, part), getattr(other, part)
        assert inspect.signature(mine.create) == inspect.signature(other.create)
