"""Custom providers: their row defines how to ask them, and everything has their name."""

from __future__ import annotations

import asyncio
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent, sent_headers
from tests.wire.origins import Origin

import tokenwire as tw
from tokenwire import ChatClient, LlmClientFactory, LlmConfigError, LlmProvider
from tokenwire import ModelRegistry as Registry
from tokenwire.catalog import registry as registry_module
from tokenwire.catalog.model import Price

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "acme-key-0123456789"


@pytest.fixture(autouse=True)
def acme_key(monkeypatch):
    monkeypatch.setenv("ACME_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary-of-another")


def acme(sim: SimServer, **fields: Any) -> LlmProvider:
    return LlmProvider("acme", base_url=sim.base_url, key_vars=["ACME_API_KEY"], **fields)


def factory_of(*rows: LlmProvider) -> LlmClientFactory:
    registry = Registry(plugins=False)
    for row in rows:
        registry.register_provider(row)
    return LlmClientFactory(registry=registry)


def client_of(row: LlmProvider) -> ChatClient:
    client = factory_of(row).get_client("acme:m1")
    assert isinstance(client, ChatClient)
    return client


def test_it_gets_its_key_and_no_other(sim):
    client = client_of(acme(sim))
    client.run("hi")
    pickle.loads(pickle.dumps(client)).run("hi")
    client.with_options(temperature=1).run("hi")
    ChatClient("m1", provider=acme(sim)).run("hi")
    assert (client.provider, client.model, client.base_url) == ("acme", "m1", sim.base_url)
    assert [body["model"] for body in sent(sim)] == ["m1"] * 4
    ChatClient("m1", base_url=sim.base_url, api_key=KEY).run("hi")
    # The log has a hash of what it takes for a key.
    assert len({headers["authorization"] for headers in sent_headers(sim)}) == 1


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "api-key", "X-Acme-Key"])
@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens", "max_output"])
def test_its_row_defines_how_key_and_limit_are_sent(sim, ask: Asking, header, limit):
    row = acme(sim, auth_header=header, max_tokens_field=limit)
    ask.complete(client_of(row), "hi", max_tokens=7)
    (body,), (headers,) = sent(sim), sent_headers(sim)
    assert (body[limit], [name for name in body if name.startswith("max")]) == (7, [limit])
    carriers = {"authorization", "x-api-key", "api-key", "x-acme-key"} & set(headers)
    assert carriers == {header.lower()}


@pytest.mark.parametrize(
    ("header", "sent_as"), [("x-acme-key", KEY), ("authorization", f"Bearer {KEY}")]
)
def test_the_key_is_in_the_header_that_its_server_wants(header, sent_as):
    with Origin() as server:
        row = LlmProvider("acme", base_url=server.base_url, auth_header=header)
        ChatClient("m1", provider=row, api_key=KEY).run("hi")
        (request,) = server.requests
    assert request.headers[header] == sent_as


def test_a_key_in_a_custom_header_is_not_in_errors(sim):
    key = "acme-canary-55512345"
    sim.set_script({"default": {"error": {"status": 400, "message": f"bad key {key}"}}})
    row = acme(sim, auth_header="x-acme-key", key_required=False)
    for settings in ({"api_key": key}, {"headers": {"X-Acme-Key": key}}):
        with pytest.raises(tw.LlmAPIError) as caught:
            ChatClient("m1", provider=row, **settings).run("hi")
        assert key not in f"{caught.value}{caught.value.body!r}{caught.value.attempts}"


def test_a_stream_asks_for_usage_if_its_row_allows_it(sim):
    for takes in (True, False):
        client_of(acme(sim, stream_options=takes)).run("hi", stream=True)
    assert ["stream_options" in body for body in sent(sim)] == [True, False]


def test_replies_errors_and_events_have_its_name(sim, ask: Asking):
    heard: list[tw.CallEvent] = []
    remove = tw.on_call(heard.append)
    client = client_of(acme(sim))
    try:
        reply = ask.complete(client, "hi")
        _, streamed = ask.read(client, "hi")
        sim.set_script({"default": {"error": {"status": 401}}})
        with pytest.raises(tw.LlmAuthenticationError) as caught:
            ask.complete(client, "hi")
    finally:
        remove()
    assert (reply.provider, streamed.provider, caught.value.provider) == ("acme",) * 3
    assert [event.provider for event in heard] == ["acme"] * 3
    assert "acme:m1" in repr(client)
    assert pickle.loads(pickle.dumps(reply)).provider == "acme"


def test_its_price_comes_from_its_entry(sim, monkeypatch):
    registry = Registry(plugins=False)
    rows = [acme(sim), LlmProvider("other", base_url=sim.base_url)]
    for row, usd in zip(rows, ("1", "2"), strict=True):
        registry.register_provider(row)
        price = Price(input=usd, output=usd, source=row.name)
        registry.register_model(tw.ModelConfig("m1", row.name, price=price))
    monkeypatch.setitem(registry_module._shared, "registry", registry)
    factory = LlmClientFactory(registry=registry)
    costs = [factory.get_client(f"{row.name}:m1").complete("hi").cost for row in rows]
    assert [cost and cost.source for cost in costs] == ["acme", "other"]
    assert costs[0] is not None
    assert costs[1] is not None
    assert costs[1].usd == 2 * costs[0].usd


def test_the_model_of_a_call_may_have_its_name(sim):
    client_of(acme(sim)).run("hi", model="acme:m2")
    assert [body["model"] for body in sent(sim)] == ["m2"]


def test_a_key_from_a_callable_is_sent_the_same_way(sim):
    client = ChatClient("m1", provider=acme(sim, auth_header="x-acme-key"), api_key=lambda: "k")
    client.run("hi")
    asyncio.run(client.run_async("hi", stream=True))
    assert ["x-acme-key" in headers for headers in sent_headers(sim)] == [True, True]
    assert ["authorization" in headers for headers in sent_headers(sim)] == [False, False]


def test_its_missing_key_or_address_is_named(sim, monkeypatch):
    client = client_of(acme(sim))
    monkeypatch.delenv("ACME_API_KEY")
    for make in (lambda: client_of(acme(sim)), lambda: pickle.loads(pickle.dumps(client))):
        with pytest.raises(LlmConfigError, match="no API key for acme: set ACME_API_KEY"):
            make().run("hi")
    client_of(acme(sim, key_required=False)).run("hi")
    assert "authorization" not in sent_headers(sim)[0]
    nowhere = LlmProvider("acme", base_url_vars=["ACME_URL"])
    with pytest.raises(LlmConfigError, match="acme has no default address: set ACME_URL"):
        client_of(nowhere).run("hi")
    factory = factory_of(nowhere)
    for number in (1, 2):
        monkeypatch.setenv("ACME_URL", f"http://10.0.0.{number}/v1")
        assert factory.get_client("acme:m1", api="chat").base_url == f"http://10.0.0.{number}/v1"


def test_it_takes_an_address_in_the_name():
    row = LlmProvider("acme", base_url="http://x/v1")
    client = factory_of(row).get_client("acme://10.0.0.5:1@m", api="chat")
    assert (client.provider, client.model) == ("acme", "m")
    assert client.base_url == "http://10.0.0.5:1/v1"


@pytest.mark.parametrize("name", ["host", "Content-Type", "content-length"])
def test_a_header_that_cannot_carry_a_key_is_refused(sim, name):
    with pytest.raises(LlmConfigError, match=r"auth_header: .* can carry a key"):
        client_of(acme(sim, auth_header=name))


def test_a_changed_row_is_another_client(sim):
    registry = Registry(plugins=False)
    factory = LlmClientFactory(registry=registry)
    registry.register_provider(acme(sim))
    first = factory.get_client("acme:m1")
    assert factory.get_client("acme:m1") is first
    registry.register_provider(acme(sim, auth_header="x-acme-key"))
    factory.get_client("acme:m1").run("hi")
    assert "x-acme-key" in sent_headers(sim)[0]


def test_a_wrong_row_is_refused():
    with pytest.raises(LlmConfigError, match="provider: give a str or an LlmProvider, not int"):
        ChatClient("m", provider=3)  # type: ignore[arg-type]


def test_a_row_of_the_engine_is_that_provider(sim):
    row = Registry(plugins=False).get_provider("openai")
    client = ChatClient("m", provider=row, base_url=sim.base_url)
    client.run("hi", max_tokens=3)
    assert (client.provider, sent(sim)[0]["max_completion_tokens"]) == ("openai", 3)
