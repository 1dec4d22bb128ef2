"""`tokenwire doctor`: look for what would keep calls from working."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.streaming.styles import styled

if TYPE_CHECKING:
    import argparse

    from tokenwire.cli.findings import Finding

DESCRIPTION = """\
Look for what would keep calls from working: versions, certificates, proxies, keys, open files, the
configuration. Of keys only the names of their variables are shown. Nothing is sent without --reach.
"""

EPILOG = output.examples(
    """\
  tokenwire doctor
  tokenwire doctor --reach openai groq                     asks each for its list of models
  tokenwire doctor --reach http://127.0.0.1:8000/v1        a server of your own
  tokenwire doctor --json | jq '.findings[] | select(.status == "problem")'
""",
    done="no problem was found",
    failed="there is a problem",
    usage="an argument is wrong",
)

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument(
        "--reach",
        nargs="+",
        default=[],
        metavar="PROVIDER|URL",
        help="ask these for their list of models",
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire.cli import findings
    from tokenwire.cli.reach import reached

    found = [*findings.all_findings(), *reached(parsed.reach)]
    problems = sum(finding.status == "problem" for finding in found)
    if parsed.json:
        rows = [finding.to_dict() for finding in found]
        output.print_json({"ok": not problems, "findings": rows})
    else:
        _print(found)
        count = "1 problem" if problems == 1 else f"{problems} problems"
        print(f"\n{count} found" if problems else "\nno problem found")
    return output.FAILED if problems else output.DONE


def _print(found: list[Finding]) -> None:
    width = max(len(finding.about) for finding in found)
    for finding in found:
        mark = styled(f"{finding.status:<7}", _STYLES[finding.status], sys.stdout)
        print(f"{mark}  {finding.about:<{width}}  {finding.text}")
