"""The command `tokenwire`.

Each command is a module with `DESCRIPTION`, `EPILOG`, `add_arguments` and `run`, which is imported
when it is asked for, so that help answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from tokenwire.cli import output
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmError, LlmValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any, NoReturn

# Name, module, and what it does.
_COMMANDS = {
    "run": ("tokenwire.cli.run", "ask a model and print its reply as it comes"),
    "models": ("tokenwire.cli.models", "list the models that are described"),
    "count": ("tokenwire.cli.count", "count the tokens of files, before they are sent"),
    "check": ("tokenwire.cli.check", "check a configuration"),
    "doctor": ("tokenwire.cli.doctor", "look for what would keep calls from working"),
    "sim": ("tokenwire.cli.sim", "serve the simulator of the APIs"),
    "migrate": ("tokenwire.cli.migrate", "move imports off the older interface; list the rest"),
}

_EXAMPLES = """\
examples:
  tokenwire run "Why is the sky blue?"                     the built-in simulator; needs no key
  tokenwire run -m openai:gpt-4o-mini "Why is the sky blue?"
  git diff | tokenwire run -m openai:gpt-4o-mini "Write a commit message."
  tokenwire doctor                                         when a call does not work

`tokenwire COMMAND --help` has more. Each command takes --json: standard output is then one JSON
value, and an error is {"error": {"kind", "message", ...}}. Colours are for terminals alone;
NO_COLOR=1 turns them off.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words after the program's name; None reads them from `sys.argv`.

    Returns:
        The exit code; `tokenwire --help` lists them.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    _accept_every_text()
    if not words:
        _top().print_help(sys.stderr)
        return output.USAGE
    # Until the words are understood, this is as good as can be known.
    as_json = "--json" in words
    try:
        try:
            module, parser = _chosen(words)
            parsed = parser.parse_args(words[1:])
            as_json = parsed.json
            code: int = module.run(parsed)
        except LlmError as error:
            code = output.tell_error(error, _code_of(error), as_json=as_json)
        except ImportError as error:
            # The engine was built for another Python, or a dependency is gone.
            broken = LlmError(f"the installation is broken, install it again: {error}")
            code = output.tell_error(broken, output.FAILED, as_json=as_json)
        # Not left to the interpreter's end, which would complain in its own way.
        sys.stdout.flush()
    except KeyboardInterrupt:
        return output.INTERRUPTED
    except BrokenPipeError:
        _silence()
        return output.NOBODY_READS
    except OSError as error:
        # What a command reads is its own business, so this is where it writes: a full disk.
        _silence()
        return output.tell_error(error, output.FAILED, as_json=False)
    return code


def _code_of(error: LlmError) -> int:
    if error.partial is not None and error.partial.text:
        return output.CUT_OFF
    # A reply that cannot be read is a validation error, too.
    if isinstance(error, LlmDecodeError):
        return output.FAILED
    is_ours = isinstance(error, (LlmConfigError, LlmValidationError))
    return output.USAGE if is_ours else output.FAILED


def _accept_every_text() -> None:
    """Let no character that the locale lacks end the program, nor a closed standard output."""
    for name, mode in (("stdout", "replace"), ("stderr", "backslashreplace")):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by the shell (`>&-`).
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=mode)


def _silence() -> None:
    """Keep Python from flushing what nobody takes once more at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of every command."""

    def __init__(self, **settings: Any) -> None:
        settings["formatter_class"] = argparse.RawDescriptionHelpFormatter
        # A script's `--max` would change its meaning with the next option of that beginning.
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Tell what is wrong, the nearest option, and where the help is.

        Raises:
            LlmConfigError: Always.
        """
        unknown = message.partition("unrecognized arguments: ")[2].split(" ")[0]
        near = _nearest(unknown.partition("=")[0], self._option_string_actions)
        hint = f"did you mean {near}?" if near else f"see `{self.prog} --help`"
        raise LlmConfigError(f"{self.prog.removeprefix('tokenwire ')}: {message}; {hint}")


def _chosen(words: Sequence[str]) -> tuple[Any, Parser]:
    """The module of the command, and its parser."""
    name = words[0]
    if name in ("-h", "--help", "--version"):
        _top().parse_args(words[:1])
    if name.startswith("-"):
        raise LlmConfigError(f"{name}: name the command before its options; see `tokenwire --help`")
    if name not in _COMMANDS:
        near = _nearest(name, _COMMANDS)
        hint = f"did you mean {near}?" if near else f"there are {', '.join(_COMMANDS)}"
        raise LlmConfigError(f"no command {name!r}; {hint}")
    # importlib would be one more import.
    module: Any = __import__(_COMMANDS[name][0], fromlist=("",))
    parser = Parser(prog=f"tokenwire {name}", description=module.DESCRIPTION, epilog=module.EPILOG)
    module.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return module, parser


def _top() -> Parser:
    width = max(map(len, _COMMANDS))
    lines = "".join(f"  {name:<{width}}  {text}\n" for name, (_, text) in _COMMANDS.items())
    codes = "".join(f"  {code:<4} {text}\n" for code, text in output.EXIT_CODES.items())
    parser = Parser(
        prog="tokenwire",
        usage="tokenwire COMMAND ...",
        description=f"A client for language models over HTTP.\n\ncommands:\n{lines}",
        epilog=f"{_EXAMPLES}\nexit codes:\n{codes}",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    return parser


class _Version(argparse.Action):
    """Print the version; the engine that knows it is loaded only here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and exit."""
        import tokenwire

        print(f"tokenwire {tokenwire.__version__}")
        parser.exit()


def _nearest(name: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    names = list(known)
    begun = [known_name for known_name in names if name and known_name.startswith(name)]
    return next(iter(begun or get_close_matches(name, names, n=1)), None)
