"""Proxies: which one is used, what it sees, and the error when it fails."""

from __future__ import annotations

import base64
import logging
import pickle
import socket
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import ELSEWHERE, TEXT, HttpProxy, Origin, SocksProxy, response, tls_of

from tokenwire import (
    ChatClient,
    LlmConfigError,
    LlmConnectTimeoutError,
    LlmDNSError,
    LlmError,
    LlmProxyError,
    LlmServerError,
    LlmTLSError,
    RetryPolicy,
    Timeout,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.only_over("general", "proxies")

KEY = "sk-canary-of-the-origin"
PASSWORD = "hunter2:@/ä"
USER_INFO = "me:hunter2%3A%40%2F%C3%A4"
BASIC = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()


@pytest.fixture(params=["http", "https"])
def origin(request, server_tls):
    """The server behind the proxy."""
    with Origin(tls=server_tls if request.param == "https" else None) as server:
        yield server


def client(origin: Origin, roots: Path, **settings: Any) -> ChatClient:
    # Retry without waiting.
    settings.setdefault("retry", RetryPolicy(first=0.001))
    return ChatClient("m", base_url=origin.base_url, api_key=KEY, ca_bundle=roots, **settings)


def with_user(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{USER_INFO}@{rest}"


def test_a_given_proxy_is_taken(origin, roots, call):
    with HttpProxy() as proxy:
        assert call(client(origin, roots, proxy=proxy.url)) == TEXT
        target = f"127.0.0.1:{origin.port}"
        secure = origin.base_url.startswith("https")
        line = f"CONNECT {target} " if secure else f"POST http://{target}/v1/chat/completions "
        assert proxy.requests[0].line == line + "HTTP/1.1"
        assert len(origin.requests) == 1


def test_a_proxy_without_a_scheme_is_one_of_http(origin, roots, call):
    with HttpProxy() as proxy:
        assert call(client(origin, roots, proxy=f"127.0.0.1:{proxy.port}")) == TEXT
        assert len(proxy.requests) == 1


def test_the_way_to_the_proxy_may_be_tls_too(origin, roots, server_tls, call):
    with HttpProxy(tls=server_tls) as proxy:
        assert call(client(origin, roots, proxy=proxy.url)) == TEXT
        assert len(proxy.requests) == 1


def test_credentials_go_to_the_proxy_and_no_further(origin, roots, call):
    with HttpProxy(credentials=BASIC) as proxy:
        assert call(client(origin, roots, proxy=with_user(proxy.url))) == TEXT
        assert [request.headers["proxy-authorization"] for request in proxy.requests] == [BASIC]
        if origin.base_url.startswith("https"):
            assert "proxy-authorization" not in origin.requests[0].headers
        assert origin.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_tunnel_shows_the_proxy_neither_key_nor_prompt(roots, server_tls, call):
    with Origin(tls=server_tls) as origin, HttpProxy() as proxy:
        assert call(client(origin, roots, proxy=proxy.url, system="A secret.")) == TEXT
        assert b"A secret." in origin.raw
        proxy.wait_until(lambda: bool(proxy.raw))
        for hidden in (KEY.encode(), b"A secret.", b"chat/completions", b"authorization"):
            assert hidden not in proxy.raw.lower()


def test_a_tunnel_is_used_again(roots, server_tls):
    with Origin(tls=server_tls) as origin, HttpProxy() as proxy:
        chat = client(origin, roots, proxy=proxy.url)
        assert [chat.run("hi") for _ in range(3)] == [TEXT] * 3
        assert (len(proxy.seen), len(origin.seen), len(origin.requests)) == (1, 1, 3)


ENVIRONMENTS = [
    # http: and https: the proxy of each, None for a direct connection.
    ({"http_proxy": "P"}, "P", None),
    ({"HTTP_PROXY": "P"}, "P", None),
    ({"https_proxy": "P"}, None, "P"),
    ({"HTTPS_PROXY": "P"}, None, "P"),
    ({"all_proxy": "P"}, "P", "P"),
    ({"ALL_PROXY": "P"}, "P", "P"),
    ({"http_proxy": "P", "HTTP_PROXY": "bad"}, "P", None),
    ({"https_proxy": "P", "HTTPS_PROXY": "bad"}, None, "P"),
    ({"http_proxy": "", "HTTP_PROXY": "P"}, "P", None),
    ({"ALL_PROXY": "P", "NO_PROXY": "*"}, None, None),
    ({"ALL_PROXY": "P", "no_proxy": "origin.invalid"}, None, None),
    ({"ALL_PROXY": "P", "NO_PROXY": "ORIGIN.invalid."}, None, None),
    ({"ALL_PROXY": "P", "NO_PROXY": "10.0.0.0/8, .invalid"}, None, None),
    ({"ALL_PROXY": "P", "NO_PROXY": "10.0.0.0/8,rigin.invalid,origin.invalid:1"}, "P", "P"),
    ({"ALL_PROXY": "P", "NO_PROXY": "origin.invalid:PORT"}, None, None),
    ({"ALL_PROXY": "P", "no_proxy": "example.com", "NO_PROXY": "*"}, "P", "P"),
    # In a CGI program, HTTP_PROXY may come from a stranger's request header.
    ({"HTTP_PROXY": "P", "REQUEST_METHOD": "GET"}, None, None),
    ({"http_proxy": "P", "REQUEST_METHOD": "GET"}, "P", None),
    ({"HTTPS_PROXY": "P", "REQUEST_METHOD": "GET"}, None, "P"),
]


@pytest.mark.chooses_transport  # without the environment, the direct one
@pytest.mark.parametrize(
    ("variables", "plain", "secure"), ENVIRONMENTS, ids=[str(row[0]) for row in ENVIRONMENTS]
)
def test_the_environment_is_read_as_curl_reads_it(variables, plain, secure, origin, request):
    roots = request.getfixturevalue("roots")
    set_variable = request.getfixturevalue("monkeypatch").setenv
    address = origin.base_url.replace("127.0.0.1", ELSEWHERE)
    with HttpProxy(leads_to="127.0.0.1") as proxy:
        for name, value in variables.items():
            set_variable(name, {"P": proxy.url}.get(value, value.replace("PORT", str(origin.port))))

        def made(**settings: Any) -> ChatClient:
            settings = {"ca_bundle": roots, "max_retries": 0, **settings}
            return ChatClient("m", base_url=address, api_key=KEY, **settings)

        expected = secure if origin.base_url.startswith("https") else plain
        if expected:
            assert made().run("hi") == TEXT
        else:
            with pytest.raises(LlmDNSError, match=ELSEWHERE):
                made().run("hi")
        assert len(proxy.seen) == (expected is not None)
        with pytest.raises(LlmDNSError, match=ELSEWHERE):
            made(trust_env=False).run("hi")
        assert len(proxy.seen) == len(origin.requests) == (expected is not None)


def test_a_given_proxy_wins_over_the_environment_and_its_exceptions(
    origin, roots, call, monkeypatch
):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "*")
    with HttpProxy() as proxy:
        assert call(client(origin, roots, proxy=proxy.url)) == TEXT
        assert len(proxy.seen) == 1


def test_a_proxy_that_wants_credentials_is_told_and_not_asked_again(origin, roots, call):
    with HttpProxy(credentials=BASIC) as proxy:
        fix = "requires credentials, as in http://user:pass"
        with pytest.raises(LlmProxyError, match=fix) as it:
            call(client(origin, roots, proxy=proxy.url))
        assert (len(it.value.attempts), it.value.retryable, len(proxy.requests)) == (1, False, 1)
        assert it.value.attempts[0].maybe_processed is False
        assert origin.seen == []


@pytest.mark.parametrize(("status", "attempts"), [(401, 1), (403, 1), (302, 3), (502, 3)])
def test_a_tunnel_that_is_refused_sends_nothing_to_anyone(
    status, attempts, roots, server_tls, call
):
    with Origin(tls=server_tls) as origin, HttpProxy(answers=[response(status)] * 6) as proxy:
        text = (
            rf"no connection to 127\.\S+ through the proxy \S+{proxy.port} "
            rf"\(it answered CONNECT with {status}, "
        )
        with pytest.raises(LlmProxyError, match=text) as it:
            call(client(origin, roots, proxy=proxy.url))
        assert len(it.value.attempts) == attempts
        # Each attempt asks again, to learn the status.
        assert len(proxy.requests) == 2 * attempts
        assert {request.line.split()[0] for request in proxy.requests} == {"CONNECT"}
        assert [attempt.maybe_processed for attempt in it.value.attempts] == [False] * attempts
        assert KEY.encode() not in proxy.raw
        assert origin.seen == []


@pytest.mark.parametrize("first", [response(502), None], ids=["502", "eof"])
def test_a_proxy_that_fails_once_is_tried_again(first, origin, roots, call):
    with HttpProxy(answers=[first]) as proxy:
        assert call(client(origin, roots, proxy=proxy.url)) == TEXT
        # A refused tunnel is asked for again, only to learn the status.
        is_refused_tunnel = first is not None and origin.base_url.startswith("https")
        assert len(proxy.requests) == (3 if is_refused_tunnel else 2)
        assert len(origin.requests) == 1


def test_a_gateway_error_of_a_plain_proxy_is_a_server_error(roots, call):
    with Origin() as origin, HttpProxy(answers=[response(502)] * 3) as proxy:
        with pytest.raises(LlmServerError) as raised:
            call(client(origin, roots, proxy=proxy.url))
        assert (raised.value.status_code, len(raised.value.attempts)) == (502, 3)


def test_a_proxy_that_hangs_in_the_tunnel_is_a_connect_timeout(roots, server_tls, call):
    with Origin(tls=server_tls) as origin, HttpProxy(hang=True) as proxy:
        timeout = Timeout(connect=0.1)
        with pytest.raises(LlmConnectTimeoutError, match=rf"{proxy.port} within 0\.1 s") as raised:
            call(client(origin, roots, proxy=proxy.url, timeout=timeout))
        assert len(raised.value.attempts) == 3
        assert origin.seen == []


def test_a_proxy_that_is_not_there_is_named(origin, roots, call):
    with HttpProxy() as proxy:
        gone = proxy.url
    with pytest.raises(LlmProxyError, match=rf"through the proxy {gone} \(") as raised:
        call(client(origin, roots, proxy=gone))
    assert len(raised.value.attempts) == 3


def test_a_proxy_whose_name_does_not_resolve_is_named(origin, roots, call):
    with pytest.raises(
        LlmDNSError, match=r"the host name in http://no\.invalid:3128 .*: check proxy=http://no"
    ):
        call(client(origin, roots, proxy="no.invalid:3128"))


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_the_variable_of_a_proxy_that_fails_is_named(variable, call, monkeypatch):
    with HttpProxy() as proxy:
        gone = proxy.url
    asked = ChatClient("m", base_url="http://no.invalid/v1", max_retries=0)
    for value, error, text in [
        (gone, LlmProxyError, rf"through the proxy {gone} \(.*; the proxy is from {variable}$"),
        ("none", LlmDNSError, rf"in http://none:80 does not resolve .*check {variable}=http://n"),
    ]:
        monkeypatch.setenv(variable, value)
        with pytest.raises(error, match=text):
            call(asked.with_options())


def test_a_proxy_under_another_name_than_its_certificate_is_not_spoken_to(origin, roots, ca, call):
    with HttpProxy(tls=tls_of(ca.issue_cert("elsewhere.example"))) as proxy:
        with pytest.raises(
            LlmTLSError, match=f"certificate of {proxy.url} is for another"
        ) as raised:
            call(client(origin, roots, proxy=with_user(proxy.url)))
        assert len(raised.value.attempts) == 1
        assert proxy.raw == b""


@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_socks_is_spoken(scheme, origin, roots, call):
    with SocksProxy() as proxy:
        assert call(client(origin, roots, proxy=f"{scheme}://127.0.0.1:{proxy.port}")) == TEXT
        assert proxy.asked == [("127.0.0.1", origin.port)]


@pytest.mark.parametrize(
    ("scheme", "named"), [("socks4", True), ("socks5", True), ("socks5h", False)]
)
def test_the_error_names_the_host_that_was_looked_up_in_vain(scheme, named, call):
    with SocksProxy() as proxy:
        chat = ChatClient(
            "m",
            base_url=f"http://{ELSEWHERE}/v1",
            proxy=f"{scheme}://{'127.0.0.1' if named else 'no.invalid'}:{proxy.port}",
            max_retries=0,
        )
        name = rf"{ELSEWHERE}:80 .*: check base_url=" if named else r"socks5h://no\.invalid:\d+ "
        with pytest.raises(LlmDNSError, match=f"the host name in {name}"):
            call(chat)


def test_https_to_an_ipv6_address_through_a_proxy_is_refused(monkeypatch):
    with pytest.raises(LlmConfigError, match=r"^proxy= cannot be used with https to an IPv6"):
        ChatClient("m", base_url="https://[::1]/v1", proxy="http://p:1")
    monkeypatch.setenv("https_proxy", "http://p:1")
    variable = "^environment variable https_proxy cannot be used with https to an IPv6"
    with pytest.raises(LlmConfigError, match=variable):
        ChatClient("m", base_url="https://[2001:db8::1]/v1")


def test_an_ipv6_address_is_reached_through_every_proxy(call):
    with Origin(family=socket.AF_INET6, host="::1") as origin:
        with HttpProxy() as proxy:
            chat = ChatClient("m", base_url=origin.base_url, proxy=proxy.url, max_retries=0)
            assert call(chat) == TEXT
        for scheme in ("socks5", "socks5h"):
            with SocksProxy() as socks:
                url = f"{scheme}://127.0.0.1:{socks.port}"
                chat = ChatClient("m", base_url=origin.base_url, proxy=url, max_retries=0)
                assert call(chat) == TEXT
        with SocksProxy() as socks:
            url = f"socks4://127.0.0.1:{socks.port}"
            chat = ChatClient("m", base_url=origin.base_url, proxy=url)
            with pytest.raises(LlmProxyError, match="SOCKS 4 has no IPv6: use socks5h") as raised:
                call(chat)
            assert len(raised.value.attempts) == 1


@pytest.mark.parametrize("scheme", ["socks4a", "socks5h"])
def test_some_socks_leaves_names_to_the_proxy(scheme, origin, roots, call):
    with SocksProxy() as proxy:
        chat = client(origin, roots, proxy=f"{scheme}://127.0.0.1:{proxy.port}")
        address = origin.base_url.replace("127.0.0.1", "localhost")
        named = chat.with_options(base_url=address, api_key=KEY)
        assert call(named) == TEXT
        assert proxy.asked == [("localhost", origin.port)]


def test_socks_takes_credentials(origin, roots, call):
    with SocksProxy(credentials=("me", PASSWORD)) as proxy:
        url = f"socks5h://127.0.0.1:{proxy.port}"
        assert call(client(origin, roots, proxy=with_user(url))) == TEXT
        with pytest.raises(LlmProxyError, match="requires credentials, as in socks5h://") as raised:
            call(client(origin, roots, proxy=url))
        assert len(raised.value.attempts) == len(origin.requests) == 1
        check_no_secret(raised.value)


def test_socks_that_refuses_is_a_proxy_error(origin, roots, call):
    with SocksProxy(code=2) as proxy:
        with pytest.raises(LlmProxyError) as raised:
            call(client(origin, roots, proxy=f"socks5://127.0.0.1:{proxy.port}"))
        assert len(raised.value.attempts) == 3
        assert origin.seen == []


def check_no_secret(error: LlmError) -> None:
    shown = [str(error), repr(error), repr(vars(error)), repr(error.attempts)]
    shown += [pickle.dumps(error).decode("latin-1"), "".join(traceback.format_exception(error))]
    for text in shown:
        assert "hunter2" not in text
        assert KEY not in text
        assert "\n" not in str(error)


def test_no_text_holds_the_credentials(origin, roots, call, caplog):
    caplog.set_level(logging.DEBUG)
    for kind in ({"credentials": "other"}, {"answers": [None] * 3}):
        with HttpProxy(**kind) as proxy:
            chat = client(origin, roots, proxy=with_user(proxy.url))
            with pytest.raises(LlmError) as raised:
                call(chat)
            check_no_secret(raised.value)
            assert "hunter2" not in repr(chat) + str(chat)
    assert "hunter2" not in caplog.text
    assert KEY not in caplog.text


BAD = [
    "ftp://me:hunter2@127.0.0.1:1",
    "socks9://me:hunter2@127.0.0.1:1",
    "http://me:hunter2@",
    "http://me:hunter2@127.0.0.1:0",
    "http://me:hunter2@127.0.0.1:99999",
    "http://me:hunter2@127.0.0.1:1 2",
    "http://me:hunter2@[::1",
    "",
    "://hunter2",
]


@pytest.mark.parametrize("url", BAD)
@pytest.mark.parametrize("setting", ["proxy=", "environment variable https_proxy"])
def test_a_proxy_that_cannot_be_one_is_refused_without_showing_it(setting, url, monkeypatch):
    settings: dict[str, Any] = {"proxy": url}
    if setting != "proxy=":
        # An empty variable counts as not set.
        url = url or "://"
        monkeypatch.setenv("https_proxy", url)
        settings = {}
    with pytest.raises(LlmConfigError) as raised:
        ChatClient("m", base_url=f"https://{ELSEWHERE}/v1", **settings)
    assert str(raised.value).startswith(setting)
    assert "hunter2" not in repr(raised.value)
