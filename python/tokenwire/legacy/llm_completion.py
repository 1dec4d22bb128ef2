"""`LlmCompletion` and `CompletionStreamingContext` of the older interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.legacy._calls import OldClient
from tokenwire.legacy._settings import private_address, warn_once
from tokenwire.legacy._vendors import NO_KEY
from tokenwire.legacy.token_counter import TokenCounter
from tokenwire.settings.secret import sealed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from typing_extensions import Self

    import tokenwire as tw

__all__ = ["CompletionStreamingContext", "LlmCompletion", "TokenCounter"]


class LlmCompletion(OldClient):
    """A text completion model: sends the prompt and returns the text without fences.

    `base_url` is the whole endpoint, by default `/completions` at `TOKENWIRE_LEGACY_BASE_URL`.
    `api_key` is sent as a bearer token, unless it is None or `"EMPTY"`. The other arguments are
    those of `ChatClient`, but a call sends only `temperature`, `max_tokens`, `stop` and `top_p`.

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
        # First of all, because a traceback may show local variables.
        api_key = sealed(api_key or None)
        warn_once("LlmCompletion")
        self._set_up(model_name, api_key, model_tokenizer_map, debug, verbose, generation_args)
        self.base_url = base_url or f"{private_address()}/completions"

    @property
    def model(self) -> str:
        """The model's id."""
        return self.model_name

    def run_stream(self, prompt: str, **args: Any) -> CompletionStreamingContext:
        """Stream a reply: `async with client.run_stream(prompt) as stream:`."""
        return CompletionStreamingContext(self, prompt, **args)

    def _result(self, text: str) -> str:
        return text.replace("```", "").strip()


class CompletionStreamingContext:
    """A streamed completion, as an async context manager. Entering it sends the request."""

    def __init__(self, client: LlmCompletion, prompt: str, **args: Any) -> None:
        self._client = client
        self._prompt = prompt
        self._args = args
        self._stream: tw.AsyncLlmStream | None = None

    async def __aenter__(self) -> Self:
        """Send the request."""
        client = self._client
        with client._old_errors():
            arguments = client._arguments(self._args)
            stream = client._client.stream_async(client._input(self._prompt), **arguments)
            self._stream = await stream.__aenter__()
        return self

    async def __aexit__(self, *error: Any) -> None:  # noqa: PYI036 (passed on as it is)
        """Close the stream, even if it was not read to its end."""
        if self._stream is not None:
            await self._stream.__aexit__(*error)

    async def stream_text(self, delta: bool = False) -> AsyncGenerator[str, None]:  # noqa: ARG002
        """The text in pieces as they arrive, whatever `delta` is."""
        if self._stream is None:
            raise RuntimeError("enter the context first: async with client.run_stream(…) as stream")
        with self._client._old_errors():
            async for text in self._stream.text_stream:
                if text:
                    yield text
