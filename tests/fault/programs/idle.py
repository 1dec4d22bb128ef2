"""Pauses between calls, with a clock that it can advance. Arguments: scene, address, clock."""

from __future__ import annotations

import ctypes
import faulthandler
import sys
import time
from pathlib import Path

from tokenwire import ChatClient, Limits, _engine

faulthandler.enable()

NAME, URL, CLOCK = sys.argv[1:]
turn_on = ctypes.CDLL(CLOCK).turn_on


def client(keepalive: float | None) -> ChatClient:
    return ChatClient("m", base_url=URL, max_retries=0, limits=Limits(keepalive=keepalive))


def rest(seconds: int) -> None:
    before = time.monotonic()
    turn_on(seconds)
    assert time.monotonic() - before >= seconds, "the clock does not advance"


def polls() -> int:
    """Return how many polling descriptors this process has. Every runtime has the same number."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found += str(descriptor.readlink()) == "anon_inode:[eventpoll]"
        except OSError:
            continue
    return found


def a_keepalive_of_two_minutes() -> None:
    chat = client(120)
    chat.run("hi")
    for seconds in (60, 110, 130):
        rest(seconds)
        chat.run("hi")


def no_keepalive_of_its_own() -> None:
    chat = client(None)
    chat.run("hi")
    of_one = polls()
    assert of_one > 0
    rest(29)
    _engine.drop_idle_lanes()
    assert polls() == of_one
    rest(2)
    _engine.drop_idle_lanes()
    assert polls() == 0


def one_that_is_kept_below_one_that_is_not() -> None:
    # Two concurrent calls use two runtimes. That of the first stream to end is below the other.
    with client(1).stream("hi") as brief, client(120).stream("hi") as lasting:
        assert list(brief)
        assert list(lasting)
    of_two = polls()
    rest(60)
    _engine.drop_idle_lanes()
    assert polls() == of_two / 2
    client(120).run("hi")


globals()[NAME]()
