"""`TokenCounter` of the older interface."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import tokenwire as tw
from tokenwire.legacy._settings import warn_once

__all__ = ["TokenCounter"]

_CHARACTERS_PER_TOKEN = 4
_TOKENIZER_FILE = "tokenizer.json"
# A model for each vocabulary that a map may name instead of a model.
_MODELS = {"cl100k_base": "gpt-4", "o200k_base": "gpt-4o"}


class TokenCounter:
    """Counts tokens: exactly where a vocabulary is known, else by the length of the text.

    The vocabularies of OpenAI's models are known with the extra `tokens`, and those of others by
    the path of their `tokenizer.json` in the map, with the library `tokenizers`.

    Args:
        model_tokenizer_map: The tokenizer by model name: another model, `"o200k_base"`,
            `"cl100k_base"`, or the path of a `tokenizer.json` or of its folder.
    """

    def __init__(self, model_tokenizer_map: dict[str, str] | None = None) -> None:
        warn_once("TokenCounter")
        self.model_tokenizer_map = {} if model_tokenizer_map is None else model_tokenizer_map

    def count_tokens(self, model_name: str, text: str) -> int:
        """The number of tokens that a text has for a model. Never raises or uses the network."""
        try:
            tokenizer = self.model_tokenizer_map.get(model_name, model_name)
            counter, model = _counter(tokenizer)
            count = counter.count(model, text)
            if count.exact:
                return count.tokens
        except Exception:  # noqa: BLE001, S110 (a count must not make a call fail)
            pass
        try:
            return len(text) // _CHARACTERS_PER_TOKEN
        except TypeError:
            return 0


@lru_cache(maxsize=64)
def _counter(tokenizer: str) -> tuple[tw.TokenCounter, str]:
    """What counts with a tokenizer, and the name by which it knows the tokenizer."""
    path = Path(tokenizer)
    file = path / _TOKENIZER_FILE if path.is_dir() else path
    if file.name == _TOKENIZER_FILE and file.is_file():
        return tw.TokenCounter({"local:model": file}), "local:model"
    model = tokenizer if ":" in tokenizer else f"openai:{_MODELS.get(tokenizer, tokenizer)}"
    return tw.TokenCounter(), model
