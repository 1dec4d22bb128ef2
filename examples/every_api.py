"""One program for every API: parallel tool calls, reasoning, images, and a typed answer at the end.

python examples/every_api.py                                 the simulator; needs no key
python examples/every_api.py --model openai:gpt-5.6          a provider
python examples/every_api.py --model MODEL --then OTHER      another one after the first calls
"""

from __future__ import annotations

import argparse
import asyncio
import base64
from typing import Any

from pydantic import BaseModel

import tokenwire as tw
from tokenwire.testing import Fake, fake

# The simulator answers each of them in its own API.
MODELS = {
    "chat": "deepseek:deepseek-chat",
    "responses": "openai:gpt-5.6",
    "messages": "anthropic:claude-opus-4-7",
    "gemini": "google:gemini-3-pro-preview",
}
# One white pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mP8/x8AAwMCAO+ip1sAAAAASUVORK5CYII="
)
QUESTION = "This is the view from my window. Would Paris or Oslo be better for a walk?"
WEATHER = {"Paris": 18.5, "Oslo": 11.0}


class Advice(BaseModel):
    """Where to go for a walk."""

    city: str
    degrees: float


def get_temperature(city: str) -> float:
    """Say how warm it is now, in degrees Celsius.

    Args:
        city: Name of the city, in English.
    """
    return WEATHER[city]


def look_around(city: str) -> str:
    """Look through a camera in a city.

    Args:
        city: Name of the city, in English.
    """
    return f"A sunny day in {city}."


TOOLS = {"get_temperature": get_temperature, "look_around": look_around}
PARAMS: dict[str, Any] = {
    "tools": list(TOOLS.values()),
    "reasoning_effort": "low",
    "response_format": Advice,
}


def question() -> list[Any]:
    """Return the first message, which has an image."""
    return [tw.LlmMessage("user", [QUESTION, tw.ImagePart(data=PICTURE)])]


def results(reply: tw.LlmResponse[Any]) -> list[tw.LlmMessage]:
    """Run the tools that the model calls."""
    messages = []
    for call in reply.tool_calls:
        value: Any = TOOLS[call.name](**call.parsed_arguments)
        # Chat completions takes no image in the result of a tool.
        if call.name == "look_around" and reply.api != "chat":
            value = [value, tw.ImagePart(data=PICTURE)]
        messages.append(call.result(value))
    return messages


def ask(chat: tw.LlmClientInterface, messages: list[Any], *, stream: bool) -> tw.LlmResponse[Any]:
    """Return the reply, whole or from a stream."""
    if not stream:
        return chat.complete(messages, **PARAMS)
    with chat.stream(messages, **PARAMS) as pieces:
        for _ in pieces:
            pass
        return pieces.response


async def ask_async(
    chat: tw.LlmClientInterface, messages: list[Any], *, stream: bool
) -> tw.LlmResponse[Any]:
    """Do the same in an event loop."""
    if not stream:
        return await chat.complete_async(messages, **PARAMS)
    async with chat.stream_async(messages, **PARAMS) as pieces:
        async for _ in pieces:
            pass
        return pieces.response


def talk(*models: str, stream: bool = False) -> list[tw.LlmResponse[Any]]:
    """Let the model call tools until it answers. Each model takes over after one reply."""
    clients = [tw.client(model) for model in models]
    messages = question()
    replies: list[tw.LlmResponse[Any]] = []
    while True:
        chat = clients[min(len(replies), len(clients) - 1)]
        reply = ask(chat, messages, stream=stream)
        replies.append(reply)
        if not reply.tool_calls:
            return replies
        messages += [reply.message, *results(reply)]


async def talk_async(*models: str, stream: bool = False) -> list[tw.LlmResponse[Any]]:
    """Do the same in an event loop."""
    clients = [tw.client(model) for model in models]
    messages = question()
    replies: list[tw.LlmResponse[Any]] = []
    while True:
        chat = clients[min(len(replies), len(clients) - 1)]
        reply = await ask_async(chat, messages, stream=stream)
        replies.append(reply)
        if not reply.tool_calls:
            return replies
        messages += [reply.message, *results(reply)]


def simulated() -> Fake:
    """Return a fake with two rounds of calls, the first of two at once, and then the answer."""

    def calling(name: str, *cities: str) -> dict[str, Any]:
        calls = [{"name": name, "arguments": {"city": city}} for city in cities]
        return {"reply": {"reasoning": f"I need {name}.", "tool_calls": calls}}

    rounds = [calling("get_temperature", *WEATHER), calling("look_around", "Paris")]
    return fake({"*": [*rounds, Advice(city="Paris", degrees=18.5).model_dump_json()]})


def show(replies: list[tw.LlmResponse[Any]]) -> None:
    """Print what each reply was."""
    for reply in replies:
        calls = ", ".join(f"{call.name}({call.arguments})" for call in reply.tool_calls)
        dropped = f", without {', '.join(reply.dropped)}" if reply.dropped else ""
        print(f"{reply.provider} by {reply.api}{dropped}: {calls or repr(reply.parsed)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    parser.add_argument("--then", help="the model that takes over after the first reply")
    args = parser.parse_args()
    try:
        if args.model:
            show(talk(args.model, *filter(None, [args.then]), stream=True))
            return
        for model in MODELS.values():
            with simulated():
                show(talk(model, stream=True))
        for models in zip(MODELS.values(), reversed(MODELS.values()), strict=False):
            with simulated():
                show(asyncio.run(talk_async(*models)))
    except tw.LlmError as error:
        raise SystemExit(f"every_api: {error}") from None


if __name__ == "__main__":
    main()
