"""Each example runs as its docstring says, and prints what it should."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tokenwire.testing import SimServer

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "examples"
REFUSED = {13, 113}


def run(name, *words, **options):
    command = [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *words]
    options = {"stderr": subprocess.PIPE, **options}
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)


def lines(name, *words):
    """The output of a run that goes well and says nothing else."""
    done = run(name, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def read_all(terminal):
    """What was written to a terminal whose other side is closed."""
    pieces = []
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 100_000):
            pieces.append(piece)
    return b"".join(pieces).decode()


def rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_example_is_run_by_a_test():
    names = [path.stem for path in EXAMPLES.glob("*.py")]
    assert len(names) >= 12
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    assert [name for name in names if name not in tests] == []


def test_every_example_is_in_the_list():
    listed = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    names = [path.name for path in sorted(EXAMPLES.glob("*.py"))]
    assert [name for name in names if f"](../examples/{name})" not in listed] == []


def test_first_call():
    whole, streamed, finish, usage, timing = lines("first_call")
    assert whole == streamed
    assert whole.startswith("Air scatters the short blue waves")
    assert finish == "model: chat, finished by: stop"
    assert usage == "tokens: 9 in, 15 out"
    assert timing.startswith("first token after 0.")


def test_chat_goes_on_with_the_conversation_of_the_file(tmp_path):
    talk = tmp_path / "talk.json"
    first = run("chat", talk, input="Hi\n\nAnd?\n")
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith(f"0 messages in {talk}\n> You wrote: ")
    second = run("chat", talk, input="Why?\n")
    assert second.stdout.startswith(f"4 messages in {talk}\n> You asked: ")
    saved = json.loads(talk.read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in saved] == ["user", "assistant"] * 3


def test_chat_survives_an_error_and_a_stopped_reply(tmp_path):
    refused = {"match": {"body": "bad"}, "then": {"error": {"status": 400, "message": "no"}}}
    stall = {"kind": "stall", "at": {"events": 3}}
    slow = {"match": {"body": "slow"}, "then": {"reply": {"text": "one two three"}, "fault": stall}}
    talk = tmp_path / "talk.json"
    with SimServer({"rules": [refused, slow]}) as sim:
        model = f"vllm://127.0.0.1:{sim.port}@m"
        command = [sys.executable, "-u", EXAMPLES / "chat.py", talk, "--model", model]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write("bad\nslow\n")
            process.stdin.flush()
            seen = ""
            while not seen.endswith("one two"):
                seen += process.stdout.read(1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate("", timeout=60)
    assert process.returncode == 0
    assert errors == "chat: vllm:m: HTTP 400: no\n\nchat: stopped\n"
    question, reply = json.loads(talk.read_text(encoding="utf-8"))["messages"]
    assert question["content"] == "slow"
    assert reply["parts"] == [{"type": "text", "text": "one two"}]


def test_chat_names_a_file_that_is_no_conversation(tmp_path):
    talk = tmp_path / "talk.json"
    talk.write_text("[]", encoding="utf-8")
    done = run("chat", talk, input="Hi\n")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "chat: LlmRequest: Input should be an object\n"


def test_async_fan_out_finishes_out_of_order_and_loses_nothing():
    *found, together, summary = lines("async_fan_out")
    planets = ["Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune"]
    expected = {f"{name}: {name} is planet {n} from the sun." for n, name in enumerate(planets, 1)}
    assert sorted(found) == sorted({"Pluto: LlmAPIError", *expected})
    # Neptune was asked second and takes longest.
    assert found.index("Neptune: Neptune is planet 8 from the sun.") > 1
    assert together == "Mercury is planet 1 from the sun. Neptune is planet 8 from the sun."
    assert float(summary.split()[-2]) >= 0.72


def test_responses_sends_the_reasoning_back():
    asked, thought, call, answer = lines("responses")
    assert asked == "asked by responses, status completed"
    assert thought == "thought: The timetable knows."
    assert call == 'next_train({"to":"Oslo"}) = 14:05 to Oslo, platform 3'
    assert answer == "It leaves at 14:05, from platform 3."


def test_every_api_gives_the_same_answer_in_each_of_them():
    printed = lines("every_api")
    assert len(printed) % 3 == 0
    for first, second, answer in zip(*[iter(printed)] * 3, strict=True):
        assert first.endswith(
            ': get_temperature({"city":"Paris"}), get_temperature({"city":"Oslo"})'
        )
        assert second.endswith(': look_around({"city":"Paris"})')
        assert answer.endswith(": Advice(city='Paris', degrees=18.5)")


def test_tools_loop_goes_round_and_mends_a_call():
    paris, oslo, wrong, right, answer = lines("tools_loop")
    assert (paris, oslo) == (
        'get_temperature({"city":"Paris"}) = 18.5',
        'get_temperature({"city":"Oslo"}) = 11.0',
    )
    assert wrong.startswith('subtract({"a":"eighteen","b":11.0}) failed: ')
    assert right == 'subtract({"a":18.5,"b":11.0}) = 7.5'
    assert answer == "Paris is warmer, by 7.5 degrees."


def test_typed_output_asks_again_for_what_does_not_fit():
    assert lines("typed_output") == ["3 stars", "soup: good", "waiter: bad", "['rude']"]


def test_bulk_map_writes_each_row_and_goes_on_where_it_stopped(tmp_path):
    answers = tmp_path / "answers.jsonl"
    assert lines("bulk_map", answers)[-1] == "198 answered, 2 failed, 0 from before"
    first = rows(answers)
    assert sorted(row["index"] for row in first) == list(range(200))
    assert {row["index"] for row in first if "error" in row} == REFUSED

    # As a crash leaves it: half of the rows, the last one cut off in the middle.
    half = answers.read_text(encoding="utf-8").splitlines(keepends=True)[:100]
    had = sum("text" in json.loads(line) for line in half)
    answers.write_text("".join(half) + '{"index": 1', encoding="utf-8")
    summary = lines("bulk_map", answers)[-1]
    assert summary == f"{198 - had} answered, 2 failed, {had} from before"
    done = [row["index"] for row in rows(answers) if "text" in row]
    assert sorted(done) == sorted(set(range(200)) - REFUSED)


def test_bulk_map_reads_prompts_of_a_file(tmp_path):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("one\ntwo\n", encoding="utf-8")
    lines("bulk_map", tmp_path / "a.jsonl", "--prompts", prompts, "--model", "sim:chat")
    assert {row["index"] for row in rows(tmp_path / "a.jsonl")} == {0, 1}


@pytest.mark.linux
def test_bulk_map_draws_a_bar_on_a_terminal(tmp_path):
    ours, theirs = os.openpty()
    try:
        done = run("bulk_map", tmp_path / "a.jsonl", stderr=theirs)
        os.close(theirs)
        drawn = read_all(ours)
    finally:
        os.close(ours)
    assert done.returncode == 0
    assert drawn.split("\r")[-1] == f"[{'#' * 30}] 200/200"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("first_call", []),
        ("async_fan_out", []),
        ("tools_loop", []),
        ("responses", []),
        ("every_api", []),
        ("typed_output", []),
        ("bulk_map", ["answers.jsonl"]),
    ],
)
def test_with_a_provider_and_no_key_an_example_is_one_line(name, words, tmp_path):
    done = run(name, *words, "--model", "openai:gpt-4o-mini", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"{name}: no API key for openai: set OPENAI_API_KEY or give api_key=\n"
