"""An https call without a free file descriptor, and another one afterwards.

Arguments: the setting that names the roots, and their path.
"""

from __future__ import annotations

import os
import resource
import socket
import sys

from tokenwire import ChatClient, LlmConnectError, LlmError

SETTING, ROOTS = sys.argv[1:]
if SETTING.startswith("SSL"):
    os.environ[SETTING] = ROOTS
settings = {"ca_bundle": ROOTS} if SETTING == "ca_bundle" else {}


def error_of(url: str, **settings) -> LlmError:
    try:
        ChatClient("m", base_url=url, max_retries=0, **settings).run("hi")
    except LlmError as error:
        return error
    raise AssertionError


# The runtime of sync calls is made, and whatever is imported late is imported.
error_of("http://127.0.0.1:1/v1")
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
held = []
try:
    while True:
        held.append(socket.socket())
except OSError:
    pass
error = error_of("https://127.0.0.1:1/v1", **settings)
for one in held:
    one.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
assert type(error) is LlmConnectError, repr(error)
assert error.retryable
assert "Too many open files" in str(error), error
name = "the system's roots" if SETTING == "system" else f"{SETTING} {ROOTS}"
assert str(error).startswith(f"openai-compatible:m: cannot read {name}"), error
# The files are read now, and nothing listens there.
error = error_of("https://127.0.0.1:1/v1", **settings)
assert "connection refused" in str(error), error
