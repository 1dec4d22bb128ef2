"""The command `tokenwire`: help, errors, colours, pipes, and the simulator."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.wire.cli.terminal import written_on_terminal

import tokenwire
from tokenwire.cli import _COMMANDS, main

COMMAND = [sys.executable, "-m", "tokenwire"]
FULL = {"reply": {"reasoning": "Rayleigh.", "tokens": ["It", " is", " blue."]}}


def started(*words):
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# Help and misspelled words


def test_the_version_the_module_and_no_command():
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tokenwire {tokenwire.__version__}\n"
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Examples:" in done.stderr


@pytest.mark.parametrize("words", [[], *([name] for name in _COMMANDS)], ids=str)
def test_help_has_examples_and_exit_codes_once(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert text.count("Examples:\n") == 1
    assert text.count("Exit codes:\n") == 1
    assert "--json" in text
    assert max(map(len, text.splitlines())) <= 100


# These would make help slow.
HEAVY = {"tokenwire._engine", "pydantic", "asyncio", "json", "importlib.metadata", "difflib"}


# `migrate` is a package that reads Python.
@pytest.mark.parametrize("name", ["", *sorted(_COMMANDS.keys() - {"migrate"})])
def test_help_imports_nothing_slow(name):
    code = (
        "import sys; before = set(sys.modules)\n"
        "from tokenwire.cli import main\n"
        f"try: main([{name!r}, '--help'][not {name!r}:])\n"
        "except SystemExit: pass\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "argparse" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cuont"], "no command 'cuont'; did you mean count?"),
        (["help"], "no command 'help'; see `tokenwire --help`"),
        (["version"], "no command 'version'; see `tokenwire --version`"),
        (["run", "--version"], "unrecognized arguments: --version; see `tokenwire run --help`"),
        (["xyzzy"], "no command 'xyzzy'; the commands are run, models, "),
        (["run", "--modle", "m"], "run: unrecognized arguments: --modle; did you mean --model?"),
        (["sim", "--port", "eighty"], "sim: argument --port: invalid int value: 'eighty'; see"),
        (["check"], "check: the following arguments are required: FILE; see"),
        (["run", "--max", "7"], "did you mean --max-tokens?"),
        (["--json", "run"], "name the command before its options"),
    ],
)
def test_a_wrong_word_gives_one_line_with_the_nearest_word(command, words, message):
    code, out, err = command(*words)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("tokenwire: ")
    assert message in err
    assert out == "" or json.loads(out)["error"]["exit_code"] == 2


def test_a_wrong_word_with_json_is_a_json_error(command):
    code, out, _ = command("count", "--json", "--fist")
    error = json.loads(out)["error"]
    assert (code, error["kind"], error["exit_code"]) == (2, "LlmConfigError", 2)


def test_a_broken_installation_is_reported(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenwire.streaming.terminal", None)
    code, out, err = command("run", "-m", "sim:chat", "hi")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "install tokenwire again" in err


# Colours and pipes


@pytest.fixture
def on_terminal(sim):
    """What `tokenwire run` writes to a terminal."""
    sim.set_script({"default": FULL})

    def run(**environment):
        words = ["run", "--base-url", sim.base_url, "-m", "m", "hi"]
        code, written = written_on_terminal(words, {"TERM": "xterm", **environment})
        assert code == 0
        return written.replace("\r\n", "\n")

    return run


@pytest.mark.linux
def test_a_terminal_shows_the_reasoning_dimmed(on_terminal):
    written = on_terminal()
    assert written.startswith("\x1b[2mRayleigh.\x1b[0m\n\nIt is blue.\n\x1b[2m[")
    assert written.endswith("]\x1b[0m\n")


@pytest.mark.linux
def test_no_color_and_a_dumb_terminal_are_respected(on_terminal):
    written = on_terminal(NO_COLOR="1")
    assert written.startswith("\r\x1b[2K[reasoning: 9 characters]\r\x1b[2KIt is blue.\n[")
    assert "\x1b[2m" not in written
    assert on_terminal(TERM="dumb") == "It is blue.\n"


@pytest.mark.parametrize(
    ("environment", "is_red"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_a_pipe_has_no_colours_unless_they_are_forced(command, monkeypatch, environment, is_red):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    _, _, err = command("cuont")
    assert err.startswith("\x1b[31mtokenwire:\x1b[0m " if is_red else "tokenwire: ")


def test_forced_colours_leave_the_reply_as_it_is(sim, command, monkeypatch):
    sim.set_script({"default": FULL})
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = ("run", "--base-url", sim.base_url, "-m", "m", "hi")
    assert command(*words) == (0, "It is blue.\n", "")


def test_a_reader_that_closes_the_pipe_ends_a_table_quietly():
    with started("models", "--described") as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert (process.returncode, err) == (141, "")
