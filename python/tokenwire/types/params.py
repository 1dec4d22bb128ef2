"""The keyword arguments of a call, for type checkers: ``**params: Unpack[ChatParams]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Union

if TYPE_CHECKING:
    from tokenwire._engine import Timeout
    from tokenwire.types.tool import Tool

ToolLike: TypeAlias = Union["Tool", Callable[..., object], Mapping[str, object]]


class RequestParams(TypedDict, total=False):
    """What calls of every API take.

    Nothing is sent that is not given. Ranges are the provider's; only the types are checked.
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
    # For one call: the model (another provider's too), seconds or a Timeout (None is no limit),
    # retries, headers.
    model: str | None
    timeout: float | Timeout | None
    max_retries: int | None
    headers: Mapping[str, str] | None
    stream_usage: bool | None
    # Added to the provider's body, headers and query as they are.
    extra_body: Mapping[str, object] | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, object] | None


class ChatParams(RequestParams, total=False):
    """What chat calls take."""

    tools: Sequence[ToolLike] | None
    tool_choice: str | Mapping[str, object] | None
    parallel_tool_calls: bool | None
    reasoning_effort: str | None
    metadata: Mapping[str, object] | None


class CompletionParams(RequestParams, total=False):
    """What text completion calls take."""

    suffix: str | None
    echo: bool | None
    best_of: int | None


class AnyParams(ChatParams, CompletionParams, total=False):
    """What a call of either API takes; what its own API lacks is refused when it is made."""
