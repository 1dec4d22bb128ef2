"""Make a first call: a question, the same question streamed, and what they cost.

python examples/first_call.py                               the simulator; needs no key
python examples/first_call.py --model openai:gpt-4o-mini    a provider; the key from its variable
"""

from __future__ import annotations

import argparse

import tokenwire as tw
from tokenwire.testing import SimServer

QUESTION = "Why is the sky blue? Answer in one sentence."
ANSWER = "Air scatters the short blue waves of sunlight far more than the long red ones."


def ask(chat: tw.ChatClient) -> None:
    """Ask twice: for the whole text, and piece by piece."""
    print(chat.run(QUESTION))

    with chat.stream(QUESTION) as stream:
        for piece in stream.text_stream:
            print(piece, end="", flush=True)
    print()

    reply = stream.response
    print(f"model: {reply.model}, finished by: {reply.finish_reason}")
    if reply.usage:
        print(f"tokens: {reply.usage.prompt_tokens} in, {reply.usage.completion_tokens} out")
    print(f"first token after {reply.timing.first_token:.3f} s, all in {reply.timing.total:.3f} s")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model"; without it the simulator')
    model = parser.parse_args().model
    try:
        if model:
            ask(tw.ChatClient(model))
            return
        with SimServer({"default": {"reply": {"text": ANSWER}}}) as server:
            ask(tw.ChatClient("sim:chat", base_url=server.base_url))
    except tw.LlmError as error:
        raise SystemExit(f"first_call: {error}") from None


if __name__ == "__main__":
    main()
