"""A sync call without a free file descriptor for what it runs on, and another one afterwards.

Argument: the base URL of a server that answers.
"""

from __future__ import annotations

import resource
import socket
import sys

from tokenwire import ChatClient, LlmConnectError

chat = ChatClient("m", base_url=sys.argv[1], api_key="k", max_retries=0)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
held = []
try:
    while True:
        held.append(socket.socket())
except OSError:
    pass
failed = ""
try:
    chat.run("hi")
except LlmConnectError as error:
    failed = str(error)
for one in held:
    one.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
assert "Too many open files" in failed, failed
assert "raise `ulimit -n`" in failed, failed
assert chat.run("hi")
