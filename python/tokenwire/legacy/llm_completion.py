"""`LlmCompletion` and `CompletionStreamingContext` of the older interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import tokenwire as tw
from tokenwire.legacy._calls import Calls
from tokenwire.legacy._errors import as_old_errors
from tokenwire.legacy._settings import private_address, warn_once
from tokenwire.legacy._vendors import COMPATIBLE, NO_KEY
from tokenwire.legacy.token_counter import TokenCounter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["CompletionStreamingContext", "LlmCompletion", "TokenCounter"]


def completion_client_at(endpoint: str, model: str, api_key: str | None) -> tw.CompletionClient:
    """The new client for a whole endpoint, to which it adds `/completions` itself."""
    parts = urlsplit(endpoint.strip())
    path = parts.path.rstrip("/").removesuffix("/completions")
    key = None if api_key in (None, "", NO_KEY) else api_key
    return tw.CompletionClient(
        model, provider=COMPATIBLE, base_url=parts._replace(path=path).geturl(), api_key=key
    )


class LlmCompletion(Calls):
    """A text completion model: text in, the text without fences out.

    Args:
        base_url: The whole endpoint; None is `/completions` at `TOKENWIRE_LEGACY_BASE_URL`.
        model_name: The model's id.
        api_key: Sent as a bearer token, unless it is None or `"EMPTY"`.
        model_tokenizer_map: Tokenizers by model name, for the summary's counts.
        debug: With `verbose`, print a summary of each call.
        verbose: See `debug`.
        **generation_args: `temperature`, `max_tokens`, `stop`, `top_p`, `stream` for every call.
            Others are kept and not sent.

    Raises:
        LlmConfigError: There is no `base_url`, and the variable is not set.
    """

    _default_arguments = {"temperature": 0.25, "max_tokens": 64, "top_p": 1.0}  # noqa: RUF012
    _banner = "Completion"

    def __init__(
        self,
        base_url: str | None = None,
        model_name: str = "deepily/ministral_8b_2410_ft_lora",
        api_key: str | None = NO_KEY,
        model_tokenizer_map: dict[str, str] | None = None,
        debug: bool = False,
        verbose: bool = False,
        **generation_args: Any,
    ) -> None:
        warn_once(
            "LlmCompletion",
            'tokenwire.CompletionClient("model", base_url="http://localhost:8000/v1")',
        )
        self.base_url = base_url or f"{private_address()}/completions"
        self.model_name = model_name
        self.debug = debug
        self.verbose = verbose
        self.generation_args = generation_args
        self.token_counter = self._counter(model_tokenizer_map)
        self._api_key = api_key

    @property
    def model(self) -> str:
        """The model's id."""
        return self.model_name

    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the text without fences."""
        return self._run(prompt, stream, kwargs)

    def run_stream(self, prompt: str, **args: Any) -> CompletionStreamingContext:
        """Ask when the context is entered: `async with client.run_stream(prompt) as stream:`."""
        return CompletionStreamingContext(self, prompt, **args)

    def _make(self) -> tw.CompletionClient:
        return completion_client_at(self.base_url, self.model_name, self._key())

    def _shape(self, text: str) -> str:
        return text.replace("```", "").strip()


class CompletionStreamingContext:
    """A streamed completion, as an async context manager.

    Args:
        client: Who asks.
        prompt: What is asked.
        **args: Arguments of this call.
    """

    def __init__(self, client: LlmCompletion, prompt: str, **args: Any) -> None:
        self._client = client
        self._prompt = prompt
        self._args = args
        self._stream: tw.AsyncLlmStream | None = None

    async def __aenter__(self) -> Self:
        """Send the request."""
        client = self._client
        with as_old_errors(client._secrets):
            arguments = client._arguments(self._args)
            stream = client._client.stream_async(client._asked(self._prompt), **arguments)
            self._stream = await stream.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the stream, read to its end or not."""
        if self._stream is not None:
            await self._stream.__aexit__(kind, error, traceback)

    async def stream_text(self, delta: bool = False) -> AsyncGenerator[str, None]:  # noqa: ARG002
        """The pieces of text as they come; always pieces, whatever `delta` is."""
        if self._stream is None:
            raise RuntimeError("enter the context first: async with client.run_stream(…) as stream")
        with as_old_errors(self._client._secrets):
            async for piece in self._stream.text_stream:
                if piece:
                    yield piece
