"""The server for all contestants: the simulator in its own process, with its log off."""

from __future__ import annotations

import http.client
import json
import os
import resource
import subprocess
from binascii import crc32
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).parent.parent.parent
PROGRAM = ROOT / "target" / "release" / "tokenwire-sim"


def raise_file_limit() -> int:
    """Raise this process's limit of open files as far as possible. Children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class SimulatorProcess:
    """Started by `with`. It ends with the block, because its standard input is closed."""

    def __init__(self, program: Path = PROGRAM) -> None:
        if not program.exists():
            raise SystemExit(f"{program} is missing: run `make sim-program`")
        self._process = subprocess.Popen(
            [str(program), "--log-capacity", "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        word, _, self.base_url = self._process.stdout.readline().strip().partition(" ")
        if word != "listening":
            raise SystemExit(f"{program} did not start")
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """Send a request to the simulator on a new connection."""
        address = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"content-type": "application/json"})
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer.decode()}")
        return answer

    def set_script(self, script: dict[str, Any]) -> None:
        """Set what it does from the next request on."""
        self.call("POST", "/_sim/script", script)

    def stats(self) -> dict[str, int]:
        """Return its counters since its start."""
        found: dict[str, int] = json.loads(self.call("GET", "/_sim/stats"))
        return found

    def pin(self, cpus: set[int]) -> None:
        """Let it run on these CPUs only."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cpus)

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def expected(self, request: dict[str, Any], tokens: int) -> tuple[str, str]:
        """Return what a contestant must read: the text of a stream, and the whole reply."""
        ask = {"model": "bench-model", **request, "max_tokens": tokens}
        reply = json.loads(self.call("POST", "/v1/chat/completions", ask))
        [choice] = reply["choices"]
        text = choice["message"]["content"]
        digest = f"{crc32(text.encode()):08x}"
        total = reply["usage"]["total_tokens"]
        return f"{tokens}:{digest}", f"{digest}:{choice['finish_reason']}:{total}"
