"""`CompletionClient` and `clean_llm_response` of the older interface."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tokenwire.legacy._calls import Calls
from tokenwire.legacy._settings import by_the_adapter, warn_once
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.llm_completion import LlmCompletion, completion_client_at
from tokenwire.legacy.token_counter import TokenCounter

if TYPE_CHECKING:
    import tokenwire as tw

__all__ = [
    "CompletionClient",
    "LlmClientInterface",
    "LlmCompletion",
    "TokenCounter",
    "clean_llm_response",
]

_OPENING_FENCE = re.compile(r"```\w*\r?\n")
_CLOSING_FENCE = re.compile(r"\r?\n```\Z")


def clean_llm_response(response: str) -> str:
    """Take off white space, and a fence with its line break at the very start and the very end."""
    text = response.strip()
    opening = _OPENING_FENCE.match(text)
    closing = _CLOSING_FENCE.search(text)
    start = opening.end() if opening else 0
    end = closing.start() if closing else len(text)
    # The two may share their line break.
    return text[start : max(start, end)].strip()


class CompletionClient(Calls, LlmClientInterface):
    """A text completion model: text in, the cleaned text out.

    Args:
        base_url: The whole endpoint: `http://host:port/v1/completions`.
        model_name: The model's id.
        prompt_format: The name of the format that the caller writes prompts in.
        api_key: Sent as a bearer token, unless it is None or `"EMPTY"`.
        model_tokenizer_map: Tokenizers by model name, for the summary's counts.
        debug: With `verbose`, print a summary of each call.
        verbose: See `debug`.
        **generation_args: `temperature`, `max_tokens`, `stop`, `top_p`, `stream` for every call.
            Others are kept and not sent.
    """

    _default_arguments = {"temperature": 0.7, "max_tokens": 64, "top_p": 1.0}  # noqa: RUF012
    _banner = "Completion"
    _ends_with_a_line_break = True

    def __init__(
        self,
        base_url: str,
        model_name: str,
        prompt_format: str = "",
        api_key: str | None = None,
        model_tokenizer_map: dict[str, str] | None = None,
        debug: bool = False,
        verbose: bool = False,
        **generation_args: Any,
    ) -> None:
        warn_once(
            "CompletionClient",
            'tokenwire.CompletionClient("model", base_url="http://localhost:8000/v1")',
        )
        self.base_url = base_url
        self.model_name = model_name
        self.prompt_format = prompt_format
        self.debug = debug
        self.verbose = verbose
        self.generation_args = generation_args
        self.token_counter = self._counter(model_tokenizer_map)
        with by_the_adapter():
            self.model = LlmCompletion(
                base_url=base_url,
                model_name=model_name,
                api_key=api_key or "EMPTY",
                model_tokenizer_map=model_tokenizer_map,
                debug=debug,
                verbose=verbose,
                **generation_args,
            )
        self._api_key = api_key

    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the cleaned text."""
        return self._run(prompt, stream, kwargs)

    async def run_async(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Ask, and return the cleaned text."""
        return await self._run_async(prompt, stream, kwargs)

    def _make(self) -> tw.CompletionClient:
        return completion_client_at(self.base_url, self.model_name, self._key())

    def _shape(self, text: str) -> str:
        return clean_llm_response(text)
