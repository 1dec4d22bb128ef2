"""What a client was given for one server, and must not send to another.

The clients are of `base`, which imports this module.
"""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.errors import LlmConfigError
from tokenwire.settings.address import PLACES, same_origin
from tokenwire.settings.client_settings import OF_ONE_SERVER, check_text
from tokenwire.settings.model_string import ModelString, check_no_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from tokenwire._engine import Engine


def for_model(client: Any, params: dict[str, Any]) -> tuple[Engine, dict[str, Any]]:
    """The engine for `model=` of a call: the client's, or another provider's."""
    model = params["model"]
    if not isinstance(model, str) or not model.strip():
        raise LlmConfigError('model: give a string such as "gpt-4o-mini"')
    check_text(model, "model")
    if model == client.model:
        return client._engine, params
    check_no_address(model, client.provider)
    parts = ModelString(model)
    if parts.provider == client.provider:
        return client._engine, {**params, "model": parts.name}
    if not _engine.is_provider(parts.provider):
        return client._engine, params
    _check_other_provider(client, model)
    sibling = client._siblings.get(parts.provider)
    if sibling is None:
        sibling = client.with_options(model=model, provider=None)
        client._siblings[parts.provider] = sibling
    sibling._check_usable(params)
    return sibling._engine, {**params, "model": parts.name}


def _check_other_provider(client: Any, model: str) -> None:
    """Refuse a call of another provider's model by a client that was given something for its own.

    Raises:
        LlmConfigError: The client was given a key, an address, headers or a query.
    """
    held = _held(client, ())
    held += [name for name in ("base_url", *PLACES) if client._settings[name] is not None]
    if held:
        verb = "are" if held[0].endswith("s") else "is"
        raise LlmConfigError(
            f'model: "{model}" belongs to another provider, and the {held[0]} of this client '
            f"{verb} only for its own provider; create a client for that model"
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
        places = [
            f"{one.provider} at {one.base_url}" if one.base_url else one.provider
            for one in (parent, child)
        ]
        if not parent.base_url:
            places[0] += ", which has no address yet"
        raise LlmConfigError(
            f"{', '.join(taken)}: given for {places[0]}, and not passed on to {places[1]}; "
            "give it again by with_options(…), or None"
        )


def _held(client: Any, given: Collection[str]) -> list[str]:
    settings = {**client._settings, **client.defaults}
    if client._key_vars is not None:
        # A configuration names the variable of its key, which may not be set yet.
        settings["api_key"] = True
    return [name for name in OF_ONE_SERVER if name not in given and settings.get(name)]
