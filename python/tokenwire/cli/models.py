"""`tokenwire models`: list the models that are described."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire.cli import output

if TYPE_CHECKING:
    import argparse

    from tokenwire.catalog.model import ModelConfig

DESCRIPTION = """\
List the models that are described: those of a configuration, those of installed packages, and with
the extra `prices` those that genai-prices lists. Models that nobody described work, too.
"""

EPILOG = output.examples(
    """\
  tokenwire models --provider groq
  tokenwire models --capability vision --config tokenwire.toml
  tokenwire models --json | jq -r '.[] | select(.context_window > 200000) | .name'
""",
    done="done",
    usage="there is no such provider or capability, or the configuration has problems",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument("--provider", metavar="NAME", help="only this provider's")
    parser.add_argument("--capability", metavar="NAME", help="only those that state it")
    parser.add_argument("--config", metavar="FILE", help="a configuration whose models count, too")


def run(parsed: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        LlmConfigError: There is no such provider or capability, or the configuration has problems.
    """
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    if parsed.config is not None:
        registry.load(parsed.config)
    rows = registry.get_models(provider=parsed.provider, capability=parsed.capability, listed=True)
    if parsed.json:
        output.print_json([row.to_dict() for row in rows])
        return output.DONE
    header = ("MODEL", "CONTEXT", "OUTPUT", "CAPABILITIES")
    output.print_table([header, *(_cells(row) for row in rows)])
    return output.DONE


def _cells(row: ModelConfig) -> tuple[str, ...]:
    return (
        f"{row.provider}:{row.name}",
        "?" if row.context_window is None else str(row.context_window),
        "?" if row.max_output_tokens is None else str(row.max_output_tokens),
        "?" if row.capabilities is None else ", ".join(sorted(row.capabilities)),
    )
