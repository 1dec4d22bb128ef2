"""`CompletionClient` and `clean_llm_response` of the older interface."""

from __future__ import annotations

import re
from typing import Any

from tokenwire.legacy._calls import AsyncOldClient
from tokenwire.legacy._settings import warn_once
from tokenwire.legacy.base_llm_client import LlmClientInterface
from tokenwire.legacy.llm_completion import LlmCompletion
from tokenwire.legacy.token_counter import TokenCounter
from tokenwire.settings.secret import sealed

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
    """Remove surrounding white space, and a code fence at the very start and the very end."""
    text = response.strip()
    opening = _OPENING_FENCE.match(text)
    closing = _CLOSING_FENCE.search(text)
    start = opening.end() if opening else 0
    end = closing.start() if closing else len(text)
    # The two may share a line break.
    return text[start : max(start, end)].strip()


class CompletionClient(AsyncOldClient, LlmClientInterface):
    """A text completion model: sends the prompt and returns the cleaned text.

    `base_url` is the whole endpoint, such as `http://host:port/v1/completions`. `prompt_format`
    names the format that the caller writes prompts in. `api_key` is sent as a bearer token, unless
    it is None or `"EMPTY"`. The other arguments are those of `ChatClient`, but a call sends only
    `temperature`, `max_tokens`, `stop` and `top_p`.
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
        # First of all, because a traceback may show local variables.
        api_key = sealed(api_key or None)
        warn_once("CompletionClient")
        self._set_up(model_name, api_key, model_tokenizer_map, debug, verbose, generation_args)
        self.base_url = base_url
        self.prompt_format = prompt_format
        self.model = LlmCompletion(
            base_url,
            model_name,
            api_key or "EMPTY",
            model_tokenizer_map,
            debug,
            verbose,
            **generation_args,
        )

    def _result(self, text: str) -> str:
        return clean_llm_response(text)
