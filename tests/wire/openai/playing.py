"""The three streams of openai's client, and what plays them from a small server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.wire.origins import DONE, delta, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.httpx.scenes import Scripted

EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = EVENT_STREAM + b"transfer-encoding: chunked\r\n\r\n"
KEY = "sk-of-this-test"


def _text(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": finish, "logprobs": None}
    head = {"id": "c1", "object": "text_completion", "created": 1, "model": "m"}
    return event({**head, "choices": [choice]})


def _response(kind: str, number: int, **fields: Any) -> bytes:
    data = event({"type": kind, "sequence_number": number, **fields})
    return b"event: %s\n%s" % (kind.encode(), data)


_RESPONSE = {
    "id": "r1",
    "object": "response",
    "created_at": 1.0,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "status": "in_progress",
}
_PLACE = {"item_id": "i1", "output_index": 0, "content_index": 0, "logprobs": []}

# The events of each API. The last is the end mark.
EVENTS = {
    "chat": [delta("One"), delta(" two"), delta(" three."), DONE],
    "completions": [_text("One"), _text(" two"), _text(" three."), DONE],
    "responses": [
        _response("response.created", 0, response=_RESPONSE),
        _response("response.output_text.delta", 1, delta="One", **_PLACE),
        _response("response.output_text.delta", 2, delta=" two", **_PLACE),
        _response("response.completed", 3, response={**_RESPONSE, "status": "completed"}),
    ],
}


def one_chunk(body: bytes) -> bytes:
    """One chunk of a chunked body; nothing for an empty one, which would end the body."""
    return b"%x\r\n%s\r\n" % (len(body), body) if body else b""


def ask(client: Any, api: str) -> Any:
    """Ask for a stream: the stream, or what is awaited for it."""
    if api == "chat":
        messages = [{"role": "user", "content": "Hi"}]
        return client.chat.completions.create(model="m", messages=messages, stream=True)
    if api == "completions":
        return client.completions.create(model="m", prompt="Hi", stream=True)
    return client.responses.create(model="m", input="Hi", stream=True)


def client_of(server: Scripted, *, is_async: bool, **options: Any) -> Any:
    """Return a client of ours that makes one attempt."""
    from tokenwire import openai

    kind = openai.AsyncOpenAI if is_async else openai.OpenAI
    return kind(base_url=server.base_url, api_key=KEY, max_retries=0, **options)


def read(
    client: Any, api: str, seen: Callable[[int], object] = lambda _: None
) -> tuple[list[Any], Any]:
    """Read a stream: its items, and the error at its end. The client is closed.

    Args:
        client: The client, sync or async.
        api: A name in `EVENTS`.
        seen: Called with the number of items after each.
    """
    items: list[Any] = []

    def read_all() -> None:
        with client:
            for item in ask(client, api):
                items.append(item)
                seen(len(items))

    async def read_later() -> None:
        async with client:
            async for item in await ask(client, api):
                items.append(item)
                seen(len(items))

    try:
        if asyncio.iscoroutinefunction(client.close):
            asyncio.run(read_later())
        else:
            read_all()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return items, error
    return items, None
