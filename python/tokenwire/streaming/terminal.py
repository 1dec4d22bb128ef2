"""`Terminal`: prints a stream on a terminal, or writes it to a file."""

from __future__ import annotations

from tokenwire._engine import (
    End,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDone,
    one_line,
    without_controls,
)
from tokenwire.streaming.styles import END, STYLES, has_colours, is_terminal, styled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from tokenwire._engine import AsyncLlmStream, LlmResponse, LlmStream
    from tokenwire._engine import _StreamEvent as Event

# Clears a line of a terminal and returns to its start.
_CLEAR = "\r\x1b[2K"


class Terminal:
    """Shows one stream.

    Args:
        file: Gets the text as it arrives. A terminal also gets progress, tokens and time.
        reasoning: Whether a terminal with colours shows the reasoning, dimmed, instead of its
            length.
    """

    def __init__(self, file: TextIO, *, reasoning: bool = False) -> None:
        self._file = file
        # The model must not steer any terminal, also not one whose cursor we do not move.
        self._is_cleaned = file.isatty()
        self._is_tty = is_terminal(file)
        self._shows_reasoning = reasoning and has_colours(file)
        self._reasoning = 0
        self._has_progress = False
        self._is_at_start = True
        self._is_dim = False

    def show(self, event: Event, stream: LlmStream | AsyncLlmStream) -> None:
        """Show an event of a stream."""
        if isinstance(event, TextDelta | RefusalDelta):
            self._write(event.text)
        elif isinstance(event, End):
            self.end()
            self._show_totals(stream.response)
        elif self._is_tty and isinstance(event, ReasoningDelta):
            self._reason(event.text)
        elif self._is_tty and isinstance(event, ToolCallDone):
            self._progress(f"[calls {one_line(event.call.name)}]")
        else:
            return
        self._file.flush()

    def end(self) -> None:
        """Leave the cursor at the start of a line, even if the stream broke off."""
        self._clear()
        if not self._is_at_start:
            self._write("\n")
        self._file.flush()

    def _write(self, text: str) -> None:
        self._clear()
        self._put(text)

    def _put(self, text: str) -> None:
        # Set first, because Ctrl-C may interrupt right after the text.
        self._is_at_start = text.endswith("\n")
        self._file.write(without_controls(text) if self._is_cleaned else text)

    def _reason(self, text: str) -> None:
        if not self._shows_reasoning:
            self._reasoning += len(text)
            self._progress(f"[reasoning: {self._reasoning} characters]")
            return
        if not self._is_dim:
            self._write("" if self._is_at_start else "\n")
            self._file.write(STYLES["dim"])
            self._is_dim = True
        self._put(text)

    def _progress(self, text: str) -> None:
        # Progress gets its own line, so that the text before it stays.
        if not self._is_at_start:
            self._write("\n")
        self._file.write(f"{_CLEAR}{text}")
        self._has_progress = True

    def _clear(self) -> None:
        if self._has_progress:
            self._file.write(_CLEAR)
            self._has_progress = False
        if self._is_dim:
            self._is_dim = False
            self._file.write(f"{END}\n" if self._is_at_start else f"{END}\n\n")
            self._is_at_start = True

    def _show_totals(self, reply: LlmResponse[Any]) -> None:
        if not self._is_tty:
            return
        parts = []
        if reply.usage is not None and reply.usage.completion_tokens is not None:
            count = reply.usage.completion_tokens
            parts.append("1 token" if count == 1 else f"{count} tokens")
        if reply.timing.total is not None:
            parts.append(f"{reply.timing.total:.1f} s")
        if parts:
            self._file.write(styled(f"[{', '.join(parts)}]", "dim", self._file) + "\n")
