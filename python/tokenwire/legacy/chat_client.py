"""`ChatClient` of the older interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.legacy._calls import AsyncOldClient
from tokenwire.legacy._settings import warn_once
from tokenwire.legacy._vendors import chat_target, not_found_at
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.token_counter import TokenCounter
from tokenwire.settings.secret import sealed

if TYPE_CHECKING:
    import tokenwire as tw

__all__ = ["ChatClient", "LlmClientInterface", "TokenCounter"]

# The constructor's other arguments that the old client sent.
_SENT = (
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "timeout",
    "extra_body",
    "extra_headers",
)


class ChatClient(AsyncOldClient, LlmClientInterface):
    """A chat model: sends one user message and returns the text, not stripped.

    Args:
        model_name: `vendor:model`; with `base_url`, any model of that server.
        api_key: The key; by default the one in the vendor's variable.
        base_url: The API's address; by default the one in the vendor's variable, else the vendor's.
        model_tokenizer_map: Tokenizers by model name, for the token counts of the summary.
        debug: With `verbose`, print a summary of each call.
        verbose: See `debug`.
        **generation_args: `temperature`, `max_tokens`, `stop`, `top_p` and `stream` for every call;
            also `seed`, `frequency_penalty`, `presence_penalty`, `logit_bias`, `stop_sequences`,
            `timeout`, `extra_body` and `extra_headers`. Others are stored and not sent.

    Raises:
        LlmConfigError: The name has no vendor and there is no address, or there is no key.
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
        # First of all, because a traceback may show local variables.
        api_key = sealed(api_key or None)
        warn_once("ChatClient")
        target = chat_target(model_name, api_key, base_url or None)
        self._set_up(
            model_name, target.api_key, model_tokenizer_map, debug, verbose, generation_args
        )
        self._key_variables = target.key_variables
        self._if_not_found = not_found_at(target)
        self._target = target._replace(api_key=None)

    @property
    def model(self) -> Any:
        """The new client that this one calls."""
        return self._client

    def _new_client(self) -> tw.ChatClient:
        return self._target.client(self._key())

    def _constructor_arguments(self) -> dict[str, Any]:
        stored = self.generation_args
        arguments = super()._constructor_arguments()
        arguments.update({name: stored[name] for name in _SENT if name in stored})
        if arguments.get("stop") is None and stored.get("stop_sequences") is not None:
            arguments["stop"] = stored["stop_sequences"]
        timeout: Any = arguments.get("timeout")
        if hasattr(timeout, "read"):
            # An `httpx.Timeout`: its read timeout is what a single number means.
            arguments["timeout"] = timeout.read
        bias = arguments.get("logit_bias")
        if isinstance(bias, dict):
            # Token ids are numbers in Python, but keys of an object in JSON.
            arguments["logit_bias"] = {str(token): value for token, value in bias.items()}
        return arguments
