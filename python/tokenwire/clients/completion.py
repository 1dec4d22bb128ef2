"""`CompletionClient`: text completions."""

from __future__ import annotations

from tokenwire.clients.base import BaseClient
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from tokenwire.types.prompt import Prompt


class CompletionClient(BaseClient):
    r"""A client for text completion models (`POST /completions`), sync and async in one object.

        llama = CompletionClient("vllm:Qwen/Qwen3-4B-Base", base_url="http://127.0.0.1:8000/v1")
        llama.run("def fib(n):", max_tokens=64, stop=["\n\n"])

    A prompt is a `str`, a list of strings, a list of token ids, or a list of lists of token ids.
    Both clients take the same arguments; see `__init__`.
    """

    _family = "completions"
    # A completion may be empty if the model has nothing to add.
    _needs_text = False

    def _check_one_text(self, prompt: Prompt, params: Mapping[str, Any]) -> None:
        super()._check_one_text(prompt, params)
        asked = getattr(prompt, "prompt", prompt)
        if isinstance(asked, (list, tuple)) and len(asked) > 1 and not isinstance(asked[0], int):
            raise LlmConfigError(
                "prompt: run() returns one text; use complete() for several prompts"
            )
