"""List the models that tokenwire has a description of.

Descriptions come from a configuration, from installed packages and, with the extra `prices`, from
genai-prices. Models without a description work too.

Examples:
  tokenwire models --provider groq
  tokenwire models --capability vision --config tokenwire.toml
  tokenwire models --json | jq -r '.[] | select(.context_window > 200000) | .name'

Exit codes:
  0    done
  2    there is no such provider or capability, or the configuration has problems
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire.cli import output

if TYPE_CHECKING:
    import argparse

    from tokenwire.catalog.model import ModelConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument("--provider", metavar="NAME", help="only models of this provider")
    parser.add_argument("--capability", metavar="NAME", help="only models with this capability")
    parser.add_argument(
        "--config", metavar="FILE", help="also list those in this configuration file"
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    if parsed.config is not None:
        registry.load(parsed.config)
    rows = registry.get_models(provider=parsed.provider, capability=parsed.capability, listed=True)
    if parsed.json:
        output.print_json([row.to_dict() for row in rows])
    else:
        header = ("MODEL", "CONTEXT", "OUTPUT", "CAPABILITIES")
        output.print_table([header, *(_cells(row) for row in rows)])
    return output.DONE


def _cells(row: ModelConfig) -> tuple[str, ...]:
    limits = (row.context_window, row.max_output_tokens)
    return (
        f"{row.provider}:{row.name}",
        *("?" if limit is None else str(limit) for limit in limits),
        "?" if row.capabilities is None else ", ".join(sorted(row.capabilities)),
    )
