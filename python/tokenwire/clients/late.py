"""Key and address of a client that did not have them when it was created: its calls look again."""

from __future__ import annotations

from os import environ

from tokenwire import _engine
from tokenwire.clients.lookup import create_engine
from tokenwire.errors import LlmConfigError, LlmError
from tokenwire.process_lock import ProcessLock
from tokenwire.settings.client_settings import engine_arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


# Held while an engine is created again, so that all threads get the same one.
_lock = ProcessLock()


def check_usable(client: Any, params: Mapping[str, Any]) -> None:
    """Look, for a call with these parameters, for what the client lacks.

    Raises:
        LlmConfigError: A value that was found is wrong, or a pickle left something out.
    """
    if client._late:
        look_again(client, params)
    if client._left_out:
        check_left_out(client)


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
