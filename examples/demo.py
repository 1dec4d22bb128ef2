"""Run one chat and one completion, sync and async, token by token, and show what each cost.

python examples/demo.py                                     the simulator; needs no key
python examples/demo.py --model openai:gpt-4o-mini          a provider; the key from its variable
python examples/demo.py --model qwen3 --base-url http://127.0.0.1:8000/v1
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import tokenwire as tw
from tokenwire.testing import SimServer

QUESTION = "Why is the sky blue? Answer in two sentences."
BEGINNING = "Once upon a time, on a small island in the north,"

# What the simulator answers, and how fast: the first token after 120 ms, then 40 tokens a second.
SKY = (
    "Sunlight holds all colours, and air scatters the short blue waves far more than the long "
    "red ones. So blue comes to your eyes from every side of the sky."
)
STORY = (
    " there lived a keeper of a lighthouse who counted ships. One night he counted a ship too "
    "many, and went down to the shore to ask it where it came from."
)
PACING = {"first_token_ms": 120, "per_token_us": 25_000}
SCRIPT = {
    "rules": [
        {"match": {"path": "/chat/completions"}, "then": {"reply": {"text": SKY}}},
        {"match": {"path": "/completions"}, "then": {"reply": {"text": STORY}}},
    ],
    "default": {"pacing": PACING},
}

SIMULATED = "The built-in simulator answers, with texts of its own. Nothing leaves this machine."
NEXT = """
That was the simulator: nothing has left this machine. Try next:

  make{folder} demo MODEL=openai:gpt-4o-mini
      a provider, here with the key in OPENAI_API_KEY
  make{folder} demo-real
      a small model in a server on this machine (a download of 163 MB, once)
  {python} -m tokenwire run "Why is the sky blue?"
      the command line; `--help` lists what it can do

The guide begins in docs/index.md."""

# Each column: its heading, its width, and how a value is printed.
COLUMNS = (
    ("call", 17, "{:<17}"),
    ("model", 26, "{:<26.26}"),
    ("seconds", 8, "{:8.3f}"),
    ("first token", 11, "{:11.3f}"),
    ("prompt", 7, "{:7}"),
    ("reply", 6, "{:6}"),
    ("total", 6, "{:6}"),
    ("tokens/s", 9, "{:9.1f}"),
)


def show(piece: str) -> None:
    """Print a piece of a reply at once."""
    print(piece, end="", flush=True)


def sync_call(client: tw.ChatClient | tw.CompletionClient, prompt: str) -> tw.LlmResponse[Any]:
    """Stream in synchronous code."""
    with client.stream(prompt) as stream:
        for piece in stream.text_stream:
            show(piece)
    return stream.response


async def async_call(
    client: tw.ChatClient | tw.CompletionClient, prompt: str
) -> tw.LlmResponse[Any]:
    """Stream with asyncio, from the same client."""
    async with client.stream_async(prompt) as stream:
        async for piece in stream.text_stream:
            show(piece)
    return stream.response


def row(name: str, reply: tw.LlmResponse[Any]) -> str:
    """Return a reply's line of the summary, with a dash for what the server did not report."""
    usage, timing = reply.usage or tw.Usage(), reply.timing
    values = (
        name,
        reply.model,
        timing.total,
        timing.first_token,
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
        timing.tokens_per_second,
    )
    return "  ".join(
        "-".rjust(width) if value is None else form.format(value)
        for (_, width, form), value in zip(COLUMNS, values, strict=True)
    )


def heading() -> str:
    """Return the line above the summary."""
    return "  ".join(
        name.ljust(width) if form.startswith("{:<") else name.rjust(width)
        for name, width, form in COLUMNS
    )


def demo(settings: dict[str, Any], chat_model: str, completion_model: str) -> int:
    """Make the four calls and print what each cost. Return how many failed."""
    chat = tw.ChatClient(chat_model, **settings)
    completion = tw.CompletionClient(completion_model, **settings)
    calls: list[tuple[str, tw.ChatClient | tw.CompletionClient, str, bool]] = [
        ("chat, sync", chat, QUESTION, False),
        ("chat, async", chat, QUESTION, True),
        ("completion, sync", completion, BEGINNING, False),
        ("completion, async", completion, BEGINNING, True),
    ]
    # Before anything is printed.
    chat.validate_config()
    rows = []
    for name, client, prompt, is_async in calls:
        print(f"\n== {name}: {prompt}", flush=True)
        try:
            reply = (
                asyncio.run(async_call(client, prompt)) if is_async else sync_call(client, prompt)
            )
        except (tw.LlmConnectionError, tw.LlmAuthenticationError):
            raise
        except tw.LlmError as error:
            # A server may have only one of the two APIs.
            complain(error)
        else:
            print()
            rows.append(row(name, reply))
    print("", heading(), *rows, sep="\n")
    return len(calls) - len(rows)


def complain(error: tw.LlmError) -> None:
    """Say in one line what went wrong."""
    print(f"demo: {error}", file=sys.stderr)


def next_steps() -> str:
    """Return commands that work where the demo was started."""
    clone = os.path.relpath(Path(__file__).resolve().parent.parent)
    folder = "" if clone == "." else f" -C {clone}"
    return NEXT.format(folder=folder, python=os.path.relpath(sys.executable))


def main() -> int:
    """Read the arguments. Return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal may lack a character of a reply.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", help='"provider:model", or the bare id on --base-url\'s server')
    parser.add_argument("--base-url", help="address of the API")
    parser.add_argument("--max-tokens", type=int, default=60, help="of each reply (60)")
    arguments = parser.parse_args()
    settings: dict[str, Any] = {
        "max_tokens": arguments.max_tokens,
        "base_url": arguments.base_url,
    }
    try:
        if arguments.model is not None:
            return min(demo(settings, arguments.model, arguments.model), 1)
        if arguments.base_url is not None:
            raise tw.LlmConfigError("--base-url: name the model on that server, too: --model ID")
        print(SIMULATED)
        with SimServer(SCRIPT) as sim:
            settings["base_url"] = sim.base_url
            failed = demo(settings, "sim:chat", "sim:completion")
        print(next_steps())
        return min(failed, 1)
    except tw.LlmError as error:
        complain(error)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
