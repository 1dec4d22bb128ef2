"""What a client was given for one server, and must not send to another.

The clients are of `base`, which imports this module.
"""

from __future__ import annotations

from tokenwire.errors import LlmConfigError
from tokenwire.settings.client_settings import OF_ONE_SERVER
from tokenwire.settings.model_string import same_origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any


def check_other_provider(client: Any, model: str) -> None:
    """Refuse a call of another provider's model by a client that was given something for its own.

    Raises:
        LlmConfigError: The client was given a key, an address, headers or a query.
    """
    held = _held(client, ())
    if client._key_vars is not None:
        held.append("api_key")
    elif client._settings["base_url"] is not None:
        held.append("base_url")
    if held:
        raise LlmConfigError(
            f'model: "{model}" belongs to another provider, and the {held[0]} of this client '
            "is only for its own provider; create a client for that model"
        )


def check_child(parent: Any, child: Any, given: Collection[str]) -> None:
    """Refuse a client of `with_options` that has taken something along to another server.

    Args:
        parent: The client it was derived from.
        child: The new client.
        given: The names of the settings that `with_options` was given.

    Raises:
        LlmConfigError: The message names what has to be given again.
    """
    taken = []
    if not same_origin(child.base_url, parent.base_url):
        taken = _held(parent, given)
    elif child.provider != parent.provider and "base_url" not in given:
        # Otherwise it would get the key of the other provider.
        taken = ["base_url"] if parent._settings["base_url"] is not None else []
    if taken:
        raise LlmConfigError(
            f"{', '.join(taken)}: given for {parent.provider} at {parent.base_url}, and not passed "
            f"on to {child.provider} at {child.base_url}; give it again by with_options(…), or None"
        )


def _held(client: Any, given: Collection[str]) -> list[str]:
    settings = {**client._settings, **client.defaults}
    return [name for name in OF_ONE_SERVER if name not in given and settings.get(name)]
