"""The exact output of the old clients."""

from __future__ import annotations

import io
import re
import sys

import pytest
from tests.legacy.asking import BOTH_WAYS, MAKE, ask, says

from tokenwire.legacy.base_llm_client import LlmClientInterface

BANNERS = {
    "ChatClient": "Chat",
    "CompletionClient": "Completion",
    "LlmClient-chat": "LLM",
    "LlmClient-completion": "LLM",
    "LlmCompletion": "Completion",
}
NAMES = {"ChatClient": "openai:m"}
EVERY_WAY = pytest.mark.parametrize(
    ("kind", "way"),
    [(kind, way) for kind in BOTH_WAYS for way in ("run", "run_async")]
    + [("LlmCompletion", "run")],
)


class Client(LlmClientInterface):
    """A custom client."""

    model_name = "mine"

    def run(self, prompt, stream=False, **kwargs):  # noqa: ARG002
        return prompt

    async def run_async(self, prompt, stream=False, **kwargs):  # noqa: ARG002
        return prompt


SUMMARY = """\
📊 Mine Summary
🧠 Model             : mine
⏱️ Duration         : 250ms
🔢 Prompt tokens     : 7
💬 Completion tokens : 5
🧮 Total tokens      : 12
⚡ Tokens/sec        : 20.00
========================================
"""


def summary(banner: str, name: str, prompt_tokens: int, completion_tokens: int) -> re.Pattern[str]:
    """A pattern for the whole summary, with any times."""
    total = prompt_tokens + completion_tokens
    return re.compile(
        f"📊 {banner} Summary\n"
        f"🧠 Model             : {name}\n"
        r"⏱️ Duration         : \d+ms"
        f"\n🔢 Prompt tokens     : {prompt_tokens}\n"
        f"💬 Completion tokens : {completion_tokens}\n"
        f"🧮 Total tokens      : {total}\n"
        r"⚡ Tokens/sec        : \d+\.\d\d"
        f"\n{'=' * 40}\n"
    )


def test_the_summary_of_a_custom_client(capsys):
    Client()._print_metadata(7, 5, 0.25, client_type="Mine")
    assert capsys.readouterr().out == SUMMARY


@pytest.mark.parametrize(("duration", "shown"), [(None, "N/A"), (0, "0ms")])
def test_without_a_duration_the_rate_is_infinite(capsys, duration, shown):
    Client()._print_metadata(1, 2, duration)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "📊 LLM Summary"
    assert lines[2].endswith(f" : {shown}")
    assert lines[6].endswith(" : inf")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.123, "123ms"), (1.005, "1005ms"), (2, "2000ms"), (None, "N/A")]
)
def test_durations_are_whole_milliseconds(seconds, shown):
    assert Client()._format_duration(seconds) == shown


@EVERY_WAY
def test_debug_and_verbose_print_a_summary_and_nothing_else(sim, kind, way, capsys):
    sim.set_script(says("twelve chars"))
    ask(MAKE[kind](sim, debug=True, verbose=True), "hi, you there", way=way)
    printed = capsys.readouterr().out
    expected = summary(BANNERS[kind], NAMES.get(kind, "m"), 3, 3)
    assert expected.fullmatch(printed), printed


@pytest.mark.parametrize("settings", [{}, {"debug": True}, {"verbose": True}])
@EVERY_WAY
def test_debug_or_verbose_alone_print_nothing(sim, kind, way, settings, capsys):
    ask(MAKE[kind](sim, **settings), "hi", way=way)
    assert capsys.readouterr().out == ""


@EVERY_WAY
def test_with_debug_and_verbose_a_stream_prints_its_text_and_then_the_summary(
    sim, kind, way, capsys
):
    sim.set_script(says("twelve chars"))
    ask(MAKE[kind](sim, debug=True, verbose=True), "hi", True, way=way)
    text, line_break, rest = capsys.readouterr().out.partition("\n")
    assert (text, line_break) == ("twelve chars", "\n")
    assert summary(BANNERS[kind], NAMES.get(kind, "m"), 0, 3).fullmatch(rest), rest


@pytest.mark.parametrize("debug", [False, True])
@EVERY_WAY
def test_a_stream_prints_a_dot_a_chunk_and_breaks_the_line_before_every_128th(
    sim, kind, way, debug, capsys
):
    sim.set_script({"default": {"reply": {"tokens": ["a", "", *["b"] * 299]}}})
    ask(MAKE[kind](sim, debug=debug, max_tokens=999), "hi", True, way=way)
    dots = "." * 127 + "\n" + "." * 128 + "\n" + "." * 45
    assert capsys.readouterr().out == dots + ("\n" if kind == "CompletionClient" else "")


def test_a_reply_does_not_steer_a_terminal(sim, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    sim.set_script(says("a\x1b[2J\x9b\u202eb 👩\u200d🚀"))
    MAKE["ChatClient"](sim, debug=True, verbose=True).run("hi", stream=True)
    assert terminal.getvalue().startswith("a[2Jb 👩\u200d🚀")


def test_a_terminal_that_lacks_characters_is_not_an_error(sim, monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", terminal)
    MAKE["ChatClient"](sim, debug=True, verbose=True).run("hi")
    assert b"? Chat Summary\n" in terminal.buffer.getvalue()


def test_a_closed_output_does_not_lose_the_reply(sim, monkeypatch):
    output = io.StringIO()
    output.close()
    monkeypatch.setattr(sys, "stdout", output)
    client = MAKE["ChatClient"](sim, debug=True, verbose=True)
    assert client.run("hi", stream=True) == client.run("hi")
