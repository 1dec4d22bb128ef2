"""The loop over events that users of a plain HTTP client write: lines, JSON, a delta's text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from measure import Take


def body(prompt: str, tokens: int, *, stream: bool) -> bytes:
    """Return the same request that every other contestant sends."""
    request: dict[str, Any] = {
        "model": "bench-model",
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": tokens,
    }
    if stream:
        request.update(stream=True, stream_options={"include_usage": True})
    return orjson.dumps(request)


HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-bench"}


def text_of(line: bytes) -> str:
    """Return the text of the delta in one line of the stream; empty if it has no text."""
    if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
        return ""
    choices = orjson.loads(line[6:])["choices"]
    return choices[0]["delta"].get("content") or "" if choices else ""


class Events:
    """Cuts blocks of bytes into lines. An incomplete last line waits for the next block."""

    def __init__(self) -> None:
        self._rest = b""

    def texts(self, block: bytes) -> Iterator[str]:
        """Yield the texts in a block."""
        lines = (self._rest + block).split(b"\n") if self._rest else block.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            text = text_of(line)
            if text:
                yield text


class Lines:
    """The same with a callback."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._rest = b""

    def feed(self, block: bytes) -> None:
        """Process a block."""
        lines = (self._rest + block).split(b"\n") if self._rest else block.split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            text = text_of(line)
            if text:
                self._take(text)


def reply(raw: bytes) -> tuple[str, str, int]:
    """Return the text, finish reason and total tokens of a whole reply."""
    loaded = orjson.loads(raw)
    choice = loaded["choices"][0]
    return choice["message"]["content"], choice["finish_reason"], loaded["usage"]["total_tokens"]
