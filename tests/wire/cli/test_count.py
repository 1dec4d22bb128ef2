"""`tokenwire count`: the number, its source, and whether it fits."""

from __future__ import annotations

import json
import sys

import pytest

from tokenwire import TokenCounter
from tokenwire.catalog import tokens

pytest.importorskip("bpe_openai")
GPT = "openai:gpt-4o"
TEXT = "Why is the sky blue?"  # 6 tokens of o200k_base
MESSAGES = [{"role": "user", "content": TEXT}]


@pytest.fixture(autouse=True)
def without_prices(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_only_the_number_goes_to_standard_output(command, file):
    exact = (0, "6\n", "tokenwire: exact, by o200k_base\n")
    assert command("count", "-m", GPT, file("a.txt", TEXT)) == exact
    assert command("count", "-m", GPT, "--text", TEXT) == exact
    assert command("count", "-m", GPT, stdin=TEXT.encode()) == exact
    assert command("count", "-m", GPT, "-", stdin=TEXT.encode()) == exact


def test_an_estimate_says_so(command, monkeypatch):
    code, out, err = command("count", "-m", "groq:llama-3.3-70b-versatile", "--text", TEXT)
    assert (code, out, err) == (0, "5\n", "tokenwire: an estimate: estimate by length\n")
    monkeypatch.setattr(tokens, "_bundled", lambda _: tokens._NOT_INSTALLED)
    _, _, err = command("count", "-m", GPT, "--text", TEXT)
    assert "for an exact count, pip install '.[tokens]' in the clone" in err


def test_several_files_are_a_table_with_a_total(command, file):
    a, b = file("a.txt", TEXT), file("b.txt", "\n".join([TEXT] * 20))
    code, out, _ = command("count", "-m", GPT, a, b)
    whole = TokenCounter().count(GPT, b.read_text()).tokens
    assert (code, out) == (0, f"  6  {a}\n{whole}  {b}\n{whole + 6}  total\n")


def test_json_has_every_input_and_the_total(command, file):
    a, b = file("a.txt", TEXT), file("b.txt", TEXT)
    code, out, err = command("count", "-m", GPT, "--json", "--limit", 20, a, b)
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "model": GPT,
        "tokens": 12,
        "exact": True,
        "source": "o200k_base",
        "limit": 20,
        "fits": True,
        "inputs": [{"name": str(a), "tokens": 6}, {"name": str(b), "tokens": 6}],
    }


def test_one_estimated_input_makes_the_total_an_estimate(command, file):
    # Without line breaks, where it can be cut, a text is too long for the vocabulary.
    long = file("long.txt", "a" * 2_000_000)
    code, out, _ = command("count", "-m", GPT, "--json", file("a.txt", TEXT), long)
    report = json.loads(out)
    assert (code, report["exact"]) == (0, False)
    assert report["source"].startswith("o200k_base; estimate")


@pytest.mark.parametrize("form", [MESSAGES, {"model": "x", "messages": MESSAGES}])
def test_messages_are_counted_with_their_separators(command, file, form):
    path = file("chat.json", json.dumps(form))
    expected = TokenCounter().count_messages(GPT, MESSAGES)
    code, out, err = command("count", "-m", GPT, "--messages", path)
    assert (code, out) == (0, f"{expected.tokens}\n")
    assert err == "tokenwire: exact, by o200k_base\n"


@pytest.mark.parametrize("content", ["[", '"hi"', '{"messages": 1}', '["hi"]'])
def test_a_file_without_a_list_of_messages_is_named(command, file, content):
    path = file("chat.json", content)
    code, out, err = command("count", "-m", GPT, "--messages", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"tokenwire: {path}: ")


def test_a_limit_gives_an_exit_code_and_an_estimate_keeps_a_margin(command):
    assert command("count", "-m", GPT, "--limit", 6, "--text", TEXT)[0] == 0
    code, out, err = command("count", "-m", GPT, "--limit", 5, "--text", TEXT)
    assert (code, out) == (1, "6\n")
    assert err.splitlines()[1] == "tokenwire: 6 tokens are over the limit of 5"
    # Estimated as 5 tokens, which may be 7.
    assert command("count", "-m", "groq:m", "--limit", 6, "--text", TEXT)[0] == 1
    assert command("count", "-m", "groq:m", "--limit", 7, "--text", TEXT)[0] == 0


def test_fits_uses_the_context_window_of_the_configuration(command, file, monkeypatch):
    config = file(
        "tokenwire.toml",
        '[models.fast]\nmodel = "vllm://127.0.0.1:1@qwen"\ncontext_window = 10\n'
        '[models.own]\nmodel = "m"\nprovider = "openai"\ncontext_window = 6\n',
    )
    words = ("--config", config, "--fits", "--text", TEXT)
    assert command("count", "-m", "fast", *words)[0] == 0
    assert command("count", "-m", "fast", "--max-tokens", 4, *words)[0] == 1
    assert command("count", "-m", "own", *words)[0] == 1
    monkeypatch.setenv("TOKENWIRE_CONFIG", str(config))
    code, out, _ = command("count", "-m", "fast", "--fits", "--json", "--text", TEXT)
    assert (code, json.loads(out)["model"], json.loads(out)["limit"]) == (0, "vllm:qwen", 10)


def test_a_custom_tokenizer_counts_exactly(command, file):
    pytest.importorskip("tokenizers")
    model = {"type": "WordLevel", "vocab": {"a": 0, "b": 1, "?": 2}, "unk_token": "?"}
    tokenizer = {"version": "1.0", "model": model, "pre_tokenizer": {"type": "Whitespace"}}
    path = file("tokenizer.json", json.dumps(tokenizer))
    exact = (0, "3\n", f"tokenwire: exact, by {path}\n")
    assert command("count", "-m", "vllm:m", "--tokenizer", path, "--text", "a b a") == exact
    assert command("count", "--tokenizer", path, "--text", "a b a") == exact


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--text", "x"], "--model: name the model"),
        (["-m", "gpt-4o", "--text", "x"], '"gpt-4o": write "provider:model"'),
        (["-m", GPT, "/no/such"], "/no/such: No such file or directory"),
        (["-m", GPT, "/"], "/: Is a directory"),
        (["-m", GPT, "--text", "x", "f"], "--text: give a text or files"),
        (
            ["-m", GPT, "--fits", "--limit", "5", "--text", "x"],
            "--limit: with --fits the limit is the context window",
        ),
        (["-m", GPT, "--max-tokens", "5", "--text", "x"], "--max-tokens: use it with --fits"),
        (["-m", "groq:m", "--fits", "--text", "x"], "the context window of groq:m is unknown"),
        (["--tokenizer", "/no/such", "--text", "x"], "/no/such"),
    ],
)
def test_a_count_that_fails_gives_one_line_with_the_fix(command, words, message):
    code, out, err = command("count", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_file_that_is_not_utf_8_is_named(command, tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("caf\u00e9".encode("latin-1"))
    code, _, err = command("count", "-m", GPT, path)
    assert code == 2
    assert err.startswith(f"tokenwire: {path} is not UTF-8 (byte 3)")


def test_a_terminal_is_not_read(command, monkeypatch):
    monkeypatch.setattr("tokenwire.cli.count.has_input", lambda: False)
    code, _, err = command("count", "-m", GPT)
    assert (code, err) == (
        2,
        "tokenwire: nothing to count: give FILE or --text, or pipe something in\n",
    )
