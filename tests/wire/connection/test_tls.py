"""TLS: whom a client trusts, its error if it does not, and how a connection may end."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
from datetime import datetime, timezone
from typing import Any

import pytest
import trustme
from tests.wire.origins import (
    DONE,
    HOSTS,
    STREAM,
    TEXT,
    Origin,
    Request,
    Seen,
    chunked,
    delta,
    response,
    tls_of,
)

from tokenwire import (
    ChatClient,
    LlmAPIError,
    LlmConfigError,
    LlmConnectionLostError,
    LlmError,
    LlmProtocolError,
    LlmStreamInterruptedError,
    LlmTLSError,
    RetryPolicy,
)

LONG_AGO = datetime(2001, 1, 1, tzinfo=timezone.utc)
LONG_AFTER = datetime(2101, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def server(server_tls):
    """A server under the test's root."""
    with Origin(tls=server_tls) as started:
        yield started


def client(server: Origin, **settings: Any) -> ChatClient:
    # Retry without waiting.
    settings.setdefault("retry", RetryPolicy(first=0.001))
    return ChatClient("m", base_url=server.base_url, **settings)


def test_a_given_file_of_roots_is_trusted(server, roots, call):
    assert call(client(server, ca_bundle=roots)) == TEXT
    assert call(client(server, ca_bundle=str(roots))) == TEXT


def test_a_given_directory_of_roots_is_trusted_whatever_else_is_in_it(server, roots, call):
    (roots.parent / "README").write_text("no certificate")
    (roots.parent / "gone.0").symlink_to("nowhere")
    (roots.parent / "sub").mkdir()
    assert call(client(server, ca_bundle=roots.parent)) == TEXT


@pytest.mark.parametrize(
    "setting",
    [
        "SSL_CERT_FILE={0}/roots.pem",
        "SSL_CERT_DIR={0}",
        "SSL_CERT_DIR={0}/none" + os.pathsep + "{0}",
    ],
    ids=["file", "directory", "directories"],
)
def test_the_environment_names_roots_for_who_trusts_it(setting, server, roots, call, request):
    variable, value = setting.split("=")
    request.getfixturevalue("monkeypatch").setenv(variable, value.format(roots.parent))
    transport = request.getfixturevalue("transport")
    assert call(client(server)) == TEXT
    with pytest.raises(LlmTLSError, match="not signed by a known authority"):
        call(client(server, trust_env=False, transport=transport))


def test_a_given_bundle_wins_over_the_environment(server, roots, call, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/roots.pem")
    assert call(client(server, ca_bundle=roots)) == TEXT


def test_an_empty_variable_names_nothing(server_tls, call, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    with (
        Origin(tls=server_tls) as server,
        pytest.raises(LlmTLSError, match="not signed by a known authority"),
    ):
        call(client(server))


def leaf(kind: str, ca: trustme.CA) -> trustme.LeafCert:
    """An untrusted certificate, for each reason."""
    match kind:
        case "unknown":
            return trustme.CA().issue_cert(*HOSTS)
        case "expired":
            return ca.issue_cert(*HOSTS, not_before=LONG_AGO, not_after=LONG_AGO.replace(month=2))
        case "early":
            before = LONG_AFTER.replace(year=2100)
            return ca.issue_cert(*HOSTS, not_before=before, not_after=LONG_AFTER)
        case _:
            return ca.issue_cert("elsewhere.example")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (
            "unknown",
            "is not signed by a known authority: give its root as ca_bundle= or SSL_CERT_FILE",
        ),
        ("expired", "has expired: renew it, or check this machine's clock"),
        ("early", "is not valid yet: check this machine's clock"),
        ("elsewhere", "is for another host (it is for elsewhere.example): check base_url="),
    ],
)
def test_a_server_that_is_not_to_be_trusted_is_told_by_its_reason(kind, why, ca, roots, call):
    with Origin(tls=tls_of(leaf(kind, ca))) as server:
        with pytest.raises(LlmTLSError) as raised:
            call(client(server, ca_bundle=roots))
        error = raised.value
        assert why in str(error)
        assert f"127.0.0.1:{server.port}" in str(error)
        assert (len(error.attempts), error.retryable, error.phase) == (1, False, "connect")
        assert error.attempts[0].maybe_processed is False
        assert (len(server.seen), server.raw) == (1, b"")


@pytest.mark.parametrize(
    ("code", "name"),
    [(40, "handshake failure"), (70, "protocol version"), (112, "unrecognised name")],
)
def test_a_fatal_alert_is_named_and_final(code, name, roots, call):
    alert = bytes([21, 3, 3, 0, 2, 2, code])
    with Origin(at_once=[alert] * 3) as server:
        secure = server.base_url.replace("http:", "https:")
        with pytest.raises(LlmTLSError, match=name) as raised:
            call(ChatClient("m", base_url=secure, ca_bundle=roots))
        assert (len(raised.value.attempts), raised.value.retryable) == (1, False)


def test_a_handshake_that_ends_early_is_tried_again(server_tls, roots, call):
    with Origin(tls=server_tls, at_once=[b"", b""]) as server:
        assert call(client(server, ca_bundle=roots)) == TEXT
        assert len(server.seen) == 3


def test_a_handshake_that_always_ends_early_is_an_error_of_tls(roots, call):
    with Origin(at_once=[b""] * 3) as server:
        secure = server.base_url.replace("http:", "https:")
        settings = {"ca_bundle": roots, "retry": RetryPolicy(first=0.001)}
        with pytest.raises(LlmTLSError, match="closed the connection during the handshake") as it:
            call(ChatClient("m", base_url=secure, **settings))
        attempts = it.value.attempts
        assert [attempt.maybe_processed for attempt in attempts] == [False] * 3
        assert it.value.retryable


def test_https_to_a_plain_server_says_so(roots, call):
    with Origin(at_once=[response(400)]) as server:
        secure = server.base_url.replace("http:", "https:")
        with pytest.raises(LlmTLSError, match="does not speak TLS: does base_url need http://"):
            call(ChatClient("m", base_url=secure, ca_bundle=roots))


def test_http_to_a_port_that_speaks_tls_says_so(server, call):
    plain = client(server, retry=RetryPolicy(max_retries=0))
    plain = plain.with_options(base_url=server.base_url.replace("https:", "http:"))
    with pytest.raises(LlmConnectionLostError, match=r"needs https://$") as raised:
        call(plain)
    assert raised.value.attempts[0].maybe_processed
    assert server.requests == []


@pytest.mark.parametrize("version", [1, 3])
def test_an_alert_in_place_of_a_reply_says_so_too(version, call):
    alert = bytes([21, 3, version, 0, 2, 2, 10])
    with (
        Origin(answers=[alert] * 3) as server,
        pytest.raises(LlmProtocolError, match=r"speaks TLS.* https://"),
    ):
        call(client(server))


NGINX = (
    b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"
)
GO = b"Client sent an HTTP request to an HTTPS server.\n"


@pytest.mark.parametrize("body", [NGINX, GO], ids=["nginx", "go"])
def test_a_server_that_asks_for_https_in_words_is_understood(body, call):
    why = "speaks TLS: does base_url need https:// instead of"
    with (
        Origin(answers=[response(400, body)]) as server,
        pytest.raises(LlmAPIError, match=why),
    ):
        call(client(server))
    # With another status, the words may be about something else.
    with Origin(answers=[response(403, body)]) as server:
        with pytest.raises(LlmError) as raised:
            call(client(server))
        assert "speaks TLS" not in str(raised.value)


def test_openssl_as_a_server_that_is_asked_in_plain_http(own, call):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["s_server", "-accept", f"127.0.0.1:{port}", "-cert", own / "both.pem", "-www"]
    with subprocess.Popen([openssl, *words], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as peer:
        try:
            # It says that it listens.
            assert peer.stdout is not None
            while b"ACCEPT" not in peer.stdout.readline():
                assert peer.poll() is None
            chat = ChatClient("m", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
            with pytest.raises(LlmConnectionLostError, match=r"needs https://$"):
                call(chat)
        finally:
            peer.kill()


@pytest.fixture(params=["text", "empty", "torn", "key", "folder", "missing"])
def no_roots(request, tmp_path):
    """A place without roots."""
    path = tmp_path / "bad"
    match request.param:
        case "text":
            path.write_text("no certificate\n")
        case "empty":
            path.touch()
        case "torn":
            path.write_text("-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n")
        case "key":
            trustme.CA().private_key_pem.write_to_path(path)
        case "folder":
            path.mkdir()
    return path


@pytest.mark.parametrize("setting", ["ca_bundle", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_roots_that_cannot_be_used_are_named(setting, no_roots, server, call, monkeypatch):
    settings = {"ca_bundle": no_roots} if setting == "ca_bundle" else {}
    if not settings:
        monkeypatch.setenv(setting, str(no_roots))
    made = client(server, **settings)
    with pytest.raises(LlmConfigError) as raised:
        call(made)
    assert str(raised.value).startswith(f"cannot use {setting} {no_roots}: ")
    assert "\n" not in str(raised.value)
    assert server.seen == []


def test_plain_http_needs_no_roots(call, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/roots.pem")
    with Origin() as server:
        assert call(client(server)) == TEXT


@pytest.mark.linux
def test_a_machine_without_a_store_has_http_and_the_bundled_roots(server_tls):
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("no unshare: util-linux is not installed")
    probe = [unshare, "--user", "--map-root-user", "--mount", "true"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("this system does not allow new namespaces")
    hide = "for d in /etc/ssl /etc/pki /usr/local/etc /usr/local/share /etc/openssl; do "
    hide += 'if [ -d $d ]; then mount -t tmpfs none $d || exit 9; fi; done; exec "$@"'
    program = """
        import pathlib, sys
        from tokenwire import ChatClient, LlmTLSError
        assert not pathlib.Path("/etc/ssl/certs").exists()
        print(ChatClient("m", base_url=sys.argv[1]).run("hi"))
        try:
            ChatClient("m", base_url=sys.argv[2]).run("hi")
        except LlmTLSError as error:
            print(error)
    """
    with Origin() as plain, Origin(tls=server_tls) as secure:
        urls = (plain.base_url, secure.base_url)
        done = subprocess.run(
            [
                *probe[:-1],
                "sh",
                "-c",
                hide,
                "sh",
                sys.executable,
                "-c",
                textwrap.dedent(program),
                *urls,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    text, error = done.stdout.splitlines()
    assert text == TEXT
    assert "not signed by a known authority" in error


@pytest.fixture
def mutual_tls(ca):
    context = tls_of(ca.issue_cert(*HOSTS))
    context.verify_mode = ssl.CERT_REQUIRED
    ca.configure_trust(context)
    return context


@pytest.fixture
def own(ca, roots):
    """A folder with the roots and a client certificate, as one file and as two files."""
    tmp_path = roots.parent
    cert = ca.issue_cert("me.example")
    cert.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    cert.private_key_pem.write_to_path(tmp_path / "key.pem")
    cert.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return tmp_path


@pytest.mark.parametrize("files", [("both.pem",), ("cert.pem", "key.pem")])
def test_a_client_shows_its_certificate(files, mutual_tls, own, roots, call):
    paths = [str(own / name) for name in files]
    given = tuple(paths) if len(paths) == 2 else paths[0]
    with Origin(tls=mutual_tls) as server:
        assert call(client(server, ca_bundle=roots, client_cert=given)) == TEXT
        shown = server.seen[0].certificate
        assert shown is not None
        assert shown["subjectAltName"] == (("DNS", "me.example"),)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_without_the_certificate_it_needs_is_told_and_not_tried_again(
    version, mutual_tls, roots, call
):
    mutual_tls.minimum_version = mutual_tls.maximum_version = version
    with Origin(tls=mutual_tls) as server:
        with pytest.raises(LlmTLSError, match="client_cert=") as raised:
            call(client(server, ca_bundle=roots))
        assert (len(raised.value.attempts), raised.value.retryable) == (1, False)
        assert raised.value.attempts[0].maybe_processed is False
        assert server.requests == []


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (("none.pem",), "none.pem"),
        (("cert.pem",), "cert.pem"),
        (("cert.pem", "none.pem"), "none.pem"),
        (("cert.pem", "other.pem"), "cert.pem"),
        (("both.pem", "cert.pem"), "cert.pem"),
    ],
    ids=["missing", "no-key", "key-missing", "key-of-another", "key-is-none"],
)
def test_a_client_certificate_that_cannot_be_used_is_named(files, why, mutual_tls, own, call):
    trustme.CA().private_key_pem.write_to_path(own / "other.pem")
    paths = [str(own / name) for name in files]
    given = tuple(paths) if len(paths) == 2 else paths[0]
    with Origin(tls=mutual_tls) as server:
        with pytest.raises(LlmConfigError, match=rf"client_cert .*{why}") as raised:
            call(client(server, ca_bundle=own / "roots.pem", client_cert=given))
        assert "PRIVATE KEY" not in str(raised.value)
        assert server.seen == []


def test_clients_share_one_configuration_so_a_second_connection_resumes(server_tls, roots, call):
    with Origin(tls=server_tls, hang_up=True) as server:
        for number in (1, 2, 3):
            assert call(client(server, ca_bundle=roots)) == TEXT
            server.wait_for_ends(number)
        assert [seen.resumed for seen in server.seen] == [False, True, True]


def test_other_roots_are_another_configuration(server, ca, roots, tmp_path, call):
    copy = tmp_path / "copy.pem"
    ca.cert_pem.write_to_path(copy)
    for bundle in (roots, copy):
        assert call(client(server, ca_bundle=bundle)) == TEXT
    assert [seen.resumed for seen in server.seen] == [False, False]


def test_a_stream_cut_without_a_goodbye_is_interrupted(server_tls, roots):
    with Origin(tls=server_tls, answers=[CUT], hang_up=True) as server:
        chat = client(server, ca_bundle=roots)
        pieces: list[str] = []
        with pytest.raises(LlmStreamInterruptedError) as raised:
            chat.run("hi", on_text=pieces.append)
        check_cut(raised.value, pieces, server)


async def test_a_stream_cut_without_a_goodbye_is_interrupted_under_asyncio(server_tls, roots):
    with Origin(tls=server_tls, answers=[CUT], hang_up=True) as server:
        chat = client(server, ca_bundle=roots)
        pieces: list[str] = []
        with pytest.raises(LlmStreamInterruptedError) as raised:
            await chat.run_async("hi", on_text=pieces.append)
        check_cut(raised.value, pieces, server)


CUT = chunked(delta("One"), end=False)


def check_cut(error: LlmStreamInterruptedError, pieces: list[str], server: Origin) -> None:
    assert pieces == ["One"]
    assert error.partial is not None
    assert error.partial.text == "One"
    assert len(server.requests) == 1


@pytest.mark.parametrize("end", [False, True], ids=["no-last-chunk", "whole-body"])
def test_what_is_missing_after_done_takes_nothing_from_a_stream(end, server_tls, roots, call):
    whole = chunked(delta(TEXT), delta(None, "stop"), DONE, end=end)
    with Origin(tls=server_tls, answers=[whole], hang_up=True) as server:
        chat = client(server, ca_bundle=roots)
        with chat.stream("hi") as stream:
            assert "".join(stream.text_stream) == TEXT
        assert len(server.requests) == 1


def to_the_end(body: bytes) -> bytes:
    """A reply whose end is that of the connection."""
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


ANSWER = json.dumps(
    {"choices": [{"index": 0, "message": {"content": TEXT}, "finish_reason": "stop"}]}
).encode()


@pytest.mark.parametrize("unended", [b"", delta(None, "stop")], ids=["open", "finished"])
def test_a_stream_without_its_end_mark_is_cut_if_tls_ends_without_a_goodbye(
    unended, server_tls, roots
):
    events = delta("One") + unended
    with Origin(tls=server_tls, answers=[to_the_end(events)], hang_up=True) as server:
        with pytest.raises(LlmStreamInterruptedError) as raised:
            client(server, ca_bundle=roots).run("hi", stream=True)
        check_cut(raised.value, ["One"], server)
    whole = to_the_end(delta(TEXT) + delta(None, "stop") + DONE)
    with Origin(tls=server_tls, answers=[whole], hang_up=True) as server:
        assert client(server, ca_bundle=roots).run("hi", stream=True) == TEXT


class Resetting(Origin):
    """A server that resets each connection after its answer."""

    def _reply(self, peer: socket.socket, seen: Seen, request: Request, written: bytes) -> None:
        super()._reply(peer, seen, request, written)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("kind", [Origin, Resetting])
def test_a_whole_reply_without_a_length_is_one_document_or_cut(kind, server_tls, roots):
    def reply(*answers: bytes) -> str:
        with kind(tls=server_tls, answers=list(answers), hang_up=True) as server:
            return client(server, ca_bundle=roots).run("hi", stream=False)

    cut = to_the_end(ANSWER[:-1])
    # A reset may overtake the reply.
    if kind is Origin:
        assert reply(to_the_end(ANSWER)) == TEXT
        # It is retried.
        assert reply(cut, cut, to_the_end(ANSWER)) == TEXT
    with pytest.raises(LlmConnectionLostError) as raised:
        reply(cut, cut, cut)
    assert [attempt.maybe_processed for attempt in raised.value.attempts] == [True] * 3


def test_plain_http_may_end_a_reply_with_the_connection(call):
    stream = to_the_end(delta(TEXT) + delta(None, "stop"))
    with Origin(answers=[to_the_end(ANSWER)], hang_up=True) as server:
        assert call(client(server)) == TEXT
    with Origin(answers=[stream], hang_up=True) as server:
        assert client(server).run("hi", stream=True) == TEXT


def test_no_variable_makes_the_client_write_down_its_session_keys(
    server, roots, call, tmp_path, monkeypatch
):
    secrets = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(secrets))
    assert call(client(server, ca_bundle=roots)) == TEXT
    assert not secrets.exists()


def test_a_certificate_is_checked_against_the_address_and_not_a_header(ca, roots, call):
    with Origin(tls=tls_of(ca.issue_cert("elsewhere.example"))) as server:
        with pytest.raises(LlmConfigError, match=r"(?i)\bhost\b"):
            client(server, ca_bundle=roots, headers={"Host": "elsewhere.example"})
        assert server.seen == []


def test_a_name_is_told_to_the_server_and_an_address_is_not(ca, roots, call):
    names: list[str | None] = []
    context = tls_of(ca.issue_cert(*HOSTS))
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with Origin(tls=context) as server:
        call(client(server, ca_bundle=roots))
        named = server.base_url.replace("127.0.0.1", "localhost")
        call(ChatClient("m", base_url=named, ca_bundle=roots))
    assert names == [None, "localhost"]


def test_the_stream_of_a_tls_server_is_the_one_it_sent(server_tls, roots, call):
    with Origin(tls=server_tls, answers=[STREAM]) as server:
        with client(server, ca_bundle=roots).stream("hi") as stream:
            assert list(stream.text_stream) == ["One", " two three."]
        assert server.requests[0].headers["accept"] == "text/event-stream"
