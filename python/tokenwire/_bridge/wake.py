"""How an event loop runs the tasks that the engine woke. Imported at a loop's first wait."""

from __future__ import annotations

import asyncio
import socket
from typing import Any


def run_woken(drain: Any) -> None:
    """Run the tasks that have something; the loop's callback for the engine's descriptor.

    In Python, so that no frame of Rust lies below a task: CPython before 3.14 ends daemon threads
    at exit by unwinding their stacks, and Rust aborts where that reaches one of its frames.
    """
    for context, function, waiter in drain:
        context.run(function, waiter)


def wake_socket() -> tuple[socket.socket, int]:
    """A reading socket for the loop, and the raw handle of the other end for the engine."""
    reader, writer = socket.socketpair()
    reader.settimeout(0)
    writer.settimeout(0)
    return reader, writer.detach()


def watch_socket(loop: Any, reader: socket.socket) -> None:
    """Start the task that reads the socket, unless it runs; for loops without `add_reader`."""
    if getattr(loop, "_tokenwire_watch", None) is None:
        loop._tokenwire_watch = loop.create_task(_watch(loop, reader))


async def _watch(loop: Any, reader: socket.socket) -> None:
    drain = loop._tokenwire_drain
    try:
        # Gone when nobody waits, so that a loop which ends finds no task of ours.
        while drain.is_waited_for():
            await loop.sock_recv(reader, 4096)
            run_woken(drain)
    except asyncio.CancelledError:
        pass
    finally:
        loop._tokenwire_watch = None
