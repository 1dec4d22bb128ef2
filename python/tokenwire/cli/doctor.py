"""Find out why calls do not work.

It checks versions, certificates, proxies, keys, open files and the configuration. It names the
SDKs that are installed, the client of tokenwire that each accepts, and the parts of
tokenwire.openai that are on. It shows the road of the calls to each provider that is set up:
transport, proxy and roots. It shows the names of key variables, but no key. Nothing is sent
without --reach.

Examples:
  tokenwire doctor
  tokenwire doctor --reach openai groq                     asks each for its list of models
  tokenwire doctor --reach http://127.0.0.1:8000/v1        your own server
  tokenwire doctor --json | jq '.findings[] | select(.status == "problem")'

Exit codes:
  0    no problem was found
  1    there is a problem
  2    an argument is wrong
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.streaming.styles import styled

if TYPE_CHECKING:
    import argparse

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    parser.add_argument(
        "--reach",
        nargs="+",
        default=[],
        metavar="PROVIDER|URL",
        help="also ask these for their list of models",
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    from tokenwire.cli import findings, libraries, roads

    found = [
        *findings.local_findings(),
        *libraries.library_findings(),
        *libraries.openai_findings(),
        *roads.road_findings(parsed.reach),
        *findings.reach_findings(parsed.reach),
    ]
    problems = sum(finding.status == "problem" for finding in found)
    if parsed.json:
        rows = [finding.to_dict() for finding in found]
        output.print_json({"ok": not problems, "findings": rows})
    else:
        width = max(len(finding.about) for finding in found)
        for finding in found:
            mark = styled(f"{finding.status:<7}", _STYLES[finding.status], sys.stdout)
            print(f"{mark}  {finding.about:<{width}}  {output.shown(finding.text)}")
        count = {0: "no problem", 1: "1 problem"}.get(problems, f"{problems} problems")
        print(f"\n{count} found")
    return output.FAILED if problems else output.DONE
