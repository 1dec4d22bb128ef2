"""The engine of a client, which has the key and the address that were found.

Both may be missing when the client is created. Its calls then look again, and the engine is created
again with what they find. The clients are of `base`, which imports this module.
"""

from __future__ import annotations

from os import environ

from tokenwire import _engine
from tokenwire.errors import LlmConfigError, LlmError
from tokenwire.process_lock import ProcessLock
from tokenwire.settings.client_settings import engine_arguments
from tokenwire.settings.model_string import key_and_address
from tokenwire.settings.secret import LeftOut, revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


# Held while an engine is created again, so that all threads get the same one.
_lock = ProcessLock()


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
    api_key = settings["api_key"]
    source = api_key if callable(api_key) else None
    given = None if source or isinstance(api_key, LeftOut) else api_key
    before = parent._found if parent is not None and _is_alike(client, parent) else None
    found = key_and_address(target, given, () if source else key_vars, before)
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
    client._found = found
    client._engine = engine
    # Last, because another thread that sees it unset uses the engine.
    client._late = (*found.key_vars, *found.base_url_vars)


def _is_alike(client: Any, other: Any) -> bool:
    """Whether two clients look for the same key and the same address."""
    one, two = client._target, other._target
    return (
        client._settings["api_key"] is other._settings["api_key"]
        and client._key_vars == other._key_vars
        and (one.provider, one.row, one.base_url) == (two.provider, two.row, two.base_url)
        # An address in a model string may not have every key.
        and type(one.base_url) is type(two.base_url)
    )


def look_again(client: Any, params: Mapping[str, Any]) -> None:
    """Look, for a call, for the key and the address that a client did not have when it was created.

    What is found is kept. The address of the first call that has what it needs is kept, too.

    Args:
        client: The client.
        params: The parameters of the call. A header may have the key.

    Raises:
        LlmConfigError: A value is wrong. The message names its variable.
    """
    is_settled = not client._found.base_url_vars and not any(map(environ.get, client._late))
    # An intercepted call needs neither.
    if is_settled or _engine.is_intercepted():
        return
    with _lock.current():
        take_what_is_there(client)
        found = client._found
        if found.base_url is not None and _is_complete(client, params):
            found.base_url_vars = ()
            client._late = found.key_vars


def _is_complete(client: Any, params: Mapping[str, Any]) -> bool:
    """Whether a call with these parameters would be sent, as far as the key is concerned."""
    if client._has_key or not client._found.needs_key:
        return True
    headers = {name: params[name] for name in ("headers", "extra_headers") if name in params}
    from tokenwire.clients.arguments import converted, merged

    try:
        client._engine.check(merged(client._base, converted(headers)[0]), **client._steering)
    except LlmError:
        # The call says what is wrong.
        return False
    return True


def take_what_is_there(client: Any) -> None:
    """Take the key and the address if their variables are set by now.

    Raises:
        LlmConfigError: A value is wrong. The message names its variable.
    """
    if any(map(environ.get, client._late)):
        with _lock.current():
            if any(map(environ.get, client._late)):
                create_engine(client, engine_arguments(client._settings), client)
                client._found_late = True


def check_left_out(client: Any) -> None:
    """Refuse a call of a client whose pickle left something out.

    Raises:
        LlmConfigError: The message names what has to be given again.
    """
    lost = client._left_out
    if _engine.is_intercepted():
        # Such a call needs no key.
        lost = [name for name in lost if name != "api_key"]
    if lost:
        raise LlmConfigError(
            f"{', '.join(lost)}: the pickle of this client left out what may be secret, and a call "
            "without it is not sent; give it again by with_options(…)"
        )
