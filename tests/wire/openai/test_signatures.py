"""Our clients look like openai's to whoever inspects them."""

from __future__ import annotations

import inspect
from unittest import mock

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
        kinds = [inspect.iscoroutinefunction(one.create) for one in (mine, other)]
        assert kinds[0] == kinds[1]
        # LangSmith looks one level deep.
        under = [getattr(one.create, "__wrapped__", None) for one in (mine, other)]
        if under[1] is not None:
            assert inspect.iscoroutinefunction(under[0]) == inspect.iscoroutinefunction(under[1])


@pytest.mark.parametrize("module", [stock, openai])
def test_an_argument_that_is_missing_is_missed_at_the_call(module):
    completions = module.AsyncOpenAI(api_key="any").chat.completions
    with pytest.raises(TypeError, match="messages"):
        completions.create(model="m")


def test_a_mock_of_create_is_of_the_same_kind():
    def kinds(module):
        client = module.AsyncOpenAI(api_key="any")
        for resource in (client.chat.completions, client.responses, client.embeddings):
            with mock.patch.object(resource, "create") as made:
                yield type(made).__name__

    assert list(kinds(openai)) == list(kinds(stock))
