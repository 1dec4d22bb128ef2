"""Our classes in openai's place, for libraries that make their own clients."""

from __future__ import annotations

import openai

from tokenwire.openai import clients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# openai's names for its clients. `Client` and `AsyncClient` are other names of the first two.
_NAMES = {
    "OpenAI": "OpenAI",
    "AsyncOpenAI": "AsyncOpenAI",
    "AzureOpenAI": "AzureOpenAI",
    "AsyncAzureOpenAI": "AsyncAzureOpenAI",
    "Client": "OpenAI",
    "AsyncClient": "AsyncOpenAI",
}
_THEIRS = {name: getattr(openai, name) for name in _NAMES}


def install() -> list[str]:
    """Replace `openai`'s clients by ours, for libraries that make their own.

    Libraries that are imported after it get ours. Call it first in an application.

    Returns:
        The modules, except for openai's own, that hold the former classes under a name of their own,
        because they were imported before.
    """
    for name, ours in _NAMES.items():
        setattr(openai, name, getattr(clients, ours))
    return _holders()


def uninstall() -> None:
    """Put openai's own clients back."""
    for name, theirs in _THEIRS.items():
        setattr(openai, name, theirs)


def _holders() -> list[str]:
    from sys import modules

    former = {id(theirs) for theirs in _THEIRS.values()}
    return sorted(
        name
        for name, module in tuple(modules.items())
        if name.partition(".")[0] not in ("openai", "tokenwire")
        and any(id(value) in former for value in tuple(getattr(module, "__dict__", {}).values()))
    )


def langchain(**options: Any) -> dict[str, Any]:
    """Return the arguments with which `ChatOpenAI` of langchain uses our clients.

        ChatOpenAI(model="gpt-4o-mini", **tokenwire.openai.langchain())

    Args:
        **options: The arguments of `OpenAI` and `AsyncOpenAI`, such as `api_key` and `base_url`.
    """
    sync, asynchronous = clients.OpenAI(**options), clients.AsyncOpenAI(**options)
    return {
        "client": sync.chat.completions,
        "async_client": asynchronous.chat.completions,
        "root_client": sync,
        "root_async_client": asynchronous,
    }
