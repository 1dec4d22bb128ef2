"""`ChatClient` of the older interface."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tokenwire as tw
from tokenwire.legacy._calls import Calls
from tokenwire.legacy._settings import SENT_BY_CHAT, warn_once
from tokenwire.legacy._vendors import chat_target, not_found_at
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.token_counter import TokenCounter

__all__ = ["ChatClient", "LlmClientInterface", "TokenCounter"]


class ChatClient(Calls, LlmClientInterface):
    """A chat model: one user message in, the text out, not stripped.

    Args:
        model_name: `vendor:model`; with `base_url` any string is a model of that server.
        api_key: The key; without it the vendor's variable is read.
        base_url: The API's address; without it the vendor's variable, then its own address.
        model_tokenizer_map: Tokenizers by model name, for the summary's counts.
        debug: With `verbose`, print a summary of each call.
        verbose: See `debug`.
        **generation_args: `temperature`, `max_tokens`, `stop`, `top_p`, `stream` for every call;
            also `seed`, `frequency_penalty`, `presence_penalty`, `logit_bias`, `stop_sequences`,
            `timeout`, `extra_body` and `extra_headers`. Others are kept and not sent.

    Raises:
        LlmConfigError: The name says no vendor and there is no address, or there is no key.
    """

    _default_arguments = {"temperature": 0.7, "max_tokens": 1024, "top_p": 1.0}  # noqa: RUF012
    _banner = "Chat"

    def __init__(
        self,
        model_name: str,
        api_key: str | None = None,
        base_url: str | None = None,
        model_tokenizer_map: dict[str, str] | None = None,
        debug: bool = False,
        verbose: bool = False,
        **generation_args: Any,
    ) -> None:
        warn_once("ChatClient", 'tokenwire.ChatClient("openai:gpt-4o-mini")')
        self.model_name = model_name
        self.debug = debug
        self.verbose = verbose
        self.generation_args = generation_args
        self.token_counter = self._counter(model_tokenizer_map)
        target = chat_target(model_name, api_key or None, base_url or None)
        self._vendor = target.vendor
        self._api_key = target.api_key
        self._target = target._replace(api_key=None)
        self._if_not_found = not_found_at(target)

    @cached_property
    def model(self) -> Any:
        """The client of the new API that this one calls."""
        return self._client

    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the text."""
        return self._run(prompt, stream, kwargs)

    async def run_async(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the text."""
        return await self._run_async(prompt, stream, kwargs)

    def _make(self) -> tw.ChatClient:
        target = self._target
        return tw.ChatClient(
            target.model, provider=target.provider, base_url=target.base_url, api_key=self._key()
        )

    def _constructor_arguments(self) -> dict[str, Any]:
        given = self.generation_args
        arguments = super()._constructor_arguments()
        arguments.update({name: given[name] for name in SENT_BY_CHAT if name in given})
        if arguments.get("stop") is None and given.get("stop_sequences") is not None:
            arguments["stop"] = given["stop_sequences"]
        timeout: Any = arguments.get("timeout")
        if hasattr(timeout, "read"):
            # An `httpx.Timeout`: the longest silence is what a single number means.
            arguments["timeout"] = timeout.read
        bias = arguments.get("logit_bias")
        if isinstance(bias, dict):
            # Token ids are numbers in Python and keys of an object in JSON.
            arguments["logit_bias"] = {str(token): value for token, value in bias.items()}
        return arguments
