"""The names of the arguments that a call takes. Imports nothing: clients check keywords with it."""

from __future__ import annotations

# What the provider is told, whatever the API.
REQUEST_PARAMETERS = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "top_k",
        "stop",
        "seed",
        "n",
        "logprobs",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "response_format",
        "user",
    }
)
CHAT_PARAMETERS = REQUEST_PARAMETERS | {
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning_effort",
    "metadata",
}
COMPLETION_PARAMETERS = REQUEST_PARAMETERS | {"suffix", "echo", "best_of"}

# What holds for one call and is not the provider's business, or goes past our checks.
CALL_OPTIONS = frozenset(
    {
        "model",
        "timeout",
        "max_retries",
        "headers",
        "stream_usage",
        "extra_body",
        "extra_headers",
        "extra_query",
    }
)
