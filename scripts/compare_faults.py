"""Compare how two clients handle the same broken answers: the official openai client and tokenwire.

    python scripts/compare_faults.py        prints the table of README.md

The official client comes from PyPI, pinned, into `.venv-real`. The simulator breaks the answers.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tokenwire.testing import SimServer

VENV = Path(__file__).resolve().parents[1] / ".venv-real"
PYTHON = VENV / "bin" / "python"
OPENAI = "openai==3.54.0"
KEY = "sk-not-a-real-key"

# Both programs stream a chat and print one line that says how it ended.
OFFICIAL = """
import sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])
text = ""
try:
    asked = [{"role": "user", "content": "hi"}]
    for chunk in client.chat.completions.create(model="m", messages=asked, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
    print("returns", repr(text))
except Exception as error:
    leaked = ", with the key in its text" if sys.argv[2] in str(error) else ""
    print(type(error).__name__ + leaked)
"""
OURS = """
import sys, tokenwire
client = tokenwire.ChatClient("m", base_url=sys.argv[1], api_key=sys.argv[2])
try:
    print("returns", repr(client.run("hi", stream=True)))
except tokenwire.LlmError as error:
    leaked = ", with the key in its text" if sys.argv[2] in str(error) else ""
    kept = f", with {error.partial.text!r} kept" if error.partial else ""
    print(type(error).__name__ + leaked + kept)
"""

TOKENS = ["It", " is", " blue", "."]
SAYS_KEY = {"status": 401, "message": f"Incorrect API key provided: {KEY}"}


def behaviours(stranger: SimServer) -> dict[str, dict[str, Any]]:
    """What the server does, in words and as a script."""
    address = stranger.base_url.replace("127.0.0.1", "localhost")
    reply = {"reply": {"tokens": TOKENS}}
    redirect = {"kind": "redirect", "location": f"{address}/chat/completions"}
    return {
        "ends the stream cleanly after three events": {
            **reply,
            # Without chunks or a length, the body ends with the connection.
            "framing": "close",
            "fault": {"kind": "close", "at": {"events": 3}},
        },
        "resets the connection after three events": {
            **reply,
            "fault": {"kind": "reset", "at": {"events": 3}},
        },
        "sends an error after three events": {
            **reply,
            "fault": {"kind": "error_event", "at": {"events": 3}},
        },
        "answers 200 with a page of HTML": {"fault": {"kind": "html"}},
        "answers 401 and repeats the key": {"error": SAYS_KEY},
        "redirects to another origin": {"fault": redirect},
    }


def outcome(interpreter: object, code: str, base_url: str) -> str:
    """Return what a client says about one answer."""
    command = [str(interpreter), "-c", code, base_url, KEY]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Print the table."""
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        OPENAI,
    ]
    subprocess.run(pip, check=True)
    print(f"| the server … | {OPENAI.replace('==', ' ')} | tokenwire |\n|---|---|---|")
    with SimServer() as sim, SimServer() as stranger:
        for name, behaviour in behaviours(stranger).items():
            cells = []
            for interpreter, code in ((PYTHON, OFFICIAL), (sys.executable, OURS)):
                sim.set_script({"default": behaviour})
                stranger.reset()
                stranger.set_script({"default": {"reply": {"text": "I am a stranger."}}})
                cell = outcome(interpreter, code, sim.base_url)
                prompts = stranger.count("request")
                cells.append(cell + ("; the prompt went there" if prompts else ""))
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
