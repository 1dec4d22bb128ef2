"""A small encoded body that unpacks to a gigabyte is an error before it fills the memory."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import brotlicffi  # type: ignore[import-untyped]
import pytest
from tests.wire.answering import Answering
from tests.wire.codings import CODINGS

from tokenwire import ChatClient

if TYPE_CHECKING:
    from tests.wire.asking import Asking

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[3]
GIGABYTE, MEBIBYTE = 1 << 30, 1 << 20
MOST_MEMORY = 64 * MEBIBYTE

# Asks each address in turn, prints the error and the growth of the peak memory of this process.
# The kernel keeps the peak for each address space. `ru_maxrss` would also count the parent's.
PROGRAM = """
import asyncio, json, re, sys
from pathlib import Path
import tokenwire as tw

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) << 10

def error_of(url, streams, in_a_loop):
    chat = tw.ChatClient("m", base_url=url, max_retries=0, timeout=60)
    try:
        if in_a_loop:
            asyncio.run(chat.run_async("hi", stream=streams))
        else:
            chat.run("hi", stream=streams)
    except tw.LlmError as error:
        return type(error).__name__, getattr(error, "status_code", None)

first, *bombs = sys.argv[1:]
for in_a_loop in (False, True):
    error_of(first, False, in_a_loop)
    error_of(first, True, in_a_loop)
before = peak()
for url in bombs:
    errors = [error_of(url, url.endswith("stream"), in_a_loop) for in_a_loop in (False, True)]
    print(json.dumps([url.rpartition("/")[2], *errors, peak() - before]))
"""

# The beginning of each body; a gigabyte of one byte follows.
BODIES = {
    "zeros": (200, "application/json", b"", b"\0"),
    "text": (200, "application/json", b'{"choices": [{"message": {"content": "', b"a"),
    "blanks": (200, "application/json", b'{"choices": [', b" "),
    "400": (400, "application/json", b'{"error": {"message": "', b"0"),
    "500": (500, "application/json", b"", b"\0"),
    "zeros-stream": (200, "text/event-stream", b"", b"\0"),
    "event-stream": (200, "text/event-stream", b'data: {"choices": [{"delta": {"content": "', b"0"),
    "comment-stream": (200, "text/event-stream", b": ", b"0"),
}
WINDOW_BITS = {"gzip": 31, "deflate": 15, "raw deflate": -15}
OF_A_STATUS = {"400": ["LlmAPIError", 400], "500": ["LlmServerError", 500]}
OF_A_SIZE = (["LlmResponseTooLargeError", None], ["LlmEventTooLargeError", None])


@cache
def bomb(coding: str, start: bytes, repeated: bytes) -> bytes:
    """Return the encoded body."""
    block, count = repeated * MEBIBYTE, GIGABYTE // MEBIBYTE
    if coding in WINDOW_BITS:
        # After a full flush nothing refers to what was before it, so its output can be repeated.
        # Only the checksum at the end is that of one block.
        encoder = zlib.compressobj(6, zlib.DEFLATED, WINDOW_BITS[coding])
        first = encoder.compress(start) + encoder.flush(zlib.Z_FULL_FLUSH)
        packed = encoder.compress(block) + encoder.flush(zlib.Z_FULL_FLUSH)
        return first + packed * count + encoder.flush()
    other = CODINGS[coding].start()
    pieces = [other.feed(start), *(other.feed(block) for _ in range(count))]
    return b"".join([*pieces, other.finish()])


def answer(path: str) -> list[bytes]:
    """Return the response for `coding/name` of a body."""
    coding, name = path.split("/")
    if name == "first":
        return [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"]
    status, kind, start, repeated = BODIES[name]
    chosen = CODINGS[coding.replace("-", " ")]
    body = bomb(coding.replace("-", " "), start, repeated)
    head = (
        f"HTTP/1.1 {status} Text\r\ncontent-type: {kind}\r\ncontent-encoding: {chosen.header}\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return [head.encode(), body]


def asked(addresses: list[str]) -> dict[str, list[Any]]:
    """Ask each address after the first: its name, the sync and async error, the memory so far."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *addresses],
        env=os.environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
@pytest.mark.linux
@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_an_error_that_needs_little_memory(coding: str) -> None:
    name = coding.replace(" ", "-")
    with Answering(answer) as server:
        seen = asked([server.base_url(f"{name}/{body}") for body in ("first", *BODIES)])
    assert seen.keys() == BODIES.keys()
    for name, (sync_error, async_error, grown) in seen.items():
        assert sync_error == async_error, name
        assert sync_error in ([OF_A_STATUS[name]] if name in OF_A_STATUS else OF_A_SIZE), name
        assert grown < MOST_MEMORY, f"{name}: {grown / MEBIBYTE:.0f} MiB; {seen}"


@cache
def long_reply() -> tuple[str, bytes]:
    """Return a text that repeats itself after 5 MB, and a reply with it."""
    text = random.Random(7).randbytes(2_500_000).hex() * 2
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return text, json.dumps({"choices": [choice]}).encode()


@cache
def wide_zstd(body: bytes, window_log: int) -> bytes:
    zstandard = pytest.importorskip("zstandard", reason="zstandard is not installed")
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, enable_ldm=True)
    encoder = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return bytes(encoder.compress(body) + encoder.flush())


@cache
def wide_brotli(body: bytes, window_log: int) -> bytes:
    encoder = brotlicffi.Compressor(quality=9, lgwin=window_log)
    return bytes(encoder.process(body) + encoder.finish())


# RFC 9659, section 3: a decoder of zstd supports windows up to 8 MiB. RFC 7932, section 9.1: the
# widest window of brotli is 16 MiB.
WIDE = {"zstd": (wide_zstd, 23), "br": (wide_brotli, 24)}


@pytest.mark.slow
@pytest.mark.parametrize("coding", WIDE)
def test_the_widest_window_of_a_coding_is_read(coding: str, ask: Asking) -> None:
    encode, window_log = WIDE[coding]
    text, body = long_reply()
    encoded = encode(body, window_log)
    assert len(encoded) < len(text) * 0.4, "the second half refers to the first"
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: %s\r\ncontent-length: %d\r\n\r\n"
    written = head % (coding.encode(), len(encoded)) + encoded
    with Answering(lambda _: [written]) as server:
        client = ChatClient("m", base_url=server.base_url("wide"), max_retries=0)
        assert ask.run(client, "hi") == text


@pytest.mark.linux
@pytest.mark.parametrize("window_log", [24, 27, 31])
def test_a_wider_window_than_is_allowed_takes_no_memory(window_log: int) -> None:
    encoded = wide_zstd(b'{"choices": []}', window_log)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: zstd\r\ncontent-length: %d\r\n\r\n"
    written = head % len(encoded) + encoded
    with Answering(lambda _: [written]) as server:
        seen = asked([server.base_url(name) for name in ("first", "wide")])
    sync_error, async_error, grown = seen["wide"]
    assert sync_error == async_error is not None
    assert grown < MOST_MEMORY // 4
