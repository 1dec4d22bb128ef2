"""Chat in a terminal, and keep the conversation in a file. The next run continues it.

python examples/chat.py talk.json                               the simulator; needs no key
python examples/chat.py talk.json --model openai:gpt-4o-mini    a provider

Ctrl-C stops a reply; what has arrived is kept. At the prompt, Ctrl-C or Ctrl-D ends the program.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import tokenwire as tw


def load(path: Path) -> list[tw.LlmMessage | dict[str, Any]]:
    """Read the conversation; empty if there is no file yet."""
    if not path.exists():
        return []
    return tw.LlmRequest.model_validate_json(path.read_text(encoding="utf-8")).messages or []


def save(path: Path, messages: list[tw.LlmMessage | dict[str, Any]]) -> None:
    """Write the conversation."""
    text = tw.LlmRequest(messages=messages).model_dump_json(exclude_unset=True)
    path.write_text(text, encoding="utf-8")


def answer(
    chat: tw.ChatClient, messages: list[tw.LlmMessage | dict[str, Any]]
) -> tw.LlmMessage | None:
    """Print the reply as it arrives. Returns what has arrived, or None if that is nothing."""
    stream = chat.stream(messages)
    try:
        tw.StreamingHandler().to_terminal().run(stream)
    except tw.LlmError as error:
        print(f"chat: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nchat: stopped", file=sys.stderr)
    reply = stream.response
    return reply.message if reply.text else None


def talk(chat: tw.ChatClient, path: Path) -> None:
    """Ask and answer until the input ends. A question without an answer is not kept."""
    messages = load(path)
    print(f"{len(messages)} messages in {path}")
    while True:
        try:
            question = tw.LlmMessage("user", input("> "))
        except (EOFError, KeyboardInterrupt):
            print()
            return
        if not question.text.strip():
            continue
        reply = answer(chat, [*messages, question])
        if reply is not None:
            messages += [question, reply]
            save(path, messages)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, help="where the conversation is kept, as JSON")
    parser.add_argument("--model", default="sim:chat", help='"provider:model"')
    given = parser.parse_args()
    try:
        talk(tw.ChatClient(given.model, system="Be brief."), given.file)
    except (tw.LlmError, OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"chat: {error}") from None


if __name__ == "__main__":
    main()
