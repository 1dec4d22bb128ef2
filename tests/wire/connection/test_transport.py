"""`transport=` and `TOKENWIRE_TRANSPORT`: which transport carries the calls of a client."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import TEXT, HttpProxy, Origin

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.chooses_transport

VARIABLE = "TOKENWIRE_TRANSPORT"
PUBLIC = "https://api.example/v1"


def client(base_url: str = PUBLIC, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=base_url, max_retries=0, **settings)


def way(chat: tw.ChatClient) -> tuple[str | None, ...]:
    """The transport, the proxy, and where the proxy is from."""
    found = chat._engine.way
    return found["transport"], found["proxy"], found["proxy_from"]


@pytest.mark.parametrize("word", ["auto", "direct", "general"])
def test_each_transport_carries_calls(word: str, call: Callable[[tw.ChatClient], str]) -> None:
    with Origin() as server:
        chat = client(server.base_url, transport=word)
        assert chat._engine.way["transport"] == word.replace("auto", "direct")
        assert call(chat) == TEXT
        (request,) = server.requests
        assert request.line == "POST /v1/chat/completions HTTP/1.1"


def test_auto_takes_the_general_one_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert way(client()) == ("direct", None, None)
    assert way(client(proxy="p:1")) == ("general", "http://p:1", "proxy")
    monkeypatch.setenv("ALL_PROXY", "socks://u:p@p:1")
    assert way(client()) == ("general", "socks5h://p:1", "ALL_PROXY")
    assert way(client("http://127.0.0.1:1/v1")) == ("direct", None, None)
    assert way(client(trust_env=False)) == ("direct", None, None)
    monkeypatch.setenv("no_proxy", "api.example")
    assert way(client()) == ("direct", None, None)


def test_the_variable_is_for_clients_that_choose_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " general ")
    assert way(client())[0] == "general"
    assert way(client(trust_env=False))[0] == "direct"
    for word in ("auto", "direct"):
        assert way(client(transport=word))[0] == "direct"
    monkeypatch.setenv(VARIABLE, "")
    assert way(client())[0] == "direct"
    for bad in ("fast", "Direct", "direct,general"):
        monkeypatch.setenv(VARIABLE, bad)
        with pytest.raises(tw.LlmConfigError) as caught:
            client()
        assert str(caught.value) == (
            f'environment variable {VARIABLE} must be auto, direct or general, not "{bad}"'
        )
        assert way(client(trust_env=False))[0] == "direct"
        assert way(client(transport="general"))[0] == "general"


@pytest.mark.parametrize("wrong", ["fast", "DIRECT", "", 1, True, object(), b"direct"])
def test_another_word_is_refused(wrong: Any) -> None:
    with pytest.raises(tw.LlmConfigError) as caught:
        client(transport=wrong)
    assert str(caught.value).startswith('transport: give "auto", "direct" or "general", not ')
    assert "\n" not in str(caught.value)


def test_the_direct_one_goes_around_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tw.LlmConfigError) as caught:
        client(proxy="http://p:1", transport="direct")
    assert str(caught.value) == (
        'transport="direct" uses no proxy: leave out proxy=, or take the transport auto or general'
    )
    monkeypatch.setenv("https_proxy", "http://user:hunter2@p:1")
    with pytest.raises(tw.LlmConfigError) as caught:
        client(transport="direct")
    assert str(caught.value) == (
        'transport="direct" uses no proxy, and https_proxy names one for this base_url: take the '
        "transport auto or general, or add the host to NO_PROXY"
    )
    # Nothing is between this machine and itself.
    assert way(client("http://127.0.0.1:1/v1", transport="direct"))[0] == "direct"
    # What holds for all clients holds where there is a choice.
    monkeypatch.setenv(VARIABLE, "direct")
    assert way(client())[0] == way(client(proxy="http://p:1"))[0] == "general"
    assert way(client("http://127.0.0.1:1/v1"))[0] == "direct"


def test_an_interface_is_reached_by_the_direct_one_only() -> None:
    address = "http://[fe80::1%eth0]:1/v1"
    assert way(client(address))[0] == way(client(address, transport="direct"))[0] == "direct"
    with pytest.raises(tw.LlmConfigError, match=r'^transport="general" cannot reach .* zone'):
        client(address, transport="general")


def test_the_setting_goes_where_a_client_goes(tmp_path: Path) -> None:
    chat = client(transport="general", compression=True)
    assert repr(chat).endswith(f"base_url='{PUBLIC}', transport='general')")
    assert repr(client()).endswith(f"base_url='{PUBLIC}')")
    copies = [pickle.loads(pickle.dumps(chat)), chat.with_options(timeout=5)]
    for copy in copies:
        assert way(copy)[0] == "general"
        assert copy._settings["compression"] is True
    assert way(chat.with_options(transport="direct"))[0] == "direct"
    assert way(chat.with_options(transport=None))[0] == "direct"
    completions = tw.CompletionClient("m", base_url=PUBLIC, transport="general")
    assert completions._engine.way["transport"] == "general"
    with pytest.raises(tw.LlmConfigError, match=r"transport.*setting of the client"):
        chat.run("hi", transport="direct")  # type: ignore[call-arg]
    file = tmp_path / "tokenwire.toml"
    file.write_text(
        '[defaults]\ntransport = "general"\ncompression = true\n'
        f'[models.a]\nmodel = "m"\nbase_url = "{PUBLIC}"\n'
        '[models.b]\nmodel = "sim:chat"\ntransport = "direct"\n'
    )
    factory = tw.LlmClientFactory(file)
    assert [way(factory.get_client(name))[0] for name in "ab"] == ["general", "direct"]  # type: ignore[arg-type]
    file.write_text('[models.a]\nmodel = "sim:chat"\ntransport = "fast"\ncompression = "yes"\n')
    with pytest.raises(tw.LlmConfigError) as caught:
        tw.LlmClientFactory(file)
    for problem, name in zip(caught.value.problems, ("compression", "transport"), strict=True):
        assert f"models.a.{name}" in problem


def test_the_command_has_the_option(
    command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Origin() as server:
        words = ("run", "hi", "--base-url", server.base_url, "-m", "m", "--transport")
        assert command(*words, "general") == (0, f"{TEXT}\n", "")
        code, _, errors = command(*words, "fast")
        assert (code, "--transport" in errors) == (2, True)
        monkeypatch.setenv(VARIABLE, "fast")
        assert command(*words, "direct") == (0, f"{TEXT}\n", "")
        monkeypatch.setenv("https_proxy", "http://p:1")
        code, _, errors = command("run", "hi", "--base-url", PUBLIC, *words[4:], "direct")
        assert (code, "--transport" in errors, "https_proxy" in errors) == (2, True, True)


@pytest.mark.parametrize("transport", ["direct", "general"])
def test_no_proxy_of_the_environment_sees_a_call_to_this_machine(
    transport: str, call: Callable[[tw.ChatClient], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Origin() as server, HttpProxy() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "a.localhost"):
            address = server.base_url.replace("127.0.0.1", host)
            assert call(client(address, transport=transport)) == TEXT
        assert (len(server.requests), proxy.seen) == (4, [])
        if transport == "general":
            # What is given is used for every address.
            assert call(client(server.base_url, transport=transport, proxy=proxy.url)) == TEXT
            assert len(proxy.requests) == 1
