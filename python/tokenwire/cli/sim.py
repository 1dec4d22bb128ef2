"""Run the simulator: chat and text completions, Responses and a list of models on a loopback port.

It prints `listening URL`; that URL is the base_url for a client. Without a script, it makes up each
reply from the request: sentences for the model `chat`, words for any other. It serves until Ctrl-C
or `kill`, also in the background of a shell. If its standard input is a pipe, it ends with that.

Examples:
  tokenwire sim --port 8080                                without --port, on a free port
  tokenwire sim --tokens 200 --per-token-us 10000          100 tokens a second
  tokenwire sim --script faults.json                       docs/simulator.md describes scripts
  tokenwire sim --json                                     {"base_url": ..., "port": ...}
  tokenwire sim --port 8080 & ... kill %1                  in the background, until it is stopped

Exit codes:
  0    Ctrl-C, or its pipe ended
  1    it cannot listen on that address
  2    an argument or the script is wrong
  143  SIGTERM ended it, as `kill` does
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenwire import _files
from tokenwire.cli import output
from tokenwire.errors import LlmConfigError, LlmError

if TYPE_CHECKING:
    import argparse
    from typing import Any, NoReturn


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to a parser."""
    add = parser.add_argument
    add("--port", type=int, metavar="N", help="port to listen on (default: 0, any free one)")
    add(
        "--log-capacity",
        type=int,
        metavar="N",
        help="maximum number of records in the log; 0 keeps none",
    )
    add("--tokens", type=int, metavar="N", help="length of a generated reply, in tokens")
    add("--first-token-ms", type=int, metavar="N", help="milliseconds before the first token")
    add("--per-token-us", type=int, metavar="N", help="microseconds between two tokens")
    add("--tokens-per-write", type=int, metavar="N", help="tokens in one write")
    add("--host", metavar="ADDRESS", help="address to listen on (default: 127.0.0.1)")
    add("--script", metavar="FILE", help="JSON file with the replies, delays and faults")
    add(
        "--allow-remote",
        action="store_true",
        help="permit a --host that other machines can reach",
    )


def _terminated(*_: object) -> NoReturn:
    # Without a handler, the first process of a container does not respond to the signal.
    raise SystemExit(output.TERMINATED)


def run(parsed: argparse.Namespace) -> int:
    """Run the command."""
    import signal
    from threading import Thread

    from tokenwire import _engine

    if parsed.script is not None:
        _files.check_file(parsed.script)
    # The engine reads the same options.
    words: list[str] = []
    for name, value in vars(parsed).items():
        option = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            words += [option] * value
        elif value is not None:
            words += [option, str(value)]
    result: list[tuple[int, str]] = []
    handlers: dict[int, Any] = {signal.SIGTERM: _terminated}
    if hasattr(signal, "SIGTTOU"):
        # Printing the address from the background must not stop it (`stty tostop`).
        handlers[signal.SIGTTOU] = signal.SIG_IGN
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    # It waits, and a signal just before that would not end it. So it runs on another thread, and
    # this one is free for Ctrl-C.
    server = Thread(target=lambda: result.append(_engine._sim_main(words)), daemon=True)
    try:
        # Inside the `try`: Ctrl-C may come before `start` returns.
        server.start()
        while server.is_alive():
            server.join(0.5)
    except KeyboardInterrupt:
        # The documented way to stop it.
        return output.DONE
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    code, message = result[0]
    if code == output.DONE:
        return code
    raise (LlmConfigError if code == output.USAGE else LlmError)(f"sim: {message}")
