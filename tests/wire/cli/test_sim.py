"""`tokenwire sim`: in the foreground, in the background of a shell, and behind a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

import tokenwire
from tokenwire.cli import main
from tokenwire.testing import SimServer

COMMAND = [sys.executable, "-m", "tokenwire"]


@pytest.fixture
def shell(tmp_path):
    """Runs a script whose `$SIM` is the command. Returns the exit code and the output."""

    def run(script, **environment):
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env={**os.environ, "SIM": " ".join([*COMMAND, "sim"]), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=50,
            check=False,
        )
        return done.returncode, done.stdout

    return run


@contextmanager
def started(*words):
    process = subprocess.Popen(
        [*COMMAND, "sim", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_it_serves_until_its_pipe_ends():
    with started("--tokens", "3") as process:
        word, url = process.stdout.readline().split()
        assert word == "listening"
        chat = tokenwire.ChatClient("m", base_url=url)
        assert len(chat.run("hi").split()) == 3
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_its_address_as_json_is_all_it_prints():
    with started("--json") as process:
        address = json.loads(process.stdout.readline())
        out, err = process.communicate(timeout=10)
    assert (out, err) == ("", "")
    assert address == {
        "base_url": f"http://127.0.0.1:{address['port']}/v1",
        "port": address["port"],
    }


def test_ctrl_c_while_it_starts_stops_it(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    assert main(["sim"]) == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143), (signal.SIGHUP, -1)]
)
def test_a_signal_ends_it_without_a_traceback(number, code):
    # A signal that the tests ignore, as SIGHUP under nohup, the program would ignore, too.
    before = signal.signal(number, signal.SIG_DFL)
    with started() as process:
        signal.signal(number, before)
        assert process.stdout.readline().startswith("listening ")
        process.send_signal(number)
        # Its pipe stays open: the signal alone ends it.
        assert process.wait(timeout=10) == code
        assert process.stderr.read() == ""


def test_a_bad_script_names_the_field_in_one_line(tmp_path, command):
    script = tmp_path / "script.json"
    script.write_text('{"defualt": {}}')
    code, out, err = command("sim", "--script", script)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "defualt" in err


def test_a_port_in_use_is_named(sim, command):
    code, out, err = command("sim", "--port", sim.port, "--json")
    assert (code, err.count("\n")) == (1, 1)
    said = f"port {sim.port} of 127.0.0.1 is in use; choose another, or 0 for any free one"
    assert said in json.loads(out)["error"]["message"]
    with pytest.raises(OSError, match=re.escape(said)):
        SimServer(port=sim.port)


# In the background of a shell, standard input is /dev/null or the terminal.

LISTENS = "until grep -q listening out; do sleep 0.05; done; url=$(cut -d' ' -f2 out)"
ASK = f"""{sys.executable} -c 'import sys, tokenwire
print(tokenwire.ChatClient("chat", base_url=sys.argv[1]).run("Hello?"))' $url"""


@pytest.mark.linux
@pytest.mark.parametrize("where", ["", "</dev/null", "<&-", "<$0"])
def test_it_serves_in_the_background_of_a_script(shell, where):
    where = where.replace("$0", sys.executable)
    code, said = shell(
        f"$SIM {where} >out & {LISTENS}\nkill -INT $!; {ASK}; kill $!; wait $! || exit $?"
    )
    found = re.search(r'ChatClient\("chat", base_url="(\S+)"\)', said)
    assert found
    assert f"export OPENAI_BASE_URL={found[1]} OPENAI_API_KEY=any\n" in said
    assert 'You asked: "Hello?"' in said
    assert code == 143


@pytest.mark.linux
def test_a_pipe_that_ended_before_ends_it(shell):
    assert shell("true | $SIM >out 2>&1 && grep -c listening out") == (0, "1\n")


def seen(process, pattern):
    """What a terminal shows up to a match of the pattern. Returns the match."""
    shown = ""
    while not (found := re.search(pattern, shown)):
        piece = os.read(process.stdout.fileno(), 4096)
        assert piece, shown
        shown += piece.decode()
    return found


@pytest.mark.linux
@pytest.mark.parametrize("settings", ["", "stty tostop;"])
def test_it_serves_in_the_background_of_a_terminal(settings):
    """With job control, a job in the background that reads from the terminal is stopped."""
    program = "import pty; pty.spawn(['bash', '--norc', '-i'])"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "SIM": " ".join([*COMMAND, "sim"]), "TERM": "dumb"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as terminal:
        assert terminal.stdin is not None
        terminal.stdin.write(f"{settings} $SIM &\n".encode())
        url = seen(terminal, r"listening (http://\S+)")[1]
        chat = tokenwire.ChatClient("chat", base_url=url, timeout=20, max_retries=0)
        assert chat.run("Hello?").startswith('You asked: "Hello?"')
        terminal.stdin.write(b"kill %1; wait %1; echo code=$?\n")
        seen(terminal, "code=143")
        terminal.stdin.write(b"exit\n")
        terminal.communicate(timeout=20)
