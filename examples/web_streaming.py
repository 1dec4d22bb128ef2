"""A chat streamed to browsers as Server-Sent Events, with Starlette.

pip install starlette uvicorn
uvicorn --app-dir examples web_streaming:app           the simulator; needs no key
MODEL=openai:gpt-4o-mini uvicorn --app-dir examples web_streaming:app

curl -N 'http://127.0.0.1:8000/chat?q=Why+is+the+sky+blue'
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.responses import StreamingResponse
from starlette.routing import Route

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request
    from starlette.types import Send

# One client for the process: all requests share its connections.
chat = tw.client(os.environ.get("MODEL", "sim:chat"), base_url=os.environ.get("BASE_URL"))
handler = tw.StreamingHandler()


class EventStream(StreamingResponse):
    """A response that closes its generator, also if the server raises when a client leaves."""

    async def stream_response(self, send: Send) -> None:
        """Send the body."""
        body = cast("AsyncGenerator[bytes]", self.body_iterator)
        async with contextlib.aclosing(body):
            await super().stream_response(send)


async def ask(request: Request) -> EventStream:
    """Answer `?q=` as it streams. If the browser leaves, the provider's stream ends too."""
    stream = chat.stream_async(request.query_params.get("q", "Hi"))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return EventStream(handler.sse(stream), media_type="text/event-stream", headers=headers)


app = Starlette(routes=[Route("/chat", ask)])
