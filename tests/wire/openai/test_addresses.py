"""Addresses are merged and parsed once, and come out as openai's do."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

stock = pytest.importorskip("openai")

import tokenwire.openai as ours  # noqa: E402
from tokenwire.openai.transport import async_client, sync_client  # noqa: E402

pytestmark = pytest.mark.no_connection

NOT = stock.NOT_GIVEN
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
    # Each comes from what was kept, now, except with Azure.
    assert prepared(client) == prepared(other)
    first = client._prepare_url(PATHS[-1])
    assert (client._prepare_url(PATHS[-1]) is first) == ("Azure" not in name)
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


@pytest.mark.parametrize(("name", "options"), CLIENTS, ids=[name for name, _ in CLIENTS])
def test_an_address_comes_from_who_replaced_what_merges_it(name, options):
    from openai._base_client import BaseClient

    url = type(stock.OpenAI(**PLAIN).base_url)
    for module in (stock, ours):
        client = getattr(module, name)(**options)
        before = client._prepare_url("/chat/completions")
        with mock.patch.object(BaseClient, "_prepare_url", return_value=url("http://a/")) as merge:
            assert str(client._prepare_url("/chat/completions")) == "http://a/"
            assert str(client._prepare_url("/completions")) == "http://a/"
            assert merge.call_count == 2
        assert client._prepare_url("/chat/completions") == before
        assert client._prepare_url("/completions").path.endswith("/completions")


@pytest.mark.parametrize("module", [stock, ours])
def test_a_base_url_of_a_subclass_is_read_each_time(module):
    own = {"hosts": (), "base_url": property(lambda self: self.hosts[0])}
    client: Any = type("Routed", (module.OpenAI,), own)(**PLAIN)
    for host in ("http://a/", "http://b/"):
        client.hosts = (type(stock.OpenAI(**PLAIN).base_url)(host),)
        assert str(client._prepare_url("/models")) == f"{host}models"


@pytest.mark.parametrize("module", [stock, ours])
def test_a_deployment_that_is_taken_away_counts_at_once(module):
    client = module.AzureOpenAI(**AZURE)
    assert client._prepare_url("/models").path == "/a/openai/models"
    client._azure_deployment = None
    assert client._prepare_url("/models").path == "/a/openai/deployments/d/models"


@pytest.mark.parametrize(("name", "options"), CLIENTS, ids=[name for name, _ in CLIENTS])
def test_the_http_client_has_the_address_and_the_timeout(name, options):
    limits = stock.Timeout(9, connect=3)
    for given in ({}, {"timeout": 7}, {"timeout": None}, {"timeout": limits}, {"timeout": NOT}):
        seen = [getattr(module, name)(**options, **given)._client for module in (stock, ours)]
        assert seen[0].timeout == seen[1].timeout
        assert seen[0].base_url == seen[1].base_url


@pytest.mark.parametrize("name", ["OpenAI", "AsyncOpenAI"])
def test_who_replaced_what_builds_a_request_sees_what_openai_gives_it(name):
    from openai._models import FinalRequestOptions

    seen = []
    for module in (stock, ours):
        client = getattr(module, name)(**PLAIN)
        # Its own asks the system what it is.
        client.platform_headers = dict
        library: Any = next(
            one for one in type(client._client).__mro__ if one.__module__.endswith("._client")
        )
        build = library.build_request

        def around(
            self: Any, *args: Any, _build: Any = build, _module: Any = module, **words: Any
        ) -> Any:
            seen.append((_module, args, words["method"], words["url"], type(words["url"])))
            return _build(self, *args, **words)

        with mock.patch.object(library, "build_request", around):
            client._build_request(FinalRequestOptions(method="get", url="/models"))
    assert [one[0] for one in seen] == [stock, ours]
    assert seen[0][1:] == seen[1][1:]


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
