"""The bytes of a request: a server cannot see which transport wrote it."""

from __future__ import annotations

import asyncio

import pytest
from tests.wire.origins import Origin

import tokenwire as tw
from tokenwire import __version__

CHAT = b"""\
POST /v1/chat/completions HTTP/1.1\r
content-type: application/json\r
accept: %s\r
accept-encoding: identity\r
user-agent: tokenwire/%s\r
authorization: Bearer sk-canary\r
host: %s\r
content-length: %d\r
\r
%s"""
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]'
STREAMED = BODY + b',"stream":true,"stream_options":{"include_usage":true}}'
MODELS = b"""\
GET /v1/models HTTP/1.1\r
authorization: Bearer sk-canary\r
accept: application/json\r
accept-encoding: identity\r
user-agent: tokenwire/%s\r
host: %s\r
\r
"""


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_each_transport_writes_the_same_bytes(is_async: bool) -> None:
    with Origin() as origin:
        chat = tw.ChatClient("m", base_url=origin.base_url, api_key="sk-canary")

        async def ask_all() -> None:
            await chat.run_async("hi")
            await chat.run_async("hi", stream=True)
            with pytest.raises(tw.LlmUnexpectedContentError):
                await chat.models_async()

        if is_async:
            asyncio.run(ask_all())
        else:
            chat.run("hi")
            chat.run("hi", stream=True)
            with pytest.raises(tw.LlmUnexpectedContentError):
                chat.models()
        version, host = __version__.encode(), f"127.0.0.1:{origin.port}".encode()
        whole = BODY + b"}"
        assert origin.raw == (
            CHAT % (b"application/json", version, host, len(whole), whole)
            + CHAT % (b"text/event-stream", version, host, len(STREAMED), STREAMED)
            + MODELS % (version, host)
        )
        assert len(origin.seen) == 1, "on one connection"
