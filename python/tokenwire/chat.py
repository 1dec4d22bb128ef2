"""`ChatClient`: chat completions."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire.engine import EngineClient
from tokenwire.errors import LlmConfigError
from tokenwire.secret import sealed, sealed_headers, sealed_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Any

    from tokenwire._engine import Limits, RetryPolicy, Timeout
    from tokenwire.interface import KeySource
    from tokenwire.types.rows import LlmProvider


class ChatClient(EngineClient):
    """A client of a chat model, sync and async in one object.

        chat = ChatClient("openai:gpt-4o-mini", system="Be brief.")
        text = chat.run("Why is the sky blue?")
        text = await chat.run_async("Why is the sky blue?")

    Args:
        model: `provider:model`, `vllm://host:port@model`, or with `provider` or `base_url` the
            model's id.
        provider: Name of the provider, or a row of your own; the model is then taken whole.
        api_key: The key, or a callable (sync or async) that returns it, called for each call on the
            caller's side and once more after a 401. Without it the provider's variable is read.
        base_url: Address of the API, such as `http://localhost:8000/v1`.
        api: Which API to speak where a provider speaks several: `"chat"`.
        system: System prompt of each call.
        timeout: Seconds (`total` for a whole reply, `first_token` and `idle` for a stream), a
            `Timeout`, or None for no limit.
        max_retries: Attempts after the first one (2); not together with `retry`.
        retry: When and how often a failed attempt is made again.
        limits: Bounds on connections and memory.
        proxy: Proxy URL; without it the environment's, where `trust_env` is set.
        ca_bundle: PEM file or folder of roots that replace the system's.
        client_cert: PEM file with certificate chain and key, or (certificate file, key file).
        trust_env: Whether proxies and roots are taken from the environment.
        headers: Added to each request.
        **defaults: Request parameters of each call.

    Raises:
        LlmConfigError: A setting cannot work; the message names it and the fix.
    """

    _family = "chat"

    def __init__(
        self,
        model: str,
        *,
        provider: str | LlmProvider | None = None,
        api_key: str | KeySource | None = None,
        base_url: str | None = None,
        api: str | None = None,
        system: str | None = None,
        timeout: float | Timeout | None = _engine.Timeout(),  # noqa: B008 (frozen)
        max_retries: int | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        proxy: str | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        client_cert: str | PathLike[str] | tuple[str, str] | None = None,
        trust_env: bool = True,
        headers: Mapping[str, str] | None = None,
        **defaults: Any,
    ) -> None:
        # At once, so that no traceback that shows locals shows them.
        api_key, headers = sealed(api_key), sealed_headers(headers)
        base_url, proxy = sealed_url(base_url), sealed_url(proxy)
        if system is not None and not isinstance(system, str):
            raise LlmConfigError("system: give a str")
        self._set_up(
            {
                "model": model,
                "provider": provider,
                "api_key": api_key,
                "base_url": base_url,
                "api": api,
                "system": system,
                "timeout": timeout,
                "max_retries": max_retries,
                "retry": retry,
                "limits": limits,
                "proxy": proxy,
                "ca_bundle": ca_bundle,
                "client_cert": client_cert,
                "trust_env": trust_env,
                "headers": headers,
            },
            defaults,
        )
