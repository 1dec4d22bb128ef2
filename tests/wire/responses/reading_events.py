"""A plain reading of Responses streams: the events become the items of a `response` object.

`reading` then reads those items like the ones of a whole reply. Like that file, it is written from
wire.md 4.3, 15 and 18.1 and the recordings, and without the engine's decoder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.wire.plain_errors import PlainError, kind_of
from tests.wire.plain_events import INSIDE, events
from tests.wire.plain_reading import kept_headers, request_id
from tests.wire.responses.reading import parts_of_item, read_logprobs, read_response

if TYPE_CHECKING:
    from tests.wire.reading import Reading

Event: TypeAlias = "dict[str, Any]"
TERMINAL = ("response.completed", "response.incomplete", "response.failed")
_HEAD = ("response.created", "response.queued", "response.in_progress")
# The events that add to a block, and those that say it whole, with the list that the block is in
# and the key that has the text.
_ADDING = {
    "response.output_text.delta": "content",
    "response.refusal.delta": "content",
    "response.reasoning_text.delta": "content",
    "response.reasoning_summary_text.delta": "summary",
}
_WHOLE = {
    "response.output_text.done": ("content", "text"),
    "response.refusal.done": ("content", "refusal"),
    "response.reasoning_text.done": ("content", "text"),
    "response.reasoning_summary_text.done": ("summary", "text"),
}
_PARTS = {
    "response.content_part.added": "content",
    "response.content_part.done": "content",
    "response.reasoning_part.added": "content",
    "response.reasoning_part.done": "content",
    "response.reasoning_summary_part.added": "summary",
    "response.reasoning_summary_part.done": "summary",
}
_ARGUMENTS_ADDED = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
)
_ARGUMENTS_WHOLE = {
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
}
_WITH_BLOCKS = ("message", "reasoning")
_ARGUMENTS = {"function_call": "arguments", "custom_tool_call": "input"}
# The type of a block whose first event is a delta.
_TYPES = {
    "response.output_text.delta": "output_text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning_text",
    "response.reasoning_summary_text.delta": "summary_text",
    "response.output_text.done": "output_text",
    "response.refusal.done": "refusal",
    "response.reasoning_text.done": "reasoning_text",
    "response.reasoning_summary_text.done": "summary_text",
}


@dataclass
class Block:
    """A block of an item: what was said of it last, and its text so far."""

    said: dict[str, Any]
    text: str = ""
    logprobs: list[Any] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The key of the text."""
        return "refusal" if self.said.get("type") == "refusal" else "text"

    def whole(self) -> dict[str, Any]:
        """Return the block as JSON."""
        return {**self.said, self.key: self.text} if self.key in self.said else self.said

    def replace(self, said: dict[str, Any]) -> None:
        """Take what the provider now says of the block, with the text that is new in it."""
        self.said = said
        self.text = caught_up(self.text, said.get(self.key) or "")
        self.logprobs = self.logprobs or said.get("logprobs") or []


@dataclass
class Item:
    """An item of the output: what was said of it last, and its blocks by their index."""

    said: dict[str, Any]
    done: bool = False
    arguments: str = ""
    blocks: dict[str, dict[int, Block]] = field(default_factory=dict)

    def block(self, place: str, index: int, said: dict[str, Any]) -> Block:
        """Return a block; `said` begins it."""
        return self.blocks.setdefault(place, {}).setdefault(index, Block(said))

    def replace(self, said: dict[str, Any]) -> None:
        """Take what the provider now says of the item, with the text that is new in it."""
        self.said = said
        key = _ARGUMENTS.get(said.get("type") or "")
        if key:
            self.arguments = caught_up(self.arguments, said.get(key) or "")
        for place in ("summary", "content") if said.get("type") in _WITH_BLOCKS else ():
            # By position: the indexes of the events may begin at 1 (wire.md 18.1, traps).
            begun = sorted(self.blocks.get(place, {}))
            for position, block in enumerate(said.get(place) or []):
                index = begun[position] if position < len(begun) else 1000 + position
                self.block(place, index, block).replace(block)

    def parts(self) -> list[dict[str, Any]]:
        """Return the parts of the item, as far as it has arrived."""
        kind = self.said.get("type") or ""
        if kind in _ARGUMENTS:
            return parts_of_item({**self.said, _ARGUMENTS[kind]: self.arguments})
        if kind not in _WITH_BLOCKS:
            return parts_of_item(self.said) if self.said else []
        whole = dict(self.said)
        for place, blocks in self.blocks.items():
            whole[place] = [blocks[index].whole() for index in sorted(blocks)]
        if not self.done:
            # It may not be the whole one yet (wire.md 18.1).
            whole.pop("encrypted_content", None)
            if not any(self.blocks.values()):
                return []
        return parts_of_item(whole)

    def logprobs(self) -> list[Any]:
        """Return the log probabilities of the item's text."""
        blocks = self.blocks.get("content", {})
        return [one for index in sorted(blocks) for one in blocks[index].logprobs]


def first_stream(row: dict[str, Any]) -> list[Event]:
    """Return the events up to the first terminal one."""
    found: list[Event] = []
    for _, data in events(row["response_body_text"]):
        found.append(json.loads(data))
        if found[-1].get("type") in TERMINAL:
            break
    return found


def caught_up(said: str, whole: str) -> str:
    """Return the text after the provider said it whole: nothing is said twice or taken back."""
    return whole if whole.startswith(said) else said


def read_stream_exchange(row: dict[str, Any], *, lost: bool = False) -> Reading:
    """Return what the client must make of an exchange whose reply is a stream.

    Args:
        row: The exchange.
        lost: Whether the connection broke after the body.
    """
    headers = kept_headers(row)
    reading = read_stream(row["response_body_text"], lost=lost)
    reading.headers = {} if reading.error else headers
    reading.request_id = request_id(headers)
    return reading


def read_stream(text: str, *, lost: bool = False) -> Reading:
    """Read the events of a stream that ended after `text`, cleanly or because it was lost."""
    output = Output()
    seen: set[tuple[int, str]] = set()
    for name, data in events(text, lost=lost):
        if name == INSIDE:
            break
        if data.strip() == "[DONE]":
            # OpenRouter's mark (wire.md 4.3). Without a terminal event it completes nothing.
            continue
        event = json.loads(data)
        number = event.get("sequence_number")
        if number is not None and (number, data) in seen:
            continue  # A doubled event counts once.
        seen.add((number, data))
        if error := error_of_event(name, event, data):
            return output.reading(error if output.items else early(error))
        if output.add(event):
            failure = error_of_failure(event, data)
            if failure is not None and not output.items:
                failure = early(failure)
            return output.reading(failure)
    kind = "LlmStreamInterruptedError" if lost else "LlmStreamIncompleteError"
    return output.reading(PlainError(kind))


class Output:
    """The output as it grows."""

    def __init__(self) -> None:
        self.items: dict[int, Item] = {}
        self.only_at_the_end: list[tuple[int, Item]] = []
        self.heads: list[dict[str, Any]] = []

    def add(self, event: dict[str, Any]) -> bool:
        """Add an event, by the `type` in its JSON. Returns whether it is the last one."""
        kind = event.get("type")
        if kind in _HEAD:
            self.heads.append(event["response"])
        elif kind in TERMINAL:
            self.heads.append(event["response"])
            self._end(event["response"].get("output") or [])
            return True
        elif kind == "response.output_item.added":
            self.items.setdefault(event["output_index"], Item({})).replace(event["item"])
        elif kind == "response.output_item.done":
            item = self.items.setdefault(event["output_index"], Item({}))
            item.done = True
            item.replace(event["item"])
        elif "output_index" in event:
            self._add_to_item(event, self.items.setdefault(event["output_index"], Item({})))
        return False

    def _add_to_item(self, event: dict[str, Any], item: Item) -> None:
        kind = event["type"]
        index = event.get("content_index", event.get("summary_index", 0))
        if kind in _ARGUMENTS_ADDED:
            item.arguments += event["delta"]
        elif kind in _ARGUMENTS_WHOLE:
            item.arguments = caught_up(item.arguments, event[_ARGUMENTS_WHOLE[kind]])
        elif kind in _PARTS:
            part = event["part"]
            item.block(_PARTS[kind], index, part).replace(part)
        elif kind in _ADDING:
            block = item.block(_ADDING[kind], index, _begun(kind))
            block.text += event["delta"]
            block.logprobs += event.get("logprobs") or []
        elif kind in _WHOLE:
            place, key = _WHOLE[kind]
            block = item.block(place, index, _begun(kind))
            block.text = caught_up(block.text, event[key])
            block.logprobs = block.logprobs or event.get("logprobs") or []
        elif kind == "response.output_text.annotation.added":
            block = item.block("content", index, _begun("response.output_text.delta"))
            known = block.said.get("annotations") or []
            block.said = {**block.said, "annotations": [*known, event["annotation"]]}

    def _end(self, output: list[dict[str, Any]]) -> None:
        """Take from the terminal event what no event before it said."""
        # Ids may change within an item (wire.md 18.1, traps), so the position decides where it can.
        begun = sorted(self.items)
        by_position = len(begun) == len(output)
        by_id = {self.items[index].said.get("id"): index for index in begun}
        for position, said in enumerate(output):
            index = begun[position] if by_position else by_id.get(said.get("id"))
            if index is None:
                self.only_at_the_end.append((position, Item(said, done=True)))
                self.only_at_the_end[-1][1].replace(said)
                continue
            item = self.items[index]
            if not item.done:
                item.done = True
                item.replace(said)
            elif not item.said.get("encrypted_content") and said.get("encrypted_content"):
                # Azure (wire.md 18.1).
                item.said = {**item.said, "encrypted_content": said["encrypted_content"]}

    def in_order(self) -> list[Item]:
        """Return the items in the order of the output."""
        items = [self.items[index] for index in sorted(self.items)]
        for position, item in self.only_at_the_end:
            items.insert(position, item)
        return items

    def reading(self, error: PlainError | None) -> Reading:
        """Return what has arrived."""
        items = self.in_order()
        parts = [part for item in items for part in item.parts()]
        # The status of a background reply changes from event to event. What an event leaves out is
        # as it was.
        head: dict[str, Any] = {}
        for one in self.heads:
            head |= {key: value for key, value in one.items() if value is not None}
        reading = read_response(head, parts)
        reading.error = error
        ids = [one["id"] for one in self.heads if one.get("id")]
        reading.other_ids = ids
        reading.id = next(iter(ids), None)
        for item in items:
            reading.logprobs += read_logprobs(item.logprobs())
        return reading


def _begun(kind: str) -> dict[str, Any]:
    """Return a block that began with an event of this kind."""
    said = {"type": _TYPES[kind]}
    return {**said, "refusal" if said["type"] == "refusal" else "text": ""}


def early(error: PlainError) -> PlainError:
    """Return it as the error of a call: nothing of the reply had been handed out."""
    # OpenAI's codes of a response that failed (wire.md 4.3).
    kinds = {"rate_limit_exceeded": "LlmRateLimitError", "server_error": "LlmServerError"}
    plain = error.before_any_event()
    return replace(plain, kind=kinds.get(error.code or "", plain.kind))


def error_of_event(name: str, event: Any, data: str) -> PlainError | None:
    """Return the error that an event reports, in one of the shapes of wire.md 4.3."""
    if not isinstance(event, dict):
        return None
    if event.get("type") != "error" and name != "error" and not event.get("error"):
        return None
    inner = event.get("error")
    return _error(inner if isinstance(inner, dict) else event, data)


def error_of_failure(event: dict[str, Any], data: str) -> PlainError | None:
    """Return the error of a terminal event, or None."""
    error = event["response"].get("error")
    if error or event["type"] == "response.failed":
        # The client shows the error alone, in the shape that other bodies of errors have.
        alone = json.dumps({"error": error}, separators=(",", ":"))
        return _error(error or {}, alone if error else data)
    return None


def _error(said: dict[str, Any], data: str) -> PlainError:
    kind = said.get("type")
    error = PlainError(
        "LlmStreamServerError",
        said.get("message") or "",
        type=None if kind == "error" else kind,
        code=None if said.get("code") in (None, "") else str(said["code"]),
        param=said.get("param") or None,
        body=data.encode(),
    )
    # A quota that is spent stays spent (wire.md 13).
    if kind_of(None, error) == "LlmQuotaExceededError":
        error.retryable = False
    return error
