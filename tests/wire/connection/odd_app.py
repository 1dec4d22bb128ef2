"""An ASGI application whose replies are unusual. The first part of the path says how."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.middleware.gzip import GZipMiddleware

TEXT = "One two three."
MESSAGE = {"role": "assistant", "content": TEXT}
WHOLE = json.dumps({"choices": [{"message": MESSAGE, "finish_reason": "stop"}]}).encode()
DELTAS = [*(({"content": word}, None) for word in ("One", " two", " three.")), ({}, "stop")]
EVENTS = [
    b"data: %s\n\n"
    % json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]}).encode()
    for delta, end in DELTAS
]
EVENTS.append(b"data: [DONE]\n\n")
Headers = list[tuple[bytes, bytes]]

# The headers that are added to a usual reply.
HEADERS: dict[str, Headers] = {
    "plain": [],
    "head-of-60-kib": [(b"x-large", b"a" * 60 * 1024)],
    "head-of-150-kib": [(b"x-large", b"a" * 75 * 1024), (b"x-larger", b"b" * 75 * 1024)],
    "200-headers": [(b"x-%d" % number, b"value %d" % number) for number in range(200)],
    "connection-close": [(b"connection", b"close")],
    "latin-1": [(b"x-name", "Müller".encode("latin-1"))],
}
STATUSES = {"no-content": 204, "not-modified": 304}
# What the client is taken to accept; None for what it says itself.
GZIP = {"gzip": None, "gzip-unasked": [(b"accept-encoding", b"gzip")]}
# They answer before the body of the request was read.
EARLY = {"early-401": 401, "early-413": 413}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a chat call as the path says."""
    if scope["type"] != "http":
        raise NotImplementedError
    name = scope["path"].split("/")[1]
    if name in EARLY:
        await refuse(EARLY[name], send)
    elif name in GZIP:
        accepted = [pair for pair in scope["headers"] if pair[0] == b"accept-encoding"]
        accepted = GZIP[name] or accepted
        compressing = GZipMiddleware(answer, minimum_size=1, exclude_content_types=())
        await compressing({**scope, "headers": accepted}, receive, send)
    else:
        await answer(scope, receive, send)


async def answer(scope: Any, receive: Any, send: Any) -> None:
    """Answer when the body of the request was read."""
    name = scope["path"].split("/")[1]
    body = await read(receive)
    if name in STATUSES:
        await send({"type": "http.response.start", "status": STATUSES[name], "headers": []})
        await send({"type": "http.response.body"})
    elif name == "early-hints" and "http.response.early_hint" in scope.get("extensions", {}):
        for _ in range(3):
            await send({"type": "http.response.early_hint", "links": [b"</a>"]})
        await reply(body, [], send)
    else:
        await reply(body, HEADERS.get(name, []), send)


async def read(receive: Any) -> bytes:
    """Return the body of the request."""
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def refuse(status: int, send: Any) -> None:
    """Answer without reading the request."""
    body = b'{"error": {"message": "refused early"}}'
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def reply(request: bytes, headers: Headers, send: Any) -> None:
    """Answer with a whole reply, which has a length, or with a stream, which is chunked."""
    streams = json.loads(request).get("stream")
    kind = b"text/event-stream" if streams else b"application/json"
    length = [] if streams else [(b"content-length", b"%d" % len(WHOLE))]
    start = [(b"content-type", kind), *length, *headers]
    await send({"type": "http.response.start", "status": 200, "headers": start})
    for piece in EVENTS if streams else [WHOLE]:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        # Another task of the server may run, so that each piece is written for itself.
        await asyncio.sleep(0)
    await send({"type": "http.response.body"})
