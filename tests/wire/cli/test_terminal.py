"""Text of a server, a model, a file or an argument steers no terminal and turns no text around."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.cli.terminal import written_on_terminal

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tokenwire.testing import SimServer

pytestmark = pytest.mark.linux

# A title, a cleared screen, the same in C1, text that is turned around, and a carriage return.
EVIL = "a\x1b]0;title\x07\x1b[2J\x9b2J\x9d0;t\x9c\x7f\u202eb\u2066c\u2069\u200f\u061cd\rz"
# What a file may contain: TOML has no C1 and no DEL in names.
STEERING = "\x1b\x07\x9b\x9d\x9c\x7f\u202e\u2066\u2069\u200f\u061c"
STYLES = ("\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\r\x1b[2K")
TERMINALS: list[dict[str, str]] = [
    {"TERM": "xterm"},
    {"TERM": "dumb"},
    {"TERM": "xterm", "NO_COLOR": "1"},
    {"TERM": "dumb", "FORCE_COLOR": "1"},
]


def on_terminal(environment: dict[str, str], *words: object) -> str:
    """What a command writes to a terminal, without our own styles."""
    environment = {"PYTHONIOENCODING": "utf-8", **environment}
    _, text = written_on_terminal([*map(str, words)], environment)
    for style in STYLES:
        text = text.replace(style, "")
    return text


def run_on(sim: SimServer, *more: object) -> list[object]:
    return ["run", "-m", "m", "--base-url", sim.base_url, *more, "hi"]


def reply(sim: SimServer, _folder: Path) -> list[object]:
    sim.set_script({"default": {"reply": {"reasoning": EVIL, "text": EVIL}}})
    return run_on(sim)


def tool_call(sim: SimServer, _folder: Path) -> list[object]:
    sim.set_script({"default": {"reply": {"tool_calls": [{"name": EVIL, "arguments": {}}]}}})
    return run_on(sim)


def refusal(sim: SimServer, _folder: Path) -> list[object]:
    sim.set_script({"default": {"reply": {"refusal": EVIL}}})
    return run_on(sim)


def error(sim: SimServer, _folder: Path) -> list[object]:
    sim.set_script({"default": {"error": {"status": 400, "message": EVIL}}})
    return run_on(sim)


def json_error(sim: SimServer, _folder: Path) -> list[object]:
    return [*error(sim, _folder), "--json"]


def stats(sim: SimServer, _folder: Path) -> list[object]:
    sim.set_script({"default": {"reply": {"text": "a", "extra": {"model": EVIL}}}})
    return run_on(sim, "--stats")


def model(_sim: SimServer, _folder: Path) -> list[object]:
    return ["run", "-m", EVIL, "hi"]


def option(_sim: SimServer, _folder: Path) -> list[object]:
    return ["run", f"--{EVIL}", "hi"]


def command(_sim: SimServer, _folder: Path) -> list[object]:
    return [EVIL]


def schema(_sim: SimServer, folder: Path) -> list[object]:
    return ["run", "--schema", folder / EVIL.replace("/", ""), "hi"]


def toml(folder: Path, text: str) -> Path:
    path = folder / "tokenwire.toml"
    path.write_text(text, encoding="utf-8")
    return path


NAME = json.dumps(EVIL)


def check_names(_sim: SimServer, folder: Path) -> list[object]:
    return ["check", toml(folder, f'[models.{NAME}]\nmodel = "sim:chat"\n')]


def check_values(_sim: SimServer, folder: Path) -> list[object]:
    return ["check", toml(folder, f"[models.a]\nmodel = {NAME}\n[models.b]\nmodle = {NAME}\n")]


def models(_sim: SimServer, folder: Path) -> list[object]:
    text = f'[models.a]\nmodel = "sim:x"\n[catalog."sim:"]\n[models.{NAME}]\nmodel = "sim:"\n'
    return ["models", "--config", toml(folder, text)]


def count(_sim: SimServer, folder: Path) -> list[object]:
    (folder / EVIL).write_text("one")
    (folder / "b").write_text("two")
    return ["count", "-m", "openai:gpt-4o", folder / EVIL, folder / "b"]


def migrate(_sim: SimServer, folder: Path) -> list[object]:
    (folder / f"{EVIL}.py").write_text("x = (\n")
    text = f"from app.llm_client import LlmClient  # {EVIL}\n".replace("\r", "")
    (folder / "b.py").write_text(text, encoding="utf-8")
    return ["migrate", folder, "--package", "app"]


def reach(_sim: SimServer, _folder: Path) -> list[object]:
    return ["doctor", "--reach", EVIL]


SITUATIONS: list[Callable[[SimServer, Path], list[object]]] = [
    reply,
    tool_call,
    refusal,
    error,
    json_error,
    stats,
    model,
    option,
    command,
    schema,
    check_names,
    check_values,
    models,
    count,
    migrate,
    reach,
]


# The kind of terminal changes how a reply is shown. Everything else is printed in one way.
CASES = [
    *((situation, environment) for situation in SITUATIONS[:2] for environment in TERMINALS),
    *((situation, TERMINALS[0]) for situation in SITUATIONS[2:]),
]


@pytest.mark.parametrize(
    ("situation", "environment"),
    CASES,
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value.__name__,
)
def test_nothing_of_others_steers_a_terminal(
    sim: SimServer, tmp_path: Path, situation: Any, environment: dict[str, str]
) -> None:
    words = situation(sim, tmp_path)
    written = on_terminal({**environment, "TOKENWIRE_CONFIG": ""}, *words)
    # Without a cursor to move, there is no progress.
    assert written or situation is tool_call
    assert [f"U+{ord(c):04X}" for c in STEERING if c in written] == []
    assert "\r" not in written.replace("\r\n", "")


def test_what_is_piped_is_as_it_came(sim: SimServer) -> None:
    sim.set_script({"default": {"reply": {"text": EVIL}}})
    words = [sys.executable, "-m", "tokenwire", *map(str, run_on(sim))]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, check=True, env=environment
    )
    assert done.stdout == f"{EVIL}\n".encode()


@pytest.mark.parametrize("text", ["👩\u200d🚀 ❤\ufe0f", "नमस्\u200cते", "שלום", "a\n\tb"])
def test_text_of_every_script_reaches_a_terminal(sim: SimServer, text: str) -> None:
    sim.set_script({"default": {"reply": {"text": text}}})
    written = on_terminal({"TERM": "dumb"}, *run_on(sim))
    assert written == f"{text}\n".replace("\n", "\r\n")


def test_an_error_s_text_is_escaped(sim: SimServer, call: Callable[[tw.ChatClient], str]) -> None:
    sim.set_script({"default": {"error": {"status": 400, "message": EVIL}}})
    with pytest.raises(tw.LlmAPIError) as caught:
        call(tw.ChatClient("m", base_url=sim.base_url, max_retries=0))
    assert not set(STEERING) & set(str(caught.value))
    assert "\\u{202e}b" in str(caught.value)


def test_a_client_s_name_does_not_turn_text_around() -> None:
    chat = tw.ChatClient("sim:a\u202eb")
    assert "ChatClient(sim:a\\u{202e}b, " in repr(chat)
    assert "\u202e" not in repr(chat.stream("hi"))
