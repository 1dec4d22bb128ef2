"""Clients that are constructed only to find out whether their arguments are right.

A new client connects to nothing, and none of them needs the environment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.settings.address import PLACES, check_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.clients.chat import ChatClient
    from tokenwire.clients.completion import CompletionClient

    EngineClient: TypeAlias = type[ChatClient | CompletionClient]

_ADDRESS = "http://localhost/v1"


def any_client(kind: EngineClient, api: str | None = None) -> Callable[..., object]:
    """Constructs a client with an address, which is enough for any other argument.

    Without `api`, it speaks one that has the arguments, because which one an entry speaks follows
    from its model.
    """

    def trial(**arguments: Any) -> object:
        # This address has none.
        for name in PLACES:
            check_place(arguments.pop(name, None), name)
        spoken = api or _api_with(kind, arguments)
        return kind("m", **{"base_url": _ADDRESS, "api": spoken, **arguments})

    return trial


def _api_with(kind: EngineClient, names: Iterable[str]) -> str | None:
    """The first API of a class that has these parameters; None if none has them all."""
    for api, family in _engine.apis().items():
        if family == kind._family:
            client = kind("m", base_url=_ADDRESS, api=api)
            if client.get_supported_parameters().issuperset(names):
                return api
    return None


def construct(
    kind: EngineClient, model: str, row: LlmProvider, api: str | None, settings: dict[str, Any]
) -> object:
    """Construct the client of an entry, at the address that it will have, as far as it is known."""
    address = settings.get("base_url") or filled(row.base_url or _ADDRESS)
    others = {name: value for name, value in settings.items() if name not in PLACES}
    given = {**others, "provider": row, "base_url": address, "api_key": "-"}
    return kind(model, api=api, **given)


def filled(url: str) -> str:
    """An address with something in each of its places."""
    for name in PLACES:
        url = url.replace(f"{{{name}}}", "x")
    return url
