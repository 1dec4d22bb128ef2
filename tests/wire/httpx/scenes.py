"""One scene, played by the family's own transport and by ours: the outcome must be the same."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import socket
import ssl
import struct
import threading
import warnings
from typing import TYPE_CHECKING, Any

from tests.wire.origins import Origin, Seen

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    Scene = Callable[["Side"], Coroutine[Any, Any, Any]]
    Script = Callable[["Peer"], None]

FAMILIES = ("httpx", "httpx2")

# Making one costs more than a scene.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Peer:
    """One connection of a server, as a scene's script sees it."""

    def __init__(self, connection: socket.socket, seen: Seen, asked: threading.Event) -> None:
        self._asked = asked
        self._connection = connection
        self._seen = seen
        self._rest = b""

    def head(self) -> bytes | None:
        """Read the head of a request; None at the end of the connection."""
        while b"\r\n\r\n" not in self._rest:
            piece = self._connection.recv(65536)
            if not piece:
                return None
            self._rest += piece
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head

    def exactly(self, size: int) -> bytes:
        """Read so many bytes, or fewer at the end of the connection."""
        while len(self._rest) < size:
            piece = self._connection.recv(65536)
            if not piece:
                break
            self._rest += piece
        read, self._rest = self._rest[:size], self._rest[size:]
        return read

    def line(self) -> bytes:
        """Read a line, without its end; what there is at the end of the connection."""
        while b"\r\n" not in self._rest:
            piece = self._connection.recv(65536)
            if not piece:
                break
            self._rest += piece
        line, _, self._rest = self._rest.partition(b"\r\n")
        return line

    def body(self, head: bytes) -> bytes:
        """Read a body, with a length or chunked."""
        lower = head.lower()
        if b"\r\ntransfer-encoding: chunked" in lower:
            read = b""
            while size := int(self.line() or b"0", 16):
                read += self.exactly(size)
                self.line()
            self.line()
            return read
        _, _, length = lower.partition(b"\r\ncontent-length: ")
        return self.exactly(int(length.split(b"\r\n")[0] or 0))

    def body_size(self) -> int:
        """Read a chunked body, and return its size."""
        total = 0
        while size := int(self.line(), 16):
            total += size
            while size:
                size -= len(self.exactly(min(size, 65_536)))
            self.line()
        self.line()
        return total

    def request(self) -> tuple[bytes, bytes] | None:
        """Read a whole request: head and body; None at the end of the connection."""
        head = self.head()
        return None if head is None else (head, self.body(head))

    def send(self, written: bytes) -> None:
        """Write this."""
        self._connection.sendall(written)

    def reset(self) -> None:
        """End the connection with a reset instead of a close."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def wait_until_asked(self) -> None:
        """Wait for `Side.ask`."""
        assert self._asked.wait(10)

    def ends_within(self, seconds: float) -> bool:
        """Return whether the other side ends the connection in this time."""
        self._connection.settimeout(seconds)
        try:
            return not self._connection.recv(65536)
        except TimeoutError:
            return False
        finally:
            self._connection.settimeout(None)

    def wait_for_end(self) -> None:
        """Read until the other side ends the connection."""
        try:
            while self._connection.recv(65536):
                pass
        except OSError:
            return


class Scripted(Origin):
    """A server whose connections a script serves, one call each."""

    def __init__(self, script: Script, **kind: Any) -> None:
        self._script = script
        self.asked = threading.Event()
        super().__init__(**kind)

    @property
    def url(self) -> str:
        """The address, without a path."""
        return self.base_url.removesuffix("/v1")

    def _serve(self, peer: socket.socket, seen: Seen) -> None:
        self._script(Peer(peer, seen, self.asked))


def answering(*written: bytes) -> Script:
    """A script that writes these, one a request, on each connection; and keeps it open."""

    def script(peer: Peer) -> None:
        for one in written:
            if peer.request() is None:
                return
            peer.send(one)
        peer.wait_for_end()

    return script


def closing(written: bytes) -> Script:
    """A script that reads one request, writes this and closes the connection."""

    def script(peer: Peer) -> None:
        if peer.request() is not None:
            peer.send(written)

    return script


def echo(peer: Peer) -> None:
    """A script that answers with the request itself: its head, an empty line, and its body."""
    while (request := peer.request()) is not None:
        head, body = request
        peer.send(reply(head + b"\r\n\r\n" + body))


def reply(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    """A response with a length."""
    head = [b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Side:
    """A family's clients, sync or async, over its own transport or over ours."""

    def __init__(self, family: Any, *, is_async: bool, is_ours: bool) -> None:
        self.family = family
        self.is_async = is_async
        self.is_ours = is_ours
        self.url = ""
        self.ask: Callable[[], None] = lambda: None

    @property
    def module(self) -> Any:
        """httpx or httpx2."""
        return importlib.import_module(self.family)

    def client(self, **options: Any) -> Any:
        """Return a client."""
        kind = "AsyncClient" if self.is_async else "Client"
        if self.is_ours:
            options = {name: ours for name, ours in options.items() if name != "stock_verify"}
            ours = importlib.import_module(f"tokenwire.{self.family}")
            return getattr(ours, kind)(**options)
        options.setdefault("verify", NO_TLS)
        if (context := options.pop("stock_verify", None)) is not None:
            options["verify"] = context
            options.pop("cert", None)
        return getattr(self.module, kind)(**options)

    async def value(self, result: Any) -> Any:
        """Return a result; in an async client, await it."""
        return await result if inspect.isawaitable(result) else result

    async def close(self, closed: Any) -> None:
        """Close a client or a response."""
        await self.value(closed.aclose() if self.is_async else closed.close())

    async def read(self, response: Any) -> bytes:
        """Read a whole body."""
        return bytes(await self.value(response.aread() if self.is_async else response.read()))

    async def send(self, client: Any, method: str, path: str, **request: Any) -> Any:
        """Send a request; the body of the response is not read yet."""
        url = request.pop("url", self.url + path)
        built = client.build_request(method, url, **request)
        return await self.value(client.send(built, stream=True))

    async def pieces(self, response: Any, form: str = "raw") -> AsyncGenerator[Any, None]:
        """The pieces of a body: `raw`, `bytes` or `lines`."""
        if self.is_async:
            async for piece in getattr(response, f"aiter_{form}")():
                yield piece
        else:
            for piece in getattr(response, f"iter_{form}")():
                yield piece

    def upload(self, *pieces: Any) -> Any:
        """A body that is produced piece by piece; an exception among them is raised."""

        def produced() -> Any:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece

        async def produced_later() -> Any:
            for piece in produced():
                yield piece

        return produced_later() if self.is_async else produced()

    def play(self, scene: Scene) -> Any:
        """Return the outcome of a scene: a value, or the class of the error."""
        with warnings.catch_warnings():
            if not self.is_ours:
                # After some errors, the family's own transport leaves a socket to the collector.
                warnings.simplefilter("ignore", ResourceWarning)
            try:
                return asyncio.run(scene(self)) if self.is_async else driven(scene(self))
            except AssertionError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
                outcome = self.class_of(error)
            if not self.is_ours:
                gc.collect()
        return outcome

    def class_of(self, error: BaseException) -> str:
        """Return the name of the family's class, or of another error's own class."""
        for kind in type(error).__mro__:
            if kind.__module__ == self.module.__name__:
                return f"{self.family}.{kind.__name__}"
        return type(error).__name__


def driven(steps: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits."""
    try:
        steps.send(None)
    except StopIteration as end:
        return end.value
    steps.close()
    raise AssertionError("it waits, although the client is a sync one")


async def seen(side: Side, response: Any) -> dict[str, Any]:
    """Everything that a caller sees of a response, read to its end."""
    body = await side.read(response)
    assert response.elapsed.total_seconds() > 0
    # Of headers with different names, the engine does not keep the order.
    headers = [(name.lower(), value) for name, value in response.headers.raw]
    return {
        "status": response.status_code,
        "reason": response.reason_phrase,
        "version": response.http_version,
        "headers": sorted(headers, key=lambda pair: pair[0]),
        "body": body,
    }


def fetching(path: str = "/", *, method: str = "GET", times: int = 1, **options: Any) -> Any:
    """A scene of one request, or of some after another with the same client."""

    async def scene(side: Side) -> Any:
        client = side.client(**options)
        try:
            found = [await seen(side, await side.send(client, method, path)) for _ in range(times)]
        finally:
            await side.close(client)
        return found[0] if times == 1 else found

    return scene


def played(side: Side, scene: Scene, script: Script, **kind: Any) -> tuple[Any, Scripted]:
    """Play a scene with a server of its own; return its outcome and the server, which has ended."""
    if "folder" in kind:
        # A unix socket, of which each side needs one.
        kind["path"] = kind.pop("folder") / ("ours" if side.is_ours else "stock")
    with Scripted(script, **kind) as server:
        side.url, side.ask = server.url, server.asked.set
        return side.play(scene), server
