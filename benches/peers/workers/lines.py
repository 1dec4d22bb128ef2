"""The event-stream loop that users of a bare HTTP client write: lines, `data:`, JSON, the delta's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from measure import Take


def body(prompt: str, tokens: int, *, stream: bool) -> bytes:
    """The same request as every other contestant sends."""
    request: dict[str, Any] = {
        "model": "bench-model",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
    }
    if stream:
        request.update(stream=True, stream_options={"include_usage": True})
    return orjson.dumps(request)


HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-bench"}


class Lines:
    """Cuts blocks of bytes into events, and hands on the text of each."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._rest = b""
        self.is_done = False

    def feed(self, block: bytes) -> None:
        """Take what has come; an incomplete last line waits for the next block."""
        lines = (self._rest + block).split(b"\n") if self._rest else block.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            self.line(line)

    def line(self, line: bytes) -> None:
        """Take one line."""
        if not line.startswith(b"data: "):
            return
        data = line[6:]
        if data.startswith(b"[DONE]"):
            self.is_done = True
            return
        choices = orjson.loads(data)["choices"]
        if choices:
            text = choices[0]["delta"].get("content")
            if text:
                self._take(text)


def reply(raw: bytes) -> tuple[str, str, int]:
    """Text, finish reason and total tokens of a whole reply."""
    loaded = orjson.loads(raw)
    choice = loaded["choices"][0]
    return choice["message"]["content"], choice["finish_reason"], loaded["usage"]["total_tokens"]
