"""`TokenCounter` of the older interface."""

from __future__ import annotations

from tokenwire.legacy._settings import warn_once
from tokenwire.legacy._vocabulary import counter_for

__all__ = ["TokenCounter"]

_CHARACTERS_IN_A_TOKEN = 4


class TokenCounter:
    """Counts tokens: exactly where a vocabulary lies on this machine, else by the text's length.

    Args:
        model_tokenizer_map: Name of the tokenizer by name of the model.
    """

    def __init__(self, model_tokenizer_map: dict[str, str] | None = None) -> None:
        warn_once("TokenCounter", 'tokenwire.TokenCounter().count("openai:gpt-4o", "text")')
        self.model_tokenizer_map = {} if model_tokenizer_map is None else model_tokenizer_map

    def count_tokens(self, model_name: str, text: str) -> int:
        """How many tokens a text has for a model. Never raises, and never uses the network."""
        try:
            tokenizer = self.model_tokenizer_map.get(model_name, model_name)
            count = counter_for(tokenizer)
            tokens = None if count is None else count(text)
            if tokens is not None:
                return tokens
        except Exception:  # noqa: BLE001, S110 (a count is never worth a failure)
            pass
        try:
            return len(text) // _CHARACTERS_IN_A_TOKEN
        except TypeError:
            return 0
