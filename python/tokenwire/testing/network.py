"""`block_network`: no connection of the engine leaves this machine."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tokenwire import _engine
from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Letters of any script, but no slash, star, blank or lone surrogate.
_HOST = re.compile(r"[^\s/*\x00-\x20\x7f\ud800-\udfff]+")
# The allowed hosts of all active blocks of the process, as the engine is shared. The last decides.
_active: list[list[str]] = []


@contextmanager
def block_network(*, allow: Iterable[str] = ()) -> Iterator[None]:
    """Refuse every connection of the engine to another machine.

        with block_network():
            ChatClient("openai:gpt-4o-mini", api_key="sk-…").run("hi")  # LlmConnectionError

    This applies to all threads of the process, and to open connections as well. No name is looked
    up, and nothing is retried. If blocks are nested, the innermost decides.

    Args:
        allow: Hosts that may be reached besides loopback, as `host` or `host:port`.

    Raises:
        LlmConfigError: An entry of `allow` is not a host.
    """
    if isinstance(allow, str):
        allow = [allow]
    elif not hasattr(allow, "__iter__"):
        raise LlmConfigError(f"allow: give hosts, not {type(allow).__name__}")
    hosts = list(allow)
    for host in hosts:
        if not isinstance(host, str) or not _HOST.fullmatch(host):  # type: ignore[redundant-expr]
            raise LlmConfigError(f'allow: {host!r} is not a host; write "host" or "host:port"')
    _active.append(hosts)
    _engine.allow_only(hosts)
    try:
        yield
    finally:
        # By identity: two blocks may allow the same hosts.
        _active[:] = [one for one in _active if one is not hosts]
        _engine.allow_only(_active[-1] if _active else None)
