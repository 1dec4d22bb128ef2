"""What a log shows of a body: what people read of it, and of data only the beginning."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

# A line has a date and a level, too.
LONGEST_LINE = 16_400
DATA = base64.b64encode(bytes(range(256)) * 1_200).decode()
COUNT = f"… ({len(DATA):,} characters)"
PROGRAM = r"""
import base64, sys, tokenwire as tw
from tokenwire.types import ToolCallPart
chat = tw.ChatClient("m", base_url=sys.argv[1])
data = bytes(range(256)) * 1_200
url = "data:image/png;base64," + base64.b64encode(data).decode()
parts = [
    "What is it?",
    tw.ImagePart(data=data, media_type="image/png"),
    tw.ImagePart(url=url),
    tw.AudioPart(data, "wav"),
    tw.FilePart(data=data, media_type="application/pdf"),
]
call = ToolCallPart("c1", "draw", '{"image": "%s"}' % url.replace("/", r"\/"))
messages = [
    tw.LlmMessage("user", parts),
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]},
    tw.LlmMessage("assistant", [call]),
    tw.LlmMessage("tool", "a word " * 3_000, tool_call_id="c1"),
]
chat.complete(messages, seed=7)
list(chat.stream(messages, seed=7))
"""


def logged(sim: SimServer, program: str) -> list[str]:
    """The lines about bodies that a program logs."""
    done = subprocess.run(
        [sys.executable, "-c", program, sim.base_url],
        env={**os.environ, "TOKENWIRE_LOG": "debug", "TOKENWIRE_LOG_BODIES": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = done.stderr.splitlines()
    assert max(map(len, lines)) < LONGEST_LINE
    return [line for line in lines if ": sent {" in line or ": received {" in line]


def test_data_in_requests_and_replies_is_cut(sim: SimServer) -> None:
    text = f"A cat: ![cat](data:image/png;base64,{DATA})"
    sim.set_script({"default": {"reply": {"text": text}}})
    lines = logged(sim, PROGRAM)
    assert [line.split(": ", 1)[1].split()[0] for line in lines] == ["sent", "received"] * 2
    for line in lines[::2]:
        assert line.count(COUNT) == 6
        assert "What is it?" in line
        assert "data:image/png;base64,AAECAwQFBgc" in line
        assert line.count("… (21,000 characters)") == 1
        assert '"seed":7' in line
    for line in lines[1::2]:
        assert line.count(COUNT) == 1
        assert "A cat: ![cat](data:image/png;base64,AAEC" in line


def test_a_long_body_shows_its_beginning_and_its_end(sim: SimServer) -> None:
    program = """
import sys, tokenwire as tw
chat = tw.ChatClient("m", base_url=sys.argv[1])
chat.complete([{"role": "user", "content": f"question {n}"} for n in range(20_000)], seed=7)
"""
    sent, received = logged(sim, program)
    assert "question 0" in sent
    assert "question 19999" in sent
    assert '"seed":7' in sent
    assert " characters) …" in sent
    assert received.endswith("}")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": f"Invalid image data:image/png;base64,{DATA[:9_000]}: too small"}},
        f"Invalid image {DATA[:9_000]}: too small",
    ],
    ids=["json", "text"],
)
def test_an_error_that_repeats_an_image_still_says_what_is_wrong(
    sim: SimServer, ask: Asking, body: Any
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    sim.set_script({"default": {"error": {"status": 400, "body": text}}})
    with pytest.raises(tw.LlmAPIError) as caught:
        ask.complete(tw.ChatClient("m", base_url=sim.base_url), "q")
    assert "… (9,000 characters): too small" in str(caught.value)
    assert DATA[:9_000] in str(caught.value.body)
