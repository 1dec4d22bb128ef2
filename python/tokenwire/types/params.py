"""The keyword arguments of a call, for type checkers: ``**params: Unpack[ChatParams]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenwire._engine import Timeout
    from tokenwire.tools.functions import ToolLike


class RequestParams(TypedDict, total=False):
    """What calls of every API take.

    Nothing is sent that is not given. Ranges are the provider's; only the types are checked.

    Attributes:
        max_tokens: Most tokens of the reply, under the name that the provider takes.
        max_completion_tokens: Another name of the same limit; set one of them.
        temperature: How much chance there is in the choice of a token; 0 is least.
        top_p: Take tokens from the likeliest ones that have this share of the probability together.
        top_k: Take tokens from so many likeliest ones.
        stop: Texts that end the reply; they are not part of it.
        seed: Makes replies repeat as far as the provider can.
        n: How many choices to make of one prompt.
        logprobs: Probabilities of the tokens; a number asks for so many alternatives of each.
        frequency_penalty: Lowers tokens by how often they came.
        presence_penalty: Lowers tokens that came.
        logit_bias: Added to the logits of tokens, by their ids.
        response_format: A type, a JSON schema, or a provider's own form; see `reply.parsed`.
        user: Your own id of the person who asks, for the provider.
        model: Another model for this call; of another provider too (`"groq:…"`), unless the client
            was given its own `api_key` or `base_url`.
        timeout: Seconds, a `Timeout`, or None for no limit.
        max_retries: Attempts after the first one.
        headers: Added to the client's.
        stream_usage: False does not ask a stream for its token counts.
        extra_body: Added to the body as it is, for what only one server knows.
        extra_headers: Added to the headers; wins over `headers`.
        extra_query: Added to the address.
    """

    max_tokens: int | None
    max_completion_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    n: int | None
    logprobs: bool | int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logit_bias: Mapping[str, float] | Mapping[int, float] | None
    response_format: type | Mapping[str, object] | None
    user: str | None
    # For one call.
    model: str | None
    timeout: float | Timeout | None
    max_retries: int | None
    headers: Mapping[str, str] | None
    stream_usage: bool | None
    extra_body: Mapping[str, object] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, object] | None


class ChatParams(RequestParams, total=False):
    """What chat calls take.

    Attributes:
        tools: Functions, `Tool`s or dicts that the model may call.
        tool_choice: `"auto"`, `"none"`, `"required"`, or a dict that names the tool to be called.
        parallel_tool_calls: Whether one reply may call several.
        reasoning_effort: How much to reason, in the provider's words, such as `"low"`.
        metadata: Your own notes on the request, kept by the provider.
    """

    tools: Sequence[ToolLike] | None
    tool_choice: str | Mapping[str, object] | None
    parallel_tool_calls: bool | None
    reasoning_effort: str | None
    metadata: Mapping[str, object] | None


class CompletionParams(RequestParams, total=False):
    """What text completion calls take.

    Attributes:
        suffix: The text that follows what the model writes.
        echo: Whether the reply begins with the prompt, with its probabilities under `logprobs`.
        best_of: Of how many choices the best ones are sent.
    """

    suffix: str | None
    echo: bool | None
    best_of: int | None


class AnyParams(ChatParams, CompletionParams, total=False):
    """What a call of either API takes; what its own API lacks is refused when it is made."""
