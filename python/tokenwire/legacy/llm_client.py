"""`LlmClient` of the older interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenwire.legacy._calls import AsyncOldClient
from tokenwire.legacy._settings import private_address, warn_once
from tokenwire.legacy._vendors import NO_KEY, chat_target
from tokenwire.legacy.chat_client import ChatClient
from tokenwire.legacy.llm_completion import LlmCompletion
from tokenwire.legacy.token_counter import TokenCounter
from tokenwire.settings.secret import sealed

if TYPE_CHECKING:
    import tokenwire as tw

__all__ = ["ChatClient", "LlmClient", "LlmCompletion", "TokenCounter"]


class LlmClient(AsyncOldClient):
    """A model of a private server, by chat or, with `completion_mode`, by text completion.

    `base_url` is the API's address, and in completion mode the whole endpoint. By default it comes
    from `TOKENWIRE_LEGACY_BASE_URL`. `prompt_format` names the format that the caller writes
    prompts in. The other arguments are those of `ChatClient`, but a call sends only `temperature`,
    `max_tokens`, `stop` and `top_p`.

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
        # First of all, because a traceback may show local variables.
        api_key = sealed(api_key or None)
        warn_once("LlmClient")
        self._set_up(model_name, api_key, model_tokenizer_map, debug, verbose, generation_args)
        ending = "/completions" if completion_mode else ""
        self.base_url = base_url or f"{private_address()}{ending}"
        self.completion_mode = completion_mode
        self.prompt_format = prompt_format

    @staticmethod
    def get_model(mnt_point: str, prefix: str = DEEPILY_PREFIX) -> str:
        """The id of a model in a mounted folder: `prefix/mnt_point`, with an absolute path."""
        model = f"{prefix}/{mnt_point}"
        if "//" not in model:
            raise ValueError(f"mnt_point: pass an absolute path, not {mnt_point!r}")
        return model

    @property
    def model(self) -> Any:
        """The new client that this one calls."""
        return self._client

    def _new_client(self) -> tw.ChatClient | tw.CompletionClient:
        if self.completion_mode:
            return super()._new_client()
        key = self._key() or sealed(NO_KEY)
        target = chat_target(f"openai:{self.model_name}", key, self.base_url)
        return target.client(target.api_key)
