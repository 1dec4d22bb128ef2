"""Let a model call functions until it has its answer. It learns which calls failed.

python examples/tools_loop.py                               the simulator; needs no key
python examples/tools_loop.py --model openai:gpt-4o-mini    a provider
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import tokenwire as tw
from tokenwire.testing import SimServer
from tokenwire.tools import call_tool

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "Is it warmer in Paris or in Oslo, and by how much?"
ROUNDS = 8
WEATHER = {"Paris": 18.5, "Oslo": 11.0}


def get_temperature(city: str) -> float:
    """Say how warm it is now.

    Args:
        city: Name of the city, in English.

    Returns:
        Degrees Celsius.
    """
    return WEATHER[city]


def subtract(a: float, b: float) -> float:
    """Subtract b from a."""
    return a - b


TOOLS: dict[str, Callable[..., object]] = {"get_temperature": get_temperature, "subtract": subtract}


def calls(*named: tuple[str, dict[str, object]]) -> dict[str, object]:
    """Return a reply of the simulator that calls tools."""
    return {"reply": {"tool_calls": [{"name": name, "arguments": a} for name, a in named]}}


# The simulator's answers: two calls at once, a call that does not fit, the corrected call.
SCRIPT = {
    "rules": [
        {
            "times": 1,
            "then": calls(
                ("get_temperature", {"city": "Paris"}), ("get_temperature", {"city": "Oslo"})
            ),
        },
        {"times": 1, "then": calls(("subtract", {"a": "eighteen", "b": 11.0}))},
        {"times": 1, "then": calls(("subtract", {"a": 18.5, "b": 11.0}))},
    ],
    "default": {"reply": {"text": "Paris is warmer, by 7.5 degrees."}},
}


def answer(call: tw.ToolCall) -> tw.LlmMessage:
    """Call the function. If it fails, send the error to the model, which may correct its call."""
    try:
        value = call_tool(TOOLS[call.name], call.arguments)
    except (tw.LlmValidationError, LookupError) as error:
        print(f"{call.name}({call.arguments}) failed: {error}")
        return call.result(f"{type(error).__name__}: {error}", error=True)
    print(f"{call.name}({call.arguments}) = {value}")
    return call.result(value)


def ask(chat: tw.ChatClient) -> None:
    """Repeat until the model has an answer."""
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    for _ in range(ROUNDS):
        reply = chat.complete(messages, tools=list(TOOLS.values()))
        if not reply.tool_calls:
            print(reply.text)
            return
        messages += [reply.message, *map(answer, reply.tool_calls)]
    raise SystemExit(f"tools_loop: no answer after {ROUNDS} rounds")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    model = parser.parse_args().model
    try:
        if model:
            ask(tw.ChatClient(model))
            return
        with SimServer(SCRIPT) as server:
            ask(tw.ChatClient("sim:chat", base_url=server.base_url))
    except tw.LlmError as error:
        raise SystemExit(f"tools_loop: {error}") from None


if __name__ == "__main__":
    main()
