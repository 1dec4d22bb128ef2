"""Runs the tasks that the engine woke. Imported when an event loop waits for the first time."""

from __future__ import annotations

import asyncio
import socket
from typing import Any


def run_woken(drain: Any) -> None:
    """Run the tasks that have received something: the loop's callback for the engine's descriptor.

    This is Python so that no Rust frame is below a task. At exit, CPython before 3.14 stops daemon
    threads by unwinding their stacks, and Rust aborts if that reaches one of its frames.
    """
    for context, function, waiter in drain:
        context.run(function, waiter)


def wake_socket() -> tuple[socket.socket, int]:
    """Open a socket pair: the reading end for the loop, the raw handle of the other for Rust."""
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
        # The task ends when nothing waits, so that a loop that closes finds no task of ours.
        while drain.is_waited_for():
            await loop.sock_recv(reader, 4096)
            run_woken(drain)
    except asyncio.CancelledError:
        pass
    finally:
        loop._tokenwire_watch = None
