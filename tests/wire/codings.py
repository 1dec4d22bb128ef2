"""Encoders of the content encodings of HTTP, and bodies split in the ways a server splits them."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import brotlicffi  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SEPARATOR = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)|(?<=\r\r)")
# The tiny pieces of a body: its first and last bytes. The middle comes in pieces up to `LARGEST`.
FIRST, LAST, TINY, LARGEST = 512, 64, 7, 700


class Encoder(Protocol):
    """One encoded body that is being written."""

    def feed(self, data: bytes) -> bytes:
        """Take more of the body. Returns what is ready to be sent."""

    def flush(self) -> bytes:
        """Return all that has been fed, so that a receiver can decode it now."""

    def finish(self) -> bytes:
        """Return the end of the body."""


class _Zlib:
    """gzip, zlib and raw deflate, which only differ in `wbits`."""

    def __init__(self, wbits: int) -> None:
        self._encoder = zlib.compressobj(6, zlib.DEFLATED, wbits)

    def feed(self, data: bytes) -> bytes:
        return self._encoder.compress(data)

    def flush(self) -> bytes:
        return self._encoder.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._encoder.flush(zlib.Z_FINISH)


class _Brotli:
    def __init__(self) -> None:
        self._encoder = brotlicffi.Compressor(quality=4)

    def feed(self, data: bytes) -> bytes:
        return bytes(self._encoder.process(data))

    def flush(self) -> bytes:
        return bytes(self._encoder.flush())

    def finish(self) -> bytes:
        return bytes(self._encoder.finish())


class _Zstd:
    """A frame with a checksum, as the `zstd` program writes it."""

    def __init__(self) -> None:
        self._encoder, self._block = _zstd_encoder()

    def feed(self, data: bytes) -> bytes:
        return bytes(self._encoder.compress(data))

    def flush(self) -> bytes:
        return bytes(self._encoder.flush(self._block))

    def finish(self) -> bytes:
        return bytes(self._encoder.flush())


def _zstd_encoder():
    """Return an encoder, and what its `flush` takes to flush a block."""
    try:
        import zstandard
    except ImportError:  # Python 3.14 has its own
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]

        options = {zstd.CompressionParameter.checksum_flag: 1}
        encoder = zstd.ZstdCompressor(options=options)
        return encoder, zstd.ZstdCompressor.FLUSH_BLOCK
    encoder = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    return encoder, zstandard.COMPRESSOBJ_FLUSH_BLOCK


@dataclass(frozen=True)
class Coding:
    """A content encoding.

    Args:
        header: What `content-encoding` says.
        start: Begins a body.
        checksum: Whether a changed body cannot decode without an error.
    """

    header: str
    start: Callable[[], Encoder]
    checksum: bool = True

    def whole(self, data: bytes) -> bytes:
        """Return a whole body, encoded."""
        encoder = self.start()
        return encoder.feed(data) + encoder.finish()

    def flushed(self, pieces: Iterable[bytes]) -> list[bytes]:
        """Return each piece encoded, so that it can be decoded when it arrives."""
        encoder = self.start()
        encoded = [encoder.feed(piece) + encoder.flush() for piece in pieces]
        return [*encoded, encoder.finish()]


CODINGS = {
    "gzip": Coding("gzip", lambda: _Zlib(31)),
    # RFC 9110, section 8.4.1.2: `deflate` is a zlib stream. Some servers send it raw.
    "deflate": Coding("deflate", lambda: _Zlib(15)),
    "raw deflate": Coding("deflate", lambda: _Zlib(-15), checksum=False),
    "br": Coding("br", _Brotli, checksum=False),
    "zstd": Coding("zstd", _Zstd),
}


def events_of(body: bytes) -> list[bytes]:
    """Return the events of a stream, or a whole body in a few parts."""
    events = [part for part in SEPARATOR.split(body) if part]
    if len(events) > 1:
        return events
    size = len(body) // 3 + 1
    return [body[start : start + size] for start in range(0, len(body), size)]


def tiny_pieces(body: bytes, seed: int) -> list[bytes]:
    """Return the body in random pieces: of 1 to 7 bytes at both ends, larger in the middle."""
    rng = random.Random(seed)
    pieces, at = [], 0
    while at < len(body):
        near_an_end = at < FIRST or at >= len(body) - LAST
        size = rng.randint(1, TINY if near_an_end else LARGEST)
        pieces.append(body[at : at + size])
        at += size
    return pieces


def split(coding: Coding, body: bytes, chunking: str, seed: int) -> list[bytes]:
    """Return the encoded body as a server writes it, one of `CHUNKINGS`."""
    if chunking == "flushed":
        return coding.flushed(events_of(body))
    encoded = coding.whole(body)
    return [encoded] if chunking == "once" else tiny_pieces(encoded, seed)


CHUNKINGS = ("once", "flushed", "tiny")
