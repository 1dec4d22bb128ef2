"""For tests of code that calls language models: no key, no network, and the same outcome each time.

`fake` answers the calls of code whose model string cannot be changed:

    with fake({"openai:*": ["hi", tool_call("f", x=1), error(429)]}) as f:
        code_under_test()
    assert f.requests[0].messages[-1]["content"] == "Say hi."

`block_network` refuses connections to other machines, and `SimServer` is a simulator of the APIs on
a loopback port, with a script and a log:

    with SimServer() as sim:
        chat = ChatClient("gpt-4o-mini", base_url=sim.base_url)
        chat.run("hi")
        assert sim.requests()[0]["body"]["messages"][0]["content"] == "hi"

It needs no key and no network; what a script can make it do is in the simulator's guide.
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
