"""The commands `tokenwire models` and `tokenwire check`.

What a command needs is imported when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenwire.config import Configuration
    from tokenwire.factory import LlmClientFactory
    from tokenwire.types.rows import ModelConfig

OK = 0
FAILED = 1
USAGE = 2

_MODELS_TEXT = """\
List the models that are described: those of a configuration, those of installed packages, and with
the extra `prices` those that genai-prices lists. Models that nobody described work, too.
"""

_CHECK_TEXT = """\
Check a configuration and print every problem, one a line, with its place.

Without --probe nothing is sent, and keys are not needed: one that is missing is a note.
"""

_CHECK_EXAMPLES = """\
examples:
  tokenwire check tokenwire.toml
  tokenwire check --probe tokenwire.toml                   one tiny call to each model
  tokenwire check --json tokenwire.toml | jq .problems

exit codes:
  0    usable
  1    a probe failed
  2    the configuration has problems, or cannot be read
"""

# Enough for a model to begin, and next to nothing to pay.
_PROBE_TEXT = "Say ok."
_PROBE_TOKENS = 1
_PROBE_SECONDS = 60.0
_PROBES_AT_ONCE = 8


def add_commands(commands: Any) -> None:
    """Add both to the command line."""
    models = commands.add_parser(
        "models", help="list the models that are described", description=_MODELS_TEXT
    )
    models.add_argument("--provider", metavar="NAME", help="only this provider's")
    models.add_argument("--capability", metavar="NAME", help="only those that state it")
    models.add_argument("--config", metavar="FILE", help="a configuration whose models count, too")
    models.add_argument("--json", action="store_true", help="print JSON")

    check = commands.add_parser(
        "check",
        help="check a configuration",
        description=_CHECK_TEXT,
        epilog=_CHECK_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("file", metavar="FILE", help="a configuration, such as tokenwire.toml")
    check.add_argument("--probe", action="store_true", help="make one tiny call to each model")
    check.add_argument("--json", action="store_true", help="print JSON")


def list_models(parsed: argparse.Namespace) -> int:
    """Run `tokenwire models`."""
    from tokenwire.errors import LlmConfigError
    from tokenwire.registry import ModelRegistry

    registry = ModelRegistry()
    try:
        if parsed.config is not None:
            registry.load(parsed.config)
        rows = registry.get_models(
            provider=parsed.provider, capability=parsed.capability, listed=True
        )
    except LlmConfigError as error:
        return _failed([str(error)])
    if parsed.json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
        return OK
    header = ("MODEL", "CONTEXT", "OUTPUT", "CAPABILITIES")
    _print_table([header, *(_cells(row) for row in rows)])
    return OK


def _cells(row: ModelConfig) -> tuple[str, ...]:
    return (
        f"{row.provider}:{row.name}",
        "?" if row.context_window is None else str(row.context_window),
        "?" if row.max_output_tokens is None else str(row.max_output_tokens),
        "?" if row.capabilities is None else ", ".join(sorted(row.capabilities)),
    )


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def check(parsed: argparse.Namespace) -> int:
    """Run `tokenwire check`."""
    from tokenwire.checking import checked
    from tokenwire.config_file import Problem
    from tokenwire.errors import LlmConfigError

    try:
        configuration, problems = checked(parsed.file)
    except LlmConfigError as error:
        configuration, problems = None, [Problem("", str(error))]
    rows: list[dict[str, Any]] = []
    if configuration is not None:
        rows = _rows(configuration, probe=parsed.probe)
    failed = [row for row in rows if row.get("probe", "ok") != "ok"]
    if parsed.json:
        report = {
            "file": parsed.file,
            "problems": [problem.to_dict() for problem in problems],
            "models": rows,
        }
        print(json.dumps(report, indent=2))
    elif not problems:
        names = ("name", "client", "model", "note", "probe")
        header = tuple(name.upper() for name in names[: 5 if parsed.probe else 4])
        _print_table([header, *(tuple(row[k] or "" for k in names[: len(header)]) for row in rows)])
    if problems:
        return USAGE if parsed.json else _failed([str(problem) for problem in problems])
    return FAILED if failed else OK


def _rows(configuration: Configuration, *, probe: bool) -> list[dict[str, Any]]:
    """What `check` reports of each model."""
    from concurrent.futures import ThreadPoolExecutor

    from tokenwire.factory import LlmClientFactory
    from tokenwire.registry import ModelRegistry

    factory = LlmClientFactory(configuration, registry=ModelRegistry())
    with ThreadPoolExecutor(_PROBES_AT_ONCE) as threads:
        return list(threads.map(lambda name: _row(factory, name, probe=probe), factory.names()))


def _row(factory: LlmClientFactory, name: str, *, probe: bool) -> dict[str, Any]:
    from tokenwire.errors import LlmError

    row: dict[str, Any] = {"name": name, "client": None, "model": None, "note": None}
    try:
        client = factory.get_client(name)
    except LlmError as error:
        # The form is good, so what is missing is in the environment: a key, or an address.
        row["note"] = str(error)
        return {**row, "probe": "not tried"} if probe else row
    row.update(client=type(client).__name__, model=f"{client.provider}:{client.model}")
    if not probe:
        return row
    try:
        client.complete(
            _PROBE_TEXT, max_tokens=_PROBE_TOKENS, timeout=_PROBE_SECONDS, max_retries=0
        )
    except LlmError as error:
        return {**row, "probe": f"{type(error).__name__}: {error}"}
    return {**row, "probe": "ok"}


def _failed(lines: Sequence[str]) -> int:
    for line in lines:
        print(f"tokenwire: {line}", file=sys.stderr)
    return USAGE
