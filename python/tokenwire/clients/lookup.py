"""The engine of a client, which has the key and the address that were found.

Both may be missing when the client is created: then `late` looks again, and creates another engine.
The clients are of `base`, which imports this module.
"""

from __future__ import annotations

import sys

from tokenwire import _engine
from tokenwire.settings.address import PLACES
from tokenwire.settings.client_settings import left_out, left_out_of_provider
from tokenwire.settings.model_string import key_and_address
from tokenwire.settings.secret import LeftOut, revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def create_engine(
    client: Any,
    arguments: dict[str, Any],
    parent: Any = None,
) -> None:
    """Give a client its engine.

    Args:
        client: The client. It has its target and its settings.
        arguments: The settings as the engine takes them, with secrets sealed.
        parent: A client that shares its retry budget, and what it found if both call the same
            server with the same settings for it. It may be the client itself.

    Raises:
        LlmConfigError: A setting is wrong. The message names it, or the variable that it is from.
    """
    settings, target, key_vars = client._settings, client._target, client._key_vars
    if target.row is not None and (lost := left_out_of_provider(target.row)):
        client._left_out = lost
    api_key = settings["api_key"]
    source = api_key if callable(api_key) else None
    given = None if source or isinstance(api_key, LeftOut) else api_key
    before = parent._found if parent is not None and _is_alike(client, parent) else None
    places = {name: value for name in PLACES if (value := settings[name]) is not None}
    found = key_and_address(target, given, () if source else key_vars, before, places)
    found.add_to(arguments)
    engine = _engine.Engine(
        provider=target.provider,
        model=target.model,
        family=client._family,
        custom_provider=target.row,
        key_vars=None if source or target.provider == "sim" else key_vars,
        parent=None if parent is None else parent._engine,
        **revealed(arguments),
    )
    if found.api_key is not None and (key_vars or isinstance(api_key, LeftOut)):
        # The key of a variable of its own is kept for copies, like a key from the constructor.
        settings["api_key"] = found.api_key if key_vars else None
        client._left_out = [name for name in client._left_out if name != "api_key"]
    client._key_source = source
    client._has_key = source is not None or found.api_key is not None
    client.base_url = engine.base_url
    client.api = engine.api
    client._found = found
    client._engine = engine
    # Last, because another thread that sees it unset uses the engine.
    client._late = (*found.key_vars, *found.base_url_vars)


def note_left_out(client: Any, defaults: dict[str, Any]) -> None:
    """Note what a pickle left out of the settings and the `defaults` of a client."""
    settings = client._settings
    lost = left_out(settings, defaults)
    if isinstance(settings["api_key"], LeftOut) and not client._found.needs_key:
        # If it is needed, the engine says that it is missing.
        lost.append("api_key")
    if lost:
        client._left_out = lost


def greenlets_in_use() -> Any:
    """The module `greenlets` if gevent or eventlet has replaced the threads; None if not."""
    if "gevent.monkey" in sys.modules or "eventlet.patcher" in sys.modules:
        from tokenwire.clients import greenlets

        return greenlets if greenlets.are_patched() else None
    return None


def _is_alike(client: Any, other: Any) -> bool:
    """Whether two clients look for the same key and the same address."""
    one, two = client._target, other._target
    return (
        client._settings["api_key"] is other._settings["api_key"]
        and all(client._settings[name] == other._settings[name] for name in PLACES)
        and client._key_vars == other._key_vars
        and (one.provider, one.row, one.base_url) == (two.provider, two.row, two.base_url)
        # An address in a model string may not have every key.
        and type(one.base_url) is type(two.base_url)
    )
