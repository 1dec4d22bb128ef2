"""Which road calls take, for `tokenwire doctor`: transport, proxy, unix socket, roots."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tokenwire import _engine
from tokenwire.cli.findings import Finding, configuration_found, has_no_address, is_url
from tokenwire.errors import LlmError
from tokenwire.settings.address import address_variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tokenwire.clients.base import BaseClient

_TRANSPORT = "TOKENWIRE_TRANSPORT"
# The client of a provider gets one of these, because its own may be missing.
_NO_KEY = "tokenwire-doctor"
_HERE = "http://localhost/v1"


def road_findings(targets: Sequence[str]) -> Iterator[Finding]:
    """Say which transport is chosen, and which road calls take. Nothing is sent.

    The roads are those of each provider that has a key or an address in the environment, of each
    model of the configuration, and of the targets of `--reach`.
    """
    usable = _transport()
    yield usable
    if usable.status == "problem":
        # It would be the error of each road.
        return
    roots = _engine._report()["roots"]
    # Roots that are named but cannot be used are not replaced by the system's.
    named = [*(place for place in roots if place["problem"] is None), *roots]
    setting = named[0]["setting"] if named else "system"
    for provider in _engine.provider_names():
        row = _engine.provider_row(provider)
        variables = (*row["key_vars"], *address_variables(row))
        if not has_no_address(row) and any(map(os.environ.get, variables)):
            yield from _road(provider, setting, provider=provider)
    yield from _configured(setting)
    for target in targets:
        if is_url(target):
            yield from _road("openai-compatible", setting, base_url=target)
        elif target != "sim":
            yield from _road(target, setting, provider=target)


def _transport() -> Finding:
    """The transport of clients that choose none."""
    from tokenwire.clients.chat import ChatClient

    word = os.environ.get(_TRANSPORT, "").strip()
    try:
        ChatClient("-", base_url=_HERE)
    except LlmError as error:
        return Finding("transport", "problem", str(error), transport=None, variable=_TRANSPORT)
    if not word:
        text = "auto: the direct one, or the general one through a proxy"
        return Finding("transport", "ok", text, transport="auto", variable=None)
    text = f"{word} (from {_TRANSPORT})"
    return Finding("transport", "ok", text, transport=word, variable=_TRANSPORT)


def _road(name: str, roots: str, **settings: Any) -> Iterator[Finding]:
    """The road of calls to a provider, or to a URL."""
    from tokenwire.clients.chat import ChatClient

    settings = {"provider": name, "api_key": _NO_KEY, **settings}
    try:
        ChatClient("-", trust_env=False, **settings)
    except LlmError:
        # The address itself is wrong, which another finding says.
        return
    try:
        client = ChatClient("-", **settings)
    except LlmError as error:
        yield Finding("road", "problem", f"{name}: {error}", name=name)
    else:
        yield _found(name, client, roots)


def _configured(roots: str) -> Iterator[Finding]:
    """The roads of the models in the configuration."""
    from tokenwire.clients.base import BaseClient
    from tokenwire.factory.factory import LlmClientFactory
    from tokenwire.registry import ModelRegistry

    _, configuration = configuration_found()
    if configuration is None:
        return
    factory = LlmClientFactory(configuration, registry=ModelRegistry())
    for name in factory.names():
        try:
            factory.get_client(name, trust_env=False)
        except LlmError:
            # A finding about the configuration says why.
            continue
        try:
            client = factory.get_client(name)
        except LlmError as error:
            yield Finding("road", "problem", f"{name}: {error}", name=name)
            continue
        # A custom client has its own.
        if isinstance(client, BaseClient) and client.base_url:
            settings = client._settings
            own = "ca_bundle" if settings["ca_bundle"] else None
            yield _found(name, client, own or (roots if settings["trust_env"] else "system"))


def _found(name: str, client: BaseClient, roots: str) -> Finding:
    way = client._engine.way
    is_https = client.base_url.startswith("https://")
    text = f"{name}: {client.base_url} by the {way['transport']} transport"
    if way["socket"] is not None:
        text += ", a unix socket"
    elif way["proxy"] is not None:
        text += f", through {way['proxy']} (from {way['proxy_from']})"
    else:
        text += ", without a proxy"
    if is_https:
        text += f", roots: {roots}"
    details = {**way, "api": client.api, "roots": roots if is_https else None}
    return Finding("road", "ok", text, name=name, url=client.base_url, **details)
