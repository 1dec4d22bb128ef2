"""Copied and pickled clients: a copy keeps the key, and a pickle never does."""

from __future__ import annotations

import copy
import pickle

import pytest
from tests.legacy.asking import MAKE, headers

from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.llm_exceptions import LlmConfigError

KEY = "sk-of-the-first-process"
EVERY_CLIENT = pytest.mark.parametrize("kind", list(MAKE))


@EVERY_CLIENT
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_sends_the_same_request_with_the_same_key(sim, kind, copied):
    client = MAKE[kind](sim, api_key=KEY, temperature=0.1)
    client.run("hi")
    copied(client).run("hi")
    first, second = sim.requests()
    assert (first["body"], first["headers"]) == (second["body"], second["headers"])


def test_a_deep_copy_does_not_share_arguments(sim):
    client = MAKE["ChatClient"](sim, stop=["a"])
    copy.deepcopy(client).generation_args["stop"].append("b")
    assert client.generation_args == {"stop": ["a"]}


@EVERY_CLIENT
def test_a_pickled_client_without_a_key_sends_the_same_request(sim, kind):
    client = MAKE[kind](sim, temperature=0.1)
    client.run("hi")
    pickle.loads(pickle.dumps(client)).run("hi")
    first, second = sim.requests()
    assert (first["body"], first["headers"]) == (second["body"], second["headers"])


@EVERY_CLIENT
def test_a_pickle_holds_no_key_and_the_error_says_so(sim, kind):
    client = MAKE[kind](sim, api_key=KEY)
    client.run("hi")
    pickled = pickle.dumps(client)
    assert KEY.encode() not in pickled
    with pytest.raises(LlmConfigError, match=r"leaves its key out.*create the client here"):
        pickle.loads(pickled).run("hi")


def test_an_unpickled_client_takes_the_key_from_the_variable(sim, monkeypatch):
    client = ChatClient("openai:m", KEY, sim.base_url, extra_headers={"X-Api-Key": KEY, "x-a": "b"})
    pickled = pickle.dumps(client)
    assert KEY.encode() not in pickled
    assert client.generation_args["extra_headers"] == {"X-Api-Key": KEY, "x-a": "b"}
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    client.run("hi")
    first = headers(sim)
    pickle.loads(pickled).run("hi")
    second = headers(sim)
    assert second["authorization"] == first["authorization"]
    assert second["x-a"] == "b"
    assert "x-api-key" not in second


def test_errors_of_an_unpickled_client_hold_no_key(sim, monkeypatch):
    pickled = pickle.dumps(ChatClient("openai:m", KEY, sim.base_url))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    sim.set_script({"default": {"error": {"status": 401, "message": f"no such key: {KEY}"}}})
    with pytest.raises(Exception, match="no such key") as raised:
        pickle.loads(pickled).run("hi")
    assert KEY not in str(raised.value)
