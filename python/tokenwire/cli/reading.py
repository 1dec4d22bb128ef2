"""Reads the input of a command: files and standard input."""

from __future__ import annotations

import sys

from tokenwire import _files
from tokenwire.cli import output
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# No model takes more, and a pipe may never end.
_MAX_INPUT_BYTES = _files.MAX_BYTES
# The byte order marks. That of UTF-32 begins like that of UTF-16.
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# How many bytes show what an input is.
_LOOKED_AT = 1024
# How PNG, JPEG, GIF and WebP begin.
_IMAGES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
# A program that does not close our input would otherwise wait without a word.
_PATIENCE_SECONDS = 2.0


def has_input() -> bool:
    """Whether standard input may have content: it is neither a terminal nor closed."""
    return sys.stdin is not None and not sys.stdin.isatty()


def read_input(*, is_requested: bool = True) -> str:
    """Read standard input as text; unless it was requested, a note says why it takes so long.

    Raises:
        LlmConfigError: It is closed, too long, or not text.
    """
    return _decoded(read_bytes(is_requested=is_requested), "standard input")


def read_bytes(*, is_requested: bool = True) -> bytes:
    """Read standard input; see `read_input`.

    Raises:
        LlmConfigError: It is closed, or too long.
    """
    from threading import Timer

    if sys.stdin is None:
        raise LlmConfigError("standard input is closed: give a file, or pipe something in")
    note = "still reading standard input; to leave it out, add </dev/null"
    timer = Timer(_PATIENCE_SECONDS, output.say, [note])
    timer.daemon = True
    if not is_requested:
        timer.start()
    elif sys.stdin.isatty():
        output.say("reading the terminal; a line with only Ctrl-D ends the input")
    try:
        content = sys.stdin.buffer.read(_MAX_INPUT_BYTES + 1)
    finally:
        timer.cancel()
    if len(content) > _MAX_INPUT_BYTES:
        raise LlmConfigError(f"standard input is over {_MAX_INPUT_BYTES >> 20} MiB: send less")
    return content


def read_file(path: str) -> str:
    """Read a file as text.

    Raises:
        LlmConfigError: It cannot be read, is not a regular file, or is not text.
    """
    return _decoded(_files.read_file(path), path)


def read_json(text: str, name: str) -> Any:
    """Read JSON text; `name` names it in the error.

    Raises:
        LlmConfigError: It is not JSON, or nested too deeply.
    """
    import json

    try:
        return json.loads(text)
    except ValueError as error:
        raise LlmConfigError(f"{name}: {error}") from None
    except RecursionError:
        raise LlmConfigError(f"{name}: it is nested too deeply") from None


def _decoded(content: bytes, name: str) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32 with a byte order mark, which is left out.

    Raises:
        LlmConfigError: It is not; the message says what it may be instead, and what to do.
    """
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    is_utf_8 = encoding in ("utf-8", "utf-8-sig")
    begin = content[:_LOOKED_AT]
    bare = _bare_utf_16(begin) if is_utf_8 else None
    # Some lists end each entry with a zero, such as those of `find -print0`.
    is_text = not is_utf_8 or (bare is None and begin.count(0) * 3 <= len(begin))
    place = ""
    try:
        if is_text:
            return content.decode(encoding)
    except UnicodeDecodeError as error:
        place = f" (byte {error.start})"
    if content.startswith(_IMAGES):
        problem = "is an image: `tokenwire run --image FILE PROMPT` sends it"
    elif bare is not None:
        problem = f"looks like UTF-16 without a byte order mark; convert it: {_iconv(bare)}"
    elif not is_utf_8:
        problem = f"begins like {encoding.upper()}, but is not{place}"
    elif 0 in begin:
        problem = "is binary: convert it to text"
    else:
        problem = f"is not UTF-8{place}; convert it: {_iconv('latin1')}"
    raise LlmConfigError(f"{name} {problem}")


def _iconv(encoding: str) -> str:
    return f"iconv -f {encoding} -t utf-8"


def _bare_utf_16(begin: bytes) -> str | None:
    """The name of the encoding, if a text that begins like this may be UTF-16 without a mark.

    Then every other byte of Western text is zero, and none of the rest.
    """
    even, odd = begin[::2], begin[1::2]
    for name, zeros, letters in (("utf-16le", odd, even), ("utf-16be", even, odd)):
        if len(zeros) > 1 and b"\0" not in letters and zeros.count(0) > len(zeros) // 2:
            return name
    return None
