"""`LlmClient` of the older interface."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import tokenwire as tw
from tokenwire.legacy._calls import Calls
from tokenwire.legacy._settings import private_address, warn_once
from tokenwire.legacy._vendors import NO_KEY, chat_target
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.llm_completion import LlmCompletion, completion_client_at
from tokenwire.legacy.token_counter import TokenCounter

__all__ = ["ChatClient", "LlmClient", "LlmCompletion", "TokenCounter"]


class LlmClient(Calls):
    """A private server's model, as chat or as text completion: text in, the text out.

    Args:
        base_url: The API's address, or with `completion_mode` the whole endpoint; None is the
            address in `TOKENWIRE_LEGACY_BASE_URL`.
        model_name: The model's id.
        completion_mode: Whether to ask for text completions.
        prompt_format: The name of the format that the caller writes prompts in.
        api_key: The key; `"EMPTY"` where the server asks for none.
        model_tokenizer_map: Tokenizers by model name, for the summary's counts.
        debug: With `verbose`, print a summary of each call.
        verbose: See `debug`.
        **generation_args: `temperature`, `max_tokens`, `stop`, `top_p`, `stream` for every call.
            Others are kept and not sent.

    Raises:
        LlmConfigError: There is no `base_url`, and the variable is not set.
    """

    DEEPILY_PREFIX = "deepily"
    PHI_4_14B = "kaitchup/phi_4_14b"
    DEEPILY_MINISTRAL_8B_2410_FT_LORA = "deepily/ministral_8b_2410_ft_lora"
    MINISTRAL_8B_2410 = "mistralai/Ministral-8B-Instruct-2410"
    GROQ_LLAMA_3_1_8B = "groq:llama-3.1-8b-instant"
    GROQ_LLAMA_3_3_70B = "groq:llama-3.3-70b-versatile"
    OPENAI_GPT_01_MINI = "openai:o1-mini-2024-09-12"
    GOOGLE_GEMINI_1_5_FLASH = "google-gla:gemini-1.5-flash"
    ANTHROPIC_CLAUDE_SONNET_3_5 = "anthropic:claude-3-5-sonnet-latest"

    _default_arguments = {"temperature": 0.7, "max_tokens": 64, "top_p": 1.0}  # noqa: RUF012
    _banner = "LLM"

    def __init__(
        self,
        base_url: str | None = None,
        model_name: str = "F00",
        completion_mode: bool = False,
        prompt_format: str = "",
        api_key: str | None = NO_KEY,
        model_tokenizer_map: dict[str, str] | None = None,
        debug: bool = False,
        verbose: bool = False,
        **generation_args: Any,
    ) -> None:
        warn_once("LlmClient", 'tokenwire.ChatClient("model", base_url="http://localhost:8000/v1")')
        ending = "/completions" if completion_mode else ""
        self.base_url = base_url or f"{private_address()}{ending}"
        self.model_name = model_name
        self.completion_mode = completion_mode
        self.prompt_format = prompt_format
        self.debug = debug
        self.verbose = verbose
        self.generation_args = generation_args
        self.token_counter = self._counter(model_tokenizer_map)
        self._api_key = api_key

    @staticmethod
    def get_model(mnt_point: str, prefix: str = DEEPILY_PREFIX) -> str:
        """The id of a model that lies in a folder: `prefix/mnt_point`.

        Raises:
            ValueError: It does not contain `//`: the mount point is no absolute path.
        """
        model = f"{prefix}/{mnt_point}"
        if "//" not in model:
            raise ValueError(f"mnt_point: {mnt_point!r} does not begin with a slash")
        return model

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

    def _make(self) -> tw.ChatClient | tw.CompletionClient:
        if self.completion_mode:
            return completion_client_at(self.base_url, self.model_name, self._key())
        target = chat_target(f"openai:{self.model_name}", self._key() or NO_KEY, self.base_url)
        return tw.ChatClient(
            target.model,
            provider=target.provider,
            base_url=target.base_url,
            api_key=target.api_key,
        )
