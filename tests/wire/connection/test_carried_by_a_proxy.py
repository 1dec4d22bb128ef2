"""The general transport carries calls through proxies: only the proxy knows the way to the server.

The name of the server resolves nowhere (RFC 6761), so a call that arrives went through the proxy.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import (
    ELSEWHERE,
    STREAM,
    TEXT,
    WHOLE,
    HttpProxy,
    Origin,
    SocksProxy,
    response,
)

from tokenwire import ChatClient, LlmConfigError, LlmError, LlmProxyError, RetryPolicy

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.wire.asking import Asking
    from tests.wire.origins import Seen

KEY = "sk-canary-of-the-origin"
PROMPT = "a canary in the prompt"

pytestmark = pytest.mark.only_over("general", "proxies")


@pytest.fixture(params=["auto", "general"], autouse=True)
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both lead to the general transport, for there is a proxy."""
    monkeypatch.setenv("TOKENWIRE_TRANSPORT", request.param)
    return str(request.param)


@pytest.fixture(params=["http", "https"])
def origin(request: pytest.FixtureRequest) -> Iterator[Origin]:
    secure = request.param == "https"
    with Origin(tls=request.getfixturevalue("server_tls") if secure else None) as server:
        yield server


def client(origin: Origin, roots: Path, *, max_retries: int = 2, **settings: Any) -> ChatClient:
    """Return a client of the server by its name that does not resolve."""
    address = origin.base_url.replace("127.0.0.1", ELSEWHERE)
    settings["retry"] = RetryPolicy(max_retries=max_retries, first=0.001)
    settings["ca_bundle"] = roots
    return ChatClient("m", base_url=address, api_key=KEY, system=PROMPT, **settings)


class LeadingSocks(SocksProxy):
    """A SOCKS proxy that connects to this machine whatever name it was asked for."""

    def _connect(
        self, peer: socket.socket, asked: tuple[str, int], answer: bytes, seen: Seen
    ) -> None:
        self.names.append(asked[0])
        super()._connect(peer, ("127.0.0.1", asked[1]), answer, seen)

    def __init__(self) -> None:
        self.names: list[str] = []
        super().__init__()


def test_an_http_proxy_carries_calls(
    origin: Origin, roots: Path, call: Callable[[ChatClient], str]
) -> None:
    with HttpProxy(leads_to="127.0.0.1") as proxy:
        chat = client(origin, roots, proxy=proxy.url)
        assert [call(chat) for _ in range(3)] == [TEXT] * 3
        assert len(origin.requests) == 3
        lines = [request.line for request in proxy.requests]
        if origin.base_url.startswith("https"):
            assert {line.split()[0] for line in lines} == {"CONNECT"}
            assert KEY.encode() not in proxy.raw
            assert PROMPT.encode() not in proxy.raw
        else:
            target = f"http://{ELSEWHERE}:{origin.port}/v1/chat/completions"
            assert lines == [f"POST {target} HTTP/1.1"] * 3
        assert {request.headers["host"] for request in origin.requests} == {
            f"{ELSEWHERE}:{origin.port}"
        }


@pytest.mark.parametrize("scheme", ["socks4a", "socks5h", "socks"])
def test_a_socks_proxy_that_looks_names_up_carries_calls(
    scheme: str, origin: Origin, roots: Path, call: Callable[[ChatClient], str]
) -> None:
    """`socks://` is what GNOME writes; there the proxy looks names up."""
    with LeadingSocks() as proxy:
        chat = client(origin, roots, proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        assert [call(chat) for _ in range(3)] == [TEXT] * 3
        assert set(proxy.names) == {ELSEWHERE}
        assert len(origin.requests) == 3


@pytest.mark.parametrize("scheme", ["socks4", "socks5"])
def test_a_socks_proxy_that_takes_addresses_carries_calls(
    scheme: str, origin: Origin, roots: Path, call: Callable[[ChatClient], str]
) -> None:
    with SocksProxy() as proxy:
        settings: dict[str, Any] = {"proxy": f"{scheme}://127.0.0.1:{proxy.port}"}
        address = origin.base_url.replace("127.0.0.1", "localhost")
        chat = client(origin, roots, **settings).with_options(base_url=address, api_key=KEY)
        assert call(chat) == TEXT
        assert proxy.asked == [("127.0.0.1", origin.port)]
        # A name that does not resolve here is named, and not the proxy's address.
        lost = client(origin, roots, max_retries=0, **settings)
        with pytest.raises(LlmError, match=ELSEWHERE) as raised:
            call(lost)
        assert "proxy's address" not in str(raised.value)
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("variable", ["all_proxy", "ALL_PROXY"])
def test_a_socks_proxy_of_the_environment_carries_calls(
    variable: str, origin: Origin, roots: Path, monkeypatch: pytest.MonkeyPatch, ask: Asking
) -> None:
    with LeadingSocks() as proxy:
        for ending in ("", "/"):
            monkeypatch.setenv(variable, f"socks://127.0.0.1:{proxy.port}{ending}")
            assert ask.run(client(origin, roots), "hi") == TEXT
        assert len(proxy.names) == len(origin.requests) == 2


@pytest.mark.parametrize("kind", ["http", "socks5h"])
def test_a_stream_through_a_proxy_arrives_event_by_event(
    kind: str, origin: Origin, roots: Path
) -> None:
    """The rest of the stream is never sent: what was sent is read all the same."""
    first = STREAM[: STREAM.index(b" two three.")].rpartition(b"\r\n")[0].rpartition(b"\r\n")[0]
    origin.answer_next(first + b"\r\n")
    with HttpProxy(leads_to="127.0.0.1") if kind == "http" else LeadingSocks() as proxy:
        chat = client(origin, roots, proxy=f"{kind}://127.0.0.1:{proxy.port}", timeout=30)
        with chat.stream("hi") as stream:
            assert next(stream.text_stream) == "One"


def test_the_direct_transport_refuses_a_proxy_and_names_the_fix() -> None:
    address = "http://origin.invalid/v1"
    for proxy in ("http://127.0.0.1:1", "socks5://127.0.0.1:1"):
        with pytest.raises(LlmConfigError, match=r"proxy.*general|general.*proxy"):
            ChatClient("m", base_url=address, proxy=proxy, transport="direct")


REFUSALS = {
    "empty": response,
    "a page": lambda status: response(
        status, b"<html>no</html>" * 1_000, "content-type: text/html"
    ),
    "chunked": lambda status: (
        b"HTTP/1.1 %d No\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n" % status
    ),
    "HTTP/1.0": lambda status: b"HTTP/1.0 %d No\r\n\r\n" % status,
    "closed": lambda status: response(status, b"", "connection: close"),
    "interim": lambda status: b"HTTP/1.1 100 Continue\r\n\r\n" + response(status),
}


STATUSES = [400, 401, 403, 404, 407, 429, 302, 500, 502, 503]
REFUSED = [(status, "empty") for status in STATUSES] + [
    (403, form) for form in REFUSALS if form != "empty"
]


@pytest.mark.parametrize(("status", "form"), REFUSED)
def test_the_status_of_a_refused_tunnel_is_in_the_error(
    status: int, form: str, roots: Path, server_tls: ssl.SSLContext, ask: Asking
) -> None:
    refusal = REFUSALS[form](status)
    if status == 302:
        refusal = refusal.replace(b"\r\n", b"\r\nlocation: http://127.0.0.1:1/\r\n", 1)
    with Origin(tls=server_tls) as origin, HttpProxy(answers=[refusal] * 9) as proxy:
        with pytest.raises(LlmProxyError) as raised:
            ask.run(client(origin, roots, proxy=proxy.url, max_retries=1), "hi")
        said = re.sub(r":\d+", "", str(raised.value))
        assert ("requires credentials" if status == 407 else str(status)) in said
        if 400 <= status < 500:
            assert (raised.value.retryable, len(raised.value.attempts)) == (False, 1)
        assert "\n" not in said
        assert origin.seen == []
        check_nothing_was_told(proxy)


def check_nothing_was_told(proxy: HttpProxy) -> None:
    """Check that a proxy was asked for tunnels, and got neither key nor prompt."""
    assert {request.line.split()[0] for request in proxy.requests} == {"CONNECT"}
    for secret in (KEY, PROMPT, "authorization: bearer"):
        assert secret.encode() not in proxy.raw.lower()


def test_a_whole_reply_and_a_stream_share_a_tunnel(roots: Path, server_tls: ssl.SSLContext) -> None:
    with Origin(tls=server_tls) as origin, HttpProxy(leads_to="127.0.0.1") as proxy:
        chat = client(origin, roots, proxy=proxy.url)
        for written in (WHOLE, STREAM, WHOLE):
            assert chat.run("hi", stream=written is STREAM) == TEXT
        assert (len(proxy.seen), len(origin.seen), len(origin.requests)) == (1, 1, 3)
