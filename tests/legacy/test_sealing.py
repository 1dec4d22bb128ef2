"""The key of an old client: `vars()` and the frames of a traceback do not show it."""

from __future__ import annotations

import os
import traceback

import pytest
from tests.legacy.asking import MAKE

KEY = "sk-canary-8Yx41"


@pytest.mark.parametrize("kind", list(MAKE))
def test_neither_vars_nor_a_traceback_shows_the_key(sim, kind):
    sim.set_script({"default": {"error": {"status": 401, "message": f"no {KEY}"}}})
    client = MAKE[kind](sim, api_key=KEY)
    with pytest.raises(Exception, match=r"\[key\]") as caught:
        client.run("hi")
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [f for f in shown.stack if f"{os.sep}tokenwire{os.sep}" in f.filename]
    assert frames
    assert KEY not in str([frame.locals for frame in frames])
    assert KEY not in repr(vars(client)) + repr(vars(client._client))
    assert client._api_key == KEY
