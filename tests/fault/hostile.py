"""A server that sends whatever makes work for a client, and no progress, from its own process.

It prints its port. The first part of a request's path names the kind of reply, and `KINDS` lists
the kinds. `healthy` is for calls that should not notice the others: each 100 ms, an event whose
text is the time of `time.monotonic()`.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
UNTIL_CLOSED = HEAD + b"\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
DONE = b"data: [DONE]\n\n"
MIB = 1 << 20


def event(delta: str, more: str = "") -> bytes:
    return f'data: {{"choices":[{{"index":0,"delta":{delta}{more}}}]}}\n\n'.encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def repeated(data: bytes, size: int = 256 << 10) -> bytes:
    return data * max(1, size // len(data))


def flood(data: bytes, head: bytes = UNTIL_CLOSED) -> Callable[[], Iterator[bytes]]:
    """Return a reply that repeats `data` without end."""

    def reply() -> Iterator[bytes]:
        block = repeated(data)
        yield head
        while True:
            yield block

    return reply


def stream(delta: Callable[[], str]) -> Callable[[], Iterator[bytes]]:
    """Return a streamed reply of one event."""

    def reply() -> Iterator[bytes]:
        yield UNTIL_CLOSED + event(delta(), ',"finish_reason":"stop"') + DONE

    return reply


def whole(body: Callable[[], str], head: bytes = JSON) -> Callable[[], Iterator[bytes]]:
    """Return a whole reply, which answers streams too."""

    def reply() -> Iterator[bytes]:
        data = body().encode()
        yield head + b"content-length: %d\r\n\r\n" % len(data)
        yield data

    return reply


def message(member: str) -> str:
    return f'{{"choices":[{{"index":0,"message":{{{member}}},"finish_reason":"stop"}}]}}'


def many(item: str, size: int) -> str:
    return ",".join([item] * (size // (len(item) + 1)))


def members(size: int) -> str:
    return ",".join(f'"k{i}":"x"' for i in range(size // 13))


def calls(size: int) -> str:
    return ",".join(f'{{"index":{i}}}' for i in range(size // 17))


def escapes(size: int) -> str:
    return '{"content":"%s"}' % ("\\u00e9" * (size // 6))


def multi_line() -> Iterator[bytes]:
    """Send one event of 32 MiB in lines of 9 bytes."""
    yield UNTIL_CLOSED
    block = repeated(b"data:  \n", MIB)
    for _ in range(32):
        yield block
    yield b"\n"


def after_done() -> Iterator[bytes]:
    """Send a good reply and then comments without end."""
    yield UNTIL_CLOSED + event('{"content":"ok"}', ',"finish_reason":"stop"') + DONE
    block = repeated(b": x\n\n")
    while True:
        yield block


# What it sends, by name.
KINDS: dict[str, Callable[[], Iterator[bytes]]] = {
    "comments": flood(b": x\n\n"),
    "blank lines": flood(b"\r\n"),
    "unknown fields": flood(b"foo: bar\n"),
    "event names": flood(b"event: x\n"),
    "events without data": flood(b"event: x\n\n"),
    "one line without end": flood(b"x"),
    "empty choices": flood(b'data: {"choices":[]}\n\n'),
    "empty deltas": flood(event("{}")),
    "content": flood(event('{"content":"a"}')),
    "reasoning": flood(event('{"reasoning_content":"a"}')),
    "usage": flood(b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'),
    "64 KiB events of calls": flood(event(f'{{"tool_calls":[{calls(60 << 10)}]}}')),
    "1-byte chunks": flood(chunk(b":"), CHUNKED),
    "chunks with extensions": flood(b"1;a\r\n:\r\n", CHUNKED),
    "zeros in a chunk's size": flood(b"0", CHUNKED),
    "blanks in a chunk's size": flood(b" ", CHUNKED + b"1"),
    "trailers": flood(b"a: b\r\n", CHUNKED + b"0\r\n"),
    "interim heads": flood(b"HTTP/1.1 100 \r\n\r\n", b""),
    "header fields": flood(b"a: b\r\n", HEAD),
    "header without end": flood(b"a", HEAD + b"a: "),
    "event of text, 32 MiB": stream(lambda: f'{{"content":"{"a" * 32 * MIB}"}}'),
    "event of escapes, 16 MiB": stream(lambda: escapes(16 * MIB)),
    "event of members, 8 MiB": stream(lambda: f"{{{members(8 * MIB)}}}"),
    "event of calls, 8 MiB": stream(lambda: f'{{"tool_calls":[{calls(8 * MIB)}]}}'),
    "event of lists, 8 MiB": stream(lambda: f'{{"x":[{many("[]", 8 * MIB)}]}}'),
    "event of lines, 32 MiB": multi_line,
    "nested event, 8 MiB": stream(lambda: '{"x":%s' % ("[" * 8 * MIB)),
    "whole text, 32 MiB": whole(lambda: message(f'"content":"{"a" * 32 * MIB}"')),
    "whole members, 16 MiB": whole(lambda: message(members(16 * MIB))),
    "whole calls, 16 MiB": whole(lambda: message(f'"tool_calls":[{many("{}", 16 * MIB)}]')),
    "whole blocks, 16 MiB": whole(lambda: message(f'"content":[{many("{}", 16 * MIB)}]')),
    "whole logprobs, 16 MiB": whole(
        lambda: (
            '{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop",'
            f'"logprobs":{{"content":[{many("{}", 16 * MIB)}]}}}}]}}'
        )
    ),
    "page of HTML, 32 MiB": whole(lambda: "<p>" * (32 * MIB // 3)),
    "body of an error, endless": flood(b"x", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "body of an error, JSON": whole(
        lambda: f'{{"error":{{"message":"{"a" * 32 * MIB}"}}}}', b"HTTP/1.1 400 Bad Request\r\n"
    ),
    "event, then an error": stream(lambda: f'{{"content":"{"a" * 8 * MIB}"}},"error":{{"x":1}}'),
    "comments after the end": after_done,
}


def after_a_word(kind: str) -> Callable[[], Iterator[bytes]]:
    """Return a flood that begins with content."""

    def reply() -> Iterator[bytes]:
        flooding = KINDS[kind]()
        yield next(flooding) + event('{"content":"a"}')
        yield from flooding

    return reply


def segments() -> Iterator[bytes]:
    yield UNTIL_CLOSED
    while True:
        yield b":"


def healthy() -> Iterator[bytes]:
    yield UNTIL_CLOSED
    while True:
        yield event(json.dumps({"content": f"{time.monotonic()} "}))
        time.sleep(0.1)


def stalled() -> Iterator[bytes]:
    """Send nothing, not even a head."""
    yield b""
    threading.Event().wait()


# Without Nagle's algorithm, each write of `segments` is a segment.
KINDS["1-byte segments"] = segments
_OTHERS = {
    "healthy": healthy,
    "stalled": stalled,
    "large event": stream(lambda: escapes(2 * MIB)),
    "large reply": whole(lambda: message(f'"content":"{"a" * 2 * MIB}"')),
}
# A `str` stores its characters in 1, 2 or 4 bytes.
WIDTHS = "aé€😀"


def large_text(letter: str) -> Callable[[], Iterator[bytes]]:
    return whole(lambda: message(f'"content":"{letter * MIB}"'))


_OTHERS |= {f"large text {width}": large_text(letter) for width, letter in enumerate(WIDTHS)}
_OTHERS |= {
    f"{kind} after a word": after_a_word(kind)
    for kind in ("empty choices", "empty deltas", "usage", "comments")
}


def name_in_path(kind: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in kind)


_BY_PATH = {name_in_path(kind): reply for kind, reply in {**KINDS, **_OTHERS}.items()}
_PREPARED: dict[str, list[bytes]] = {}
_PREPARING = threading.Lock()


def pieces(kind: str) -> Iterator[bytes]:
    """Return the reply of a kind. A reply of one piece is made once."""
    reply = _BY_PATH[kind]
    if reply.__qualname__.split(".")[0] not in ("stream", "whole"):
        return reply()
    with _PREPARING:
        if kind not in _PREPARED:
            _PREPARED[kind] = list(reply())
    return iter(_PREPARED[kind])


def answer(peer: socket.socket) -> None:
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        received = b""
        try:
            while b"\r\n\r\n" not in received:
                received += peer.recv(65536)
            head, body = received.split(b"\r\n\r\n", 1)
            size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < size:
                body += peer.recv(65536)
            for piece in pieces(head.split(b"/")[1].decode()):
                peer.sendall(piece)
        except OSError:
            pass


def main() -> None:
    """Serve until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)

    def accept() -> None:
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    sys.stdin.read()


@contextmanager
def hostile_server(niceness: int = 0) -> Iterator[Callable[[str], str]]:
    """Run the server in its own process. Yields what makes the base URL of a kind."""
    program = ["nice", "-n", str(niceness), sys.executable, __file__]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield lambda kind: f"http://127.0.0.1:{port}/{name_in_path(kind)}/v1"
        server.kill()


if __name__ == "__main__":
    main()
