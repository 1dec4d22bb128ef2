"""Azure: where a resource is found, which of its APIs is called, and how the key is sent."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent_headers

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "0123456789abcdef0123456789abcdef"
# The shape of a token of Entra ID: a JSON web token.
TOKEN = "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ0ZXN0In0.c2lnbmF0dXJl"
V1 = "/openai/v1/chat/completions"
VERSION = "2024-10-21"
CLASSIC = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"


@pytest.fixture
def root(sim: SimServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The root of a resource, whose key is in the environment."""
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    return sim.base_url.removesuffix("/v1")


def paths(sim: SimServer) -> list[str]:
    return [request["path"] for request in sim.requests()]


@pytest.fixture(params=["AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_BASE_URL"])
def set_address(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets each of the variables with the address, in turn."""
    return lambda url: monkeypatch.setenv(request.param, url)


@pytest.mark.parametrize("path", ["", "/", "/openai", "/openai/v1", "/openai/v1/"])
def test_the_resource_comes_from_the_variables_of_azure(
    sim: SimServer, ask: Asking, root: str, set_address: Any, path: str
) -> None:
    set_address(root + path)
    chat = tw.ChatClient("azure:gpt-4o")
    ask.complete(chat, "-")
    assert ask.models(chat)
    assert paths(sim) == [V1, "/openai/v1/models"]
    assert "api-key" in sent_headers(sim)[0]
    assert "authorization" not in sent_headers(sim)[0]


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", V1),
        ("/openai", V1),
        ("/openai/v1", V1),
        ("?api-version=preview", f"{V1}?api-version=preview"),
        (f"?api-version={VERSION}", CLASSIC),
        (f"/openai?api-version={VERSION}", CLASSIC),
        (f"/openai/deployments/gpt-4o?api-version={VERSION}", CLASSIC),
        (f"/openai/deployments/gpt-4o/?api-version={VERSION}", CLASSIC),
        # A gateway.
        ("/llm", "/llm/chat/completions"),
        ("/llm/openai", "/llm/openai/chat/completions"),
    ],
)
def test_a_base_url_leads_to_the_api_that_it_means(
    sim: SimServer, ask: Asking, root: str, path: str, asked: str
) -> None:
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root + path), "-")
    assert paths(sim) == [asked]


def test_the_api_version_comes_from_the_variable_of_openais_library(
    sim: SimServer, ask: Asking, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", root)
    monkeypatch.setenv("OPENAI_API_VERSION", VERSION)
    chat = tw.ChatClient("azure:gpt-4o")
    ask.complete(chat, "-")
    ask.complete(chat, "-", model="other")
    ask.read(chat, "-")
    ask.models(chat)
    other = CLASSIC.replace("gpt-4o", "other")
    assert paths(sim) == [CLASSIC, other, CLASSIC, f"/openai/models?api-version={VERSION}"]
    # It changes nothing else.
    ask.complete(tw.ChatClient("m", base_url=root), "-")
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=f"{root}/openai/v1"), "-")
    assert paths(sim)[4:] == ["/chat/completions", V1]


def test_the_api_version_of_a_call_decides_for_that_call(
    sim: SimServer, ask: Asking, root: str
) -> None:
    chat = tw.ChatClient("azure:gpt-4o", base_url=root, extra_query={"api-version": VERSION})
    ask.complete(chat, "-")
    ask.complete(chat, "-", extra_query={"api-version": "preview"})
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root), "-")
    assert paths(sim) == [CLASSIC, f"{V1}?api-version=preview", V1]


def test_what_was_not_found_is_named_with_its_deployment(
    sim: SimServer, ask: Asking, root: str
) -> None:
    sim.set_script({"default": {"error": {"status": 404, "message": "Resource not found"}}})
    chat = tw.ChatClient("azure:gpt-4o", base_url=f"{root}?api-version={VERSION}")
    with pytest.raises(tw.LlmError) as caught:
        ask.complete(chat, "-")
    asked = f"asked for POST {root}{CLASSIC.partition('?')[0]}; on Azure, the model is the name of"
    assert asked in str(caught.value)


def test_azure_serves_a_deployment_only_with_an_api_version(root: str) -> None:
    del root
    base_url = "https://me.openai.azure.com/openai/deployments/gpt-4o"
    with pytest.raises(tw.LlmConfigError, match=r"add \?api-version=2024-10-21 or set OPENAI_API"):
        tw.ChatClient("azure:gpt-4o", base_url=base_url).run("-")


def test_a_key_is_sent_as_a_key_and_a_token_as_a_bearer_token(
    sim: SimServer, ask: Asking, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    keys = iter([KEY, TOKEN, KEY])

    def source() -> str:
        return next(keys)

    chat = tw.ChatClient("azure:gpt-4o", base_url=root, api_key=source)
    for _ in range(3):
        ask.complete(chat, "-")
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root, api_key=TOKEN), "-")
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", TOKEN)
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root), "-")
    found = [
        [name for name in ("api-key", "authorization") if name in headers]
        for headers in sent_headers(sim)
    ]
    assert found == [["api-key"], ["authorization"], ["api-key"], *[["authorization"]] * 2]


@pytest.mark.parametrize("name", ["Authorization", "api-key"])
@pytest.mark.parametrize("level", ["client", "call"])
def test_a_header_of_the_callers_replaces_the_key(
    sim: SimServer, ask: Asking, root: str, name: str, level: str
) -> None:
    own: dict[str, Any] = {name: "Bearer my-own-token"}
    of_client: dict[str, Any] = {"headers": own} if level == "client" else {}
    of_call: dict[str, Any] = {"extra_headers": own} if level == "call" else {}
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root, **of_client), "-", **of_call)
    (headers,) = sent_headers(sim)
    assert [one for one in ("api-key", "authorization") if one in headers] == [name.lower()]


def test_a_header_is_enough_where_no_key_is_known(
    sim: SimServer, ask: Asking, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    own = {"Authorization": f"Bearer {TOKEN}"}
    ask.complete(tw.ChatClient("azure:gpt-4o", base_url=root, headers=own), "-")
    assert paths(sim) == [V1]


@pytest.mark.parametrize("name", ["Authorization", "api-key"])
def test_a_refused_key_in_a_header_is_named_by_that_header(
    sim: SimServer, root: str, name: str
) -> None:
    sim.set_script({"default": {"error": {"status": 401, "message": "no"}}})
    own = {name: f"Bearer {TOKEN}"}
    of_client = tw.ChatClient("azure:gpt-4o", base_url=root, headers=own)
    of_call = tw.ChatClient("azure:gpt-4o", base_url=root)
    for client, headers in ((of_client, None), (of_call, own)):
        with pytest.raises(tw.LlmAuthenticationError) as caught:
            client.run("-", extra_headers=headers)
        assert f"(the key is from headers= ({name.lower()}))" in str(caught.value)


def test_without_a_key_both_variables_are_named() -> None:
    root = "https://me.openai.azure.com"
    with pytest.raises(tw.LlmConfigError, match="AZURE_OPENAI_API_KEY or AZURE_OPENAI_AD_TOKEN"):
        tw.ChatClient("azure:gpt-4o", base_url=root).run("-")


def test_no_secret_of_azure_is_sent_to_an_address_in_a_model_string(
    sim: SimServer, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_AD_TOKEN", TOKEN)
    for endpoint in ("https://me.openai.azure.com", ""):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", endpoint)
        with pytest.raises(tw.LlmConfigError):
            tw.ChatClient(f"azure://127.0.0.1:{sim.port}@gpt-4o").run("-")
    del root
    assert sim.requests() == []


def test_a_pickled_client_keeps_its_api_version(sim: SimServer, ask: Asking, root: str) -> None:
    chat = tw.ChatClient("azure:gpt-4o", base_url=f"{root}?api-version={VERSION}")
    ask.complete(pickle.loads(pickle.dumps(chat)), "-")
    assert paths(sim) == [CLASSIC]


def test_a_configuration_names_resources(sim: SimServer, root: str) -> None:
    factory = tw.LlmClientFactory(
        {
            "models": {
                "new": {"model": "azure:gpt-4o", "base_url": root},
                "old": {
                    "model": "azure:gpt-4o",
                    "base_url": root,
                    "params": {"extra_query": {"api-version": VERSION}},
                },
                "url": {"model": "azure:gpt-4o", "base_url": f"{root}?api-version={VERSION}"},
            }
        }
    )
    for name in ("new", "old", "url"):
        factory.get_client(name).run("-")
    assert paths(sim) == [V1, CLASSIC, CLASSIC]
