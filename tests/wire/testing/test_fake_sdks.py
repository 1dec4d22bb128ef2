"""`fake` answers the SDKs of the providers over our transport, those that are installed."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire.testing import block_network, error, fake

if TYPE_CHECKING:
    from collections.abc import Callable

httpx2 = pytest.importorskip("httpx2")

import tokenwire.httpx2  # noqa: E402

KEY = "sk-canary-0123456789-0123456789"
MESSAGES: Any = [{"role": "user", "content": "Which colour?"}]


def sdk(name: str) -> Any:
    """The SDK, or a skip that names it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        pytest.skip(f"{name} is not installed")


async def closed(client: Any, ask: Callable[[Any], Any]) -> str:
    """What a coroutine returns, after which its client is closed."""
    async with client:
        text: str = await ask(client)
    return text


def by_chat(stream: bool) -> str:
    client = sdk("openai").OpenAI(api_key=KEY, http_client=tokenwire.httpx2.Client())
    with client:
        found = client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
        if stream:
            return "".join(chunk.choices[0].delta.content or "" for chunk in found if chunk.choices)
        return str(found.choices[0].message.content)


def by_chat_async(stream: bool) -> str:
    async def ask(client: Any) -> str:
        found = await client.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
        if stream:
            chunks = [chunk async for chunk in found if chunk.choices]
            return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        return str(found.choices[0].message.content)

    http_client = tokenwire.httpx2.AsyncClient()
    client = sdk("openai").AsyncOpenAI(api_key=KEY, http_client=http_client)
    return asyncio.run(closed(client, ask))


def by_responses(stream: bool) -> str:
    client = sdk("openai").OpenAI(api_key=KEY, http_client=tokenwire.httpx2.Client())
    with client:
        if not stream:
            return str(client.responses.create(model="m", input=MESSAGES).output_text)
        events = client.responses.create(model="m", input=MESSAGES, stream=True)
        return "".join(event.delta for event in events if event.type.endswith("text.delta"))


def by_messages(stream: bool) -> str:
    client = sdk("anthropic").Anthropic(api_key=KEY, http_client=tokenwire.httpx2.Client())
    request = {"model": "m", "messages": MESSAGES, "max_tokens": 50}
    with client:
        if not stream:
            return str(client.messages.create(**request).content[0].text)
        with client.messages.stream(**request) as found:
            return "".join(found.text_stream)


def by_gemini(stream: bool) -> str:
    genai = sdk("google.genai")
    options = genai.types.HttpOptions(httpx_client=tokenwire.httpx2.Client())
    client = genai.Client(api_key=KEY, http_options=options)
    if not stream:
        return str(client.models.generate_content(model="m", contents="Which colour?").text)
    found = client.models.generate_content_stream(model="m", contents="Which colour?")
    return "".join(chunk.text or "" for chunk in found)


ASKS: dict[str, Callable[[bool], str]] = {
    "openai:m/chat": by_chat,
    "openai:m/chat/async": by_chat_async,
    "openai:m/responses": by_responses,
    "anthropic:m/messages": by_messages,
    "google:m/gemini": by_gemini,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ASKS)
def test_an_sdk_is_answered_like_a_client(name: str, stream: bool) -> None:
    target, api, *_ = name.split("/")
    with block_network(), fake({target: "It is blue."}) as f:
        assert ASKS[name](stream) == "It is blue."
    (request,) = f.requests
    assert (request.api, request.stream) == (api, stream)
    assert (request.messages, request.text) == (MESSAGES, "Which colour?")
    assert KEY not in str(vars(request))


def test_an_error_is_that_of_the_sdk_and_each_retry_is_a_call() -> None:
    openai = sdk("openai")
    limited = error(429, "Slower.", headers={"retry-after-ms": "1"})
    with fake({"openai:*": limited}) as f, pytest.raises(openai.RateLimitError, match="Slower"):
        by_chat(False)
    assert len(f.requests) == 3
    assert len({request.call for request in f.requests}) == 3


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda client: client.chat.completions.create(model="m", messages=MESSAGES), "no rule"),
        (lambda client: client.embeddings.create(model="m", input="a"), "does not answer POST"),
    ],
)
def test_a_mistake_of_the_test_is_the_cause_of_the_sdk_s_error(
    ask: Callable[[Any], Any], message: str
) -> None:
    openai = sdk("openai")
    http_client = tokenwire.httpx2.Client()
    with (
        openai.OpenAI(api_key=KEY, http_client=http_client, max_retries=0) as client,
        fake({"groq:*": "hi"}),
        pytest.raises(openai.APIConnectionError) as raised,
    ):
        ask(client)
    found: BaseException | None = raised.value
    while found is not None and not isinstance(found, tw.LlmConfigError):
        found = found.__cause__
    assert message in str(found)
