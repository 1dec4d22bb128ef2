"""What a command writes to a terminal."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping
    from typing import Any

# What one of our styles or the clearing of a line looks like.
OUR_SEQUENCE = re.compile(r"\x1b\[[0-9;]*[mK]")


class OnTerminal:
    """A `tokenwire` that writes to a terminal.

    Args:
        words: Its arguments.
        environment: What to change in its environment.
        columns: Width of the terminal.
        **files: Its standard files; the terminal is the default for both outputs.
    """

    def __init__(
        self,
        words: list[str],
        environment: Mapping[str, str],
        columns: int = 80,
        **files: Any,
    ) -> None:
        pty = pytest.importorskip("pty")
        self._ours, theirs = pty.openpty()
        self.resize(columns)
        outputs = {"stdin": subprocess.DEVNULL, "stdout": theirs, "stderr": theirs, **files}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tokenwire", *words],
            env={**os.environ, **environment},
            **outputs,
        )
        os.close(theirs)
        self.written = ""

    def resize(self, columns: int) -> None:
        """Make the terminal this wide."""
        import fcntl
        import termios

        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def read_until(self, text: str) -> None:
        """Read until the command has written this."""
        while text not in self.written:
            assert self._read(), self.written

    def read_more(self) -> None:
        """Wait until the command writes."""
        assert self._read(), self.written

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str]:
        """Read to the end. Returns the exit code and all that was written."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(timeout=20), self.written

    def _read(self) -> bool:
        try:
            piece = os.read(self._ours, 4096)
        except OSError:
            return False  # Linux raises EIO if the other side is closed
        self.written += piece.decode()
        return bool(piece)


def written_on_terminal(words: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """Run `tokenwire` on a terminal. Returns the exit code and what was written."""
    return OnTerminal(words, environment).end()


def seen(written: str) -> str:
    """What a reader of the terminal sees at the end, line by line."""
    # Each clearing of a line starts it again.
    lines = written.replace("\r\n", "\n").split("\n")
    return "\n".join(OUR_SEQUENCE.sub("", line.rpartition("\r\x1b[2K")[2]) for line in lines)
