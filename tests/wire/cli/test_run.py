"""`tokenwire run`: what it sends, what it prints, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys

import pytest

from tokenwire.cli import main, reading

COMMAND = [sys.executable, "-m", "tokenwire"]


@pytest.fixture
def run(sim, command):
    """Run `tokenwire run` against the test's simulator; (exit code, stdout, stderr)."""

    def run(*words, model="m", stdin=b""):
        return command("run", "--base-url", sim.base_url, "--model", model, *words, stdin=stdin)

    return run


def reply(**fields):
    return {"default": {"reply": fields}}


def started(*words, stdin=subprocess.DEVNULL):
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


def test_a_reply_that_ends_its_line_gets_no_second_line_break(sim, run):
    sim.set_script(reply(text="one\ntwo\n"))
    assert run("hi") == (0, "one\ntwo\n", "")


def test_the_options_reach_the_server(sim, run):
    run("hi", "--system", "Be brief.", "--max-tokens", "7", "--temperature", "0.5")
    body = sim.requests()[0]["body"]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["max_tokens"], body["temperature"]) == (7, 0.5)


def test_completion_calls_the_other_api(sim, run):
    sim.set_script(reply(text=" 4"))
    assert run("2+2=", "--completion") == (0, " 4\n", "")
    asked = sim.requests()[0]
    assert (asked["path"], asked["body"]["prompt"]) == ("/v1/completions", "2+2=")


@pytest.mark.parametrize(
    ("words", "stdin", "prompt"),
    [
        ([], b"piped in\n", "piped in\n"),
        (["-"], b"piped in\n", "piped in\n"),
        (["Sum up:"], b"piped in\n", "Sum up:\n\npiped in\n"),
        (["Sum up:"], b" \n", "Sum up:"),
        ([], b"\xef\xbb\xbfmarked", "marked"),
    ],
    ids=["no-prompt", "dash", "both", "both-but-blank", "byte-order-mark"],
)
def test_the_prompt_is_the_word_followed_by_the_piped_text(words, stdin, prompt, sim, run):
    assert run(*words, stdin=stdin)[0] == 0
    assert sim.requests()[0]["body"]["messages"][0]["content"] == prompt


def test_a_terminal_without_a_prompt_is_not_read(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    assert main(["run"]) == 2
    assert "no PROMPT" in capsys.readouterr().err


def test_input_that_is_not_utf_8_is_reported_with_its_position(sim, run):
    code, out, err = run("Sum up:", stdin="caf\u00e9".encode("latin-1"))
    assert (code, out) == (2, "")
    assert err.startswith("tokenwire: standard input is not UTF-8 (byte 3)")
    assert sim.requests() == []


def test_endless_input_is_refused_at_the_limit(sim, run, monkeypatch):
    monkeypatch.setattr(reading, "_MAX_INPUT_BYTES", 1 << 20)
    assert run(stdin=b"x" * (1 << 20))[0] == 0
    code, _, err = run(stdin=b"x" * ((1 << 20) + 1))
    assert (code, err) == (2, "tokenwire: standard input is over 1 MiB: send less\n")
    assert len(sim.requests()) == 1


def test_a_note_says_that_open_input_is_still_read(sim):
    words = ("run", "--base-url", sim.base_url, "-m", "m", "hi")
    with started(*words, stdin=subprocess.PIPE) as process:
        assert process.stderr.readline().startswith("tokenwire: still reading standard input")
        out, _ = process.communicate("and this", timeout=10)
    assert process.returncode == 0
    assert out.strip()
    assert sim.requests()[0]["body"]["messages"][0]["content"] == "hi\n\nand this"


@pytest.mark.linux
@pytest.mark.parametrize(
    ("shell", "code", "err"),
    [
        ('"$@" hi <&-', 0, ""),
        ('"$@" <&-', 2, "tokenwire: no PROMPT"),
        ('"$@" - <&-', 2, "tokenwire: standard input is closed"),
        ('"$@" hi >&- </dev/null', 1, "tokenwire: standard output is closed"),
        ('"$@" --json hi >&- </dev/null', 1, "tokenwire: standard output is closed"),
        ('"$@" hi 2>&- </dev/null', 0, ""),
        ('"$@" --stats hi 2>&- </dev/null', 1, ""),
        ('"$@" --stats hi 2>/dev/full </dev/null', 1, ""),
        # A note before the reply is lost, too.
        ('"$1" -m tokenwire run --stats hi 2>/dev/full </dev/null', 1, ""),
        ('"$@" hi >&- 2>&- </dev/null', 1, ""),
        ('"$@" hi >/dev/full 2>/dev/full </dev/null', 1, ""),
        ('"$@" --max-tokens x hi 2>/dev/full </dev/null', 2, ""),
        ('"$@" hi >/dev/full </dev/null', 1, "tokenwire: [Errno 28] No space left"),
        ('"$@" --json hi >/dev/full </dev/null', 1, "tokenwire: [Errno 28] No space left"),
    ],
)
def test_closed_and_broken_files_are_reported_without_a_traceback(sim, shell, code, err):
    words = [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m"]
    done = subprocess.run(
        ["sh", "-c", shell, "sh", *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr[: len(err) or None]) == (code, err)
    assert done.stderr.count("\n") <= 1


@pytest.mark.linux
@pytest.mark.parametrize(
    "words", ["--version", "--help", "run --help", "models --described", "doctor", "sim"]
)
@pytest.mark.parametrize("where", [">/dev/full", ">&-", ">/dev/full 2>&-"])
def test_every_command_whose_output_is_lost_fails(words, where):
    done = subprocess.run(
        ["sh", "-c", f'"$@" {words} {where} </dev/null', "sh", *COMMAND],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == (0 if "2>" in where else 1)
    assert "Traceback" not in done.stderr


def test_a_word_that_is_not_utf_8_is_a_usage_error(sim, run):
    code, out, err = run("caf\udce9")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sim.requests() == []


def test_an_empty_prompt_is_not_sent(sim, run):
    assert run("  ") == (2, "", "tokenwire: the prompt is empty\n")
    assert sim.requests() == []


def test_without_a_model_the_simulator_answers_with_a_note(command):
    code, out, err = command("run", "hi")
    assert (code, err) == (0, "tokenwire: no --model: this is sim:chat, the built-in simulator\n")
    assert out.strip()


def test_the_environment_may_name_the_model(command, monkeypatch):
    monkeypatch.setenv("TOKENWIRE_MODEL", "sim:chat")
    assert command("run", "hi")[::2] == (0, "")


@pytest.mark.parametrize("value", ["debug", '"openai:m"', "opnai:m", " ", "\udcff"])
def test_a_wrong_model_in_the_environment_is_named_by_its_variable(command, monkeypatch, value):
    monkeypatch.setenv("TOKENWIRE_MODEL", value)
    code, out, err = command("run", "hi")
    assert (code, out) == (2, "")
    assert err.startswith("tokenwire: TOKENWIRE_MODEL: ")
    code, _, err = command("run", "-m", "debug", "hi")
    assert "TOKENWIRE_MODEL" not in err


def test_an_address_without_a_model_is_a_usage_error(sim, command):
    code, _, err = command("run", "--base-url", sim.base_url, "hi")
    assert code == 2
    assert "--model" in err
    assert sim.requests() == []


def test_a_misspelled_provider_is_a_usage_error_with_a_hint(command):
    code, _, err = command("run", "-m", "opnai:gpt-4o-mini", "hi")
    assert code == 2
    assert "did you mean openai?" in err


def test_a_name_in_a_configuration_is_a_model(sim, command, tmp_path):
    file = tmp_path / "tokenwire.toml"
    file.write_text(f"""
        [models.fast]
        model = "m7"
        provider = "openai-compatible"
        base_url = "{sim.base_url}"
        system = "Be brief."
        params = {{ max_tokens = 5 }}
        [models.base]
        model = "m8"
        provider = "openai-compatible"
        base_url = "{sim.base_url}"
        api = "completions"
    """)
    assert command("run", "--config", file, "-m", "fast", "--max-tokens", "7", "hi")[0] == 0
    assert command("run", "--config", file, "-m", "base", "hi")[0] == 0
    chat, completion = (request["body"] for request in sim.requests())
    assert (chat["model"], chat["max_tokens"]) == ("m7", 7)
    assert chat["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (completion["model"], completion["prompt"]) == ("m8", "hi")


def test_parameters_are_json_or_text(sim, run):
    words = ("--param", "seed=7", "--param", 'stop=["END"]', "--param", "user=joe")
    assert run("hi", *words)[0] == 0
    body = sim.requests()[0]["body"]
    assert (body["seed"], body["stop"], body["user"]) == (7, ["END"], "joe")


@pytest.mark.parametrize(
    ("param", "message"),
    [
        ("seed", "write NAME=JSON"),
        ("sed=7", "seed"),
        ("seed=x", "seed"),
        ("api_key=sk-canary", "api_key"),
        ("n=2", "--json"),
    ],
)
def test_a_wrong_parameter_is_reported_and_nothing_is_sent(sim, run, param, message):
    code, out, err = run("hi", "--param", param)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert "canary" not in err
    assert sim.requests() == []


def test_a_schema_goes_with_the_request(sim, run, tmp_path):
    file = tmp_path / "schema.json"
    schema = {"title": "Answer", "type": "object", "properties": {"x": {"type": "integer"}}}
    file.write_text(json.dumps(schema))
    assert run("hi", "--schema", str(file))[0] == 0
    asked = sim.requests()[0]["body"]["response_format"]
    assert (asked["type"], asked["json_schema"]["schema"]) == ("json_schema", schema)
    file.write_text("{")
    code, _, err = run("hi", "--schema", str(file))
    assert code == 2
    assert str(file) in err
    assert run("hi", "--schema", str(tmp_path / "none"))[0] == 2


def test_json_is_the_whole_reply(sim, run):
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    sim.set_script(reply(text="It is blue.", reasoning="Rayleigh.", usage=usage))
    code, out, err = run("--json", "Why?")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["text"], report["reasoning"]) == ("It is blue.", "Rayleigh.")
    assert (report["finish_reason"], report["usage"]["completion_tokens"]) == ("stop", 2)
    assert report["timing"]["first_token"] > 0
    assert "choices" not in report


def test_json_holds_every_choice(sim, run):
    sim.set_script(reply(text="one"))
    code, out, _ = run("--json", "--param", "n=2", "Why?")
    assert (code, [row["index"] for row in json.loads(out)["choices"]]) == (0, [0, 1])


def test_json_of_a_failure_is_an_error_and_the_line_is_printed_too(sim, run):
    sim.set_script({"default": {"error": {"status": 400, "message": "no such thing"}}})
    code, out, err = run("--json", "hi")
    error = json.loads(out)["error"]
    assert (code, error["exit_code"], error["status_code"]) == (1, 1, 400)
    assert err == f"tokenwire: {error['message']}\n"
    assert error["partial"] is None


def test_json_of_a_cut_off_reply_has_the_partial_text(sim, run):
    fault = {"kind": "close", "at": {"events": 3}}
    sim.set_script({"default": {"reply": {"tokens": ["a", "b", "c", "d"]}, "fault": fault}})
    code, out, _ = run("--json", "hi")
    error = json.loads(out)["error"]
    assert (code, error["kind"], error["partial"]) == (3, "LlmStreamInterruptedError", "ab")


def test_a_system_prompt_does_not_go_with_a_completion(run):
    message = "tokenwire: --system: text completions have no system prompt\n"
    assert run("hi", "--completion", "--system", "x") == (2, "", message)


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
    code, out, err = run("hi", "--key-env", "sk-canary-0123456789", "--json")
    assert code == 2
    assert "name of an environment variable" in err
    assert "canary" not in out + err


def test_an_error_of_the_server_is_one_line_and_exit_code_1(sim, run):
    sim.set_script({"default": {"error": {"status": 400, "message": "no such thing"}}})
    code, out, err = run("hi")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "no such thing" in err


def test_an_unreadable_stream_is_a_failure_not_a_usage_error(sim, run):
    headers = {"content-type": "text/event-stream"}
    sim.set_script({"default": {"replay": {"text": "data: {nope\n\n", "headers": headers}}})
    assert run("hi")[:2] == (1, "")


def test_a_missing_server_is_exit_code_1(command):
    code, out, err = command("run", "-m", "m", "--base-url", "http://127.0.0.1:9/v1", "hi")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "127.0.0.1:9" in err


def test_a_reply_cut_off_after_some_text_is_exit_code_3(sim, run):
    fault = {"kind": "close", "at": {"events": 3}}
    sim.set_script({"default": {"reply": {"tokens": ["a", "b", "c", "d"]}, "fault": fault}})
    code, out, err = run("hi")
    assert (code, out) == (3, "ab\n")
    assert err.startswith("tokenwire: ")


@pytest.mark.parametrize(("text", "code"), [("so far", 3), ("", 1)])
def test_a_filtered_reply_is_noted_and_its_partial_text_printed(sim, run, text, code):
    sim.set_script(reply(text=text, finish_reason="content_filter"))
    shown = f"{text}\n" if text else ""
    assert run("hi") == (code, shown, "tokenwire: the provider's filter stopped the reply\n")


def test_a_refusal_is_exit_code_1(sim, run):
    sim.set_script(reply(refusal="I will not."))
    assert run("hi") == (1, "", "tokenwire: the model refused: I will not.\n")


@pytest.mark.parametrize(
    ("api", "said"),
    [("messages", "the model refused"), ("gemini", "the provider's filter stopped the reply")],
)
def test_what_is_said_beside_a_reply_that_was_refused_is_shown(sim, run, api, said):
    sim.set_script(reply(refusal="I will not."))
    assert run("--api", api, "hi") == (1, "", f"tokenwire: {said}: I will not.\n")


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_a_queued_reply_is_not_taken_for_an_empty_answer(sim, run, words):
    queued = {"id": "resp_1", "object": "response", "status": "queued", "output": []}
    sim.set_script({"default": {"replay": {"text": json.dumps(queued)}}})
    code, out, err = run("hi", "--api", "responses", *words)
    assert code == 1
    assert err == "tokenwire: the reply is not an answer yet: its status is queued, its id resp_1\n"
    assert (json.loads(out)["status"] == "queued") if words else (out == "")


@pytest.mark.parametrize(("text", "code"), [("It is", 3), ("", 1)])
def test_a_paused_reply_is_not_taken_for_an_answer(sim, run, text, code):
    sim.set_script(reply(text=text, finish_reason="pause_turn"))
    shown = f"{text}\n" if text else ""
    said = "tokenwire: the provider paused the reply (pause_turn), so it is not finished\n"
    assert run("--api", "messages", "hi") == (code, shown, said)


def test_the_token_limit_is_noted_and_not_a_failure(sim, run):
    sim.set_script(reply(text="a b c d e f"))
    code, out, err = run("hi", "--max-tokens", "2")
    assert (code, out) == (0, "a b\n")
    assert "--max-tokens" in err


def test_stats_go_to_standard_error(sim, run):
    sim.set_script(reply(text="a b", usage={"prompt_tokens": 5, "completion_tokens": 2}))
    code, out, err = run("hi", "--stats")
    assert (code, out) == (0, "a b\n")
    assert "by chat, " in err
    assert "5 + 2 tokens" in err


def test_an_option_names_the_api(sim, run):
    sim.set_script(reply(text="a b"))
    code, out, err = run("--api", "responses", "--stats", "hi")
    assert (code, out) == (0, "a b\n")
    assert "by responses, " in err
    code, out, _ = run("--api", "completions", "--json", "hi")
    assert (code, json.loads(out)["api"]) == (0, "completions")
    paths = [request["path"] for request in sim.requests()]
    assert paths == ["/v1/responses", "/v1/completions"]
    for words, reason in [
        (["--api", "message"], "--api: 'message': give one of chat, "),
        (["--api", "chat", "--completion"], "--completion: chat is not an API for it"),
        (["--api", "completions", "--system", "x"], "--system: text completions have no system"),
    ]:
        code, out, err = run(*words, "hi")
        assert (code, out) == (2, "")
        assert reason in err


def test_a_character_that_the_terminal_lacks_becomes_a_question_mark(sim):
    sim.set_script(reply(text="5 \u20ac"))
    done = subprocess.run(
        [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m", "hi"],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        stdin=subprocess.DEVNULL,
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


def test_a_reader_that_closes_the_pipe_ends_the_run_quietly(sim):
    pacing = {"tokens": 100_000}
    sim.set_script({"default": {"pacing": pacing}})
    with started("run", "--base-url", sim.base_url, "-m", "m", "hi") as process:
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=10)
    assert (process.returncode, err) == (141, "")
    sim.wait_for("client_closed")
