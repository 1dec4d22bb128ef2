"""The status line of `tokenwire run`: what the call is waiting for.

It is on standard error, on one line that is overwritten and that disappears before the reply. A
pipe, a terminal without a cursor (`TERM=dumb`) and a job in the background get none; neither does
a program whose log goes to standard error (`TOKENWIRE_LOG`), because the two would mix.
"""

from __future__ import annotations

import math
import os
import signal
import sys
from contextlib import ExitStack, suppress
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmError
from tokenwire.streaming.styles import is_terminal, styled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import NoReturn

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
# Kinds of errors that do not speak for themselves. An error without a status has only its kind.
_WORDS = {
    "connect": "no connection",
    "connection": "connection failed",
    "dns": "host name not found",
    "tls": "TLS failed",
    "proxy": "proxy failed",
    "protocol": "protocol error",
    "server": "server error",
    "stream_server": "server error",
    "unexpected_content": "no usable reply",
}


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
        # Held while the line is drawn or cleared.
        self._lock = Lock()
        # The text of the line and the width that it was cut to; None if there is no line.
        self._line: tuple[str, int] | None = None
        self._undo = ExitStack()

    def __enter__(self) -> Self:
        """Begin, if standard error is a terminal."""
        if sys.stderr is None or not is_terminal(sys.stderr) or os.environ.get("TOKENWIRE_LOG"):
            return self
        thread = Thread(target=self._show, name="tokenwire-status", daemon=True)
        # Without a thread, there is no line.
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread
            self._undo.callback(_exit_at_termination())
            self._undo.callback(_log_to(self._log))
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
        with self._lock:
            self._clear()
        self._thread = None
        self._undo.close()

    def _show(self) -> None:
        wait = _PATIENCE_SECONDS
        while not self._ended.wait(wait):
            wait = _TICK_SECONDS
            with self._lock:
                if not self._draw():
                    return

    def _draw(self) -> bool:
        """Show the text of now. Returns whether the terminal is still there."""
        if not _is_in_foreground():
            # A shell has the terminal now, and what was shown is no longer our line.
            self._line = None
            return True
        columns = _columns()
        line = (output.shown(self._text.now())[: columns - 1], columns)
        if line == self._line:
            return True
        self._line = line
        return _write(_CLEAR + styled(line[0], "dim", sys.stderr))

    def _clear(self) -> None:
        if self._line is not None and _is_in_foreground():
            _write(_CLEAR)
        self._line = None

    def _log(self, text: str) -> None:
        """Print a line of the log above the status."""
        with self._lock:
            self._clear()
            output.say(text)


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
        self._before = "waiting for the reply"

    def doing(self, what: str) -> None:
        """From now on, say this instead."""
        if self._doing is None or self._doing[0] != what:
            self._doing = (what, self._clock())

    def now(self) -> str:
        """What the stream waits for now."""
        self._before = self._words()
        return self._before

    def _words(self) -> str:
        doing = self._doing
        if doing is not None:
            return f"{doing[0]}, {self._seconds_since(doing[1])}"
        attempts = self._attempts()
        if not attempts:
            # The stream of a custom client has none.
            return f"waiting for the reply, {self._seconds_since(self._began)}"
        last, count = attempts[-1], len(attempts)
        if last.error is not None:
            if not last.slept:
                # The call has failed or was closed, or the next attempt begins at once.
                return self._before
            if self._wait[0] != count:
                self._wait = (count, self._clock() + last.slept)
            left = max(0, math.ceil(self._wait[1] - self._clock()))
            why = last.status or _WORDS.get(last.error) or last.error.replace("_", " ")
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


def _log_to(show: Callable[[str], None]) -> Callable[[], None]:
    """Pass warnings of the log to `show`. Returns what ends that."""
    import logging

    handler = logging.Handler()
    handler.emit = lambda record: show(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tokenwire")
    logger.addHandler(handler)
    return lambda: logger.removeHandler(handler)


def _exit_at_termination() -> Callable[[], object]:
    """Let SIGTERM end the program by way of `finally`. Returns what undoes that."""
    # A program that ignores it, or has a handler of its own, keeps that.
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # Only the main thread may set it.
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, _exit)
            return lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return lambda: None


def _exit(number: int, _frame: object) -> NoReturn:
    """End the program with the code that a shell reports for a signal."""
    raise SystemExit(128 + number)


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
