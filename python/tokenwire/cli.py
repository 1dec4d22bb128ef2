"""The command `tokenwire`: ask a model, serve the simulator, list models, check a configuration.

What a command needs is imported when it runs, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tokenwire import cli_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokenwire import ChatClient, CompletionClient, LlmResponse

OK = 0
FAILED = 1
USAGE = 2  # argparse's own
CUT_OFF = 3
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
NOBODY_READS = 141  # 128 + SIGPIPE

_SIM_MODEL = {False: "sim:chat", True: "sim:completion"}

_EXIT_CODES = """\
exit codes:
  0    done
  1    the call failed, or the model refused
  2    an argument or setting is wrong; nothing was sent
  3    the reply was cut off after part of it was printed
  130  stopped by Ctrl-C
"""

_RUN_TEXT = """\
Ask a model and print its reply as it comes.

The reply goes to standard output and everything else to standard error, so it can stand in a pipe.
Keys come from the environment (OPENAI_API_KEY, GROQ_API_KEY, ...), never from the command line.
"""

_RUN_EXAMPLES = """\
examples:
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  tokenwire run -m qwen3 --base-url http://127.0.0.1:8000/v1 --system "Be brief." "Hi"
  git diff | tokenwire run -m groq:llama-3.3-70b-versatile --system "Write a commit message."
  tokenwire run --completion -m vllm:Qwen/Qwen3-4B-Base --max-tokens 64 "def fib(n):"

"""

_SIM_TEXT = """\
Serve the simulator of chat completions, text completions and the model list on a loopback port.

It prints `listening URL`; that URL is the base_url for a client. Without a script it answers every
request with a text made from the request. It serves until its standard input ends or Ctrl-C.
"""

_SIM_EXAMPLES = """\
examples:
  tokenwire sim --port 8080                                a free port without --port
  tokenwire sim --tokens 200 --per-token-us 10000          100 tokens a second
  tokenwire sim --script faults.json                       docs/simulator.md describes scripts
  tail -f /dev/null | tokenwire sim --port 8080 &          in the background: input that never ends
"""

# Options of `sim` that are handed on as they are: name, metavar, help.
_SIM_TEXTS = (
    ("--host", "ADDRESS", "address to listen on (default: 127.0.0.1)"),
    ("--script", "FILE", "JSON file that says what it does"),
)
_SIM_NUMBERS = (
    ("--port", "N", "port to listen on (default: 0, any free one)"),
    ("--log-capacity", "N", "most records kept in the log; 0 keeps none"),
    ("--tokens", "N", "length of a made-up reply, in tokens"),
    ("--first-token-ms", "N", "wait before the first token, in milliseconds"),
    ("--per-token-us", "N", "distance between two tokens, in microseconds"),
    ("--tokens-per-write", "N", "tokens in one write"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after the program's name; None reads them from `sys.argv`.

    Returns:
        The exit code; `tokenwire run --help` lists them.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["migrate"]:
        # It has a parser of its own, so that the others need not load it.
        from tokenwire import migrate

        return migrate.main(words[1:])
    parsed = _parser().parse_args(words)
    commands = {
        "sim": _sim,
        "models": cli_config.list_models,
        "check": cli_config.check,
        "run": _run,
    }
    try:
        return commands[parsed.command](parsed)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python flushes standard output once more at exit, and would complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


class _Version(argparse.Action):
    """Print the version; the engine that knows it is loaded only here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit."""
        import tokenwire

        print(f"tokenwire {tokenwire.__version__}")
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tokenwire",
        description="A client for language models over HTTP.",
        epilog="`tokenwire COMMAND --help` shows examples.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    cli_config.add_commands(commands)
    run = commands.add_parser(
        "run",
        help="ask a model and print its reply as it comes",
        description=_RUN_TEXT,
        epilog=_RUN_EXAMPLES + _EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    run.add_argument(
        "prompt",
        nargs="?",
        metavar="PROMPT",
        help="what to ask; without it, or with -, standard input",
    )
    run.add_argument(
        "-m",
        "--model",
        help="provider:model, or the bare id on the server of --base-url "
        "(default: sim:chat, the built-in simulator)",
    )
    run.add_argument(
        "--base-url", metavar="URL", help="address of the API, as http://127.0.0.1:8000/v1"
    )
    run.add_argument(
        "--key-env",
        metavar="NAME",
        help="variable with the key, where the provider's own is not meant",
    )
    run.add_argument("--system", metavar="TEXT", help="system prompt")
    run.add_argument("--completion", action="store_true", help="text completion instead of chat")
    run.add_argument("--max-tokens", type=int, metavar="N", help="most tokens of the reply")
    run.add_argument("--temperature", type=float, metavar="T", help="0 is the most predictable")
    run.add_argument(
        "--stats", action="store_true", help="print tokens and times to standard error"
    )

    sim = commands.add_parser(
        "sim",
        help="serve the simulator of the APIs",
        description=_SIM_TEXT,
        epilog=_SIM_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, metavar, text in _SIM_NUMBERS:
        sim.add_argument(name, metavar=metavar, type=int, help=text)
    for name, metavar, text in _SIM_TEXTS:
        sim.add_argument(name, metavar=metavar, help=text)
    sim.add_argument(
        "--allow-remote", action="store_true", help="permit a --host that other machines can reach"
    )
    commands.add_parser("migrate", help="rewrite code of the older interface for the new one")
    return parser


def _sim(parsed: argparse.Namespace) -> int:
    from threading import Thread

    from tokenwire import _engine

    arguments = ["--allow-remote"] if parsed.allow_remote else []
    for name, _, _ in (*_SIM_NUMBERS, *_SIM_TEXTS):
        value = getattr(parsed, name[2:].replace("-", "_"))
        if value is not None:
            arguments += [name, str(value)]
    codes: list[int] = []
    # It reads standard input, and a signal that comes just before it does would not end that read.
    # So it reads on a thread of its own, and this one is free to take Ctrl-C.
    server = Thread(target=lambda: codes.append(_engine._sim_main(arguments)), daemon=True)
    try:
        # Within the `try`: it may print its address, and be stopped, before `start` returns.
        server.start()
        while server.is_alive():
            server.join(0.5)
    except KeyboardInterrupt:
        # The documented way to stop it.
        return OK
    return codes[0]


def _run(parsed: argparse.Namespace) -> int:
    from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmError, LlmValidationError

    prompt = parsed.prompt
    if prompt is None and sys.stdin.isatty():
        return _say(
            "no PROMPT: give one, or pipe it in; `tokenwire run --help` has examples", USAGE
        )
    if prompt is None or prompt == "-":
        prompt = sys.stdin.read()
    if not prompt.strip():
        return _say("the prompt is empty", USAGE)
    printed = _Printed()
    try:
        client = _client(parsed)
        with client.stream(prompt) as stream:
            for piece in stream.text_stream:
                printed.write(piece)
            reply = stream.response
        printed.end_line()
        return _ended(reply, client, with_stats=parsed.stats)
    except LlmError as error:
        printed.end_line()
        is_ours = isinstance(error, (LlmConfigError, LlmValidationError))
        # A reply that cannot be read is a validation error, too.
        code = USAGE if is_ours and not isinstance(error, LlmDecodeError) else FAILED
        return _say(str(error), CUT_OFF if printed.anything else code)
    except KeyboardInterrupt:
        printed.end_line()
        raise


def _client(parsed: argparse.Namespace) -> ChatClient | CompletionClient:
    import tokenwire as tw

    settings = {"base_url": parsed.base_url, "api_key": _key(parsed.key_env)}
    if parsed.system is not None:
        if parsed.completion:
            raise tw.LlmConfigError("--system: text completions have no system prompt")
        settings["system"] = parsed.system
    for name in ("max_tokens", "temperature"):
        if getattr(parsed, name) is not None:
            settings[name] = getattr(parsed, name)
    model = parsed.model or _SIM_MODEL[parsed.completion]
    if parsed.model is None:
        if parsed.base_url is not None:
            raise tw.LlmConfigError("--base-url: name the model on that server, too: --model ID")
        _say(f"no --model: this is {model}, the built-in simulator", OK)
    kind = tw.CompletionClient if parsed.completion else tw.ChatClient
    return kind(model, **settings)


def _key(variable: str | None) -> str | None:
    from tokenwire.errors import LlmConfigError

    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise LlmConfigError(f"--key-env: the environment has no {variable}")
    return key


class _Printed:
    """What was printed so far."""

    def __init__(self) -> None:
        self.anything = False
        self._is_line_open = False

    def write(self, piece: str) -> None:
        """Print a piece at once."""
        # Noted first: Ctrl-C may come right after the flush.
        self.anything = True
        self._is_line_open = not piece.endswith("\n")
        # A character that the terminal's encoding lacks becomes a question mark.
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(piece.encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()

    def end_line(self) -> None:
        """End the line that the reply left open."""
        if self._is_line_open:
            self._is_line_open = False
            sys.stdout.write("\n")
            sys.stdout.flush()


def _ended(
    reply: LlmResponse[object], client: ChatClient | CompletionClient, *, with_stats: bool
) -> int:
    if with_stats:
        _say(_stats(reply, client), OK)
    if reply.refusal is not None or reply.finish_reason == "refusal":
        return _say(f"the model refused: {reply.refusal or reply.text}", FAILED)
    if reply.finish_reason == "content_filter":
        return _say("the provider's filter stopped the reply", CUT_OFF if reply.text else FAILED)
    if reply.finish_reason == "length":
        _say("the token limit ended the reply; raise --max-tokens for more", OK)
    return OK


def _stats(reply: LlmResponse[object], client: ChatClient | CompletionClient) -> str:
    usage, timing = reply.usage, reply.timing

    def number(value: float | None, form: str = "{}") -> str:
        return "?" if value is None else form.format(value)

    return (
        f"{client.provider}:{reply.model}, {number(timing.total, '{:.2f}')} s, "
        f"first token after {number(timing.first_token, '{:.2f}')} s, "
        f"{number(usage and usage.prompt_tokens)} + {number(usage and usage.completion_tokens)} "
        "tokens, "
        f"{number(timing.tokens_per_second, '{:.0f}')} tokens/s"
    )


def _say(text: str, code: int) -> int:
    print(f"tokenwire: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
