"""The command `tokenwire`: its parser, and the exit code of each error.

Each command is a module with `add_arguments` and `run`; its docstring is the help. `run` returns
the exit code, or raises an `LlmError`. The module is imported only when the command is called, so
that help appears at once.

- `run`, `models`, `count`, `check`, `sim` and `migrate` are commands.
- `doctor` prints what `findings` finds out.
- `output` prints results and errors, `reading` reads files and standard input.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmError, LlmValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

# Name, module and purpose.
_COMMANDS = {
    "run": ("tokenwire.cli.run", "ask a model and print its reply as it arrives"),
    "models": ("tokenwire.cli.models", "list the models of your configuration, or of a server"),
    "count": ("tokenwire.cli.count", "count the tokens of files before you send them"),
    "check": ("tokenwire.cli.check", "check a configuration"),
    "doctor": ("tokenwire.cli.doctor", "find out why calls do not work"),
    "sim": ("tokenwire.cli.sim", "run the simulator"),
    "migrate": ("tokenwire.cli.migrate", "rewrite imports of the older interface; list the rest"),
}

_EXAMPLES = """\
Examples:
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  git diff | tokenwire run -m openai:gpt-4o-mini "Write a commit message."
  tokenwire doctor                                         when a call does not work

`tokenwire COMMAND --help` has more. Each command takes --json: standard output is then one JSON
value, and an error is {"error": {"kind", "message", ...}}. Only terminals get colours; NO_COLOR=1
turns them off.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, by default with the words of `sys.argv`, and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    _accept_every_text()
    if sys.stdout is None:
        # Closed by the shell (`>&-`). A reply would be paid for and lost.
        closed = LlmError("standard output is closed; to discard the result, use >/dev/null")
        return output.print_error(closed, output.FAILED, as_json=False)
    return _run(words)


def _run(words: list[str]) -> int:
    # The best guess until the words are parsed.
    as_json = "--json" in words
    try:
        try:
            if not words:
                _overview().print_help(sys.stderr)
                return output.USAGE
            module, parser = _command(words)
            parsed = parser.parse_args(words[1:])
            as_json = parsed.json
            code: int = module.run(parsed)
        except LlmError as error:
            code = output.print_error(error, _code_of(error), as_json=as_json)
        except ImportError as error:
            # The engine was built for another Python, or a dependency is missing.
            broken = LlmError(f"the installation is broken; install tokenwire again: {error}")
            code = output.print_error(broken, output.FAILED, as_json=as_json)
        finally:
            # Here, because at exit the interpreter would report a failure in its own way.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return output.INTERRUPTED
    except BrokenPipeError:
        output.discard(sys.stdout)
        return output.PIPE_CLOSED
    except OSError as error:
        # Commands handle what they read, so this is standard output, such as on a full disk.
        output.discard(sys.stdout)
        return output.print_error(error, output.FAILED, as_json=False)
    return code


def _code_of(error: LlmError) -> int:
    if error.partial is not None and error.partial.text:
        return output.CUT_OFF
    # A reply that cannot be decoded is a validation error as well.
    is_usage = isinstance(error, (LlmConfigError, LlmValidationError))
    return output.USAGE if is_usage and not isinstance(error, LlmDecodeError) else output.FAILED


def _accept_every_text() -> None:
    """Print every character, also in a locale that lacks it."""
    for stream, mode in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=mode)


# What to do with a word that `run` does not know, and with one that looks like an option.
_PROMPT_HINTS = (
    "quote PROMPT, so that it is one word",
    "see `tokenwire run --help`; a PROMPT that begins with - goes after `--`",
)


class Parser(argparse.ArgumentParser):
    """A parser with the errors of every command."""

    def __init__(self, **settings: Any) -> None:
        settings["formatter_class"] = argparse.RawDescriptionHelpFormatter
        # A new option could change the meaning of a script's abbreviation.
        super().__init__(allow_abbrev=False, **settings)

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse ignores errors here, such as a full disk.
        (file or sys.stderr).write(message)

    def error(self, message: str) -> NoReturn:
        """Report what is wrong, and the nearest option or the help.

        Raises:
            LlmConfigError: Always.
        """
        unknown = message.partition("unrecognized arguments: ")[2].split(" ")[0]
        options = {name.lstrip("-"): name for name in self._option_string_actions}
        near = options.get(_nearest(unknown.partition("=")[0].lstrip("-"), options) or "")
        hint = f"did you mean {near}?" if near else f"see `{self.prog} --help`"
        if unknown and not near and self.prog == "tokenwire run":
            hint = _PROMPT_HINTS[unknown.startswith("-")]
        raise LlmConfigError(f"{self.prog.removeprefix('tokenwire ')}: {message}; {hint}")


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        import tokenwire

        print(f"tokenwire {tokenwire.__version__}")
        parser.exit()


def _command(words: Sequence[str]) -> tuple[Any, Parser]:
    """The module of a command and its parser."""
    name = words[0]
    if name in ("-h", "--help", "--version"):
        _overview().parse_args(words[:1])
    if name.startswith("-"):
        raise LlmConfigError(f"{name}: name the command before its options; see `tokenwire --help`")
    if name in ("help", "version"):
        raise LlmConfigError(f"no command {name!r}; see `tokenwire --{name}`")
    if name not in _COMMANDS:
        near = _nearest(name, _COMMANDS)
        hint = f"did you mean {near}?" if near else f"the commands are {', '.join(_COMMANDS)}"
        raise LlmConfigError(f"no command {name!r}; {hint}")
    # importlib would be one more import.
    module: Any = __import__(_COMMANDS[name][0], fromlist=("",))
    description, heading, examples = (module.__doc__ or "").partition("Examples:\n")
    parser = Parser(prog=f"tokenwire {name}", description=description, epilog=heading + examples)
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return module, parser


def _overview() -> Parser:
    """The parser of `tokenwire` without a command."""
    width = max(map(len, _COMMANDS))
    lines = "".join(f"  {name:<{width}}  {text}\n" for name, (_, text) in _COMMANDS.items())
    codes = "".join(f"  {code:<4} {text}\n" for code, text in output.EXIT_CODES.items())
    parser = Parser(
        prog="tokenwire",
        usage="tokenwire COMMAND ...",
        description=f"A client for language models over HTTP.\n\ncommands:\n{lines}",
        epilog=f"{_EXAMPLES}\nExit codes:\n{codes}",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    return parser


def _nearest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    names = list(known)
    longer = [known_name for known_name in names if name and known_name.startswith(name)]
    return next(iter(longer or get_close_matches(name, names, n=1)), None)
