"""Servers at a unix socket: calls, the connections that are kept, and the errors."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.wire.origins import TEXT, HttpProxy, Origin, response

import tokenwire as tw
from tokenwire.testing import block_network, fake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.only_over("direct", "unix sockets"),
    pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no unix sockets here"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of the sockets, by a path that is short enough for one."""
    with TemporaryDirectory(prefix="tw") as short:
        link = Path(short) / "s"
        link.symlink_to(tmp_path)
        yield link


@pytest.fixture
def server(folder: Path) -> Iterator[Origin]:
    """A server at `llm.sock`."""
    with Origin(path=folder / "llm.sock") as origin:
        yield origin


def client(base_url: str, **settings: Any) -> tw.ChatClient:
    return tw.ChatClient("m", base_url=base_url, **{"max_retries": 0, "timeout": 20, **settings})


def test_a_call_has_the_path_of_the_api_and_the_host_localhost(
    server: Origin, call: Callable[[tw.ChatClient], str]
) -> None:
    assert server.base_url.startswith("unix:///")
    assert call(client(f"{server.base_url}?k=v")) == TEXT
    (request,) = server.requests
    assert request.line == "POST /v1/chat/completions?k=v HTTP/1.1"
    assert request.headers["host"] == "localhost"


def test_connections_are_kept(server: Origin) -> None:
    chat = client(server.base_url)
    for _ in range(3):
        assert chat.run("hi") == TEXT
        assert chat.run("hi", stream=True) == TEXT
    assert (len(server.seen), len(server.requests)) == (1, 6)

    async def twice() -> None:
        for stream in (False, True):
            assert await chat.run_async("hi", stream=stream) == TEXT

    asyncio.run(twice())
    assert (len(server.seen), len(server.requests)) == (2, 8)


def test_a_burst_waits_where_the_queue_of_the_socket_is_short(folder: Path) -> None:
    with Origin(path=folder / "short.sock", backlog=0) as server:
        chat = client(server.base_url)
        with ThreadPoolExecutor(32) as threads:
            assert set(threads.map(lambda _: chat.run("hi"), range(64))) == {TEXT}

        async def burst() -> list[str]:
            return await asyncio.gather(*(chat.run_async("hi") for _ in range(64)))

        assert set(asyncio.run(burst())) == {TEXT}


@pytest.mark.parametrize(
    "form",
    [
        "unix://{path}:/v1",
        "unix:{path}:/v1",
        "unix:///{path}:/v1/",
        "http+unix://{quoted}/v1",
        "http+unix://{path}:/v1",
    ],
)
def test_the_forms_of_an_address(server: Origin, folder: Path, form: str) -> None:
    path = str(folder / "llm.sock")
    chat = client(form.format(path=path, quoted=quote(path, safe="")))
    assert chat.base_url == server.base_url == f"unix://{path}:/v1"
    assert chat.run("hi") == TEXT


@pytest.mark.parametrize("name", ["a b", "ü", "50%", "a@b", "a:b", "a?b", "#"])
def test_the_path_of_a_socket_may_have_any_character(folder: Path, name: str) -> None:
    with Origin(path=folder / name) as server:
        chat = client(f"unix://{folder}/{quote(name, safe='')}")
        assert chat.run("hi") == TEXT
        # What the client shows, and a pickle of it, lead there, too.
        assert client(chat.base_url).run("hi") == TEXT
        assert pickle.loads(pickle.dumps(client(chat.base_url))).run("hi") == TEXT
        assert server.requests[0].line == "POST /chat/completions HTTP/1.1"


def test_a_provider_and_its_variable_may_name_a_socket(
    server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tw.ChatClient("ollama:m", base_url=server.base_url).run("hi") == TEXT
    monkeypatch.setenv("VLLM_API_BASE", server.base_url)
    monkeypatch.setenv("VLLM_API_KEY", "sk-vllm")
    assert tw.ChatClient("vllm:m").run("hi") == TEXT
    assert server.requests[1].headers["authorization"] == "Bearer sk-vllm"
    monkeypatch.setenv("VLLM_API_BASE", "unix://run/vllm.sock")
    with pytest.raises(tw.LlmConfigError, match=r"^VLLM_API_BASE has no whole path of a socket"):
        tw.ChatClient("vllm:m").run("hi")


def test_a_key_for_one_socket_is_not_sent_to_another(server: Origin, folder: Path) -> None:
    chat = client(server.base_url, api_key="sk-one")
    assert chat.with_options(base_url=f"unix://{folder}/llm.sock:/v2").run("hi") == TEXT
    with pytest.raises(tw.LlmConfigError, match="api_key: given for"):
        chat.with_options(base_url=f"unix://{folder}/other.sock:/v1")


def test_neither_a_proxy_nor_a_blocked_network_is_between(
    server: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with HttpProxy() as proxy:
        for name in ("http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        with block_network():
            assert client(server.base_url, api_key="sk-canary").run("hi") == TEXT
        assert proxy.seen == []
        with pytest.raises(tw.LlmConfigError, match="proxy= cannot be used with a unix socket"):
            client(server.base_url, proxy=proxy.url)
    # A key that stays on this machine is nothing to warn of.
    assert caplog.text == ""


def test_only_the_direct_transport_reaches_a_socket(
    server: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client(server.base_url, transport="direct").run("hi") == TEXT
    monkeypatch.setenv("TOKENWIRE_TRANSPORT", "general")
    # What holds for all clients holds where there is a choice.
    assert client(server.base_url).run("hi") == TEXT
    with pytest.raises(tw.LlmConfigError, match=r'^transport="general" cannot reach a unix socket'):
        client(server.base_url, transport="general")


def test_an_error_names_the_socket_and_the_url(server: Origin, folder: Path) -> None:
    path = folder / "llm.sock"
    server.answer_next(response(404, b"{}"))
    with pytest.raises(tw.LlmAPIError) as caught:
        client(f"unix://{path}").run("hi")
    url = f"unix://{path}:/chat/completions"
    assert f"asked for POST {url}; base_url has no /v1: does unix://{path}:/v1 work?" in str(
        caught.value
    )
    server.answer_next(None)
    closed = f"unix:{path} closed the connection"
    with pytest.raises(tw.LlmConnectionLostError, match=closed) as lost:
        client(f"unix://{path}:/v1").run("hi")
    # There is no TLS to ask for.
    assert "https" not in str(lost.value)
    moved = response(307, b"", f"location: http://localhost:{server.port + 1}/v1")
    server.answer_next(moved)
    with pytest.raises(tw.LlmAPIError, match="leads to another origin"):
        client(f"unix://{path}:/v1").run("hi")
    server.answer_next(response(307, b"", "location: /v2/chat/completions"))
    assert client(f"unix://{path}:/v1").run("hi") == TEXT
    assert server.requests[-1].line == "POST /v2/chat/completions HTTP/1.1"


def test_what_is_no_server_is_named(folder: Path, call: Callable[[tw.ChatClient], str]) -> None:
    (folder / "file").touch()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "dead"))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(folder / "datagrams"))
        for name, why in {
            "none": "there is no .*/none: is the server running",
            "file": "file is not a socket",
            "dead": "nothing listens at .*/dead .*: is the server running",
            "dead/v1": "a colon separates the path of the API, as in unix:///",
            "datagrams": "no connection to .*/datagrams",
        }.items():
            with pytest.raises(tw.LlmConnectError, match=why) as caught:
                call(client(f"unix://{folder}/{name}"))
            assert "\n" not in str(caught.value)
            assert f"base_url=unix://{folder}/{name}" in str(caught.value)


def test_a_socket_without_permission_is_named(server: Origin, folder: Path) -> None:
    (folder / "llm.sock").chmod(0o400)
    user = os.geteuid()
    if user == 0:
        # Root may do everything, and any other user may not.
        os.seteuid(65_534)
    try:
        with pytest.raises(tw.LlmConnectError, match=r"no permission to connect to .*llm\.sock"):
            client(server.base_url).run("hi")
    finally:
        os.seteuid(user)


def test_an_event_names_the_socket(server: Origin, folder: Path) -> None:
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        assert client(server.base_url).run("hi") == TEXT
    finally:
        remove()
    (event,) = events
    assert (event.server_address, event.server_port) == (str(folder / "llm.sock"), None)


def test_a_server_that_comes_back_is_found(folder: Path) -> None:
    path = folder / "llm.sock"
    chat = client(f"unix://{path}:/v1")
    for _ in range(2):
        with Origin(path=path) as server:
            assert chat.run("hi") == TEXT
            assert len(server.requests) == 1
        path.unlink()
        with pytest.raises(tw.LlmConnectError, match="there is no"):
            chat.run("hi")


def test_a_fake_sees_the_address_of_the_client(folder: Path) -> None:
    with fake({"*": "hello"}) as seen:
        assert client(f"unix://{folder}/none.sock:/v1").run("hi") == "hello"
    assert seen.requests[0].url == f"unix://{folder}/none.sock:/v1/chat/completions"
