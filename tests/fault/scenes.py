"""Scenes of the fault tests: clients of a simulator, a timed Ctrl-C, odd listeners."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenwire import ChatClient, CompletionClient, LlmError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

    from tokenwire import LlmResponse
    from tokenwire.testing import SimServer

TOKENS = ["One", " two", " three", " four", " five", " six", " seven", " eight"]
TEXT = "".join(TOKENS)
REPLY: dict[str, Any] = {"reply": {"tokens": TOKENS}}


def chat(sim: SimServer, **settings: Any) -> ChatClient:
    """A chat client of the simulator, without retries unless given."""
    settings.setdefault("max_retries", None if "retry" in settings else 0)
    return ChatClient("m", base_url=sim.base_url, **settings)


def completion(sim: SimServer, **settings: Any) -> CompletionClient:
    """A completion client of the simulator, without retries unless given."""
    settings.setdefault("max_retries", None if "retry" in settings else 0)
    return CompletionClient("m", base_url=sim.base_url, **settings)


def always(**behaviour: Any) -> dict[str, Any]:
    """A script that answers every request in the same way."""
    return {"default": {**REPLY, **behaviour}}


def stalled(events: int) -> dict[str, Any]:
    """A script whose streams go silent after this many events, including the role event."""
    return always(fault={"kind": "stall", "at": {"events": events}})


class CtrlC:
    """A thread that sends SIGINT to this process at a chosen moment.

    The moment is a function that returns when it has arrived. `late` is the time from the signal to
    the end of the block.
    """

    def __init__(self, moment: Callable[[], object], number: int = signal.SIGINT) -> None:
        self._moment = moment
        self._number = number
        self._thread = threading.Thread(target=self._send)
        self._sent = 0.0
        self.late = 0.0

    def _send(self) -> None:
        self._moment()
        self._sent = time.monotonic()
        os.kill(os.getpid(), self._number)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.late = time.monotonic() - self._sent
        self._thread.join()


def sockets() -> set[int]:
    """The open sockets of this process, by inode."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (a Path would open no fewer)
        try:
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
        except OSError:
            continue
        if target.startswith("socket:["):
            found.add(int(target[8:-1]))
    return found


def descriptors() -> int:
    """How many file descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Return whether a condition becomes true in time. No event announces it, so poll."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        os.sched_yield()
    return True


class FullBacklog:
    """A listener whose queue is full, so that a connection attempt gets no answer."""

    def __enter__(self) -> Self:
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        self.port: int = self._listener.getsockname()[1]
        self._fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)
        self._own = self._unanswered()
        return self

    def _unanswered(self) -> int:
        wanted = f"0100007F:{self.port:04X} 02"
        return sum(wanted in line for line in Path("/proc/net/tcp").read_text().splitlines())

    def waiting(self) -> int:
        """How many sockets of other processes wait for the answer to their SYN."""
        return self._unanswered() - self._own

    def __exit__(self, *_: object) -> None:
        for one in (*self._fillers, self._listener):
            one.close()


class Mute:
    """A listener that accepts one connection, waits for its first byte and never answers."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._peer: socket.socket | None = None
        return self

    def hears(self) -> None:
        """Return when the client has connected and sent something."""
        self._listener.settimeout(10)
        self._peer, _ = self._listener.accept()
        self._peer.settimeout(10)
        assert self._peer.recv(1)

    def hears_the_end(self) -> bool:
        """Return whether the client closes the connection."""
        assert self._peer is not None
        try:
            while self._peer.recv(65536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._peer is not None:
            self._peer.close()
        self._listener.close()


def ends(sim: SimServer) -> Iterator[dict[str, Any]]:
    """The simulator's log records of connections that the client closed."""
    return (record for record in sim.log() if record["kind"] == "client_closed")


PROGRAMS = Path(__file__).parent / "programs"


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a program from this folder in a new process. Any warning in it is an error."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", str(PROGRAMS / program), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: subprocess.Popen[str], seconds: float = 30.0) -> tuple[int, str, str]:
    """Return how a program ended: its exit code, what it printed, and its complaints."""
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        # SIGABRT makes faulthandler show where each thread hangs.
        process.send_signal(signal.SIGABRT)
        out, err = process.communicate()
        return -1, out, f"still running after {seconds} s: {err}"
    return process.returncode, out, err


def read_stream(client: Any, **params: Any) -> tuple[list[Any], Any, LlmResponse[Any]]:
    """Return the chunks of a sync stream, how it ended, and its reply."""
    chunks = []
    stream = client.stream("hi", **params)
    try:
        with stream:
            for chunk in stream:
                chunks.append(chunk)
    except LlmError as error:
        return chunks, error, stream.response
    return chunks, None, stream.response


async def read_async(client: Any, **params: Any) -> tuple[list[Any], Any, LlmResponse[Any]]:
    """Return the same for an async stream."""
    chunks = []
    stream = client.stream_async("hi", **params)
    try:
        async with stream:
            async for chunk in stream:
                chunks.append(chunk)
    except LlmError as error:
        return chunks, error, stream.response
    return chunks, None, stream.response


def read_in_loop(client: Any, **params: Any) -> tuple[list[Any], Any, LlmResponse[Any]]:
    """Return the same, in a new event loop."""
    return asyncio.run(read_async(client, **params))


READERS = {"sync": read_stream, "async": read_in_loop}
