"""Types of the compiled module; `stubtest` holds them against it."""

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from types import GenericAlias
from typing import Any, ClassVar, Generic, Literal, TypeAlias, final, overload, type_check_only

from pydantic_core.core_schema import CoreSchema
from typing_extensions import Self, TypeVar, disjoint_base

from tokenwire.catalog.cost import Cost
from tokenwire.settings.model_string import ProviderRow
from tokenwire.types import LlmMessage

__all__ = [
    "AsyncLlmStream",
    "AsyncStreamIterator",
    "Attempt",
    "CallEvent",
    "Choice",
    "Citation",
    "CustomReply",
    "End",
    "Engine",
    "ExchangeStep",
    "Fanout",
    "HttpClient",
    "HttpEvents",
    "HttpExchange",
    "Limits",
    "LlmResponse",
    "LlmStream",
    "LlmStreamChunk",
    "PartialJson",
    "ReasoningDelta",
    "RefusalDelta",
    "RetryPolicy",
    "Simulator",
    "StreamIterator",
    "TextDelta",
    "Timeout",
    "Timing",
    "TokenLogprob",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallDone",
    "ToolCallFragment",
    "Usage",
    "UsageReported",
    "__version__",
    "_attempts",
    "_has_audio",
    "_is_key_refused",
    "_key_problem",
    "_missing_key",
    "_other_name",
    "_other_names",
    "_proxy_for",
    "_report",
    "_report_refused",
    "_shutdown",
    "_sim_main",
    "_wakes",
    "add_callback",
    "add_propagator",
    "allow_only",
    "apis",
    "check_behaviour",
    "drop_idle_lanes",
    "embedded_sim",
    "escaped",
    "intercept",
    "is_intercepted",
    "is_listened_to",
    "is_plain_json",
    "is_provider",
    "names_local_file",
    "one_line",
    "provider_apis",
    "provider_names",
    "provider_problem",
    "provider_row",
    "remove_callback",
    "remove_propagator",
    "report_call",
    "without_controls",
    "without_data",
    "written_json",
]

__version__: str

_Item_co = TypeVar("_Item_co", covariant=True)
_Parsed_co = TypeVar("_Parsed_co", covariant=True, default=Any)
_Answer = TypeVar("_Answer")

# `bytes` is an attribute below.
_Bytes = bytes

_FinishReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "refusal", "content_filter", "abort", "error", "other"
]

@type_check_only
class _Value:
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: object) -> Self: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema: ...

@final
class Timeout(_Value):
    """The five time limits of a call, in seconds. None means no limit.

    Args:
        connect: Time to connect, from the start of the handshake. The first https call also reads the
            certificates within this time.
        pool: Wait for a free connection when `Limits.max_connections` is reached, and for a turn to
            connect: at most 64 calls connect to one address at a time.
        first_token: For streams, from sending the request to the first content.
        idle: For streams, between two pieces of content. The time that synchronous code spends on a
            chunk before it asks for the next one does not count.
        total: The whole call, with all attempts and the waits between them. If None, a call that is not
            streamed may take 600 seconds.

    Raises:
        LlmConfigError: A limit is not a number above 0, or is longer than a year.
    """

    def __new__(
        cls,
        *,
        connect: float | None = 10.0,
        pool: float | None = None,
        first_token: float | None = 600.0,
        idle: float | None = 600.0,
        total: float | None = None,
    ) -> Self: ...
    @property
    def connect(self) -> float | None:
        """Seconds to connect."""
    @property
    def pool(self) -> float | None:
        """Seconds to wait for a free connection."""
    @property
    def first_token(self) -> float | None:
        """Seconds from sending the request to the first content of a stream."""
    @property
    def idle(self) -> float | None:
        """Seconds between two pieces of content of a stream."""
    @property
    def total(self) -> float | None:
        """Seconds for all attempts and the waits between them."""
    @classmethod
    def interactive(cls) -> Timeout:
        """Limits for when a person is waiting: 10 s to connect, 60 s to the first content, 30 s idle."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Limits(_Value):
    """Limits on connections and memory.

    Args:
        max_connections: Open connections to one server, shared by the whole process. Further calls wait
            in line. None is 80 % of the soft limit on open files, at most 10,000.
        keepalive: Seconds to keep an idle connection open. None is 4 for http and 30 for https.
        max_event_bytes: Largest event of a stream.
        max_reply_bytes: Largest reply: the body of a whole one, and what is kept of a streamed one.
        buffer_bytes: How much of a stream to read ahead of its consumer.
        max_head_bytes: Largest head of a reply: its status line and its headers. The general transport reads at most
            408 KiB, whatever this says.

    Raises:
        LlmConfigError: A limit is not a number above 0.
    """

    def __new__(
        cls,
        *,
        max_connections: int | None = None,
        keepalive: float | None = None,
        max_event_bytes: int = 67108864,
        max_reply_bytes: int = 67108864,
        buffer_bytes: int = 262144,
        max_head_bytes: int = 65536,
    ) -> Self: ...
    @property
    def max_connections(self) -> int | None:
        """Open connections to one server; None is 80 % of the soft limit on open files, at most 10,000."""
    @property
    def keepalive(self) -> float | None:
        """Seconds to keep an idle connection open; None is 4 for http and 30 for https."""
    @property
    def max_event_bytes(self) -> int:
        """Largest event of a stream, in bytes."""
    @property
    def max_reply_bytes(self) -> int:
        """Largest reply, in bytes: the body of a whole one, and what is kept of a streamed one."""
    @property
    def buffer_bytes(self) -> int:
        """How many bytes of a stream to read ahead of its consumer."""
    @property
    def max_head_bytes(self) -> int:
        """Largest head of a reply, in bytes."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class RetryPolicy(_Value):
    """When and how often a failed attempt is retried.

    Args:
        max_retries: Attempts after the first one, 0 to 1,000.
        first: Seconds to wait before the first retry. The wait doubles each time; a random part of up to
            half of it is taken off.
        cap: Longest wait in seconds.
        throttle_first: The same as `first` after a 429 response that does not say how long to wait.
        max_retry_after: Longest wait in seconds that a server may ask for. If it asks for more, the error
            is raised at once.
        budget: Points that retries use up, so that they do not add to an outage. A client shares them
            with the clients that its `with_options` returns, unless their `retry` has another number.
        retry_ambiguous: Whether to retry an attempt that the server may already have processed.
        retry_timeouts: Whether to retry a timeout that happened after the request was sent.
        idempotency_header: Name of a header that carries one random key through all attempts of a call.

    Raises:
        LlmConfigError: A setting is out of range.
    """

    def __new__(
        cls,
        *,
        max_retries: int = 2,
        first: float = 0.5,
        cap: float = 8.0,
        throttle_first: float = 1.0,
        max_retry_after: float = 120.0,
        budget: int = 500,
        retry_ambiguous: bool = True,
        retry_timeouts: bool = False,
        idempotency_header: str | None = None,
    ) -> Self: ...
    @property
    def max_retries(self) -> int:
        """Attempts after the first one."""
    @property
    def first(self) -> float:
        """Seconds to wait before the first retry."""
    @property
    def cap(self) -> float:
        """Longest wait in seconds."""
    @property
    def throttle_first(self) -> float:
        """Seconds before the first retry after a 429 response that does not say how long to wait."""
    @property
    def max_retry_after(self) -> float:
        """Longest wait in seconds that a server may ask for."""
    @property
    def budget(self) -> int:
        """Points that retries use up."""
    @property
    def retry_ambiguous(self) -> bool:
        """Whether to retry an attempt that the server may already have processed."""
    @property
    def retry_timeouts(self) -> bool:
        """Whether to retry a timeout that happened after the request was sent."""
    @property
    def idempotency_header(self) -> str | None:
        """Name of a header that carries one random key through all attempts of a call."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Usage(_Value):
    """Token counts of a call. A count is None if the provider did not report it."""

    def __new__(
        cls,
        *,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        total_tokens: int | None = None,
        cached_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost_usd: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> Self: ...
    @property
    def details(self) -> dict[str, Any] | None:
        """What else the provider counted, in its own words: its usage without what the other attributes say. None if there
        is nothing.
        """
    @property
    def prompt_tokens(self) -> int | None:
        """Input tokens, including those read from the provider's cache."""
    @property
    def completion_tokens(self) -> int | None:
        """Output tokens, including reasoning."""
    @property
    def total_tokens(self) -> int | None:
        """The provider's total; without one, the sum of input and output if both are known."""
    @property
    def cached_tokens(self) -> int | None:
        """Input tokens read from the provider's cache."""
    @property
    def cache_write_tokens(self) -> int | None:
        """Input tokens written to the provider's cache."""
    @property
    def reasoning_tokens(self) -> int | None:
        """Output tokens spent on reasoning."""
    @property
    def cost_usd(self) -> str | None:
        """The cost in US dollars as reported by the provider, as text."""

@final
class Timing(_Value):
    """How long the stages of a call took, in seconds. A stage that did not happen is None."""

    def __new__(
        cls,
        *,
        queue: float | None = None,
        connect: float | None = None,
        first_byte: float | None = None,
        first_token: float | None = None,
        last_token: float | None = None,
        total: float | None = None,
        tokens_per_second: float | None = None,
    ) -> Self: ...
    @property
    def queue(self) -> float | None:
        """Wait for a free connection slot, in the last attempt."""
    @property
    def connect(self) -> float | None:
        """Time to connect, in the last attempt; None if a connection was reused."""
    @property
    def first_byte(self) -> float | None:
        """From the start of the call, retries included, to the response headers."""
    @property
    def first_token(self) -> float | None:
        """From the start of the call to the first content of a stream."""
    @property
    def last_token(self) -> float | None:
        """From the start of the call to the last content of a stream."""
    @property
    def total(self) -> float | None:
        """From the start of the call to its end."""
    @property
    def tokens_per_second(self) -> float | None:
        """Output speed: of a stream, (completion tokens - 1) / (last_token - first_token); of a whole reply,
        completion tokens / total.
        """
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ToolCall(_Value):
    """A tool call of the model."""

    def __new__(
        cls,
        id: str | None,
        name: str,
        arguments: str = ...,
        extra: dict[str, Any] | None = None,
    ) -> Self: ...
    @property
    def id(self) -> str | None:
        """The id of the call. The engine makes one up if the provider sent none."""
    @property
    def name(self) -> str:
        """The tool's name."""
    @property
    def arguments(self) -> str:
        """The arguments as JSON text, exactly as received. Empty for a tool without arguments; cut off if
        the reply was cut off.
        """
    @property
    def extra(self) -> dict[str, Any] | None:
        """What else the provider sent with the call, such as a signature; None if there is nothing. It is sent back with
        the call. Keys of its function are in the dict `function`. A dict `custom` instead means a custom tool, whose
        arguments are plain text. A dict `item` has the id and the other keys of an item of Responses.
        """
    @property
    def parsed_arguments(self) -> Any:
        """The arguments as Python values; `{}` if the text is empty or `null`. Line ends and tabs in strings are read, and so
        is a comma before the end of an object or array, and an object that was written as a JSON string.

        Raises:
            LlmDecodeError: The text is not JSON, for example because the token limit cut off the reply. The message says
                what is wrong, and where.
        """
    def result(self, value: object, error: bool = False) -> LlmMessage:
        """Returns the message that answers this call: `messages += [reply.message, call.result(value)]`.

        Args:
            value: What the tool returned. A str or a part is sent as it is, an exception as its class and
                text, anything else as JSON.
            error: True if the tool failed.
        """

@final
class Attempt(_Value):
    """One attempt of a call. `LlmResponse.attempts` and `LlmError.attempts` list all of them."""

    def __new__(
        cls,
        *,
        started: float = 0.0,
        phase: str = "prepare",
        status: int | None = None,
        error: str | None = None,
        message: str | None = None,
        slept: float = 0.0,
        maybe_processed: bool = False,
    ) -> Self: ...
    @property
    def started(self) -> float:
        """Seconds from the start of the call to the start of the attempt."""
    @property
    def phase(self) -> str:
        """How far the attempt got: "prepare", "connect", "head" or "body"; "backoff" if the call ended during
        the wait after it.
        """
    @property
    def status(self) -> int | None:
        """HTTP status; None if no response arrived."""
    @property
    def error(self) -> str | None:
        """Kind of the error; None for the attempt that succeeded, or is in progress."""
    @property
    def message(self) -> str | None:
        """The error message, on one line."""
    @property
    def slept(self) -> float:
        """Seconds slept after the attempt."""
    @property
    def maybe_processed(self) -> bool:
        """Whether the server may have processed the request, and billed it."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TokenLogprob(_Value):
    """A token and its log probability."""

    def __new__(
        cls,
        token: str,
        logprob: float | None = None,
        bytes: _Bytes | None = None,
        top: tuple[tuple[str, float, _Bytes | None], ...] = ...,
        text_offset: int | None = None,
    ) -> Self: ...
    @property
    def token(self) -> str:
        """The token's text."""
    @property
    def logprob(self) -> float | None:
        """Natural logarithm of the probability; None for the first prompt token with `echo=True`."""
    @property
    def bytes(self) -> _Bytes | None:
        """The token's UTF-8 bytes; None if the provider does not send them."""
    @property
    def top(self) -> tuple[tuple[str, float, _Bytes | None], ...]:
        """The most likely tokens at this position, each as (token, logprob, bytes or None)."""
    @property
    def text_offset(self) -> int | None:
        """Offset in the text, in characters; text completions only."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ToolCallFragment(_Value):
    """A fragment of a tool call in a stream."""

    def __new__(
        cls,
        index: int,
        id: str | None = None,
        name: str | None = None,
        arguments: str = ...,
        extra: dict[str, Any] | None = None,
    ) -> Self: ...
    @property
    def index(self) -> int:
        """Which call of the choice it belongs to: 0, 1, … in the order in which the calls began."""
    @property
    def id(self) -> str | None:
        """The id of the call, on the fragment that carries it. If the provider sends none, the engine makes one up."""
    @property
    def name(self) -> str | None:
        """The tool's name, on the fragment that carries it."""
    @property
    def arguments(self) -> str:
        """The next piece of the arguments' JSON text."""
    @property
    def extra(self) -> dict[str, Any] | None:
        """What else the provider sent with this fragment; see `ToolCall.extra`."""

@final
class LlmStreamChunk(_Value):
    """What one event of a stream adds to one choice."""

    def __new__(
        cls,
        *,
        text: str = ...,
        reasoning: str | None = None,
        refusal: str | None = None,
        tool_calls: Sequence[ToolCallFragment] = ...,
        finish_reason: _FinishReason | None = None,
        provider_finish_reason: str | None = None,
        index: int = 0,
        usage: Usage | None = None,
        logprobs: Sequence[TokenLogprob] | None = None,
        raw: bytes | None = None,
    ) -> Self: ...
    @property
    def reasoning(self) -> str | None:
        """The next piece of reasoning, if the event has one."""
    @property
    def refusal(self) -> str | None:
        """The next piece of a refusal, if the event has one."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why the choice ended, on the event that says so; see `LlmResponse.finish_reason`."""
    @property
    def provider_finish_reason(self) -> str | None:
        """The same as the provider put it."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Log probabilities of the tokens of this chunk, if the request asked for them."""
    @property
    def text(self) -> str:
        """The next piece of text; empty if the event has none."""
    @property
    def index(self) -> int:
        """Index of the choice that the chunk belongs to."""
    @property
    def tool_calls(self) -> tuple[ToolCallFragment, ...]:
        """Fragments of tool calls; usually empty."""
    @property
    def usage(self) -> Usage | None:
        """Token counts, on the event that carries them."""
    @property
    def raw(self) -> bytes | None:
        """The data of the event as received."""

@final
class TextDelta(_Value):
    """The next piece of text."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """Index of the choice that it belongs to."""

@final
class ReasoningDelta(_Value):
    """The next piece of the model's reasoning."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """Index of the choice that it belongs to."""

@final
class RefusalDelta(_Value):
    """The next piece of a refusal."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """Index of the choice that it belongs to."""

@final
class ToolCallDelta(_Value):
    """The next fragment of a tool call."""

    __match_args__ = ("fragment", "index")
    def __new__(cls, fragment: ToolCallFragment, index: int = 0) -> Self: ...
    @property
    def fragment(self) -> ToolCallFragment:
        """The fragment."""
    @property
    def index(self) -> int:
        """Index of the choice that it belongs to."""

@final
class ToolCallDone(_Value):
    """A tool call is complete. It arrives as soon as that is known, before the stream ends."""

    __match_args__ = ("call", "index")
    def __new__(cls, call: ToolCall, index: int = 0) -> Self: ...
    @property
    def call(self) -> ToolCall:
        """The call."""
    @property
    def index(self) -> int:
        """Index of the choice that it belongs to."""

@final
class UsageReported(_Value):
    """The provider reported token counts."""

    __match_args__ = ("usage",)
    def __new__(cls, usage: Usage) -> Self: ...
    @property
    def usage(self) -> Usage:
        """The counts."""

@final
class End(_Value):
    """The stream is complete, and so is `stream.response`."""

    __match_args__ = ()
    def __new__(cls) -> Self: ...

_StreamEvent: TypeAlias = (
    TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ToolCallDone | UsageReported | End
)

@final
class Citation(_Value):
    """A source that the provider names for a span of the text of a reply, such as a web page or a file."""

    def __new__(
        cls,
        *,
        start: int | None = None,
        end: int | None = None,
        text: str | None = None,
        url: str | None = None,
        title: str | None = None,
        document: str | None = None,
        raw: dict[str, Any] | None = None,
    ) -> Self: ...
    @property
    def start(self) -> int | None:
        """Where the span begins in `LlmResponse.text`, in characters; None if the provider gives no span."""
    @property
    def end(self) -> int | None:
        """Where the span ends, in characters: the place after its last one."""
    @property
    def text(self) -> str | None:
        """The text of the span; None without one."""
    @property
    def url(self) -> str | None:
        """The address of the source."""
    @property
    def title(self) -> str | None:
        """The title of the source."""
    @property
    def document(self) -> str | None:
        """The provider's id of the file that is the source, or else its name."""
    @property
    def raw(self) -> dict[str, Any] | None:
        """The provider's JSON object, as it was sent."""

@final
class Choice:
    """One of the answers of a reply. A request with `n=2` gets two."""

    @property
    def index(self) -> int:
        """Index of the choice. With a list of prompts it is `prompt * n + i`."""
    @property
    def reasoning(self) -> str | None:
        """The model's reasoning, if the provider shows it."""
    @property
    def refusal(self) -> str | None:
        """The refusal; None if the model did not refuse."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why the model stopped: "stop", "length", "tool_calls", "refusal", "content_filter", "abort",
        "error" or "other".
        """
    @property
    def provider_finish_reason(self) -> str | None:
        """The finish reason as the provider put it."""
    @property
    def stop_details(self) -> dict[str, Any] | None:
        """What else the provider says about the end, such as why a filter stopped the reply; None if it says
        nothing.
        """
    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources that the provider names for `text`, in the order in which it sent them."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Log probabilities of the tokens, if the request asked for them."""
    @property
    def text(self) -> str:
        """The text; empty if the model sent no text."""
    @property
    def message(self) -> LlmMessage:
        """The answer as a message, its parts in the order in which they arrived."""
    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
    def to_dict(self) -> dict[str, Any]:
        """Returns the choice as a dict of plain values, ready for JSON."""
    def __reduce__(self) -> tuple[Any, ...]: ...
    @classmethod
    def _restore(cls, json: bytes, position: int) -> Choice: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class LlmResponse(Generic[_Parsed_co]):
    """The reply to a call, complete or partial. It is immutable.

    `text`, `message`, `tool_calls` and the other attributes of an answer belong to the first choice;
    `choices` has all of them. A client that you write yourself creates a response from keyword arguments;
    `message` replaces `text`, `reasoning`, `refusal` and `tool_calls`.
    """

    def __new__(
        cls,
        *,
        provider: str,
        model: str,
        text: str | None = None,
        reasoning: str | None = None,
        refusal: str | None = None,
        tool_calls: Sequence[ToolCall] = ...,
        message: LlmMessage | None = None,
        finish_reason: _FinishReason | None = None,
        provider_finish_reason: str | None = None,
        usage: Usage | None = None,
        logprobs: Sequence[TokenLogprob] | None = None,
        timing: Timing | None = None,
        id: str | None = None,
        created: int | None = None,
        request_id: str | None = None,
        headers: Mapping[str, str] | None = None,
        response_format: Any = None,
        api: str | None = None,
        status: str | None = None,
        stop_details: dict[str, Any] | None = None,
    ) -> Self: ...
    @property
    def api(self) -> str | None:
        """The API that the call spoke, such as "chat" or "responses"; None if unknown, as for the replies of most custom
        clients and those that an earlier version stored.
        """
    @property
    def status(self) -> str | None:
        """How far the provider is with the reply, in its own word, such as "completed" or "queued"; None in an API that
        does not say, such as "chat".
        """
    @property
    def id(self) -> str | None:
        """The id that the provider gave the reply."""
    @property
    def model(self) -> str:
        """The model that answered, as named by the provider; if it does not say, the one requested."""
    @property
    def provider(self) -> str:
        """Name of the provider, such as "openai"."""
    @property
    def created(self) -> int | None:
        """When the reply was created, as Unix time in seconds."""
    @property
    def reasoning(self) -> str | None:
        """The model's reasoning, if the provider shows it."""
    @property
    def refusal(self) -> str | None:
        """The refusal; None if the model did not refuse."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why the model stopped: "stop", "length", "tool_calls", "refusal", "content_filter", "abort",
        "error" or "other".
        """
    @property
    def provider_finish_reason(self) -> str | None:
        """The finish reason as the provider put it."""
    @property
    def stop_details(self) -> dict[str, Any] | None:
        """What else the provider says about the end, such as why a filter stopped the reply; None if it says
        nothing.
        """
    @property
    def citations(self) -> tuple[Citation, ...]:
        """The sources that the provider names for `text`, in the order in which it sent them."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Log probabilities of the tokens, if the request asked for them."""
    @property
    def text(self) -> str:
        """The text; empty if the model sent no text."""
    @property
    def message(self) -> LlmMessage:
        """The answer as a message, its parts in the order in which they arrived. Append it to your messages to
        continue the conversation.
        """
    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
    @property
    def choices(self) -> tuple[Choice, ...]:
        """All answers, in order."""
    @property
    def usage(self) -> Usage | None:
        """Token counts; None if the provider sent none."""
    @property
    def parsed(self) -> _Parsed_co:
        """The text parsed as the type passed as `response_format`; None without one.

        Raises:
            LlmValidationError: The text does not fit the type. The rest of the response stays usable.
            LlmModelError: The token limit cut the text off.
        """
    @property
    def cost(self) -> Cost | None:
        """The cost of the call: the provider's own figure, or else computed from known prices. None if
        neither is known.
        """
    @property
    def request_id(self) -> str | None:
        """The id that the provider gave the request. Quote it in support requests."""
    @property
    def headers(self) -> dict[str, str]:
        """The response headers, with names in lower case. The values of a repeated header are joined by ", "."""
    @property
    def timing(self) -> Timing:
        """How long the stages of the call took."""
    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts of the call. The last one succeeded. While a stream is read or opened, the last one may
        be in progress: its `error` is None, and its `phase` says what it waits for.
        """
    @property
    def dropped(self) -> tuple[str, ...]:
        """What was left out of the request because the API or the provider does not accept it: parts of your messages, as
        paths such as `messages[1].content[0]`, and with `drop_unsupported` names of parameters. Usually empty; otherwise
        mostly reasoning of another provider.
        """
    @property
    def raw(self) -> bytes | None:
        """The response body as received; None for a stream."""
    def to_dict(self) -> dict[str, Any]:
        """Returns the reply as a dict of plain values, ready for JSON and for `from_dict`. It lacks `raw`."""
    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> LlmResponse[Any]:
        """Creates a response from a dict that `to_dict` returned.

        Raises:
            ValueError: The dict is not one of a response.
        """
    def __reduce__(self) -> tuple[Any, ...]: ...
    @classmethod
    def _restore(cls, json: bytes, raw: _Bytes | None) -> LlmResponse[Any]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    @classmethod
    def __class_getitem__(cls, key: Any) -> GenericAlias: ...
    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema: ...

@final
class CallEvent:
    """A finished call, as each callback of `on_call` receives it. A custom client reports its calls
    with `tokenwire.report_call`, which creates one.

    Args:
        provider: The provider's name.
        model: The model that was requested.
        elapsed: Seconds from the start of the call to its end, however it ended.
        streamed: Whether the reply was streamed.
        error: The exception; None if the call succeeded or was abandoned.
        error_kind: The kind of error, such as `rate_limit`. Defaults to the kind of the error's class.
            `cancelled` means that the caller abandoned the call.
        response: The reply, whole or partial.
        started: When the call began, as Unix time in seconds. Defaults to `elapsed` seconds ago.
        operation: `chat` or `text_completion`.
        api: The API that the call spoke. Defaults to that of the response.
        server_address: Host of the server, or the path of its unix socket.
        server_port: Port of the server.

    Raises:
        LlmConfigError: `elapsed` is negative or not finite, or the operation is unknown.
    """

    def __new__(
        cls,
        *,
        provider: str,
        model: str,
        elapsed: float,
        streamed: bool = False,
        error: BaseException | None = None,
        error_kind: str | None = None,
        response: LlmResponse[Any] | None = None,
        started: float | None = None,
        operation: str = "chat",
        api: str | None = None,
        server_address: str | None = None,
        server_port: int | None = None,
    ) -> Self: ...
    @property
    def provider(self) -> str:
        """The provider's name."""
    @property
    def model(self) -> str:
        """The model that was requested."""
    @property
    def operation(self) -> Literal["chat", "text_completion"]:
        """The kind of request: `chat` or `text_completion`."""
    @property
    def api(self) -> str | None:
        """The API that the call spoke, such as `chat` or `responses`; None if unknown."""
    @property
    def server_address(self) -> str | None:
        """Host of the server, or the path of its unix socket; None if unknown."""
    @property
    def server_port(self) -> int | None:
        """Port of the server; None if unknown, and for a unix socket."""
    @property
    def streamed(self) -> bool:
        """Whether the reply was streamed."""
    @property
    def elapsed(self) -> float:
        """Seconds from the start of the call to its end, however it ended."""
    @property
    def started(self) -> float:
        """When the call began, as Unix time in seconds."""
    @property
    def error_kind(self) -> str | None:
        """The kind of error, such as `rate_limit` or `stall_timeout`; None if the call succeeded;
        `cancelled` if the caller abandoned it.
        """
    @property
    def error(self) -> BaseException | None:
        """The exception; None if the call succeeded or was abandoned."""
    @property
    def response(self) -> LlmResponse[Any] | None:
        """The reply, whole or partial; None if nothing arrived."""
    @property
    def timing(self) -> Timing | None:
        """How long each stage took; None if nothing arrived."""
    @property
    def usage(self) -> Usage | None:
        """Token counts; None if the provider sent none."""
    @property
    def cost(self) -> Cost | None:
        """What the call cost; None if unknown."""
    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of the call, retries included."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class StreamIterator(Generic[_Item_co]):
    """Iterates over a stream in one form."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _Item_co: ...

@final
class AsyncStreamIterator(Generic[_Item_co]):
    """Iterates over a stream in one form. It is also the awaitable of each step: `__anext__` returns itself."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> _Step[_Item_co]: ...
    def __await__(self) -> Self: ...
    def throw(self, kind: Any, value: Any = None, _traceback: Any = None) -> Any:
        """Cancels a step. No item is lost: the next step returns it. `anext(iterator, None)` needs this method
        and `close`.
        """
    def close(self) -> None:
        """Abandons a step."""
    def __next__(self) -> Any: ...

@final
class CustomReply:
    def __new__(
        cls,
        *,
        provider: str,
        model: str,
        id: str | None = None,
        created: int | None = None,
        response_format: Any = None,
        api: str | None = None,
        status: str | None = None,
    ) -> Self: ...
    def take(self, form: str) -> Any:
        """The next item in this form; None at the end, or if another chunk is needed."""
    def push(self, item: Any) -> None:
        """Adds a chunk, or text of the first choice."""
    def end(self, failed: bool) -> None:
        """Ends the stream. It is complete if its iterator did not fail and every choice has a finish reason."""
    @property
    def is_over(self) -> bool:
        """Whether the stream ended or was closed."""

@disjoint_base
class LlmStream:
    """A stream for `with` and `for`. It may move between threads, and has one reader at a time.

    Each step returns an `LlmStreamChunk`. `with` sends the request and waits for the response head;
    without `with`, the first step does so.

    Raises:
        LlmAPIError: On entering: the provider refused the request, or the connection failed.
        LlmTimeoutError: A time limit was exceeded; `partial` is the reply so far.
        LlmStreamingError: While reading: the stream broke off, ended early, or contained an error;
            `partial` is the reply so far.
    """

    def __new__(cls, reply: CustomReply, _source: Any) -> Self: ...
    @classmethod
    def from_chunks(
        cls,
        chunks: Iterable[LlmStreamChunk | str],
        *,
        provider: str,
        model: str,
        id: str | None = None,
        created: int | None = None,
        response_format: Any = None,
        api: str | None = None,
        status: str | None = None,
    ) -> LlmStream:
        """Returns a stream of the chunks of an iterable, for your own client.

        The iterable runs in the reader's thread, and only when the stream is read. If it has `close()`,
        it is closed with the stream. Its last chunk needs a `finish_reason`; otherwise the stream ends
        with an `LlmStreamIncompleteError`.

        Args:
            chunks: An iterable of `LlmStreamChunk`, or of `str` for text; usually a generator.
            provider: Name of the provider, for the reply and errors.
            model: The model that was asked.
            id: The provider's id of the reply.
            created: Unix time in seconds.
            response_format: The type of `response.parsed`.
            api: The API that it came by, such as "responses", if the chunks are those of another client.
            status: See `LlmResponse.status`.

        Raises:
            LlmConfigError: `chunks` is not iterable, or it is a str.
        """
    def __enter__(self) -> Self: ...
    def __exit__(self, *_error: object) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> LlmStreamChunk: ...
    @property
    def text_stream(self) -> Iterator[str]:
        """The text of choice 0 as it arrives, one `str` for each delta."""
    def events(self) -> Iterator[_StreamEvent]:
        """Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
        `UsageReported`, and `End` after a complete stream.
        """
    def batches(self) -> Iterator[list[LlmStreamChunk]]:
        """Lists of chunks. Each step returns all that have arrived, at least one and at most 1,024."""
    @overload
    def partial(self, kind: type[_Answer]) -> Iterator[_Answer]:
        """The typed answer while it grows: one value for each batch of text that changes it, and at last the checked value.

        A value before the last one is not validated. It has what has arrived: a string that is still being written as far
        as it has come, but a number, a date or another value only when it is complete. A field that has not arrived reads as
        its default, or as None if it has none; a key of a TypedDict is missing. The last value is `response.parsed`.

        Args:
            kind: The type, as for `response_format`, which is the default.

        Raises:
            LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
            LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
            LlmModelError: At the end: the token limit cut the text off, or the model refused.
            LlmStreamingError: As for every other way to read the stream.
        """
    @overload
    def partial(self, kind: Any = None) -> Iterator[Any]:
        """The typed answer while it grows: one value for each batch of text that changes it, and at last the checked value.

        A value before the last one is not validated. It has what has arrived: a string that is still being written as far
        as it has come, but a number, a date or another value only when it is complete. A field that has not arrived reads as
        its default, or as None if it has none; a key of a TypedDict is missing. The last value is `response.parsed`.

        Args:
            kind: The type, as for `response_format`, which is the default.

        Raises:
            LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
            LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
            LlmModelError: At the end: the token limit cut the text off, or the model refused.
            LlmStreamingError: As for every other way to read the stream.
        """
    def _grown(self) -> Iterator[str]: ...
    @property
    def response(self) -> LlmResponse[Any]:
        """The reply so far. It is complete after the stream was read to its end."""
    def close(self) -> None:
        """Closes the stream and its connection, from any thread. A waiting reader gets `LlmClientClosedError`."""
    def _enter_with(self, *, api_key: str, may_renew: bool = False) -> None: ...

@disjoint_base
class AsyncLlmStream:
    """A stream for `async with` and `async for`. Any event loop may read it, one task at a time.

    Each step returns an `LlmStreamChunk`. `async with` sends the request and waits for the response
    head; without `async with`, the first step does so.

    Raises:
        LlmAPIError: On entering: the provider refused the request, or the connection failed.
        LlmTimeoutError: A time limit was exceeded; `partial` is the reply so far.
        LlmStreamingError: While reading: the stream broke off, ended early, or contained an error;
            `partial` is the reply so far.
    """

    def __new__(cls, reply: CustomReply, _source: Any) -> Self: ...
    @classmethod
    def from_chunks(
        cls,
        chunks: AsyncIterable[LlmStreamChunk | str],
        *,
        provider: str,
        model: str,
        id: str | None = None,
        created: int | None = None,
        response_format: Any = None,
        api: str | None = None,
        status: str | None = None,
    ) -> AsyncLlmStream:
        """Returns a stream of the chunks of an async iterable; see `LlmStream.from_chunks`.

        The iterable runs in the reader's task, so cancelling a step cancels it.

        Raises:
            LlmConfigError: `chunks` is not an async iterable.
        """
    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(self, *_error: object) -> Awaitable[None]: ...
    def __aiter__(self) -> AsyncIterator[LlmStreamChunk]: ...
    def __anext__(self) -> Awaitable[LlmStreamChunk]: ...
    @property
    def text_stream(self) -> AsyncIterator[str]:
        """The text of choice 0 as it arrives, one `str` for each delta."""
    def events(self) -> AsyncIterator[_StreamEvent]:
        """Typed events: `TextDelta`, `ReasoningDelta`, `RefusalDelta`, `ToolCallDelta`, `ToolCallDone`,
        `UsageReported`, and `End` after a complete stream.
        """
    def batches(self) -> AsyncIterator[list[LlmStreamChunk]]:
        """Lists of chunks. Each step returns all that have arrived, at least one and at most 1,024."""
    @overload
    def partial(self, kind: type[_Answer]) -> AsyncIterator[_Answer]:
        """The typed answer while it grows; see `LlmStream.partial`.

        Raises:
            LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
            LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
            LlmModelError: At the end: the token limit cut the text off, or the model refused.
            LlmStreamingError: As for every other way to read the stream.
        """
    @overload
    def partial(self, kind: Any = None) -> AsyncIterator[Any]:
        """The typed answer while it grows; see `LlmStream.partial`.

        Raises:
            LlmConfigError: There is neither a type nor a `response_format`, or it is not a usable type.
            LlmValidationError: At the end: the text does not fit the type; `partial` is the reply.
            LlmModelError: At the end: the token limit cut the text off, or the model refused.
            LlmStreamingError: As for every other way to read the stream.
        """
    def _grown(self) -> AsyncIterator[str]: ...
    @property
    def response(self) -> LlmResponse[Any]:
        """The reply so far. It is complete after the stream was read to its end."""
    def close(self) -> None:
        """Closes the stream and its connection. A waiting task gets `LlmClientClosedError`."""
    def aclose(self) -> Awaitable[None]:
        """Closes the stream and its connection."""
    def _enter_with(self, *, api_key: str, may_renew: bool = False) -> _Step[AsyncLlmStream]: ...

@final
class Engine:
    """One client: its settings, its retry budget, and its access to the shared connections.

    Args:
        provider: Name of the provider.
        model: The model that calls use unless they name another.
        family: "chat" or "completions".
        custom_provider: An `LlmProvider` to use instead of the engine's table.
        key_vars: Environment variables of the key, instead of the provider's; the key is then required.
        parent: The client that this one is derived from. They share a retry budget if it is of the same size.
        **settings: Those of `ChatClient`, by name. Also `key_name` and `base_url_name`, the variables that the key and the
            address came from, and `no_key`, the error of a call without the required key. A key and an address may be
            missing until a call is made. `headers_from` has the variables of headers that came from one.

    Raises:
        LlmConfigError: A setting is wrong.
    """

    def __new__(
        cls,
        *,
        provider: str,
        model: str,
        family: str,
        custom_provider: ProviderRow | None = None,
        key_vars: Sequence[str] | None = None,
        parent: Engine | None = None,
        **settings: Any,
    ) -> Self: ...
    @property
    def api(self) -> str:
        """The name of the API that it speaks to ask its own model."""
    @property
    def base_url(self) -> str:
        """The base URL in its canonical form, without credentials; empty if it has no address yet."""
    @property
    def way(self) -> dict[str, str | None]:
        """How calls reach the server: `transport`, `proxy` without its credentials, `proxy_from` (the argument or the
        variable) and `socket`.
        """
    def output_mode(self, model: str | None = None) -> str:
        """Returns how `model` is asked for JSON that fits a schema: "json_schema", "json_object", "prompt" or "tool". None
        means the client's own model.
        """
    def takes_strict_form(self, model: str | None = None) -> bool:
        """Returns whether strict schemas for `model` are in OpenAI's strict form. None means the client's own model."""
    def check(self, params: dict[str, Any], **steering: Any) -> None:
        """Checks request parameters without sending anything. Without `is_draft`, also that there are a key and an address.

        Raises:
            LlmError: A parameter is wrong, or something is missing.
        """
    def parameters(self) -> list[str]:
        """Returns the names of the request parameters that the API accepts."""
    def complete(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> LlmResponse[Any]:
        """Makes a call on this thread and returns the whole reply.

        Args:
            input: A prompt, a list of prompts or a list of messages.
            params: Parameters of the request.
            **steering: `api_key`, `may_renew`, `key_source`, `parse_as`, `answer_tool`, `system`.
        """
    def complete_async(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> _Step[LlmResponse[Any]]:
        """Returns an awaitable of the whole reply, which can be awaited once. Arguments as in `complete`."""
    def stream(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> LlmStream:
        """Returns a stream. Its request is sent when it is entered or first read. Arguments as in `complete`."""
    def stream_async(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> AsyncLlmStream:
        """Returns a stream for an event loop. Arguments as in `complete`."""
    def models(
        self,
        params: dict[str, Any] | None = None,
        page: tuple[str, str] | None = None,
        **steering: Any,
    ) -> str:
        """Returns the body of `GET /models`.

        Args:
            params: Parameters of the client's calls, of which only headers and query are sent.
            page: Name and value of the query parameter that asks for another page than the first one.
            **steering: `api_key`, `may_renew`.
        """
    def models_async(
        self,
        params: dict[str, Any] | None = None,
        page: tuple[str, str] | None = None,
        **steering: Any,
    ) -> _Step[str]:
        """Returns an awaitable of the body of `GET /models`, which can be awaited once. Arguments as in `models`."""

@final
class Fanout:
    """The calls of one `map`."""

    def __new__(cls) -> Self: ...
    def submit(
        self,
        index: int,
        engine: Engine,
        input: object,
        params: dict[str, Any],
        **steering: Any,
    ) -> None:
        """Starts a call. `next` returns its outcome together with `index`.

        The other arguments are those of `Engine.complete`.
        """
    def next(self) -> tuple[int, LlmResponse[Any] | None, Any]:
        """Waits for the next call to finish and returns (index, response or None, error or None)."""
    def cancel(self) -> None:
        """Cancels all calls that have not finished."""

@final
class ExchangeStep(Generic[_Item_co]):
    """The awaitable of one step. Cancelling the task that waits ends the exchange."""

    def __await__(self) -> Generator[Any, Any, _Item_co]: ...
    def __iter__(self) -> Generator[Any, Any, _Item_co]: ...
    def advance(self) -> tuple[int | None, _Item_co | None]:
        """Takes a step in an event loop other than asyncio's.

        Returns:
            (None, the result), or (a descriptor, None): call it again when the descriptor is readable. Call `close` to
            stop waiting.
        """
    def send(self, _value: Any) -> Any:
        """As `__next__`. With it, this is a coroutine to asyncio, so that `create_task(anext(stream))` works."""
    def throw(self, kind: Any, value: Any = None, _traceback: Any = None) -> Any:
        """Ends the exchange: the waiting task was cancelled."""
    def close(self) -> None:
        """Ends the exchange."""
    def __next__(self) -> Any: ...

@final
class HttpClient:
    """Sends requests as they are, over the connections of the process. Making one does no I/O.

    Args:
        limits: `max_connections`, `keepalive` and `max_head_bytes` are used.
        ca_bundle: A PEM file or a directory with roots that replace the system's.
        client_cert: Paths of the certificate and its key, and the password of the key.
        proxy: The proxy's URL; None looks in the environment if `trust_env` is set.
        trust_env: Whether to read proxies and certificate files from the environment.
        transport: "auto", "direct" or "general".
        uds: The path of a unix socket to which all requests go.

    Raises:
        LlmConfigError: A setting is wrong.
    """

    def __new__(
        cls,
        *,
        limits: Limits | None = None,
        ca_bundle: str | None = None,
        client_cert: tuple[str, str | None, str | None] | None = None,
        proxy: str | None = None,
        trust_env: bool = True,
        transport: str | None = None,
        uds: str | None = None,
    ) -> Self: ...
    def open(
        self,
        method: str,
        url: str,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes | None,
        *,
        raised: Callable[[Any], BaseException],
        connect: float | None = None,
        pool: float | None = None,
        read: float | None = None,
        write: float | None = None,
        first_token: float | None = None,
        idle: float | None = None,
        check: bool = True,
    ) -> HttpExchange:
        """Checks a request. It is sent by the first method of the exchange that waits.

        Args:
            method: The method.
            url: The whole URL. Path and query are sent as they are.
            headers: Names and values.
            body: The body; None if it is brought in pieces.
            raised: Makes the exception to raise of an `LlmError`.
            connect: Seconds for a connection. Of this and the other limits, None means no limit.
            pool: Seconds for a free connection.
            read: Seconds between two reads of the reply, and before its head.
            write: Seconds between two pieces of the request that the server takes.
            first_token: Seconds from the request to the first content of a stream of a known API.
            idle: Seconds between two pieces of its content.
            check: Whether such a stream must have its end.
        """

@final
class HttpExchange:
    """One request with its reply. It is used either by the sync or by the async methods, and has one reader. The first
    method that waits sends the request.

    Errors are what `raised` makes of them.
    """

    def wants(self) -> bool:
        """Waits until another piece of the request is wanted, or none is any more."""
    def wants_async(self) -> ExchangeStep[bool]:
        """The same for an event loop."""
    def push(self, piece: bytes) -> None:
        """Brings the piece that is wanted."""
    def end(self) -> None:
        """Says that the request is whole."""
    def head(self) -> tuple[int, bytes, bytes, list[tuple[bytes, bytes]]]:
        """Waits for the head: status, reason, version and headers."""
    def head_async(self) -> ExchangeStep[tuple[int, bytes, bytes, list[tuple[bytes, bytes]]]]:
        """The same for an event loop."""
    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> ExchangeStep[bytes]: ...
    def events(
        self,
        validate: Callable[..., _Item_co] | dict[str, Callable[..., _Item_co]],
        other: Callable[[bytes, bytes], _Item_co],
        failed: Callable[[BaseException], BaseException],
        finish: Callable[[], object],
    ) -> HttpEvents[_Item_co]:
        """Returns the body as events. It is not to be read as bytes as well.

        Args:
            validate: Builds an object of the data of an event, or raises ValueError; or a dict of such functions by the
                event's type. It is called with `strict=True`.
            other: Builds one of data and name that `validate` refuses; NotImplemented leaves the event out.
            failed: Returns the exception to raise for that of the exchange.
            finish: Called once, at the end, whatever the reason.
        """
    def close(self) -> None:
        """Ends the exchange, from any thread. Its connection closes, unless the body was read to its end."""

@final
class HttpEvents(Generic[_Item_co]):
    """The events of a reply, as the objects of openai's own classes. It is a sync and an async iterator with one reader, and
    ends at `[DONE]` or at the end of the body.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> _Item_co: ...
    def __aiter__(self) -> Self: ...
    def __anext__(self) -> ExchangeStep[_Item_co]: ...
    def close(self) -> None:
        """Ends the stream, as that of a generator does."""
    def aclose(self) -> Awaitable[None]:
        """The same, as that of an async generator does."""

@final
class Simulator:
    """A simulator that runs on a loopback port; `tokenwire.testing.SimServer` wraps it.

    Args:
        script_json: The script as JSON.
        port: Port to listen on; 0 lets the system choose.
        log_capacity: How many log records to keep.
        answer: Called with each request as JSON; returns the behaviour as JSON.

    Raises:
        LlmConfigError: The script is wrong.
        OSError: The simulator cannot listen on the port.
    """

    def __new__(
        cls,
        script_json: str = "{}",
        port: int = 0,
        log_capacity: int = 100000,
        answer: Callable[[str], str] | None = None,
    ) -> Self: ...
    @property
    def port(self) -> int:
        """The port that the simulator listens on."""
    @property
    def base_url(self) -> str:
        """The base URL for clients."""
    def set_script(self, script_json: str) -> None:
        """Replaces the script. It applies to requests that arrive from now on.

        Raises:
            LlmConfigError: The script is wrong.
        """
    def log(self) -> Any:
        """Returns the log as a list of dicts."""
    def wait_for(self, kind_name: str, count: int, seconds: float) -> bool:
        """Waits until `count` log records of a kind have been written; returns False if the time runs out."""
    def count(self, kind_name: str) -> int:
        """Returns how many log records of a kind were written, including those no longer kept."""
    def stats(self) -> Any:
        """Returns counters as a dict."""
    def reset(self) -> None:
        """Clears the log, sets the counters to zero and restores the default script."""
    def stop(self) -> None:
        """Stops listening and closes all connections."""

# What an await takes; the classes behind it are not exported.
@type_check_only
class _Step(Generic[_Item_co]):
    def __await__(self) -> Generator[Any, Any, _Item_co]: ...

def allow_only(hosts: list[str] | None) -> None:
    """Refuses connections to hosts other than these and loopback. None allows all hosts."""

def check_behaviour(json: str) -> None:
    """Checks a behaviour of the simulator, passed as JSON.

    Raises:
        LlmConfigError: A field is wrong; the message names it.
    """

def intercept(base_url: str | None) -> None:
    """Sends every call to this base URL, without its key. Requests of other libraries that are not calls are refused. None
    ends this.

    Raises:
        LlmConfigError: It is not a URL.
    """

def drop_idle_lanes() -> None:
    """Closes the connections of sync calls that have been idle too long."""

def embedded_sim() -> str:
    """Returns the base URL of the embedded simulator, which starts at first use and runs until the process ends."""

def is_intercepted() -> bool:
    """Returns whether `intercept` is in effect."""

def _has_audio(reply: object) -> bool: ...
def _is_key_refused(error: object) -> bool: ...
def _report_refused(error: BaseException, *, abandoned: bool = False) -> None: ...
def _missing_key(provider: str, variables: Sequence[str]) -> str: ...
def _key_problem(key: str) -> str | None: ...
def _other_name(name: str) -> str | None: ...
def _other_names() -> list[tuple[str, str]]: ...
def apis() -> dict[str, str]:
    """Returns the APIs that `api=` can name, each with the family of clients that speaks it: `{api: family}`."""

def is_provider(name: str) -> bool:
    """Returns whether the engine knows a provider of this name, even one whose API is not supported yet."""

def provider_problem(name: str) -> str | None:
    """Returns why a provider cannot be used; None if it can."""

def provider_apis(name: str) -> tuple[str, ...]:
    """Returns the APIs that a provider speaks at its own address, in the order of preference. At another address, all may be
    spoken.

    Raises:
        LlmConfigError: The engine does not support a provider of this name.
    """

def provider_names() -> tuple[str, ...]:
    """Returns the names of the supported providers, in the order of the table."""

def provider_row(name: str) -> dict[str, Any]:
    """Returns the fields of `LlmProvider` for one of the engine's providers.

    Raises:
        LlmConfigError: The engine does not support a provider of this name.
    """

def _rebuild(kind: Any, fields: dict[str, Any]) -> Any: ...
def _restore_choice(response: LlmResponse[Any], position: int) -> Choice: ...
def _restore_response(json: bytes, raw: bytes | None) -> LlmResponse[Any]: ...
def _shutdown() -> None: ...
def add_callback(callback: Any) -> int:
    """Registers a callback for every finished call of the process, and returns the registration's id."""

def add_propagator(propagator: Any) -> int:
    """Registers a function that returns the headers of the current trace, and returns the registration's id. It is
    called on the caller's thread before each call.
    """

def is_listened_to() -> bool:
    """Whether there is a callback."""

def remove_callback(id: int) -> bool:
    """Removes a registration. Returns whether it existed."""

def remove_propagator(id: int) -> bool:
    """Removes such a registration. Returns whether it existed."""

def report_call(event: CallEvent) -> None:
    """Passes the event of a finished call to every callback. An `Exception` in a callback is logged. Anything else,
    such as Ctrl-C or `SystemExit`, is raised after the other callbacks have run.
    """

def _proxy_for(url: str) -> str | None: ...
def escaped(text: str) -> str:
    """Escapes what steers a terminal, turns text around or hides; newlines and tabs stay."""

def one_line(text: str, most: int = ...) -> str:
    """Does the same on one line of at most `most` characters: newlines and tabs become spaces."""

def without_controls(text: str) -> str:
    """Removes what steers a terminal or turns text around, for the text of a model; newlines and tabs stay."""

def names_local_file(url: str) -> bool:
    """Whether a string is the path of a file or a `file:` URL, where a URL for a provider belongs."""

def without_data(text: str) -> str:
    """Shows of base64, hex and percent-encoded data over 256 characters only the first 32; all other text stays."""

@final
class PartialJson:
    """Reads a JSON text that arrives in pieces, as models write JSON. Each byte is looked at once."""

    def __new__(cls) -> Self: ...
    def push(self, piece: str) -> list[tuple[str, Any]]:
        """Reads the next piece. Returns what is new in it, in order: `("{", None)`, `("[", None)`, `("}", None)` for the
        end of either, `("key", name)`, `("value", scalar)`, `("text", text)` at last for a string that has not ended,
        with all of it that has arrived, and `("restart", None)` if the text so far was not the answer.
        """

def is_plain_json(value: object) -> bool:
    """Whether a value is made only of the types that `json.loads` returns."""

def written_json(text: str, owner: str, thinks: bool) -> str:
    """Returns strict JSON of what a model wrote as JSON, if that can mean only one thing.

    Args:
        text: What it wrote.
        owner: What is wrong otherwise; the message begins with it.
        thinks: Whether thoughts may be before the JSON.

    Raises:
        LlmDecodeError: It is not JSON. The message says what is wrong, and where.
    """

def _attempts() -> tuple[int, int]: ...
def _report() -> dict[str, Any]: ...
def _sim_main(arguments: list[str]) -> tuple[int, str]: ...
def _wakes() -> tuple[int, int]: ...
