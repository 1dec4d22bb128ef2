"""Where a request goes: redirects, proxies, certificates, unix sockets; cookies and credentials."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import (
    Peer,
    Side,
    answering,
    closing,
    echo,
    fetching,
    reply,
    seen,
)
from tests.wire.origins import ELSEWHERE, HOSTS, HttpProxy, SocksProxy, response, tls_of

if TYPE_CHECKING:
    from pathlib import Path

    import trustme

USER = ("me", "hunter2:@/ä")
BASIC = "Basic " + base64.b64encode(":".join(USER).encode()).decode()


def moved(peer: Peer) -> None:
    """A script that redirects by the path, `/303/next`, and echoes what arrives at `/end`."""
    while (request := peer.request()) is not None:
        head, body = request
        _, target, _ = head.split(b" ", 2)
        if target == b"/end":
            peer.send(reply(head.split(b"\r\n")[0] + b"\r\n\r\n" + body, b"Set-Cookie: c=3"))
            continue
        _, status, onward = target.split(b"/", 2)
        place = b"/" + onward if onward != b"loop" else target
        peer.send(reply(b"moved", b"Location: " + place, status=status + b" Moved"))


@pytest.mark.parametrize("path", ["/301/end", "/302/end", "/303/end", "/307/end", "/308/307/end"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_is_followed_by_the_client(path, method, same):
    async def scene(side: Side) -> Any:
        client = side.client(follow_redirects=True)
        found = await side.send(client, method, path, content=b"One" if method == "POST" else None)
        body = await side.read(found)
        await side.close(client)
        return body, [one.status_code for one in found.history], dict(client.cookies)

    body, history, cookies = same(scene, moved)
    assert (len(history), cookies) == (path.count("/") - 1, {"c": "3"})
    assert body.startswith((b"GET /end", b"POST /end"))


def test_a_redirect_is_not_followed_unless_it_is_asked_for(same):
    assert same(fetching("/302/end"), moved)["status"] == 302


def test_endless_redirects_raise_the_same(same, family):
    outcome = same(fetching("/302/loop", follow_redirects=True), moved)
    assert outcome == f"{family}.TooManyRedirects"


def test_a_body_in_pieces_is_not_sent_again_by_a_redirect(same, family):
    async def scene(side: Side) -> Any:
        client = side.client(follow_redirects=True)
        try:
            await side.send(client, "POST", "/307/end", content=side.upload(b"One"))
        finally:
            await side.close(client)

    assert same(scene, moved) == f"{family}.StreamConsumed"


def test_cookies_are_kept_and_sent(same):
    async def scene(side: Side) -> Any:
        client = side.client(cookies={"a": "1"})
        await side.read(await side.send(client, "GET", "/end"))
        found = await side.send(client, "GET", "/end")
        await side.read(found)
        await side.close(client)
        return sorted(found.request.headers["cookie"].split("; "))

    assert same(scene, moved) == ["a=1", "c=3"]


def test_the_user_in_an_address_becomes_a_header(same):
    async def scene(side: Side) -> Any:
        client = side.client()
        url = side.url.replace("://", "://me:hunter2@") + "/a#part"
        head = await side.read(await side.send(client, "GET", "", url=url))
        await side.close(client)
        lines = head.split(b"\r\n")
        return lines[0], [
            line[15:] for line in lines if line.lower().startswith(b"authorization: ")
        ]

    line, (header,) = same(scene, echo)
    assert line == b"GET /a HTTP/1.1"
    assert header == b"Basic " + base64.b64encode(b"me:hunter2")


def test_digest_authentication_asks_again(same):
    def script(peer: Peer) -> None:
        while (request := peer.request()) is not None:
            if b"uthorization: Digest " in request[0]:
                peer.send(reply(b"x"))
            else:
                challenge = b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'
                peer.send(reply(b"who?", challenge, status=b"401 Unauthorized"))

    async def scene(side: Side) -> Any:
        client = side.client(auth=side.module.DigestAuth("me", "hunter2"))
        found = await seen(side, await side.send(client, "GET", "/"))
        await side.close(client)
        return found

    assert same(scene, script)["body"] == b"x"


@pytest.mark.only_over("direct", "unix sockets")
def test_a_unix_socket_is_used(same, tmp_path):
    def over(side: Side) -> dict[str, Any]:
        path = side.url.removeprefix("unix://").removesuffix(":")
        if side.is_ours:
            return {"uds": path}
        kind = "AsyncHTTPTransport" if side.is_async else "HTTPTransport"
        return {"transport": getattr(side.module, kind)(uds=path)}

    async def scene(side: Side) -> Any:
        client = side.client(**over(side))
        head = await side.read(await side.send(client, "GET", "", url="http://any.host/a"))
        await side.close(client)
        return b"\r\nhost: any.host" in head.lower()

    assert same(scene, echo, folder=tmp_path) is True


# Proxies are for the general transport.

general = pytest.mark.only_over("general", "proxies")


def proxied(proxy: Any, **options: Any) -> Any:
    """A scene of one request through a proxy."""

    async def scene(side: Side) -> Any:
        given = proxy(side.module) if callable(proxy) else proxy
        return await fetching("/a", proxy=given, **options)(side)

    return scene


@general
def test_a_proxy_gets_the_whole_address(same):
    with HttpProxy() as proxy:
        assert same(proxied(proxy.url), closing(reply(b"x")))["body"] == b"x"
        lines = [request.line for request in proxy.requests]
        assert [line.split("127")[0] for line in lines] == ["GET http://"] * 2


@general
@pytest.mark.parametrize("form", ["str", "URL", "Proxy"])
def test_a_proxy_gets_its_credentials(form, same):
    with HttpProxy(credentials=BASIC) as proxy:

        def given(module: Any) -> Any:
            known = module.Proxy(proxy.url, auth=USER)
            url = known.url.copy_with(username=USER[0], password=USER[1])
            return {"str": str(url), "URL": url, "Proxy": known}[form]

        assert same(proxied(given), closing(reply(b"x")))["body"] == b"x"


@general
def test_a_proxy_that_wants_credentials_answers(same):
    with HttpProxy(credentials=BASIC) as proxy:
        assert same(proxied(proxy.url), closing(reply(b"x")))["status"] == 407


@general
def test_a_proxy_that_refuses_a_tunnel_raises_the_same(same, family, server_tls, roots):
    context = ssl.create_default_context(cafile=str(roots))
    with HttpProxy(answers=[response(403)] * 9) as proxy:
        scene = proxied(proxy.url, verify=str(roots), stock_verify=context)
        assert same(scene, closing(reply(b"x")), tls=server_tls) == f"{family}.ProxyError"


@general
def test_a_tunnel_is_made_for_https(same, server_tls, roots):
    context = ssl.create_default_context(cafile=str(roots))
    with HttpProxy() as proxy:
        scene = proxied(proxy.url, verify=str(roots), stock_verify=context)
        assert same(scene, answering(reply(b"x")), tls=server_tls)["body"] == b"x"
        assert {request.line.split()[0] for request in proxy.requests} == {"CONNECT"}


@general
def test_a_proxy_that_cannot_be_reached_is_a_proxy_error(play, family):
    # The family's own transport raises a ConnectError, as if the server itself were down.
    assert play(proxied("http://127.0.0.1:1"), closing(reply(b"x"))) == f"{family}.ProxyError"


@general
def test_a_proxy_of_the_environment_is_used(same, monkeypatch):
    with HttpProxy(leads_to="127.0.0.1") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        async def scene(side: Side) -> Any:
            client = side.client()
            # Calls to this machine would not go through it.
            url = side.url.replace("127.0.0.1", ELSEWHERE)
            found = await seen(side, await side.send(client, "GET", "/", url=url))
            await side.close(client)
            return found["body"]

        assert same(scene, closing(reply(b"x"))) == b"x"
        assert len(proxy.requests) == 2


@pytest.mark.chooses_transport  # without the environment, the direct one
def test_the_environment_can_be_left_out(same, family, monkeypatch):
    with HttpProxy(leads_to="127.0.0.1") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)

        async def scene(side: Side) -> Any:
            client = side.client(trust_env=False)
            try:
                await side.send(client, "GET", "/", url=f"http://{ELSEWHERE}/")
            finally:
                await side.close(client)

        assert same(scene, closing(reply(b"x"))) == f"{family}.ConnectError"
        assert proxy.requests == []


@general
def test_a_socks_proxy_is_used(play):
    with SocksProxy() as proxy:
        scene = proxied(f"socks5://127.0.0.1:{proxy.port}")
        assert play(scene, closing(reply(b"x")))["body"] == b"x"
        assert len(proxy.asked) == 1


# Certificates.


def test_a_private_certificate_is_trusted(same, server_tls, roots):
    context = ssl.create_default_context(cafile=str(roots))
    scene = fetching(verify=str(roots), stock_verify=context)
    assert same(scene, answering(reply(b"x")), tls=server_tls)["body"] == b"x"


def test_an_unknown_certificate_raises_the_same(same, family, server_tls):
    scene = fetching(stock_verify=ssl.create_default_context())
    assert same(scene, answering(reply(b"x")), tls=server_tls) == f"{family}.ConnectError"


def test_a_certificate_of_another_host_raises_the_same(same, family, ca, roots):
    context = ssl.create_default_context(cafile=str(roots))
    scene = fetching(verify=str(roots), stock_verify=context)
    tls = tls_of(ca.issue_cert("other.example"))
    assert same(scene, answering(reply(b"x")), tls=tls) == f"{family}.ConnectError"


def test_certificates_of_the_environment_are_trusted(same, server_tls, roots, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    context = ssl.create_default_context(cafile=str(roots))
    outcome = same(fetching(stock_verify=context), answering(reply(b"x")), tls=server_tls)
    assert outcome["body"] == b"x"


@pytest.fixture
def asking_for_certificates(ca: trustme.CA) -> ssl.SSLContext:
    context = tls_of(ca.issue_cert(*HOSTS))
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@pytest.fixture
def certificate(ca: trustme.CA, tmp_path: Path) -> tuple[str, str]:
    issued = ca.issue_cert("client.example")
    paths = tmp_path / "client.pem", tmp_path / "client.key"
    for path, blobs in zip(paths, (issued.cert_chain_pems, [issued.private_key_pem]), strict=True):
        path.write_bytes(b"".join(blob.bytes() for blob in blobs))
    return str(paths[0]), str(paths[1])


@pytest.mark.parametrize("form", ["two files", "one file"])
def test_a_client_certificate_is_shown(form, same, asking_for_certificates, certificate, roots):
    from pathlib import Path

    context = ssl.create_default_context(cafile=str(roots))
    context.load_cert_chain(*certificate)
    cert: Any = certificate
    if form == "one file":
        cert = str(roots.parent / "both.pem")
        Path(cert).write_bytes(b"".join(Path(one).read_bytes() for one in certificate))
    scene = fetching(verify=str(roots), cert=cert, stock_verify=context)
    outcome = same(scene, answering(reply(b"x")), tls=asking_for_certificates)
    assert outcome["body"] == b"x"


def test_a_missing_client_certificate_raises(play, family, asking_for_certificates, roots):
    scene = fetching(verify=str(roots))
    # In TLS 1.3, the server refuses it after the handshake is over for the client. The family's own
    # transports raise a ReadError, or let an error of `ssl` through.
    outcome = play(scene, answering(reply(b"x")), tls=asking_for_certificates)
    assert outcome == f"{family}.ConnectError"


def test_mounts_are_the_clients_own(play):
    async def scene(side: Side) -> Any:
        answer = side.module.MockTransport(lambda _: side.module.Response(200, content=b"mock"))
        client = side.client(mounts={"all://mocked.example": answer})
        mocked = await side.read(await side.send(client, "GET", "", url="http://mocked.example/"))
        real = await side.read(await side.send(client, "GET", "/"))
        await side.close(client)
        return mocked, real

    assert play(scene, answering(reply(b"x"))) == (b"mock", b"x")
