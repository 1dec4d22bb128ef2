"""Host names and addresses: what a base_url may be, and the error if a name does not resolve."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import TEXT, Origin

from tokenwire import ChatClient, LlmConfigError, LlmConnectError, LlmDNSError, RetryPolicy

if TYPE_CHECKING:
    from tokenwire.testing import SimServer


def client(base_url: str, **settings: Any) -> ChatClient:
    # Retry without waiting.
    settings.setdefault("retry", RetryPolicy(first=0.001))
    return ChatClient("m", base_url=base_url, **settings)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine's loopback")


def test_a_name_that_does_not_exist_is_told_in_one_line_and_once(call):
    # RFC 6761 reserves `.invalid`, so it never resolves.
    with pytest.raises(LlmDNSError) as raised:
        call(client("http://no-such-host.invalid:8000/v1"))
    error = raised.value
    assert str(error).startswith("the host name in no-such-host.invalid:8000 does not resolve (")
    assert str(error).endswith("): check base_url=http://no-such-host.invalid:8000/v1")
    assert "\n" not in str(error)
    assert [attempt.maybe_processed for attempt in error.attempts] == [False]
    assert (error.phase, error.retryable) == ("connect", False)


@pytest.mark.parametrize("name", ["a" * 64 + ".invalid", ".".join(["a" * 60] * 5), "a..invalid"])
def test_a_name_that_cannot_exist_is_an_error_of_the_same_kind(name, call):
    with pytest.raises((LlmDNSError, LlmConfigError)) as raised:
        call(client(f"http://{name}/v1"))
    assert "\n" not in str(raised.value)


def test_a_name_of_two_families_is_reached_where_one_of_them_is_refused(call):
    with Origin() as server:
        start = time.monotonic()
        assert call(client(server.base_url.replace("127.0.0.1", "localhost"))) == TEXT
        # A family that is tried first and refuses does not cost a timeout.
        assert time.monotonic() - start < 2


@needs_ipv6
def test_a_literal_address_of_version_6_is_spoken_to(call):
    with Origin(family=socket.AF_INET6, host="::1") as server:
        assert call(client(server.base_url)) == TEXT
        assert server.requests[0].headers["host"] == f"[::1]:{server.port}"


def test_a_literal_address_that_nothing_listens_at_is_named(call):
    with Origin() as server:
        gone = server.base_url
    with pytest.raises(LlmConnectError, match=f"{gone[7:-3]} .* is the server running") as raised:
        call(client(gone))
    assert [attempt.maybe_processed for attempt in raised.value.attempts] == [False] * 3


REFUSED = [
    ("http://me:hunter2@127.0.0.1:1/v1", "user name or password"),
    ("http://hunter2@127.0.0.1:1/v1", "user name or password"),
    ("http://127.0.0.1:1/v1#hunter2", "fragment"),
    ("127.0.0.1:8000/v1", "base_url"),
    ("localhost:8000/v1", "base_url"),
    ("/v1", "no scheme"),
    ("//127.0.0.1/v1", "no scheme"),
    ("ftp://127.0.0.1/v1", "ftp://"),
    ("file:///etc/passwd", "base_url"),
    ("unix://run/server", "base_url"),
    ("ws://127.0.0.1:1", "ws://"),
    ("http://", "base_url"),
    ("http:///v1", "no host"),
    ("http:/127.0.0.1:1/v1", "no host"),
    ("http:127.0.0.1:1/v1", "no host"),
    ("http://127.0.0.1:0/v1", "port 0"),
    ("http://127.0.0.1:65536/v1", "base_url"),
    ("http://127.0.0.1:-1/v1", "base_url"),
    ("http://127.0.0.1:x/v1", "base_url"),
    ("http://256.256.256.256/v1", "base_url"),
    ("http://[::1/v1", "base_url"),
    ("http://127.0.0.1:1/v 1", "position 20"),
    ("http://127.0.0.1 :1/v1", "position 16"),
    ("http://127.0.0.1:1/v1\n", "position 21"),
    ("http://127.0.0.1:1/v1\r\nX-Evil: 1", "position 21"),
    ("http://127.0.0.1:1\\v1", "position 18"),
    ("http:\\\\127.0.0.1:1", "position 5"),
    ("http://127.0.0.1:1/\x00", "position 19"),
    ("http://127.0.0.1:1/v1\u2028", "position 21"),
    ("http://xn--a.example\u200b.com/%zz /", "base_url"),
    ("http://a\u3002b c", "base_url"),
    ("", "base_url"),
    (" ", "base_url"),
]


@pytest.mark.parametrize(("base_url", "why"), REFUSED, ids=[repr(row[0]) for row in REFUSED])
def test_a_base_url_that_cannot_be_meant_is_refused_at_once(base_url, why):
    with pytest.raises(LlmConfigError) as raised:
        ChatClient("m", base_url=base_url)
    text = str(raised.value)
    assert why in text
    assert "base_url" in text
    assert "hunter2" not in text
    assert "\n" not in text


CANONICAL = [
    ("http://127.0.0.1:{0}/v1", "/v1"),
    ("http://127.0.0.1:{0}/v1/", "/v1"),
    ("http://127.0.0.1:{0}//v1///", "/v1"),
    ("  http://127.0.0.1:{0}/v1  ", "/v1"),
    ("HTTP://127.0.0.1:{0}/v1", "/v1"),
    ("http://2130706433:{0}/v1", "/v1"),
    ("http://0x7f.1:{0}/v1", "/v1"),
    ("http://127.0.0.1:{0}", ""),
    ("http://127.0.0.1:{0}/a/../v1/./", "/v1"),
    ("http://127.0.0.1:{0}/ä", "/%C3%A4"),
]


@pytest.mark.parametrize(("base_url", "path"), CANONICAL, ids=[row[0] for row in CANONICAL])
def test_a_base_url_is_brought_to_one_form(base_url, path, call):
    with Origin() as server:
        chat = client(base_url.format(server.port))
        assert chat.base_url == f"http://127.0.0.1:{server.port}{path}"
        assert call(chat) == TEXT
        assert server.requests[0].line == f"POST {path}/chat/completions HTTP/1.1"
        assert server.requests[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://bücher.example/v1", "http://xn--bcher-kva.example/v1"),
        ("http://BÜCHER.example:80/v1", "http://xn--bcher-kva.example/v1"),
        # A letter of another script that looks like an `a` is visible.
        ("https://\u0430pi.example/v1", "https://xn--pi-6kc.example/v1"),
        ("https://a\u3002example/v1", "https://a.example/v1"),
        ("https://\uff41pi.example:443/v1", "https://api.example/v1"),
    ],
)
def test_a_name_of_other_letters_is_shown_as_it_is_looked_up(given, shown):
    assert ChatClient("m", base_url=given).base_url == shown


def test_a_query_of_the_base_goes_along_and_is_not_shown(call):
    with Origin() as server:
        chat = client(f"{server.base_url}?api-version=2&key=hunter2")
        assert "hunter2" not in repr(chat) + chat.base_url
        assert call(chat) == TEXT
        line = "POST /v1/chat/completions?api-version=2&key=hunter2 HTTP/1.1"
        assert server.requests[0].line == line


MODELS = ["../x", "a/b?k=1#f", "%2f", "..%2f..", "a b", "/", "?", "#", "\\", "modèle", "x\u2028y"]


@pytest.mark.parametrize("model", MODELS)
def test_a_models_name_changes_no_path(model, sim: SimServer, call):
    chat = ChatClient(model, provider="openai", api_key="sk-x", base_url=sim.base_url)
    assert call(chat)
    (request,) = sim.requests()
    assert request["path"] == "/v1/chat/completions"
    assert request["body"]["model"] == model
