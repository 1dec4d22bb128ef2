"""The application of the guide, in a real server: clients that leave, and errors."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.contract.document_blocks import blocks
from tests.wire.asgi_server import serving

from tokenwire.testing import SimServer

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "web.md"
SLOW = {"default": {"pacing": {"per_token_us": 20_000, "tokens": 5_000}}}
QUESTION = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 5_000}


@pytest.fixture(scope="module")
def upstream():
    with SimServer() as server:
        yield server


@pytest.fixture(scope="module")
def port(upstream, tmp_path_factory, transport):
    """The port of the application, which runs in another process."""
    folder = tmp_path_factory.mktemp("guide")
    parts = [code for _, _, code in blocks(GUIDE.read_text(encoding="utf-8"))]
    (folder / "guide.py").write_text("\n".join(parts[:3]), encoding="utf-8")
    variables = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": upstream.base_url}
    with serving("guide:app", folder, **variables) as port:
        yield port


def sent(port, method, path, body):
    """Send a request, and return its connection."""
    content = json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return connection


WHOLE = [("GET", "/answer?q=hi", None), ("POST", "/v1/chat/completions", QUESTION)]
STREAMED = [
    ("GET", "/chat?q=hi", None),
    ("POST", "/v1/chat/completions", {**QUESTION, "stream": True}),
]


@pytest.mark.parametrize("request_", [*WHOLE, *STREAMED])
def test_a_client_that_leaves_before_the_reply_cancels_the_call(upstream, port, request_):
    upstream.reset()
    upstream.set_script({"default": {"fault": {"kind": "no_head"}}})
    with sent(port, *request_):
        upstream.wait_for("request")
    upstream.wait_for("client_closed")


@pytest.mark.parametrize("request_", STREAMED)
def test_a_client_that_leaves_a_stream_cancels_the_call(upstream, port, request_):
    upstream.reset()
    upstream.set_script(SLOW)
    with sent(port, *request_) as connection, connection.makefile("rb") as reply:
        assert any(line.startswith(b"data: ") for line in reply)
    upstream.wait_for("client_closed")


def status_and_body(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ({"error": {"status": 400}}, (400, "LlmAPIError")),
        ({"error": {"status": 401}}, (502, "LlmAuthenticationError")),
        ({"error": {"status": 429, "headers": {"retry-after": "600"}}}, (429, "LlmRateLimitError")),
        ({"fault": {"kind": "html", "status": 404}}, (502, "LlmAPIError")),
    ],
)
def test_an_error_has_a_status_of_its_own(upstream, port, stream, behaviour, expected):
    upstream.reset()
    upstream.set_script({"default": behaviour})
    found, body = status_and_body(port, {**QUESTION, "stream": stream})
    assert (found, json.loads(body)["error"]["type"]) == expected


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_cannot_be_sent_is_the_clients_to_correct(upstream, port, stream):
    upstream.reset()
    assert status_and_body(port, {"stream": stream})[0] == 400
    assert status_and_body(port, {**QUESTION, "temperature": "hot", "stream": stream})[0] == 400
    assert upstream.requests() == []


def test_an_error_in_the_middle_is_an_event_and_the_end(upstream, port):
    upstream.reset()
    upstream.set_script({"default": {"fault": {"kind": "reset", "at": {"events": 3}}}})
    status, body = status_and_body(port, {**QUESTION, "stream": True})
    events = [event.removeprefix("data: ") for event in body.split("\n\n") if event]
    assert status == 200
    assert [("error" in json.loads(event)) for event in events] == [False, False, False, True]
