"""Calls while no thread can be started, and afterwards.

Arguments: a scene, the server's address, and a file of roots.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from tokenwire import ChatClient, LlmConnectError, LlmEngineError, LlmError, Timeout

SCENE, URL, ROOTS = sys.argv[1:]
NOBODY = 65534
folder = tempfile.TemporaryDirectory()
roots = Path(shutil.copy(ROOTS, folder.name))
# The name needs a lookup, the address does not.
NAMED = URL.replace("127.0.0.1", "localhost")


def client(url: str, **settings) -> ChatClient:
    limits = Timeout(connect=20, total=20)
    return ChatClient("m", base_url=url, timeout=limits, max_retries=0, trust_env=False, **settings)


def sync(chat: ChatClient) -> str:
    return chat.run("hi")


def asynchronous(chat: ChatClient) -> str:
    return asyncio.run(chat.run_async("hi"))


def error_of(ask, chat: ChatClient) -> LlmError | None:
    try:
        ask(chat)
    except LlmError as error:
        return error
    return None


chat, ask, kind_afterwards = {
    "sync": (client(NAMED), sync, None),
    "async": (client(NAMED), asynchronous, None),
    "async_first": (client(URL), asynchronous, None),
    # Nothing listens there. That is noticed after the certificates were read.
    "certificates": (client("https://127.0.0.1:1/v1", ca_bundle=roots), sync, LlmConnectError),
}[SCENE]

# Whatever is imported late is imported now.
sync(client(URL))
error_of(sync, client("http://127.0.0.1:1/v1"))
asyncio.run(asyncio.sleep(0))
if SCENE == "async":
    asynchronous(client(URL))

if os.geteuid() == 0:
    # The limit does not apply to root.
    for path in (roots, folder.name):
        os.chown(path, NOBODY, NOBODY)
    os.setgid(NOBODY)
    os.setuid(NOBODY)
soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
try:
    threading.Thread(target=int).start()
except RuntimeError:
    pass
else:
    sys.exit("skipped: the limit on threads has no effect here")
error = error_of(ask, chat)
resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
assert type(error) is LlmEngineError, repr(error)
assert "thread" in str(error), error
assert "\n" not in str(error)
for _ in range(2):
    error = error_of(ask, chat)
    assert error is None if kind_afterwards is None else type(error) is kind_afterwards, error
folder.cleanup()
