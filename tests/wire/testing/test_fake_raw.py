"""`fake` answers requests that the transports for httpx pass on like the calls of clients."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire._engine import HttpClient
from tokenwire.testing import block_network, cut, error, fake, tool_call

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokenwire.testing import FakeRequest

    Reply = tuple[int, dict[bytes, bytes], bytes]
    Send = Callable[..., Reply]

KEY = "sk-canary-0123456789-0123456789"
# In each of these, some provider takes its key.
KEY_HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie")
CHAT = "https://api.openai.com/v1/chat/completions"
# RFC 6761: it never resolves, so a request that leaves the machine is another error.
STRANGER = "https://api.provider.invalid/v1"
APIS = {
    "chat": ("openai:gpt-4o-mini", CHAT),
    "completions": ("openai:gpt-3.5-turbo-instruct", "https://api.openai.com/v1/completions"),
    "responses": ("openai:gpt-5-mini", "https://api.openai.com/v1/responses"),
    "messages": ("anthropic:claude-opus-4-5", "https://api.anthropic.com/v1/messages"),
    "gemini": (
        "google:gemini-2.5-flash",
        "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:",
    ),
}


def pieces(body: bytes) -> list[bytes]:
    return [body[:10], body[10:]]


def opened(
    url: str, body: Any = None, *, in_pieces: bool = False, method: str = "POST", **headers: str
) -> tuple[Any, list[bytes]]:
    """An exchange, and the pieces of its body that it still wants."""
    content = b"" if body is None else json.dumps(body).encode()
    pairs = [(b"host", b"api.openai.com"), (b"content-type", b"application/json")]
    if "anthropic" in url:
        pairs.append((b"anthropic-version", b"2023-06-01"))
    pairs += [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    if in_pieces:
        pairs.append((b"transfer-encoding", b"chunked"))
    given = None if in_pieces else content
    exchange = HttpClient().open(method, url, pairs, given, raised=lambda error: error)
    return exchange, pieces(content) if in_pieces else []


def reply_of(head: Any, body: Sequence[bytes]) -> Reply:
    status, _, _, headers = head
    return status, dict(headers), b"".join(body)


def send_sync(*args: Any, **options: Any) -> Reply:
    exchange, left = opened(*args, **options)
    while left and exchange.wants():
        exchange.push(left.pop(0))
    if options.get("in_pieces"):
        exchange.end()
    return reply_of(exchange.head(), list(exchange))


def send_async(*args: Any, **options: Any) -> Reply:
    async def main() -> Reply:
        exchange, left = opened(*args, **options)
        while left and await exchange.wants_async():
            exchange.push(left.pop(0))
        if options.get("in_pieces"):
            exchange.end()
        head = await exchange.head_async()
        return reply_of(head, [piece async for piece in exchange])

    return asyncio.run(main())


@pytest.fixture(params=[send_sync, send_async], ids=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send a request and return status, headers and body, sync and async in turn."""
    sender: Send = request.param
    return sender


def asked_by_client(api: str, *, stream: bool) -> FakeRequest:
    """What a fake records of a client's call."""
    model, _ = APIS[api]
    with fake({"*": "blue"}) as f:
        if api == "completions":
            tw.CompletionClient(model).run("Which colour?", stream=stream, temperature=0.5)
        else:
            client = tw.ChatClient(model, api=api, system="Be brief.", max_tokens=50)
            client.run("Which colour?", stream=stream)
    return f.requests[0]


def url_of(api: str, *, stream: bool) -> str:
    url = APIS[api][1]
    if api != "gemini":
        return url
    return url + ("streamGenerateContent?alt=sse" if stream else "generateContent")


READ = ("provider", "model", "api", "url", "stream", "messages", "prompt", "params", "tools")


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("api", APIS)
def test_a_request_is_answered_and_reads_like_that_of_a_client(
    send: Send, api: str, stream: bool, in_pieces: bool
) -> None:
    of_client = asked_by_client(api, stream=stream)
    model, _ = APIS[api]
    with block_network(), fake({model: "blue"}) as f:
        url = url_of(api, stream=stream)
        status, headers, body = send(url, of_client.body, in_pieces=in_pieces)
    (request,) = f.requests
    for name in READ:
        assert getattr(request, name) == getattr(of_client, name), name
    assert (status, request.attempt) == (200, 1)
    kind = "text/event-stream" if stream else "application/json"
    assert headers[b"content-type"].decode().startswith(kind)
    assert b"blue" in body
    f.assert_all_used()


def test_keys_are_neither_sent_nor_recorded(send: Send) -> None:
    headers = {name.replace("-", "_"): f"Bearer {KEY}" for name in KEY_HEADERS}
    with fake({"*": "hi"}) as f:
        send(
            f"{CHAT}?key={KEY}&api-version={KEY}",
            {"model": "m", "messages": []},
            **headers,
            x_team="blue",
            x_gateway_token=KEY,
            x_goog_api_client="google-genai-sdk/1.2.3 gl-python/3.11.4",
        )
    (request,) = f.requests
    assert not set(KEY_HEADERS) & set(request.headers)
    assert KEY not in str(vars(request))
    assert request.headers["x-team"] == "blue"
    assert request.headers["x-gateway-token"] == "[key]"
    assert request.headers["x-goog-api-client"] == "google-genai-sdk/1.2.3 gl-python/3.11.4"
    assert request.headers["host"].startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://eu.api.openai.com/v1/chat/completions", "openai"),
        ("https://api.groq.com/openai/v1/chat/completions", "groq"),
        ("https://me.openai.azure.com/openai/deployments/d/chat/completions", "azure"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/chat/completions", "google"),
        ("https://api.deepseek.com/anthropic/v1/messages", "deepseek"),
        (f"{STRANGER}/chat/completions/", "openai"),
        (f"{STRANGER}/completions", "openai"),
        (f"{STRANGER}/responses", "openai"),
        (f"{STRANGER}/messages?beta=true", "anthropic"),
        (f"{STRANGER}/models/m:generateContent", "google"),
        ("https://aiplatform.googleapis.com/v1/a/models/m:generateContent", "vertex"),
    ],
)
def test_the_host_says_which_provider_it_is_or_else_the_api(
    send: Send, url: str, provider: str
) -> None:
    with fake({"*": error(418)}) as f:
        assert send(url, {"model": "m", "messages": []})[0] == 418
    assert (f.requests[0].provider, f.requests[0].model) == (provider, "m")


def test_a_reply_may_be_a_tool_call_an_error_or_a_cut_stream(send: Send) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    called, limited = tool_call("weather", city="Paris"), error(429, "Slower.")
    with fake({"openai:m": [called, limited, cut("a b c", after_events=2)]}):
        _, _, said = send(CHAT, body)
        message = json.loads(said)["choices"][0]["message"]
        assert message["tool_calls"][0]["function"]["name"] == "weather"
        status, _, said = send(CHAT, body)
        assert (status, json.loads(said)["error"]["message"]) == (429, "Slower.")
        with pytest.raises(tw.LlmConnectionLostError):
            send(CHAT, {**body, "stream": True})


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_mistake_of_the_test_is_a_configuration_error(send: Send, in_pieces: bool) -> None:
    with (
        fake({"groq:*": "hi"}),
        pytest.raises(tw.LlmConfigError, match=r'^the fake has no rule for "openai:m"; its'),
    ):
        send(CHAT, {"model": "m", "messages": []}, in_pieces=in_pieces)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/embeddings"), ("GET", "/chat/completions"), ("GET", "/files?key=" + KEY)],
)
def test_what_a_fake_does_not_answer_is_refused_in_one_line(
    send: Send, method: str, path: str
) -> None:
    with fake({"*": "hi"}) as f, pytest.raises(tw.LlmConfigError) as raised:
        send(STRANGER + path, {}, method=method)
    shown = STRANGER + path.partition("?")[0]
    assert str(raised.value) == (
        f"a fake is active, and it does not answer {method} {shown}: it answers chat, "
        "completions, responses, messages, gemini and lists of models"
    )
    assert f.requests == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1/models", "object"),
        ("https://api.anthropic.com/v1/models?limit=5", "has_more"),
        ("https://generativelanguage.googleapis.com/v1beta/models", "models"),
    ],
)
def test_a_list_of_models_is_the_simulator_s(send: Send, url: str, name: str) -> None:
    with block_network(), fake() as f:
        _, _, body = send(url, method="GET")
    assert name in json.loads(body)
    assert f.requests == []


def test_after_the_fake_requests_go_to_their_server_again(send: Send) -> None:
    with block_network():
        with fake({"*": "hi"}):
            assert send(f"{STRANGER}/responses", {"model": "m", "input": "hi"})[0] == 200
        with pytest.raises(tw.LlmConnectionError) as raised:
            send(f"{STRANGER}/responses", {"model": "m", "input": "hi"})
    assert str(raised.value) == (
        "block_network() is on, and this call would go to api.provider.invalid:443: serve it from "
        'tokenwire.testing.fake(), or permit it by allow=["api.provider.invalid"]'
    )
    assert type(raised.value) is tw.LlmConnectionError
