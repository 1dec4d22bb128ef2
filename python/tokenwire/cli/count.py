"""Count the tokens of files, of standard input or of a text. Nothing is sent.

The number goes to standard output. Standard error says whether it is exact or an estimate, and
which vocabulary counted. OpenAI's vocabularies come with `pip install '.[tokens]'`; for
another model, name its tokenizer.json. Without -m, TOKENWIRE_MODEL names the model.

Examples:
  tokenwire count -m openai:gpt-4o prompt.txt
  git diff | tokenwire count -m openai:gpt-4o
  tokenwire count -m openai:gpt-4o --text "Why is the sky blue?"
  tokenwire count -m openai:gpt-4o src/*.py                one line for each file, and the total
  tokenwire count -m vllm:qwen3 --tokenizer tokenizer.json prompt.txt
  tokenwire count -m openai:gpt-4o --messages chat.json    [{"role": "user", "content": ...}, ...]
  tokenwire count -m openai:gpt-4o --fits prompt.txt && tokenwire run -m openai:gpt-4o <prompt.txt

Exit codes:
  0    counted, and within the limit
  1    the total is over --limit, or over the context window with --fits
  2    an argument or a file is wrong, or --fits knows no context window
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.cli.reading import has_input, read_file, read_input, read_json
from tokenwire.cli.run import MODEL_VARIABLE
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tokenwire.catalog.tokens import Count
    from tokenwire.registry import ModelRegistry

# In place of a model, if only a tokenizer is given.
_NO_MODEL = "openai-compatible:tokenizer"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="a file to count; - or none is standard input")
    add("-m", "--model", help="provider:model, or a name in the configuration")
    add("--config", metavar="FILE", help="configuration file (default: $TOKENWIRE_CONFIG)")
    add("--text", metavar="TEXT", help="count this text instead of files")
    add(
        "--messages",
        action="store_true",
        help="each input is a JSON list of chat messages, or an object with `messages`",
    )
    add("--tokenizer", metavar="FILE", help="the model's tokenizer.json")
    add("--limit", type=int, metavar="N", help="exit with 1 if the total is over N")
    add("--fits", action="store_true", help="the limit is the model's context window")
    add("--max-tokens", type=int, metavar="N", help="with --fits: leave N tokens for the reply")


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire.catalog.tokens import Count, TokenCounter
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    model = _model(parsed, registry)
    limit = _limit(parsed, model, registry)
    tokenizers = {} if parsed.tokenizer is None else {model: parsed.tokenizer}
    counter = TokenCounter(tokenizers, registry=registry)
    counts: list[tuple[str, Count]] = []
    for name, text in _inputs(parsed):
        if parsed.messages:
            counts.append((name, counter.count_messages(model, _messages(name, text))))
        else:
            counts.append((name, counter.count(model, text)))
    # A text that is too long for the vocabulary makes the total an estimate.
    total = Count(
        sum(count.tokens for _, count in counts),
        exact=all(count.exact for _, count in counts),
        source="; ".join(dict.fromkeys(count.source for _, count in counts)),
    )
    fits = limit is None or sum(count.at_most for _, count in counts) <= limit
    if parsed.json:
        report = {"model": model, **total._asdict(), "limit": limit}
        report["fits"] = None if limit is None else fits
        report["inputs"] = [{"name": name, "tokens": count.tokens} for name, count in counts]
        output.print_json(report)
    else:
        if len(counts) == 1:
            print(total.tokens)
        else:
            rows = [(str(count.tokens), name) for name, count in [*counts, ("total", total)]]
            output.print_table(rows, right=1)
        output.say(f"exact, by {total.source}" if total.exact else f"an estimate: {total.source}")
    if not fits:
        margin = "" if total.exact else " (an estimate counts as a quarter more)"
        output.say(f"{total.tokens} tokens are over the limit of {limit}{margin}")
    return output.DONE if fits else output.FAILED


def _inputs(parsed: argparse.Namespace) -> list[tuple[str, str]]:
    """The name and the text of each input."""
    if parsed.text is not None:
        if parsed.files:
            raise LlmConfigError("--text: give a text or files, not both")
        return [("text", parsed.text)]
    if not parsed.files and not has_input():
        raise LlmConfigError("nothing to count: give FILE or --text, or pipe something in")
    return [
        (name, read_input() if name == "-" else read_file(name)) for name in parsed.files or ["-"]
    ]


def _messages(name: str, text: str) -> list[dict[str, Any]]:
    """The chat messages of an input."""
    messages = read_json(text, name)
    if isinstance(messages, dict):
        messages = messages.get("messages")
    if not isinstance(messages, list) or not all(isinstance(row, dict) for row in messages):
        raise LlmConfigError(f"{name}: give a JSON list of messages, or an object with `messages`")
    return messages


def _model(parsed: argparse.Namespace, registry: ModelRegistry) -> str:
    """The model as `provider:model`. The registry gets the models of the configuration."""
    name: str | None = parsed.model or os.environ.get(MODEL_VARIABLE)
    source = parsed.config or os.environ.get("TOKENWIRE_CONFIG")
    if source:
        from tokenwire.config.configuration import misspelt
        from tokenwire.config.loading import read

        configuration = read(source)
        configuration.register(registry)
        entry = configuration.models.get(name or "")
        if entry is not None:
            provider = entry.settings.get("provider")
            name = entry.model if provider is None else f"{provider}:{entry.model}"
        elif name is not None and configuration.models and not _has_provider(name, registry):
            problem = misspelt(name, configuration.models, str(source))
            if problem is not None:
                raise LlmConfigError(problem)
    if name is None:
        if parsed.tokenizer is None:
            raise LlmConfigError("--model: name the model, such as -m openai:gpt-4o")
        return _NO_MODEL
    from tokenwire.settings.model_string import ModelString

    parts = ModelString(name)
    return name if parts.address is None else f"{parts.provider}:{parts.name}"


def _has_provider(name: str, registry: ModelRegistry) -> bool:
    from tokenwire import _engine
    from tokenwire.settings.model_string import ModelString

    provider = ModelString(name).provider
    return _engine.is_provider(provider) or registry.own_provider(provider) is not None


def _limit(parsed: argparse.Namespace, model: str, registry: ModelRegistry) -> int | None:
    """The most tokens allowed; None without a limit."""
    limit: int | None = parsed.limit
    if not parsed.fits:
        if parsed.max_tokens is not None:
            raise LlmConfigError("--max-tokens: use it with --fits")
        return limit
    if limit is not None:
        raise LlmConfigError("--limit: with --fits the limit is the context window; give only one")
    window = registry.get_model_config(model).context_window
    if window is None:
        raise LlmConfigError(
            f"--fits: the context window of {model} is unknown: give --limit N, state it in a "
            "configuration, or pip install '.[prices]' in the clone"
        )
    return window - (parsed.max_tokens or 0)
