"""What `tokenwire run` sends: images, limits of the call, and input in other encodings."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
COMMAND = [sys.executable, "-m", "tokenwire"]


@pytest.fixture
def run(sim, command):
    """Run `tokenwire run` against the test's simulator; (exit code, stdout, stderr)."""

    def run(*words, stdin=b""):
        return command("run", "--base-url", sim.base_url, "-m", "m", *words, stdin=stdin)

    return run


def content(sim):
    return sim.requests()[-1]["body"]["messages"][-1]["content"]


# Images


def test_images_go_with_the_prompt_in_their_order(sim, run, tmp_path):
    cat = tmp_path / "cat.png"
    cat.write_bytes(PNG)
    url = "https://pictures.example/dog.jpg"
    assert run("What is it?", "--image", cat, "--image", url)[0] == 0
    data = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert content(sim) == [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": data}},
        {"type": "image_url", "image_url": {"url": url}},
    ]


def test_an_image_goes_with_the_text_of_a_pipe_or_is_in_it(sim, run, tmp_path):
    cat = tmp_path / "cat.png"
    cat.write_bytes(PNG)
    assert run("--image", cat, stdin=b"What is it?")[0] == 0
    assert [part["type"] for part in content(sim)] == ["text", "image_url"]
    assert run("What is it?", "--image", "-", stdin=PNG)[0] == 0
    assert [part["type"] for part in content(sim)] == ["text", "image_url"]
    assert content(sim)[0]["text"] == "What is it?"


def test_an_image_that_the_shell_passes_is_read_before_the_prompt(sim):
    words = [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m", "--image", "/dev/stdin", "hi"]
    assert subprocess.run(words, input=PNG, capture_output=True, check=False).returncode == 0
    assert content(sim)[0]["text"] == "hi"


@pytest.mark.parametrize(
    ("words", "stdin", "message"),
    [
        (("hi", "--image", "/no/cat.png"), b"", "--image: /no/cat.png: No such file or directory"),
        (("hi", "--image", "/"), b"", "--image: /: Is a directory"),
        (
            ("hi", "--image", "file:///a.png"),
            b"",
            "--image: file:///a.png: give the path",
        ),
        (("hi", "--image", "-"), b"some text", "--image: -: not an image that models take"),
        (("hi", "--image", "-", "--image", "-"), PNG, "standard input is one image"),
        (("--image", "-"), PNG, "no PROMPT: give one"),
        (("-", "--image", "-"), PNG, "no PROMPT: give one"),
        (("hi", "--image", "x", "--completion"), b"", "--image: text completions take no images"),
    ],
)
def test_an_image_that_cannot_be_sent_is_named(sim, run, words, stdin, message):
    code, out, err = run(*words, stdin=stdin)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err
    assert sim.requests() == []


# The limits of the call


def test_the_timeout_bounds_the_whole_call(sim, run):
    sim.set_script({"default": {"pacing": {"first_token_ms": 100_000}}})
    code, out, err = run("hi", "--timeout", "0.3")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "within 0.3 s" in err


def test_the_timeout_ends_a_reply_that_goes_on_and_its_beginning_is_kept(sim, run):
    sim.set_script({"default": {"pacing": {"per_token_us": 100_000, "tokens": 1_000}}})
    code, out, _ = run("hi", "--timeout", "2")
    assert code == 3
    assert out.strip()


@pytest.mark.parametrize(("words", "requests"), [((), 3), (("--max-retries", "0"), 1)])
def test_the_number_of_retries(sim, run, words, requests):
    sim.set_script({"default": {"error": {"status": 503, "headers": {"retry-after": "0"}}}})
    assert run("hi", *words)[0] == 1
    assert len(sim.requests()) == requests


@pytest.mark.parametrize(
    "words",
    [
        *(("--timeout", text) for text in ("0", "-1", "nan", "inf", "1e99", "soon")),
        *(("--max-retries", text) for text in ("-1", "1001", "1.5", "many")),
    ],
    ids=" ".join,
)
def test_a_limit_that_cannot_be_names_its_option(sim, run, words):
    code, out, err = run("hi", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words[0] in err
    assert "None" not in err
    assert sim.requests() == []


# What a script leaves empty


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-m", ""), "--model: it is empty"),
        (("-m", "  "), "--model: it is empty"),
        (("--base-url", "", "-m", "x"), "base_url"),
        (("--config", "", "-m", "x"), "the path of the file is empty"),
        (("--schema", "", "-m", "sim:chat"), "--schema: the path of the file is empty"),
        (("--image", "", "-m", "sim:chat"), "--image: the path of the file is empty"),
        (("--key-env", "", "-m", "sim:chat"), "--key-env: "),
        (("--timeout", "", "-m", "sim:chat"), "--timeout"),
    ],
    ids=str,
)
def test_an_empty_value_is_an_error_and_never_the_default(command, words, message):
    code, out, err = command("run", *words, "hi")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


# Standard input


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_byte_order_mark_is_read(sim, run, encoding):
    text = "caf\u00e9 \u20ac \U0001f600"
    assert run(stdin=text.encode(encoding))[0] == 0
    assert content(sim) == text


@pytest.mark.parametrize(
    ("stdin", "advice"),
    [
        ("caf\u00e9".encode("latin-1"), "is not UTF-8 (byte 3); convert it: iconv -f latin1"),
        ("Hello, world".encode("utf-16-le"), "convert it: iconv -f utf-16le -t utf-8"),
        ("Hello, world".encode("utf-16-be"), "convert it: iconv -f utf-16be -t utf-8"),
        ("Hello, world".encode("utf-16")[:-1], "begins like UTF-16, but is not"),
        (PNG, "is an image: `tokenwire run --image FILE PROMPT` sends it"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "is an image"),
        (b"RIFF\xf2\0\0\0WEBPVP8 ", "is an image"),
        (b"\x7fELF\x02\x01\x01\0\0\xff\xfe", "is binary"),
        (b"\0" * 5_000, "is binary"),
        (b"PK\x03\x04\x14\0\0\0\x08\0\xc3\x28", "is binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_input_that_is_no_text_is_named_for_what_it_is(sim, run, stdin, advice):
    code, out, err = run("Sum up:", stdin=stdin)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("tokenwire: standard input ")
    assert advice in err
    assert sim.requests() == []


@pytest.mark.linux
def test_a_terminal_that_is_read_says_how_to_end_the_input(sim):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    words = [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m", "-"]
    with subprocess.Popen(
        words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert b"a line with only Ctrl-D ends the input" in process.stderr.readline()
        os.write(ours, b"What is it?\n\x04")
        process.communicate(timeout=30)
    os.close(ours)
    os.close(theirs)
    assert (process.returncode, content(sim)) == (0, "What is it?\n")


def test_text_with_zeros_in_it_is_sent(sim, run):
    assert run(stdin=b"one\0two\0three\0")[0] == 0
    assert content(sim) == "one\0two\0three\0"


# A schema


@pytest.mark.parametrize("text", ["[]", '"x"', "null", "5", "true"])
def test_a_schema_that_is_no_object_is_refused(sim, run, tmp_path, text):
    path = tmp_path / "schema.json"
    path.write_text(text)
    code, out, err = run("hi", "--schema", path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"tokenwire: --schema: {path}: a JSON schema is an object")
    assert sim.requests() == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": 5}},
        {"type": "object", "$defs": [], "properties": {"a": {"$ref": "#/$defs/a"}}},
        {"type": ["object"], "allOf": {"a": 1}},
        {"type": "object", "anyOf": 5},
        {"type": 5},
    ],
    ids=json.dumps,
)
def test_a_schema_that_is_malformed_is_left_to_the_server(sim, run, tmp_path, schema):
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(schema))
    sim.set_script({"default": {"reply": {"text": "{}"}}})
    assert run("hi", "--schema", path) == (0, "{}\n", "")
    assert sim.requests()[0]["body"]["response_format"]["json_schema"]["schema"] == schema


def test_a_missing_schema_is_named_once(run):
    code, _, err = run("hi", "--schema", "/no/schema.json")
    assert (code, err) == (
        2,
        "tokenwire: --schema: /no/schema.json: No such file or directory\n",
    )


# Words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("What", "is", "this?"), "quote PROMPT, so that it is one word"),
        (("-x",), "after `--`"),
        (("--modle", "m", "hi"), "did you mean --model?"),
        (("--max-retires", "1", "hi"), "did you mean --max-retries?"),
    ],
)
def test_words_that_are_no_options_get_the_right_advice(run, words, message):
    code, out, err = run(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


@pytest.mark.parametrize("prompt", ["-5 + 3 is?", "--help", "-", "@file", "--"])
def test_a_prompt_after_two_dashes_is_sent_as_it_is(sim, run, prompt):
    code, _, err = run("--", prompt, stdin=b"from the pipe")
    assert (code, err) == (0, "")
    word = "" if prompt == "-" else f"{prompt}\n\n"
    assert content(sim) == f"{word}from the pipe"


@pytest.mark.linux
@pytest.mark.parametrize("locale", ["C", "POSIX", "xx_XX.nonsense"])
def test_a_locale_without_utf_8_loses_nothing(sim, locale):
    sim.set_script({"default": {"reply": {"text": "5 \u20ac"}}})
    done = subprocess.run(
        [*COMMAND, "run", "--base-url", sim.base_url, "-m", "m", "caf\u00e9"],
        input="na\u00efve".encode(),
        env={**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": ""},
        capture_output=True,
        check=True,
    )
    assert (done.stdout.decode(), done.stderr) == ("5 \u20ac\n", b"")
    assert content(sim) == "caf\u00e9\n\nna\u00efve"
