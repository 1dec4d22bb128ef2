"""Reading the files that arguments and settings name."""

from __future__ import annotations

import errno
import os
import stat

from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike
    from typing import BinaryIO

# What a shell passes on: standard input, and `<(command)`. It is open already, so opening it
# again does not wait.
_OPEN_ALREADY = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
# Configurations, schemas and prompts are far smaller, and a special file may never end.
MAX_BYTES = 64 << 20


def read_file(path: str | PathLike[str]) -> bytes:
    """Return the content of a file that an argument or a setting names.

    A FIFO, a device or a folder is refused, because reading it may wait or go on forever. What a
    shell has opened, such as `/dev/stdin` or `<(command)`, is read to its end; so is `/dev/null`.

    Raises:
        LlmConfigError: It cannot be read, is not a regular file, or is longer than 64 MiB.
    """
    try:
        with _opened(path) as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, TypeError, ValueError) as error:
        raise _problem(path, error) from None
    if len(content) > MAX_BYTES:
        raise LlmConfigError(f"{path}: it is over {MAX_BYTES >> 20} MiB")
    return content


def check_file(path: str | PathLike[str]) -> None:
    """Refuse what `read_file` would refuse, for a library that opens the file by itself.

    Raises:
        LlmConfigError: It cannot be opened, or is not a regular file.
    """
    if _is_open_already(path):
        return
    try:
        _opened(path).close()
    except (OSError, TypeError, ValueError) as error:
        raise _problem(path, error) from None


def _is_open_already(path: str | PathLike[str]) -> bool:
    name = str(path)
    return name == os.devnull or name.startswith(_OPEN_ALREADY)


def _opened(path: str | PathLike[str]) -> BinaryIO:
    # A number would be a descriptor, which is not ours to close.
    os.fspath(path)
    # Opening a FIFO waits for its writer, unless it is opened like this.
    is_open = _is_open_already(path)
    wait = 0 if is_open else getattr(os, "O_NONBLOCK", 0)
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | wait))  # noqa: SIM115
    if is_open or stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    raise OSError(errno.EINVAL, "it is not a regular file", str(path))


def _problem(path: object, error: Exception) -> LlmConfigError:
    if path == "":
        return LlmConfigError("the path of the file is empty")
    return LlmConfigError(f"{path}: {getattr(error, 'strerror', None) or error}")
