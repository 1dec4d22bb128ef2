"""Check a configuration, and print each problem on one line with its place.

Without --probe nothing is sent. Keys are not needed: a missing key is only a note.

Examples:
  tokenwire check tokenwire.toml
  tokenwire check --probe tokenwire.toml                   one tiny call to each model
  tokenwire check --json tokenwire.toml | jq .problems

Exit codes:
  0    usable
  1    a probe failed
  2    the configuration has problems, or cannot be read
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.cli import output

if TYPE_CHECKING:
    import argparse

    from tokenwire.config.configuration import Configuration
    from tokenwire.factory.factory import LlmClientFactory

_PROBE_SECONDS = 60.0
_PROBES_AT_ONCE = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument("file", metavar="FILE", help="a configuration file, such as tokenwire.toml")
    parser.add_argument("--probe", action="store_true", help="make one tiny call to each model")


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire.config.checks import checked

    configuration, problems = checked(parsed.file)
    rows = [] if configuration is None else rows_of(configuration, probe=parsed.probe)
    if parsed.json:
        lines = [problem.to_dict() for problem in problems]
        output.print_json({"file": parsed.file, "problems": lines, "models": rows})
    elif problems:
        for problem in problems:
            output.say(str(problem))
    else:
        names = ("name", "client", "api", "model", "note", *["probe"] * parsed.probe)
        cells = (tuple(row[name] or "" for name in names) for row in rows)
        output.print_table([tuple(map(str.upper, names)), *cells])
    if problems:
        return output.USAGE
    is_failed = any(row.get("probe", "ok") != "ok" for row in rows)
    return output.FAILED if is_failed else output.DONE


def rows_of(configuration: Configuration, *, probe: bool) -> list[dict[str, Any]]:
    """Return the result for each model: its client, and what the environment lacks for a call."""
    from concurrent.futures import ThreadPoolExecutor

    from tokenwire.factory.factory import LlmClientFactory
    from tokenwire.registry import ModelRegistry

    factory = LlmClientFactory(configuration, registry=ModelRegistry())
    with ThreadPoolExecutor(_PROBES_AT_ONCE) as threads:
        return list(threads.map(lambda name: _row(factory, name, probe=probe), factory.names()))


def _row(factory: LlmClientFactory, name: str, *, probe: bool) -> dict[str, Any]:
    from tokenwire.errors import LlmError

    row: dict[str, Any] = dict.fromkeys(("name", "client", "api", "model", "note")) | {"name": name}
    try:
        client = factory.get_client(name)
        model = f"{client.provider}:{client.model}"
        # A custom client need not have an API.
        row.update(client=type(client).__name__, api=getattr(client, "api", None), model=model)
        client.validate_config()
    except LlmError as error:
        # The configuration is valid, so the environment lacks something: a key, or an address.
        # A key does not belong in the file; the name of a variable does.
        row["note"] = str(error).replace("give api_key=", "name another variable in key_var")
        return {**row, "probe": "not tried"} if probe else row
    if not probe:
        return row
    try:
        # A few tokens are enough for a model to begin, and almost free. OpenAI's Responses API
        # refuses a limit below 16.
        client.complete("Say ok.", max_tokens=16, timeout=_PROBE_SECONDS, max_retries=0)
    except LlmError as error:
        return {**row, "probe": f"{type(error).__name__}: {error}"}
    return {**row, "probe": "ok"}
