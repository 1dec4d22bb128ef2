"""The status line of `tokenwire run`: what the call is waiting for.

It is on standard error, on one line that is overwritten and that disappears before the reply. A
pipe, a terminal without a cursor (`TERM=dumb`) and a job in the background get none; neither does
a program whose log goes to standard error (`TOKENWIRE_LOG`), because the two would mix.
"""

from __future__ import annotations

import math
import os
import sys
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from tokenwire.cli.output import shown
from tokenwire.errors import LlmError
from tokenwire.streaming.styles import is_terminal, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from tokenwire import LlmStream
    from tokenwire._engine import Attempt

# A call that is quicker needs no status, and a line that flashes would only distract.
_PATIENCE_SECONDS = 0.5
_TICK_SECONDS = 0.1
# Used if the terminal does not say how wide it is.
_USUAL_COLUMNS = 80
# Clears the line of the cursor, and returns to its start.
_CLEAR = "\r\x1b[2K"


class StatusLine:
    """Shows what a stream waits for, from half a second after it was entered to `end`.

    Args:
        stream: The stream, which need not have been entered.
        server: Name of the server.
        most_attempts: How many attempts the call makes at most; None if that is not known.
    """

    def __init__(self, stream: LlmStream, server: str, most_attempts: int | None) -> None:
        self._text = WaitingText(stream, server, most_attempts)
        self._ended = Event()
        self._thread: Thread | None = None
        self._has_line = False

    def __enter__(self) -> Self:
        """Begin, if standard error is a terminal."""
        if (
            sys.stderr is not None
            and is_terminal(sys.stderr)
            and not os.environ.get("TOKENWIRE_LOG")
        ):
            self._thread = Thread(target=self._show, name="tokenwire-status", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear the line, however the call ended."""
        self.end()

    def doing(self, what: str) -> None:
        """Show this and for how long it has been so, instead of what the stream waits for."""
        self._text.doing(what)

    def end(self) -> None:
        """Clear the line. Nothing is shown after that."""
        if self._thread is None:
            return
        self._ended.set()
        self._thread.join()
        if self._has_line and _is_in_foreground():
            _write(_CLEAR)
        self._thread = None

    def _show(self) -> None:
        before: tuple[str, int] | None = None
        wait = _PATIENCE_SECONDS
        while not self._ended.wait(wait):
            wait = _TICK_SECONDS
            if not _is_in_foreground():
                # A shell has the terminal now, and what was shown is no longer our line.
                before, self._has_line = None, False
                continue
            columns = _columns()
            text = shown(self._text.now())[: columns - 1]
            if (text, columns) != before:
                before, self._has_line = (text, columns), True
                if not _write(_CLEAR + styled(text, "dim", sys.stderr)):
                    return


class WaitingText:
    """Says in words what a stream waits for.

    Args:
        stream: The stream.
        server: Name of the server.
        most_attempts: How many attempts the call makes at most; None if that is not known.
        clock: The time in seconds.
    """

    def __init__(
        self,
        stream: LlmStream,
        server: str,
        most_attempts: int | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._stream = stream
        self._server = server
        self._most = most_attempts
        self._clock = clock
        self._began = clock()
        self._doing: tuple[str, float] | None = None
        # How many attempts had failed when the last wait was first seen, and when it ends.
        self._wait = (0, 0.0)

    def doing(self, what: str) -> None:
        """From now on, say this instead."""
        if self._doing is None or self._doing[0] != what:
            self._doing = (what, self._clock())

    def now(self) -> str:
        """What the stream waits for now."""
        doing = self._doing
        if doing is not None:
            return f"{doing[0]}, {self._seconds_since(doing[1])}"
        attempts = self._attempts()
        if not attempts:
            # The stream of a custom client has none.
            return f"waiting for the reply, {self._seconds_since(self._began)}"
        last, count = attempts[-1], len(attempts)
        if last.error is not None:
            if self._wait[0] != count:
                self._wait = (count, self._clock() + last.slept)
            left = max(0, math.ceil(self._wait[1] - self._clock()))
            why = last.status or last.error.replace("_", " ")
            return f"{why}, again in {left} s, {self._number(count + 1)}"
        what = "waiting for the first token"
        if last.phase == "connect":
            what = f"connecting to {self._server}"
        text = f"{what}, {self._seconds_since(self._began + last.started)}"
        return text if count == 1 else f"{text}, {self._number(count)}"

    def _attempts(self) -> Sequence[Attempt]:
        try:
            return self._stream.response.attempts
        except LlmError:
            # A custom stream may have no reply yet.
            return ()

    def _number(self, count: int) -> str:
        # A connection that was lost while it was idle is retried in addition.
        most = self._most
        return f"attempt {count}" if most is None or count > most else f"attempt {count} of {most}"

    def _seconds_since(self, begin: float) -> str:
        return f"{max(0, int(self._clock() - begin))} s"


def _columns() -> int:
    # Asked each time, because the window may be resized.
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


def _is_in_foreground() -> bool:
    """Whether this program may write to the terminal of its shell."""
    try:
        return os.tcgetpgrp(sys.stderr.fileno()) == os.getpgrp()
    except (AttributeError, OSError):
        # Windows, or a terminal that is not the one that controls this program.
        return True


def _write(text: str) -> bool:
    """Write to standard error without its buffer, which the other thread uses."""
    try:
        os.write(sys.stderr.fileno(), text.encode("utf-8", "replace"))
    except OSError:
        return False
    return True
