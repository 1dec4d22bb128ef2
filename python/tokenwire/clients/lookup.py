"""The engine of a client, which has the key and the address that were found.

Both may be missing when the client is created. Its calls then look again, and the engine is created
again with what they find. The clients are of `base`, which imports this module.
"""

from __future__ import annotations

from os import environ

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.process_lock import ProcessLock
from tokenwire.settings.client_settings import engine_arguments
from tokenwire.settings.model_string import key_and_address
from tokenwire.settings.secret import LeftOut, revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tokenwire._engine import Engine
    from tokenwire.settings.model_string import Found

# Held while an engine is created again, so that all threads get the same one.
_lock = ProcessLock()


def create_engine(
    client: Any,
    arguments: dict[str, Any],
    parent: Engine | None = None,
    before: Found | None = None,
) -> None:
    """Give a client its engine.

    Args:
        client: The client. It has its target and its settings.
        arguments: The settings as the engine takes them, with secrets sealed.
        parent: An engine that shares its retry budget.
        before: What an earlier lookup found. That is kept.

    Raises:
        LlmConfigError: A setting is wrong. The message names it, or the variable that it is from.
    """
    settings, target, key_vars = client._settings, client._target, client._key_vars
    api_key = settings["api_key"]
    source = api_key if callable(api_key) else None
    given = None if source or isinstance(api_key, LeftOut) else api_key
    found = key_and_address(target, given, () if source else key_vars, before)
    arguments.update(
        api_key=found.api_key,
        key_name=found.key_name,
        base_url=found.base_url,
        base_url_name=found.base_url_name,
        no_key=found.no_key,
    )
    engine = _engine.Engine(
        provider=target.provider,
        model=target.model,
        family=client._family,
        custom_provider=target.row,
        key_vars=None if source or target.provider == "sim" else key_vars,
        parent=parent,
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


def look_again(client: Any) -> None:
    """Look for the key and the address that a client did not have when it was created.

    What is found is kept. The address of the first call that has what it needs is kept, too.

    Raises:
        LlmConfigError: A value is wrong. The message names its variable.
    """
    if _engine.is_intercepted():
        # Such a call needs neither.
        return
    if not any(map(environ.get, client._late)) and not client._found.base_url_vars:
        return
    with _lock.current():
        if any(map(environ.get, client._late)):
            arguments = engine_arguments(client._settings)
            create_engine(client, arguments, client._engine, client._found)
            client._found_late = True
        found = client._found
        if found.base_url is not None and not (found.needs_key and not client._has_key):
            found.base_url_vars = ()
            client._late = found.key_vars


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
