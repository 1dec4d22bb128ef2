"""What kind of file some bytes are, by their beginning, or a file by its name."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

# How many bytes of a file are looked at.
START_BYTES = 64

# (offset, bytes) -> media type. The first four images are those that every provider accepts; of
# the others, some accept some.
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypmsf1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"%PDF-", "application/pdf"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mp3"),
    (0, b"\xff\xfb", "audio/mp3"),
    (0, b"\xff\xf3", "audio/mp3"),
    (0, b"\xff\xf2", "audio/mp3"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (4, b"ftypM4A ", "audio/m4a"),
)
# Files of these types are known by their bytes, so a name alone does not make one.
_KNOWN_BY_BYTES = frozenset(kind for _, _, kind in _MAGIC) | {"image/bmp"}


def type_of_bytes(start: bytes) -> str | None:
    """Return the media type of a file that begins with `start`; None if it is not recognized.

    PNG, JPEG, GIF, WebP, HEIC, HEIF, AVIF, TIFF, BMP, PDF, WAV, MP3, FLAC, Ogg and M4A are
    recognized.
    """
    for offset, magic, kind in _MAGIC:
        if start[offset : offset + len(magic)] == magic and (
            magic not in (b"WEBP", b"WAVE") or start[:4] == b"RIFF"
        ):
            return kind
    # "BM" alone may begin a text. Four bytes of a bitmap's header are reserved, and zero.
    if start[:2] == b"BM" and start[6:10] == b"\0\0\0\0":
        return "image/bmp"
    return None


def type_of_name(path: str | os.PathLike[str]) -> str | None:
    """Return the media type that the suffix of a file name stands for; None if it is unknown."""
    # The functions of `mimetypes` also read files of the system, so their answers differ between
    # machines. An instance knows Python's own table only, which lacks Markdown before 3.13.
    known = mimetypes.MimeTypes()
    known.add_type("text/markdown", ".md")
    media_type, compression = known.guess_type(Path(path).name, strict=False)
    return None if compression else media_type


def type_of_file(path: str | os.PathLike[str], start: bytes) -> str | None:
    """Return the media type of a file: by its bytes, else by its name.

    A text whose name ends in ``.png`` is not an image, so its type is unknown.
    """
    known = type_of_bytes(start)
    if known is not None:
        return known
    named = type_of_name(path)
    return None if named in _KNOWN_BY_BYTES else named
