"""A call past its time limit is also given up on the wire: the server sees the client leave."""

from __future__ import annotations

import pytest

import tokenwire as tw


@pytest.mark.parametrize("on_the_main_thread", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "no_head"}, id="no-head"),
        pytest.param({"kind": "stall", "at": {"bytes": 5}}, id="in-the-body"),
    ],
)
def test_a_whole_reply_past_its_total_limit_closes_its_connection(sim, fault, on_the_main_thread):
    sim.set_script({"default": {"fault": fault}})
    chat = tw.ChatClient("m", base_url=sim.base_url)

    def ask():
        with pytest.raises(tw.LlmDeadlineExceededError):
            chat.complete("hi", timeout=tw.Timeout(total=0.2))

    if on_the_main_thread:
        ask()
    else:
        from threading import Thread

        thread = Thread(target=ask)
        thread.start()
        thread.join()
    # Nothing drives this client's connections any more, so it was closed before the call returned.
    sim.wait_for("client_closed", timeout=2)
