"""`tokenwire count`: count tokens."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.cli.reading import has_input, read_file, read_input
from tokenwire.cli.run import MODEL_VARIABLE
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tokenwire.catalog.tokens import Count, TokenCounter
    from tokenwire.registry import ModelRegistry

DESCRIPTION = f"""\
Count the tokens of files, of standard input or of a text, before they are sent. Nothing is sent.

The number goes to standard output; whether it is exact or an estimate, and by which vocabulary,
to standard error. OpenAI's vocabularies come with `pip install 'tokenwire[tokens]'`; for another
model name its tokenizer.json. Without -m the model is that of {MODEL_VARIABLE}.
"""

EPILOG = output.examples(
    """\
  tokenwire count -m openai:gpt-4o prompt.txt
  git diff | tokenwire count -m openai:gpt-4o
  tokenwire count -m openai:gpt-4o --text "Why is the sky blue?"
  tokenwire count -m openai:gpt-4o src/*.py                a line for each, and the total
  tokenwire count -m vllm:qwen3 --tokenizer tokenizer.json prompt.txt
  tokenwire count -m openai:gpt-4o --messages chat.json    [{"role": "user", "content": ...}, ...]
  tokenwire count -m openai:gpt-4o --fits prompt.txt && tokenwire run -m openai:gpt-4o <prompt.txt
""",
    done="counted, and within the limit",
    failed="the total is over --limit, or over the context window with --fits",
    usage="an argument or a file is wrong, or --fits knows no context window",
)

# Stands for the model where a tokenizer is all that counts.
_NO_MODEL = "openai-compatible:tokenizer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="what to count; without it, or with -, the input")
    add("-m", "--model", help="provider:model, or a name of the configuration")
    add("--config", metavar="FILE", help="a configuration (default: the one of TOKENWIRE_CONFIG)")
    add("--text", metavar="TEXT", help="count this text and no file")
    add(
        "--messages",
        action="store_true",
        help="each input is a JSON list of chat messages, or an object with `messages`",
    )
    add("--tokenizer", metavar="FILE", help="the model's tokenizer.json")
    add("--limit", type=int, metavar="N", help="exit with 1 where the total is over N")
    add("--fits", action="store_true", help="the limit is the model's context window")
    add("--max-tokens", type=int, metavar="N", help="with --fits: leave room for a reply of N")


def run(parsed: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        LlmConfigError: An argument or a file is wrong, or the window is asked for and unknown.
    """
    from tokenwire.catalog.tokens import Count, TokenCounter
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    model = _model(parsed, registry)
    limit = _limit(parsed, model, registry)
    tokenizers = {} if parsed.tokenizer is None else {model: parsed.tokenizer}
    counter = TokenCounter(tokenizers, registry=registry)
    inputs = _inputs(parsed)
    counts = [
        (name, _counted(counter, model, name, text, as_messages=parsed.messages))
        for name, text in inputs
    ]
    # One that was too long for the vocabulary makes the total an estimate.
    sources = list(dict.fromkeys(count.source for _, count in counts))
    total = Count(
        sum(count.tokens for _, count in counts),
        exact=all(count.exact for _, count in counts),
        source="; ".join(sources),
    )
    fits = limit is None or sum(count.at_most for _, count in counts) <= limit
    if parsed.json:
        report = {"model": model, **total._asdict(), "limit": limit}
        report["fits"] = None if limit is None else fits
        report["inputs"] = [{"name": name, "tokens": count.tokens} for name, count in counts]
        output.print_json(report)
    else:
        _print(counts, total)
    if not fits:
        margin = "" if total.exact else " (an estimate counts a quarter more)"
        output.say(f"{total.tokens} tokens are over the limit of {limit}{margin}")
    return output.DONE if fits else output.FAILED


def _print(counts: list[tuple[str, Count]], total: Count) -> None:
    if len(counts) == 1:
        print(total.tokens)
    else:
        rows = [(str(count.tokens), name) for name, count in counts]
        output.print_table([*rows, (str(total.tokens), "total")], right=1)
    output.say(f"exact, by {total.source}" if total.exact else f"an estimate: {total.source}")


def _inputs(parsed: argparse.Namespace) -> list[tuple[str, str]]:
    """Name and text of each input."""
    if parsed.text is not None:
        if parsed.files:
            raise LlmConfigError("--text: give a text or files, not both")
        return [("text", parsed.text)]
    if not parsed.files and not has_input():
        raise LlmConfigError("nothing to count: give FILE or --text, or pipe something in")
    return [
        (name, read_input() if name == "-" else read_file(name)) for name in parsed.files or ["-"]
    ]


def _counted(
    counter: TokenCounter, model: str, name: str, text: str, *, as_messages: bool
) -> Count:
    if not as_messages:
        return counter.count(model, text)
    import json

    try:
        messages = json.loads(text)
    except ValueError as error:
        raise LlmConfigError(f"{name}: {error}") from None
    if isinstance(messages, dict):
        messages = messages.get("messages")
    if not isinstance(messages, list) or not all(isinstance(row, dict) for row in messages):
        raise LlmConfigError(f"{name}: it is no list of messages, nor an object with `messages`")
    return counter.count_messages(model, messages)


def _model(parsed: argparse.Namespace, registry: ModelRegistry) -> str:
    """`provider:model` of what was asked for; the registry gets what the configuration says."""
    name: str | None = parsed.model or os.environ.get(MODEL_VARIABLE)
    source = parsed.config or os.environ.get("TOKENWIRE_CONFIG")
    entry: Any = None
    if source:
        from tokenwire.config.loading import read

        configuration = read(source)
        configuration.register(registry)
        entry = configuration.models.get(name or "")
    if entry is not None:
        provider = entry.settings.get("provider")
        name = entry.model if provider is None else f"{provider}:{entry.model}"
    if name is None:
        if parsed.tokenizer is None:
            raise LlmConfigError("--model: say whose tokens, as -m openai:gpt-4o")
        return _NO_MODEL
    from tokenwire.settings.model_string import ModelString

    parts = ModelString(name)
    return name if parts.address is None else f"{parts.provider}:{parts.name}"


def _limit(parsed: argparse.Namespace, model: str, registry: ModelRegistry) -> int | None:
    """Most tokens that are allowed; None where nothing was said."""
    if parsed.max_tokens is not None and not parsed.fits:
        raise LlmConfigError("--max-tokens: it goes with --fits")
    if not parsed.fits:
        limit: int | None = parsed.limit
        return limit
    if parsed.limit is not None:
        raise LlmConfigError("--limit: it is the context window with --fits; give one of both")
    window = registry.get_model_config(model).context_window
    if window is None:
        raise LlmConfigError(
            f"--fits: the context window of {model} is unknown: give --limit N, state it in a "
            "configuration, or pip install 'tokenwire[prices]'"
        )
    return window - (parsed.max_tokens or 0)
