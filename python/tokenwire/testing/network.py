"""`block_network`: no connection of the engine leaves this machine."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Printable ASCII without a slash or a star.
_HOST = re.compile(r"[!-)+-.0-~]+")
# Those in force; the last decides. They hold for the whole process, as the engine does.
_in_force: list[list[str]] = []


@contextmanager
def block_network(*, allow: Iterable[str] = ()) -> Iterator[None]:
    """Refuse every connection of the engine to another machine.

        with block_network():
            ChatClient("openai:gpt-4o-mini", api_key="sk-…").run("hi")  # LlmConnectionError

    It holds for all threads of the process, and for connections that stand already. No name is
    looked up, and nothing is tried again. Of nested ones the innermost decides.

    Args:
        allow: Hosts, `host` or `host:port`, that may be reached besides loopback.

    Raises:
        LlmConfigError: An entry of `allow` is no host.
    """
    if isinstance(allow, str):
        allow = [allow]
    elif not hasattr(allow, "__iter__"):
        raise LlmConfigError(f"allow: give hosts, not {type(allow).__name__}")
    hosts = list(allow)
    for host in hosts:
        if not isinstance(host, str) or not _HOST.fullmatch(host):  # type: ignore[redundant-expr]
            raise LlmConfigError(f'allow: {host!r} is no host; write "host" or "host:port"')
    _in_force.append(hosts)
    _engine.allow_only(hosts)
    try:
        yield
    finally:
        # By identity: two lists of the same hosts are two blocks.
        _in_force[:] = [one for one in _in_force if one is not hosts]
        _engine.allow_only(_in_force[-1] if _in_force else None)
