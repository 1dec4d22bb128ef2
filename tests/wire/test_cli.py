"""The command `tokenwire`: what it prints, where, and what its exit code means."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading

import pytest

import tokenwire
from tokenwire.cli import main

COMMAND = [sys.executable, "-m", "tokenwire"]


@pytest.fixture
def run(sim, capsys):
    """Run `tokenwire run` against the test's simulator; (exit code, stdout, stderr)."""

    def run(*words, model="m"):
        code = main(["run", "--base-url", sim.base_url, "--model", model, *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def reply(**fields):
    return {"default": {"reply": fields}}


def started(*words, stdin=subprocess.PIPE):
    return subprocess.Popen(
        [*COMMAND, *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def test_run_prints_the_reply_and_ends_the_line(sim, run):
    sim.set_script(reply(text="It is blue."))
    assert run("Why?") == (0, "It is blue.\n", "")
    assert sim.requests()[0]["body"]["messages"] == [{"role": "user", "content": "Why?"}]
    assert sim.requests()[0]["body"]["stream"] is True


def test_a_reply_that_ends_its_line_gets_no_second_end(sim, run):
    sim.set_script(reply(text="one\ntwo\n"))
    assert run("hi") == (0, "one\ntwo\n", "")


def test_the_options_reach_the_server(sim, run):
    run("hi", "--system", "Be brief.", "--max-tokens", "7", "--temperature", "0.5")
    body = sim.requests()[0]["body"]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["max_tokens"], body["temperature"]) == (7, 0.5)


def test_completion_asks_the_other_api(sim, run):
    sim.set_script(reply(text=" 4"))
    assert run("2+2=", "--completion") == (0, " 4\n", "")
    asked = sim.requests()[0]
    assert (asked["path"], asked["body"]["prompt"]) == ("/v1/completions", "2+2=")


@pytest.mark.parametrize("words", [[], ["-"]], ids=["no-prompt", "dash"])
def test_the_prompt_comes_from_standard_input(words, sim, run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("piped in\n"))
    assert run(*words)[0] == 0
    assert sim.requests()[0]["body"]["messages"][0]["content"] == "piped in\n"


def test_a_terminal_without_a_prompt_is_not_waited_for(run, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "no PROMPT" in err


def test_an_empty_prompt_is_not_sent(sim, run):
    assert run("  ") == (2, "", "tokenwire: the prompt is empty\n")
    assert sim.requests() == []


def test_without_a_model_the_simulator_answers_and_the_user_is_told(capsys):
    assert main(["run", "hi"]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip()
    assert printed.err == "tokenwire: no --model: this is sim:chat, the built-in simulator\n"


def test_an_address_without_a_model_is_a_usage_error(sim, capsys):
    assert main(["run", "--base-url", sim.base_url, "hi"]) == 2
    assert "--model" in capsys.readouterr().err
    assert sim.requests() == []


def test_a_misspelt_provider_is_a_usage_error_with_a_hint(capsys):
    assert main(["run", "-m", "opnai:gpt-4o-mini", "hi"]) == 2
    assert "did you mean openai?" in capsys.readouterr().err


def test_a_system_prompt_does_not_go_with_a_completion(run):
    assert run("hi", "--completion", "--system", "x")[0] == 2


def test_the_key_comes_from_the_named_variable_and_is_never_printed(sim, run, monkeypatch):
    sim.set_script({"require_key": "sk-right"})
    monkeypatch.setenv("OWN_SECRET", "sk-right")
    assert run("hi", "--key-env", "OWN_SECRET")[0] == 0
    monkeypatch.setenv("OWN_SECRET", "sk-wrong")
    code, out, err = run("hi", "--key-env", "OWN_SECRET")
    assert (code, out) == (1, "")
    assert "sk-" not in err
    assert run("hi", "--key-env", "NOT_SET") == (
        2,
        "",
        "tokenwire: --key-env: the environment has no NOT_SET\n",
    )


def test_an_error_of_the_server_is_one_line_and_exit_code_1(sim, run):
    sim.set_script({"default": {"error": {"status": 400, "message": "no such thing"}}})
    code, out, err = run("hi")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no such thing" in err


def test_an_unreadable_stream_is_a_failure_not_a_usage_error(sim, run):
    headers = {"content-type": "text/event-stream"}
    sim.set_script({"default": {"replay": {"text": "data: {nope\n\n", "headers": headers}}})
    assert run("hi")[:2] == (1, "")


def test_a_server_that_is_not_there_is_exit_code_1(capsys):
    assert main(["run", "-m", "m", "--base-url", "http://127.0.0.1:9/v1", "hi"]) == 1
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert "127.0.0.1:9" in printed.err


def test_a_reply_cut_off_after_some_text_is_exit_code_3(sim, run):
    fault = {"kind": "close", "at": {"events": 3}}
    sim.set_script({"default": {"reply": {"tokens": ["a", "b", "c", "d"]}, "fault": fault}})
    code, out, err = run("hi")
    assert (code, out) == (3, "ab\n")
    assert err.startswith("tokenwire: ")


def test_a_refusal_is_exit_code_1(sim, run):
    sim.set_script(reply(refusal="I will not."))
    assert run("hi") == (1, "", "tokenwire: the model refused: I will not.\n")


def test_the_token_limit_is_told_and_no_failure(sim, run):
    sim.set_script(reply(text="a b c d e f"))
    code, out, err = run("hi", "--max-tokens", "2")
    assert (code, out) == (0, "a b\n")
    assert "--max-tokens" in err


def test_stats_go_to_standard_error(sim, run):
    sim.set_script(reply(text="a b", usage={"prompt_tokens": 5, "completion_tokens": 2}))
    code, out, err = run("hi", "--stats")
    assert (code, out) == (0, "a b\n")
    assert "5 + 2 tokens" in err


def test_a_character_that_the_terminal_lacks_becomes_a_question_mark(sim):
    sim.set_script(reply(text="5 \u20ac"))
    done = subprocess.run(
        [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m", "hi"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"5 ?\n", b"")


def test_ctrl_c_ends_a_waiting_run_with_130_and_the_server_sees_it(sim):
    fault = {"kind": "stall", "at": {"events": 2}}
    sim.set_script({"default": {"reply": {"tokens": ["first", "second"]}, "fault": fault}})
    with started("run", "--base-url", sim.base_url, "-m", "m", "hi") as process:
        assert process.stdout.read(5) == "first"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "\n", "")
    sim.wait_for("client_closed")


def test_a_reader_that_leaves_ends_the_run_quietly(sim):
    pacing = {"tokens": 100_000}
    sim.set_script({"default": {"pacing": pacing}})
    with started("run", "--base-url", sim.base_url, "-m", "m", "hi") as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=10)
    assert (process.returncode, err) == (141, "")
    sim.wait_for("client_closed")


def test_version_and_module_and_no_command():
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"tokenwire {tokenwire.__version__}\n"
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["sim", "--help"]])
def test_help_teaches_by_example(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    assert "example" in capsys.readouterr().out


def test_help_loads_no_engine():
    code = (
        "import sys\n"
        "from tokenwire.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('tokenwire._engine' in sys.modules or 'pydantic' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_sim_serves_until_its_input_ends():
    with started("sim", "--tokens", "3") as process:
        word, url = process.stdout.readline().split()
        assert word == "listening"
        chat = tokenwire.ChatClient("m", base_url=url)
        assert len(chat.run("hi").split()) == 3
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


def test_ctrl_c_while_the_sim_is_being_started_stops_it(monkeypatch):
    def interrupted(thread):
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    assert main(["sim"]) == 0


def test_ctrl_c_stops_the_sim_without_a_traceback():
    with started("sim") as process:
        assert process.stdout.readline().startswith("listening ")
        process.send_signal(signal.SIGINT)
        # Its input stays open: the signal alone ends it.
        assert process.wait(timeout=10) == 0
        assert process.stderr.read() == ""


def test_a_bad_script_names_the_field(tmp_path, capfd):
    script = tmp_path / "script.json"
    script.write_text('{"defualt": {}}')
    assert main(["sim", "--script", str(script)]) == 2
    assert "defualt" in capfd.readouterr().err


def test_a_word_for_a_number_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["sim", "--port", "eighty"])
    assert ended.value.code == 2
    assert "invalid int value" in capsys.readouterr().err
