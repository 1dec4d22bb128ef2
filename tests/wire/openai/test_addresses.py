"""Addresses are merged and parsed once, and come out as openai's do."""

from __future__ import annotations

from typing import Any

import pytest

stock = pytest.importorskip("openai")

import tokenwire.openai as ours  # noqa: E402
from tokenwire.openai.transport import async_client, sync_client  # noqa: E402

pytestmark = pytest.mark.no_connection

PLAIN = {"base_url": "http://127.0.0.1:1/v1", "api_key": "sk-of-this-test"}
AZURE = {
    "azure_endpoint": "http://127.0.0.1:1/a",
    "azure_deployment": "d",
    "api_version": "1",
    "api_key": "sk-of-this-test",
}
CLIENTS = [
    ("OpenAI", PLAIN),
    ("AsyncOpenAI", PLAIN),
    ("AzureOpenAI", AZURE),
    ("AsyncAzureOpenAI", AZURE),
]
PATHS = [
    "/chat/completions",
    "chat/completions",
    "/models",
    "/files/a%20b?limit=2",
    "",
    "http://127.0.0.2:2/elsewhere",
    *(f"/responses/r{number}" for number in range(200)),
]


def prepared(client: Any) -> list[str]:
    """What a client makes of each path."""
    return [str(client._prepare_url(path)) for path in PATHS]


@pytest.mark.parametrize(("name", "options"), CLIENTS, ids=[name for name, _ in CLIENTS])
def test_a_path_is_merged_as_openai_does(name, options):
    client, other = getattr(ours, name)(**options), getattr(stock, name)(**options)
    assert prepared(client) == prepared(other)
    # Each comes from what was kept, now.
    assert prepared(client) == prepared(other)
    first = client._prepare_url(PATHS[-1])
    assert client._prepare_url(PATHS[-1]) is first
    assert len(client._merged[1]) <= 64


@pytest.mark.parametrize(("name", "options"), CLIENTS, ids=[name for name, _ in CLIENTS])
def test_another_base_url_counts_at_once(name, options):
    client, other = getattr(ours, name)(**options), getattr(stock, name)(**options)
    before = prepared(client)
    client.base_url = other.base_url = "http://127.0.0.3:3/v2"
    assert prepared(client) == prepared(other) != before
    copies = [one.with_options(base_url="http://127.0.0.4:4/v3") for one in (client, other)]
    assert prepared(copies[0]) == prepared(copies[1])
    assert prepared(client) == prepared(other)


@pytest.mark.parametrize("make", [sync_client, async_client])
def test_an_http_client_parses_as_its_library_does(make):
    client = make()
    kind = stock.DefaultHttpxClient if make is sync_client else stock.DefaultAsyncHttpxClient
    other = kind()
    client.base_url = other.base_url = "http://user:pass@127.0.0.1:1/v1"
    url = type(client.base_url)
    for address in ("", "chat", "http://127.0.0.2/a?b=c#d", "http://ü.example/é", url("/of-url")):
        for _ in range(2):
            requests = [one.build_request("POST", address, json={}) for one in (client, other)]
            assert requests[0].url == requests[1].url
            assert requests[0].headers.multi_items() == requests[1].headers.multi_items()
    for wrong in ("http://127.0.0.1:port/", "http://a\n", None, 3):
        raised = []
        for one in (client, other):
            with pytest.raises(Exception) as caught:  # noqa: PT011 - both raise the same
                one.build_request("POST", wrong)
            raised.append((type(caught.value), str(caught.value)))
        assert raised[0] == raised[1]
