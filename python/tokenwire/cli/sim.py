"""`tokenwire sim`: serve the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError, LlmError

if TYPE_CHECKING:
    import argparse

DESCRIPTION = """\
Serve the simulator of chat completions, text completions and the model list on a loopback port.

It prints `listening URL`; that URL is the base_url for a client. Without a script it answers every
request with a text made from the request. It serves until its standard input ends or Ctrl-C.
"""

EPILOG = output.examples(
    """\
  tokenwire sim --port 8080                                a free port without --port
  tokenwire sim --tokens 200 --per-token-us 10000          100 tokens a second
  tokenwire sim --script faults.json                       docs/simulator.md describes scripts
  tokenwire sim --json                                     {"base_url": ..., "port": ...}
  tail -f /dev/null | tokenwire sim --port 8080 &          in the background: input that never ends
""",
    done="its input ended, or Ctrl-C",
    failed="it cannot listen on that address",
    usage="an argument or the script is wrong",
)

# Options that are handed on as they are: name, metavar, help.
_TEXTS = (
    ("--host", "ADDRESS", "address to listen on (default: 127.0.0.1)"),
    ("--script", "FILE", "JSON file that says what it does"),
)
_NUMBERS = (
    ("--port", "N", "port to listen on (default: 0, any free one)"),
    ("--log-capacity", "N", "most records kept in the log; 0 keeps none"),
    ("--tokens", "N", "length of a made-up reply, in tokens"),
    ("--first-token-ms", "N", "wait before the first token, in milliseconds"),
    ("--per-token-us", "N", "distance between two tokens, in microseconds"),
    ("--tokens-per-write", "N", "tokens in one write"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    for name, metavar, text in _NUMBERS:
        parser.add_argument(name, metavar=metavar, type=int, help=text)
    for name, metavar, text in _TEXTS:
        parser.add_argument(name, metavar=metavar, help=text)
    parser.add_argument(
        "--allow-remote", action="store_true", help="permit a --host that other machines can reach"
    )


def run(parsed: argparse.Namespace) -> int:
    """Run the command.

    Raises:
        LlmConfigError: An argument or the script is wrong.
        LlmError: It cannot listen.
    """
    from threading import Thread

    from tokenwire import _engine

    words = [f"--{name}" for name in ("allow-remote", "json") if vars(parsed)[_field(name)]]
    for name, _, _ in (*_NUMBERS, *_TEXTS):
        value = vars(parsed)[_field(name)]
        if value is not None:
            words += [name, str(value)]
    ended: list[tuple[int, str]] = []
    # It reads standard input, and a signal that comes just before it does would not end that read.
    # So it reads on a thread of its own, and this one is free to take Ctrl-C.
    server = Thread(target=lambda: ended.append(_engine._sim_main(words)), daemon=True)
    try:
        # Within the `try`: it may print its address, and be stopped, before `start` returns.
        server.start()
        while server.is_alive():
            server.join(0.5)
    except KeyboardInterrupt:
        # The documented way to stop it.
        return output.DONE
    code, message = ended[0]
    if code == output.DONE:
        return code
    raise (LlmConfigError if code == output.USAGE else LlmError)(f"sim: {message}")


def _field(option: str) -> str:
    return option.lstrip("-").replace("-", "_")
