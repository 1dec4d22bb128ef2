"""Small servers for what the simulator does not do: TLS, proxies, a second origin."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import IO

    import trustme
    from typing_extensions import Self

# The last one never resolves (RFC 6761): only a proxy leads there.
ELSEWHERE = "origin.invalid"
HOSTS = ("127.0.0.1", "localhost", ELSEWHERE)
TEXT = "One two three."

_USAGE = {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}


def event(data: object) -> bytes:
    """Return one event of a stream."""
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def delta(text: str | None, finish: str | None = None) -> bytes:
    """Return one event of a chat stream."""
    choice = {
        "index": 0,
        "delta": {} if text is None else {"content": text},
        "finish_reason": finish,
    }
    return event({"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """Return a response whose body is a chat stream of these events, chunked."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + body + (b"0\r\n\r\n" if end else b"")


def response(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return a response with a length."""
    lines = [f"HTTP/1.1 {status} Text", *headers, f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


DONE = event(b"[DONE]")
STREAM = chunked(delta("One"), delta(" two three."), delta(None, "stop"), DONE)
WHOLE = response(
    200,
    json.dumps(
        {
            "id": "c1",
            "object": "chat.completion",
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": TEXT},
                    "finish_reason": "stop",
                }
            ],
            "usage": _USAGE,
        }
    ).encode(),
    "content-type: application/json",
)


def tls_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@dataclass
class Request:
    """One request as it was received."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def streams(self) -> bool:
        """Whether it asks for a stream."""
        return b'"stream":true' in self.body.replace(b" ", b"")


@dataclass
class Seen:
    """What one connection received."""

    raw: bytearray = field(default_factory=bytearray)
    requests: list[Request] = field(default_factory=list)
    resumed: bool | None = None
    server_name: str | None = None
    certificate: dict[str, Any] | None = None
    refused: str | None = None
    ended: bool = False


Answer = bytes | None
"""What is written for a request; None closes without an answer."""


def answer(request: Request) -> bytes:
    """Return the reply that a request asks for."""
    return STREAM if request.streams else WHOLE


class Origin:
    """A server. It writes `answers` for the first requests, in order, and then `answer`.

    With `tls` it uses TLS. With `hang_up` it closes after each answer as abruptly as a killed
    process, without the end of TLS. `at_once` is written to the first connections, one item each,
    which are then closed. With `path` it listens at a unix socket, and `backlog` clients may wait.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        answers: list[Answer] | None = None,
        hang_up: bool = False,
        at_once: list[bytes | None] | None = None,
        family: socket.AddressFamily = socket.AF_INET,
        host: str = "127.0.0.1",
        path: Path | None = None,
        backlog: int | None = None,
    ) -> None:
        self.seen: list[Seen] = []
        self._tls = tls
        self._answers = list(answers or [])
        self._hang_up = hang_up
        self._at_once = at_once or []
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = False
        self.path = path
        self.host = host
        self.port = 0
        if path is None:
            # The zone of a link-local address becomes the number of its interface.
            address = socket.getaddrinfo(host, 0, family, socket.SOCK_STREAM)[0][4]
            self._listener = socket.create_server(address, family=family)
            self.port = self._listener.getsockname()[1]
        else:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(path))
            self._listener.listen(128 if backlog is None else backlog)
        self._start(self._accept)

    @property
    def base_url(self) -> str:
        """The address for `base_url=`."""
        if self.path is not None:
            return f"unix://{self.path}:/v1"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}/v1"

    @property
    def requests(self) -> list[Request]:
        """All requests of all connections."""
        return [request for seen in self.seen for request in seen.requests]

    @property
    def raw(self) -> bytes:
        """All bytes of all connections, as the server reads them: after TLS."""
        return b"".join(bytes(seen.raw) for seen in self.seen)

    def answer_next(self, written: Answer) -> None:
        """Write this for the next request that has no answer yet."""
        self._answers.append(written)

    def wait_for_ends(self, count: int) -> None:
        """Return when this many connections were made and have ended."""
        self.wait_until(lambda: sum(seen.ended for seen in self.seen) == count)

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return when `condition` is true. It is checked whenever something happens."""
        with self._changed:
            assert self._changed.wait_for(condition, 10), "it did not happen"

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every connection and wait for the threads."""
        with self._changed:
            self._closing = True
            still_open = list(self._open)
        # shutdown() wakes a thread that waits in accept(); close() does not.
        for one in (self._listener, *still_open):
            _shut(one)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            seen = Seen()
            with self._changed:
                if self._closing:
                    plain.close()
                    return
                self._open.add(plain)
                self.seen.append(seen)
                number = len(self.seen) - 1
                self._changed.notify_all()
            self._start(self._connection, plain, seen, number)

    def _connection(self, plain: socket.socket, seen: Seen, number: int) -> None:
        peer = plain
        try:
            early = self._at_once[number] if number < len(self._at_once) else None
            if early is not None:
                # The client has sent data before it sees the end, so unread bytes cause no reset.
                plain.recv(65536)
                plain.sendall(early)
                return
            if self._tls is not None:
                peer = self._handshake(plain, seen)
            self._serve(peer, seen)
        except ssl.SSLError as error:
            seen.refused = error.reason or str(error)
        except OSError as error:
            seen.refused = str(error)
        finally:
            # The file descriptor is closed without the closing message of TLS.
            peer.close()
            plain.close()
            with self._changed:
                seen.ended = True
                self._open -= {plain, peer}
                self._changed.notify_all()

    def _handshake(self, plain: socket.socket, seen: Seen) -> ssl.SSLSocket:
        assert self._tls is not None
        peer = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self._open.discard(plain)
            self._open.add(peer)
        try:
            peer.do_handshake()
        except ssl.SSLError:
            # Unread bytes would turn the close into a reset, which can overtake the alert.
            _shut(peer, socket.SHUT_WR)
            while socket.socket.recv(peer, 65536):
                pass
            raise
        finally:
            if peer.version() is None:
                peer.close()
        seen.resumed = peer.session_reused
        seen.certificate = peer.getpeercert()
        return peer

    def _serve(self, peer: socket.socket, seen: Seen) -> None:
        while (request := read_request(peer, seen)) is not None:
            with self._changed:
                seen.requests.append(request)
                written = self._answers.pop(0) if self._answers else answer(request)
                self._changed.notify_all()
            if written is None:
                return
            self._reply(peer, seen, request, written)
            if self._hang_up or b"\r\nconnection: close\r\n" in written:
                return

    def _reply(self, peer: socket.socket, seen: Seen, request: Request, written: bytes) -> None:
        del seen, request
        peer.sendall(written)


def read_request(peer: socket.socket, seen: Seen) -> Request | None:
    """Read one request, with a length or without a body; None at the end of the connection."""
    start = len(seen.raw)
    while (end := seen.raw.find(b"\r\n\r\n", start)) < 0:
        piece = peer.recv(65536)
        if not piece:
            return None
        seen.raw += piece
    line, *lines = seen.raw[start:end].decode("latin-1").split("\r\n")
    pairs = (text.split(":", 1) for text in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    whole = end + 4 + int(headers.get("content-length", 0))
    while len(seen.raw) < whole:
        piece = peer.recv(65536)
        if not piece:
            return None
        seen.raw += piece
    return Request(line, headers, bytes(seen.raw[end + 4 : whole]))


def _shut(one: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    try:
        # A plain shutdown, under TLS too, whose own shutdown would wait for the other side.
        socket.socket.shutdown(one, how)
    except OSError:
        return


class HttpProxy(Origin):
    """A forward proxy: tunnels for CONNECT, absolute targets for the rest.

    `credentials` are what `Proxy-Authorization` must contain. `answers` replace the proxy's own,
    one by one. With `hang` it reads and never answers. `leads_to` is where it connects instead of
    the host that it was asked for.
    """

    def __init__(
        self,
        *,
        credentials: str | None = None,
        hang: bool = False,
        leads_to: str | None = None,
        **kind: Any,
    ) -> None:
        self._credentials = credentials
        self._hang = hang
        self._leads_to = leads_to
        super().__init__(**kind)

    @property
    def url(self) -> str:
        """The address for `proxy=`."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def _serve(self, peer: socket.socket, seen: Seen) -> None:
        while (request := read_request(peer, seen)) is not None:
            with self._changed:
                seen.requests.append(request)
                has_answer = bool(self._answers)
                written = self._answers.pop(0) if has_answer else b""
                self._changed.notify_all()
            if self._hang:
                peer.recv(1)
                return
            if has_answer:
                if written is None:
                    return
                peer.sendall(written)
            elif self._credentials not in (None, request.headers.get("proxy-authorization")):
                peer.sendall(response(407, b"", 'proxy-authenticate: Basic realm="x"'))
            elif request.line.startswith("CONNECT "):
                self._tunnel(peer, seen, request)
                return
            else:
                self._forward(peer, request)

    def _tunnel(self, peer: socket.socket, seen: Seen, request: Request) -> None:
        host, port = request.line.split()[1].rsplit(":", 1)
        host = self._leads_to or host.strip("[]")
        with socket.create_connection((host, int(port))) as target:
            with self._changed:
                self._open.add(target)
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._start(_copy, target, peer, None)
            _copy(peer, target, seen.raw)
            with self._changed:
                self._open.discard(target)

    def _forward(self, peer: socket.socket, request: Request) -> None:
        method, target, version = request.line.split()
        authority, _, path = target.removeprefix("http://").partition("/")
        host, port = authority.rsplit(":", 1)
        lines = [f"{method} /{path} {version}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        with socket.create_connection((self._leads_to or host.strip("[]"), int(port))) as onward:
            onward.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
            onward.shutdown(socket.SHUT_WR)
            while piece := onward.recv(65536):
                peer.sendall(piece)


class SocksProxy(Origin):
    """A SOCKS proxy (4, 5). `credentials` are (user, password); `asked` lists the requests."""

    def __init__(self, *, credentials: tuple[str, str] | None = None, code: int = 0) -> None:
        self._credentials = credentials
        self._code = code
        self.asked: list[tuple[str, int]] = []
        super().__init__()

    def _serve(self, peer: socket.socket, seen: Seen) -> None:
        with peer.makefile("rb") as read:
            greeting = read.read(2)
            if not greeting:
                return
            version, count = greeting
            if version == 4:
                port = int.from_bytes(read.read(2), "big")
                host = socket.inet_ntoa(read.read(4))
                _until_nul(read)
                if host.startswith("0.0.0."):
                    host = _until_nul(read)
                answer = bytes([0, 90]) + bytes(6)
                self._connect(peer, (host, port), answer, seen)
                return
            methods = read.read(count)
            if self._credentials is None:
                peer.sendall(b"\x05\x00")
            elif 2 not in methods:
                peer.sendall(b"\x05\xff")
                return
            else:
                peer.sendall(b"\x05\x02")
                user = read.read(read.read(2)[1]).decode()
                password = read.read(read.read(1)[0]).decode()
                good = (user, password) == self._credentials
                peer.sendall(b"\x01\x00" if good else b"\x01\x01")
                if not good:
                    return
            kind = read.read(4)[3]
            if kind == 1:
                host = socket.inet_ntoa(read.read(4))
            elif kind == 4:
                host = socket.inet_ntop(socket.AF_INET6, read.read(16))
            else:
                host = read.read(read.read(1)[0]).decode()
            port = int.from_bytes(read.read(2), "big")
            answer = b"\x05" + bytes([self._code]) + b"\x00\x01" + bytes(6)
            self._connect(peer, (host, port), answer, seen)

    def _connect(
        self, peer: socket.socket, asked: tuple[str, int], answer: bytes, seen: Seen
    ) -> None:
        self.asked.append(asked)
        peer.sendall(answer)
        if self._code:
            return
        with socket.create_connection(asked) as target:
            with self._changed:
                self._open.add(target)
            self._start(_copy, target, peer, None)
            _copy(peer, target, seen.raw)
            with self._changed:
                self._open.discard(target)


def _until_nul(read: IO[bytes]) -> str:
    return b"".join(iter(lambda: read.read(1), b"\0")).decode()


def _copy(source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
    """Copy to the end, then end the other side."""
    try:
        while piece := source.recv(65536):
            if kept is not None:
                kept += piece
            target.sendall(piece)
    except OSError:
        pass
    _shut(target)
