"""What the old clients printed: progress while a reply comes, and a summary after it."""

from __future__ import annotations

import sys

_LABELS = {
    "model": "🧠 Model",
    "duration": "⏱️ Duration",
    "prompt": "🔢 Prompt tokens",
    "completion": "💬 Completion tokens",
    "total": "🧮 Total tokens",
    "rate": "⚡ Tokens/sec",
}
_WIDTH = max(len(label) for label in _LABELS.values())
_DOTS_IN_A_LINE = 128


class Summary:
    """The summary of a call; `model_name` is the class's that inherits it."""

    model_name: str

    def _format_duration(self, seconds: float | None) -> str:
        """Whole milliseconds: `123ms`; `N/A` when unknown."""
        return "N/A" if seconds is None else f"{seconds * 1000:.0f}ms"

    def _print_metadata(
        self,
        prompt_tokens: int,
        completion_tokens: int,
        duration: float | None,
        client_type: str = "LLM",
    ) -> None:
        """Print the summary of a call.

        Args:
            prompt_tokens: Tokens of the prompt.
            completion_tokens: Tokens of the reply.
            duration: Seconds; None is unknown.
            client_type: The word in the banner.
        """
        rate = completion_tokens / duration if duration else float("inf")
        values = {
            "model": self.model_name,
            "duration": self._format_duration(duration),
            "prompt": str(prompt_tokens),
            "completion": str(completion_tokens),
            "total": str(prompt_tokens + completion_tokens),
            "rate": f"{rate:.2f}",
        }
        say(f"📊 {client_type} Summary")
        for name, value in values.items():
            say(f"{_LABELS[name]:<{_WIDTH}} : {value}")
        say("=" * 40)


class Progress:
    """What is printed while a reply comes: dots, or the text itself."""

    def __init__(self, *, shows_text: bool) -> None:
        self._shows_text = shows_text
        self._dots = 0
        self.is_line_open = False

    def piece(self, text: str) -> None:
        """Take a chunk of the reply."""
        if not text:
            return
        if self._shows_text:
            say(text, end="")
            self.is_line_open = not text.endswith("\n")
            return
        self._dots += 1
        say("\n." if self._dots % _DOTS_IN_A_LINE == 0 else ".", end="")
        self.is_line_open = True

    def end_line(self) -> None:
        """Print a line break."""
        say("")
        self.is_line_open = False


def say(text: str, end: str = "\n") -> None:
    """Print at once; what the terminal's encoding lacks becomes a question mark."""
    if getattr(sys.stdout, "closed", False):
        # Nobody reads it, and the reply that it tells of is paid for.
        return
    try:
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), end=end, flush=True)
