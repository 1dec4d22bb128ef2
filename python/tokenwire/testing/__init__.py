"""Tests of code that calls language models, without a key and without a network.

- `fakes`: `fake` answers the calls of code that you do not change, by rules.
- `chat_form` lets a fake's requests read alike in each API.
- `replies`: `reply`, `tool_call`, `error` and `cut` are the replies of those rules.
- `network`: `block_network` refuses connections to other machines.
- `simulator`: `SimServer` is a simulator of the APIs on a loopback port, with a script and a log.
  The simulator's guide lists what a script can do.

For example:

    with fake({"openai:*": ["hi", tool_call("f", x=1), error(429)]}) as f:
        code_under_test()
    assert f.requests[0].messages[-1]["content"] == "Say hi."

    with SimServer() as sim:
        chat = ChatClient("gpt-4o-mini", base_url=sim.base_url)
        chat.run("hi")
        assert sim.requests()[0]["body"]["messages"][0]["content"] == "hi"
"""

from __future__ import annotations

from tokenwire.testing.fakes import Fake, FakeRequest, fake
from tokenwire.testing.network import block_network
from tokenwire.testing.replies import cut, error, reply, tool_call
from tokenwire.testing.simulator import SimServer

__all__ = [
    "Fake",
    "FakeRequest",
    "SimServer",
    "block_network",
    "cut",
    "error",
    "fake",
    "reply",
    "tool_call",
]
