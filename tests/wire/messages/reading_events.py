"""A plain reading of Messages streams: the events become a `message`, which `reading` reads.

Like that file, it is written from wire.md 5.3, 15 and 18.2 and the recordings, and without the
engine's decoder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.wire.messages.reading import plain, read_message, with_head
from tests.wire.plain_errors import PlainError, error_in_a_stream, kind_of
from tests.wire.plain_events import INSIDE, events, is_json
from tests.wire.plain_reading import kept_headers

if TYPE_CHECKING:
    from tests.wire.reading import Reading

Event: TypeAlias = "dict[str, Any]"
TERMINAL = "message_stop"
# The key that a delta adds to, and its own key with the text.
_TEXTS = {"text_delta": "text", "thinking_delta": "thinking"}
# The blocks that are parts of their own; any other is kept as it is at its end.
_READ = ("text", "thinking", "tool_use")


@dataclass
class Block:
    """A block as it grows."""

    said: dict[str, Any]
    json: list[str] = field(default_factory=list)
    grown: bool = False
    done: bool = False

    def add(self, delta: dict[str, Any]) -> None:
        """Add a delta, by its type."""
        self.grown = True
        kind = delta.get("type")
        if kind in _TEXTS:
            key = _TEXTS[kind]
            self.said[key] = (self.said.get(key) or "") + (delta.get(key) or "")
        elif kind == "input_json_delta":
            self.json.append(delta.get("partial_json") or "")
        elif kind == "citations_delta":
            self.said["citations"] = [*(self.said.get("citations") or []), delta["citation"]]
        else:
            # One delta has the whole signature or summary (wire.md 5.3 and 18.2): take what it has.
            self.said |= {k: v for k, v in delta.items() if k != "type" and v is not None}

    def whole(self) -> dict[str, Any]:
        """Return the block as JSON, as far as it has arrived."""
        kind, text = self.said.get("type"), "".join(self.json)
        if kind == "tool_use":
            begun = self.said.get("input") or {}
            # Empty in total means {} (wire.md 5.3); what was cut off stays so (wire.md 18.2).
            if not text and (begun or self.done):
                text = json.dumps(begun)
            return {**self.said, "input": text}
        if kind in _READ or not text:
            return self.said
        # A block that is kept whole. What is not yet JSON is its text.
        return {**self.said, "input": json.loads(text) if is_json(text) else text}


def first_stream(row: dict[str, Any]) -> list[Event]:
    """Return the events up to the first terminal one."""
    found: list[Event] = []
    for _, data in events(row["response_body_text"]):
        found.append(json.loads(data))
        if found[-1].get("type") == TERMINAL:
            break
    return found


def read_stream_exchange(row: dict[str, Any], *, lost: bool = False) -> Reading:
    """Return what the client must make of an exchange whose reply is a stream.

    Args:
        row: The exchange.
        lost: Whether the connection broke after the body.
    """
    return with_head(read_stream(row["response_body_text"], lost=lost), kept_headers(row))


def read_stream(text: str, *, lost: bool = False) -> Reading:
    """Read the events of a stream that ended after `text`, cleanly or because it was lost."""
    message = Message()
    for name, data in events(text, lost=lost):
        if name == INSIDE:
            break
        if data.strip() == "[DONE]":
            # OpenRouter's mark (wire.md 5.3). Without `message_stop` it completes nothing.
            continue
        if error := error_of_event(name, data):
            return message.reading(error if message.has_begun else plain(error))
        if message.add(json.loads(data)):
            return message.reading(None)
    return message.reading(
        PlainError("LlmStreamInterruptedError" if lost else "LlmStreamIncompleteError")
    )


class Message:
    """The message as it grows."""

    def __init__(self) -> None:
        self.head: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.blocks: dict[int, Block] = {}

    @property
    def has_begun(self) -> bool:
        """Whether anything was handed out: more than the beginning of a block without its text."""
        if len(self.blocks) != 1:
            return bool(self.blocks)
        (block,) = self.blocks.values()
        said = any(block.said.get(key) for key in ("text", "thinking", "signature"))
        return block.grown or block.done or said

    def add(self, event: Event) -> bool:
        """Add an event, by the `type` in its JSON. Returns whether it is the last one."""
        kind = event.get("type")
        if kind == "message_start":
            # It may be doubled (wire.md 5.3).
            self._take(event["message"])
        elif kind == "content_block_start":
            self.blocks[event["index"]] = Block(dict(event["content_block"]))
        elif kind == "content_block_delta":
            self.blocks[event["index"]].add(event["delta"])
        elif kind == "content_block_stop":
            self.blocks[event["index"]].done = True
        elif kind == "message_delta":
            self._take({**event["delta"], "usage": event.get("usage")})
        return kind == TERMINAL

    def _take(self, said: dict[str, Any]) -> None:
        """Take every field that is there, and keep the others (wire.md 18.2); null is absent."""
        known = {key: value for key, value in said.items() if value is not None}
        usage = known.pop("usage", {})
        self.head |= known
        self.usage |= {key: value for key, value in usage.items() if value is not None}

    def reading(self, error: PlainError | None) -> Reading:
        """Return what has arrived."""
        content = [self.blocks[index].whole() for index in sorted(self.blocks)]
        reading = read_message({**self.head, "usage": self.usage, "content": content})
        reading.error = error
        return reading


def error_of_event(name: str, data: str) -> PlainError | None:
    """Return the error that an event reports (wire.md 5.3), or None."""
    error = error_in_a_stream(name, data)
    # A quota that is spent stays spent (wire.md 13).
    if error is not None and kind_of(None, error) == "LlmQuotaExceededError":
        error.retryable = False
    return error
