"""Ask by the Responses API: a tool, the reasoning that goes back with it, and a saved conversation.

python examples/responses.py                            the simulator; needs no key
python examples/responses.py --model openai:gpt-5.6     a provider
"""

from __future__ import annotations

import argparse
from typing import Any

import tokenwire as tw
from tokenwire.testing import SimServer

QUESTION = "When does the next train to Oslo leave?"
# The simulator's answers.
SCRIPT = {
    "rules": [
        {
            "times": 1,
            "then": {
                "reply": {
                    "reasoning": "The timetable knows.",
                    "tool_calls": [{"name": "next_train", "arguments": {"to": "Oslo"}}],
                }
            },
        }
    ],
    "default": {"reply": {"text": "It leaves at 14:05, from platform 3."}},
}


def next_train(to: str) -> str:
    """Look up when the next train leaves.

    Args:
        to: Name of the city.
    """
    return f"14:05 to {to}, platform 3"


def ask(chat: tw.ChatClient) -> None:
    """Answer the model's calls until it has its answer, and save the conversation each time."""
    # A summary of the reasoning is sent only if it is asked for.
    params: dict[str, Any] = {
        "tools": [next_train],
        "reasoning_effort": "low",
        "extra_body": {"reasoning": {"summary": "auto"}},
    }
    messages = [tw.LlmMessage("user", QUESTION)]
    reply = chat.complete(messages, **params)
    print(f"asked by {reply.api}, status {reply.status}")
    if reply.reasoning:
        print(f"thought: {reply.reasoning}")
    while reply.tool_calls:
        # Nothing is stored at the provider: the reasoning goes back encrypted, in the messages.
        messages.append(reply.message)
        for call in reply.tool_calls:
            result = next_train(**call.parsed_arguments)
            print(f"{call.name}({call.arguments}) = {result}")
            messages.append(call.result(result))
        # A conversation may be saved and loaded at any time.
        saved = [message.model_dump_json() for message in messages]
        messages = [tw.LlmMessage.model_validate_json(message) for message in saved]
        reply = chat.complete(messages, **params)
    with chat.stream(
        [*messages, reply.message, tw.LlmMessage("user", "Which platform?")]
    ) as stream:
        for text in stream.text_stream:
            print(text, end="", flush=True)
    print()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    model = parser.parse_args().model
    try:
        if model:
            ask(tw.ChatClient(model, api="responses"))
            return
        with SimServer(SCRIPT) as server:
            ask(tw.ChatClient("sim:chat", api="responses", base_url=server.base_url))
    except tw.LlmError as error:
        raise SystemExit(f"responses: {error}") from None


if __name__ == "__main__":
    main()
