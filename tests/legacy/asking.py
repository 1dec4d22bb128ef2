"""Clients for the simulator, ways to call them, and the requests that they sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.completion_client import CompletionClient
from tokenwire.legacy.llm_client import LlmClient
from tokenwire.legacy.llm_completion import LlmCompletion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire.testing import SimServer


def chat(sim: SimServer, **settings: Any) -> ChatClient:
    """A chat client for the simulator."""
    return ChatClient("openai:m", **{"base_url": sim.base_url, **settings})


def completion(sim: SimServer, **settings: Any) -> CompletionClient:
    """A completion client for the simulator."""
    return CompletionClient(f"{sim.base_url}/completions", "m", **settings)


def llm_chat(sim: SimServer, **settings: Any) -> LlmClient:
    """The client of a private server, with chat."""
    return LlmClient(sim.base_url, "m", **settings)


def llm_completing(sim: SimServer, **settings: Any) -> LlmClient:
    """The client of a private server, with text completion."""
    return LlmClient(f"{sim.base_url}/completions", "m", completion_mode=True, **settings)


def bare(sim: SimServer, **settings: Any) -> LlmCompletion:
    """The bare completion client, which has no `run_async`."""
    return LlmCompletion(f"{sim.base_url}/completions", "m", **settings)


MAKE: dict[str, Callable[..., Any]] = {
    "ChatClient": chat,
    "CompletionClient": completion,
    "LlmClient-chat": llm_chat,
    "LlmClient-completion": llm_completing,
    "LlmCompletion": bare,
}
BOTH_WAYS: list[str] = [name for name in MAKE if name != "LlmCompletion"]


def ask(client: Any, *arguments: Any, way: str = "run", **kwargs: Any) -> str:
    """The result of `run`, or of `run_async` in a new loop."""
    if way == "run_async":
        text: str = asyncio.run(client.run_async(*arguments, **kwargs))
    else:
        text = client.run(*arguments, **kwargs)
    return text


def sent(sim: SimServer) -> dict[str, Any]:
    """The body of the last request, without the options of streams."""
    body: dict[str, Any] = dict(sim.requests()[-1]["body"])
    body.pop("stream_options", None)
    return body


def says(text: str) -> dict[str, Any]:
    """A script that answers each request with this text."""
    return {"default": {"reply": {"text": text}}}


def headers(sim: SimServer) -> dict[str, str]:
    """The headers of the last request, with a hash instead of a key."""
    return {name.lower(): value for name, value in sim.requests()[-1]["headers"]}
