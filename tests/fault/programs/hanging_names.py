"""Names that resolve, beside names that hang. Arguments: how many hang.

It runs in namespaces of its own, with its own hosts file and a resolver that never answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tokenwire import ChatClient, LlmConnectTimeoutError, Timeout

COUNT = int(sys.argv[1])
BODY = b'{"choices": [{"index": 0, "message": {"content": "ok"}, "finish_reason": "stop"}]}'
SIOCSIFFLAGS = 0x8914
# The engine's own limit, and the threads of this program.
MOST_THREADS = 150

if sys.argv[2:] != ["inside"]:
    user = [] if os.geteuid() == 0 else ["-r"]
    command = ["unshare", *user, "-m", "-n"]
    mount = [*command, "mount", "--bind", "/etc/hosts", "/etc/hosts"]
    try:
        # Whether namespaces can be made here.
        tried = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        sys.exit("skipped: there is no unshare here")
    if tried.returncode:
        sys.exit("skipped: no namespaces can be made here")
    inside = [*command, sys.executable, *sys.argv, "inside"]
    sys.exit(subprocess.run(inside, check=False).returncode)


class Peer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        head = f"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {len(BODY)}\r\n\r\n"
        self.wfile.write(head.encode() + BODY)

    def log_message(self, *_):
        pass


def client(name: str, connect: float) -> ChatClient:
    return ChatClient(
        "m",
        base_url=f"http://{name}:{server.server_port}/v1",
        timeout=Timeout(connect=connect),
        max_retries=0,
        trust_env=False,
    )


def threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


async def main() -> None:
    assert await client("good0", 20).run_async("hi") == "ok"
    hanging = [
        asyncio.create_task(client(f"hang{number}.example", 600).run_async("hi"))
        for number in range(COUNT)
    ]
    with contextlib.suppress(LlmConnectTimeoutError):
        await client("last.example", 0.3).run_async("hi")
    # In the time that a lookup takes until the system gives up: 60 s.
    assert await client("good1", 20).run_async("hi") == "ok"
    assert await asyncio.to_thread(client("good2", 20).run, "hi") == "ok"
    assert threads() < MOST_THREADS
    for task in hanging:
        task.cancel()
    await asyncio.gather(*hanging, return_exceptions=True)
    assert await client("good3", 20).run_async("hi") == "ok"


with socket.socket() as control:
    # The loopback interface of the new namespace is down.
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", 0x41))
folder = Path(tempfile.mkdtemp())
names = " ".join(f"good{number}" for number in range(9))
texts = {
    "hosts": f"127.0.0.1 {names}\n",
    "resolv.conf": "nameserver 127.0.0.1\noptions timeout:30 attempts:2\n",
}
for name, text in texts.items():
    (folder / name).write_text(text)
    subprocess.run(["mount", "--bind", folder / name, f"/etc/{name}"], check=True)
silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(("127.0.0.1", 53))
server = ThreadingHTTPServer(("127.0.0.1", 0), Peer)
threading.Thread(target=server.serve_forever, daemon=True).start()
asyncio.run(main())
print("done", flush=True)
# The lookups that hang belong to no one any more.
os._exit(0)
