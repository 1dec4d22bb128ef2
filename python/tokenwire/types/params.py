"""The keyword arguments of a call, for type checkers: ``**params: Unpack[ChatParams]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenwire._engine import Timeout
    from tokenwire.tools.functions import ToolLike

OutputMode: TypeAlias = Literal["json_schema", "json_object", "prompt", "tool"]


class RequestParams(TypedDict, total=False):
    """The arguments of calls of every API.

    Only the arguments that you pass are sent. tokenwire checks their types, and the provider checks
    their ranges. An argument that the API of the call does not have is refused, unless
    `drop_unsupported` is set.

    Attributes:
        max_tokens: The maximum number of tokens in the reply. It is sent under the provider's name
            for it.
        max_completion_tokens: The same limit, sent by this name to every provider; give only one
            of them.
        temperature: How random the choice of tokens is; 0 is the least.
        top_p: Consider only the likeliest tokens that together have this probability.
        top_k: Consider only this many of the likeliest tokens.
        stop: Texts that end the reply. They are not part of it.
        seed: Makes replies repeatable, as far as the provider can. It is sent under the
            provider's name for it.
        random_seed: The same, sent by this name to every provider.
        n: How many choices to generate.
        logprobs: Return the probabilities of the tokens; a number also asks for that many
            alternatives of each.
        frequency_penalty: Make tokens less likely the more often they have occurred.
        presence_penalty: Make tokens less likely if they have occurred at all.
        logit_bias: What to add to the logits of tokens, by token id.
        response_format: A type, a JSON schema, or a provider's own format; see `reply.parsed`.
        output_mode: How the schema of a type reaches the model: `"json_schema"` as it is,
            `"json_object"` or `"prompt"` in the system prompt, `"tool"` as a tool that the model is
            made to call. The default is that of the provider and the model.
        user: Your id for the person who asks, for the provider.
        model: Another model for this call. It may belong to another provider (`"groq:…"`), unless
            the client has its own `api_key` or `base_url`.
        timeout: Seconds, a `Timeout`, or None for no limit.
        max_retries: The number of attempts after the first one.
        headers: Added to the client's headers.
        stream_usage: Pass False to not ask a stream for its token counts.
        drop_unsupported: Leave out the parameters that the API or the provider does not take,
            instead of refusing the call; `reply.dropped` lists them.
        think_tags: Make reasoning of thoughts that the server leaves at the beginning of the text,
            in `<think>…</think>` or another model's tags.
        extra_body: Added to the body as it is, for options that only one server has. A key wins
            over ours. In an API that nests its options, an object is merged into ours.
        extra_headers: Added to the headers, and wins over `headers`.
        extra_query: Added to the query of the URL.
    """

    max_tokens: int | None
    max_completion_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    stop: str | Sequence[str] | None
    seed: int | None
    random_seed: int | None
    n: int | None
    logprobs: bool | int | None
    frequency_penalty: float | None
    presence_penalty: float | None
    logit_bias: Mapping[str, float] | Mapping[int, float] | None
    # Any type that pydantic reads, also a union, which type checkers do not take for a `type`.
    response_format: object
    output_mode: OutputMode | None
    user: str | None
    # For one call only.
    model: str | None
    timeout: float | Timeout | None
    max_retries: int | None
    headers: Mapping[str, str] | None
    stream_usage: bool | None
    drop_unsupported: bool | None
    think_tags: bool | None
    extra_body: Mapping[str, object] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, object] | None


class ChatParams(RequestParams, total=False):
    """The arguments of chat calls.

    Attributes:
        tools: Functions, `Tool`s or dicts that the model may call.
        top_logprobs: The number of alternatives of each token, for providers that take
            `logprobs=True` beside it; `logprobs=k` sends both.
        tool_choice: `"auto"`, `"none"`, `"required"`, the tool to call or its name, or a dict in
            the provider's form.
        parallel_tool_calls: Whether one reply may contain several calls.
        reasoning_effort: How much to reason, in the provider's terms, such as `"low"`.
        verbosity: How long answers are, in the provider's terms, such as `"low"`.
        metadata: Your own notes about the request, which the provider stores.
        prompt_cache_key: Requests with the same key share a cache of their prompts, for providers
            that take one.
        store: Whether the provider keeps the reply. The default is not to, also where the API's
            default is to keep it, except with one of the next three.
        previous_response_id: The `id` of a stored reply that this call continues (Responses).
        conversation: The stored conversation that this call continues, or its id (Responses).
        background: Return at once; `reply.status` says how far the reply is (Responses).
    """

    tools: Sequence[ToolLike] | None
    top_logprobs: int | None
    tool_choice: str | ToolLike | None
    parallel_tool_calls: bool | None
    reasoning_effort: str | None
    verbosity: str | None
    metadata: Mapping[str, object] | None
    prompt_cache_key: str | None
    store: bool | None
    previous_response_id: str | None
    conversation: str | Mapping[str, object] | None
    background: bool | None


class CompletionParams(RequestParams, total=False):
    """The arguments of text completion calls.

    Attributes:
        suffix: The text that follows what the model writes.
        echo: Whether the reply begins with the prompt; with `logprobs`, so do its probabilities.
        best_of: How many choices the provider generates; it returns the best of them.
    """

    suffix: str | None
    echo: bool | None
    best_of: int | None


class AnyParams(ChatParams, CompletionParams, total=False):
    """The arguments of all APIs. A call refuses those that its own API does not have."""
