"""The sync and the async half of a class offer the same, under different names."""

from __future__ import annotations

import inspect

import pytest

import tokenwire

CLIENTS = ("LlmClientInterface", "ChatClient", "CompletionClient")
TWINS = ("run", "complete", "stream", "parse", "map", "validate_config", "models")


def parameters(function):
    """The name, kind and default of each parameter."""
    return [
        (parameter.name, parameter.kind, parameter.default)
        for parameter in inspect.signature(function).parameters.values()
    ]


def public(cls):
    return {name for name in dir(cls) if not name.startswith("_")}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", TWINS)
def test_each_method_and_its_async_twin_have_the_same_parameters(client, name):
    cls = getattr(tokenwire, client)
    assert parameters(getattr(cls, name)) == parameters(getattr(cls, f"{name}_async"))


@pytest.mark.parametrize("client", CLIENTS)
def test_every_async_method_has_a_sync_twin(client):
    names = public(getattr(tokenwire, client))
    twins = {name.removesuffix("_async") for name in names if name.endswith("_async")}
    assert twins >= set(TWINS)
    assert twins <= names
    assert {"close", "aclose"} <= names


@pytest.mark.parametrize("client", CLIENTS[1:])
def test_the_clients_implement_the_interface(client):
    assert issubclass(getattr(tokenwire, client), tokenwire.LlmClientInterface)
    assert not inspect.isabstract(getattr(tokenwire, client))


def test_both_streams_offer_the_same():
    sync = public(tokenwire.LlmStream)
    twin = {"aclose": "close"}
    assert {twin.get(name, name) for name in public(tokenwire.AsyncLlmStream)} == sync
    assert {"close", "text_stream", "events", "batches", "response"} <= sync
