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
from typing import Any, ClassVar, Generic, Literal, TypeAlias, final, type_check_only

from pydantic_core.core_schema import CoreSchema
from typing_extensions import Self, TypeVar

from tokenwire.catalog.cost import Cost
from tokenwire.settings.model_string import ProviderRow
from tokenwire.types import LlmMessage

__all__ = [
    "AsyncLlmStream",
    "AsyncStreamIterator",
    "Attempt",
    "CallEvent",
    "Choice",
    "CustomReply",
    "End",
    "Engine",
    "Fanout",
    "Limits",
    "LlmResponse",
    "LlmStream",
    "LlmStreamChunk",
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
    "_is_key_refused",
    "_missing_key",
    "_proxy_for",
    "_report",
    "_report_refused",
    "_shutdown",
    "_sim_main",
    "_wakes",
    "add_callback",
    "allow_only",
    "apis",
    "check_behaviour",
    "drop_idle_lanes",
    "embedded_sim",
    "intercept",
    "is_intercepted",
    "is_listened_to",
    "is_provider",
    "provider_names",
    "provider_problem",
    "provider_row",
    "remove_callback",
    "report_call",
]

__version__: str

_Item_co = TypeVar("_Item_co", covariant=True)
_Parsed_co = TypeVar("_Parsed_co", covariant=True, default=Any)

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
    """The five limits of a call, in seconds; None is no limit.

    Args:
        connect: For a connection, from the moment the handshake's turn comes.
        pool: For a free connection where `Limits.max_connections` is reached.
        first_token: Streams: from sending to the first content.
        idle: Streams: between two contents. Time that a sync consumer spends elsewhere does not count.
        total: Over all attempts and waits. A whole reply without one gets 600 s.

    Raises:
        LlmConfigError: A limit is not a finite number above 0.
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
        """Seconds for a connection."""
    @property
    def pool(self) -> float | None:
        """Seconds for a free connection."""
    @property
    def first_token(self) -> float | None:
        """Seconds from sending to the first content of a stream."""
    @property
    def idle(self) -> float | None:
        """Seconds between two contents of a stream."""
    @property
    def total(self) -> float | None:
        """Seconds over all attempts and waits."""
    @classmethod
    def interactive(cls) -> Timeout:
        """Limits for a person who waits: connect 10 s, first token 60 s, idle 30 s."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Limits(_Value):
    """Bounds on connections and memory.

    Args:
        max_connections: Live connections of one origin, shared by the process; None is 80 % of the
            soft file limit, at most 10,000. Callers beyond it wait in line.
        keepalive: Seconds that an idle connection is kept; None is 4 for http and 30 for https.
        max_event_bytes: Cap of one event of a stream.
        max_reply_bytes: Cap of a whole reply.
        buffer_bytes: What a stream buffers before it stops reading.

    Raises:
        LlmConfigError: A bound is not a number above 0.
    """

    def __new__(
        cls,
        *,
        max_connections: int | None = None,
        keepalive: float | None = None,
        max_event_bytes: int = 67108864,
        max_reply_bytes: int = 67108864,
        buffer_bytes: int = 262144,
    ) -> Self: ...
    @property
    def max_connections(self) -> int | None:
        """Live connections of one origin; None is 80 % of the soft file limit, at most 10,000."""
    @property
    def keepalive(self) -> float | None:
        """Seconds that an idle connection is kept; None is 4 for http and 30 for https."""
    @property
    def max_event_bytes(self) -> int:
        """Cap of one event of a stream."""
    @property
    def max_reply_bytes(self) -> int:
        """Cap of a whole reply."""
    @property
    def buffer_bytes(self) -> int:
        """What a stream buffers before it stops reading."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class RetryPolicy(_Value):
    """When and how often a failed attempt is made again.

    Args:
        max_retries: Attempts after the first one.
        first: Seconds of the first wait after a transient failure; it doubles, less up to half by chance.
        cap: Longest wait, in seconds.
        throttle_first: Seconds of the first wait after a 429 without a hint.
        max_retry_after: Longest server hint that is waited for, in seconds; a longer one raises at once.
        budget: Tokens of the bucket that stops a retry storm; a client and its `with_options` children share it.
        retry_ambiguous: Whether an attempt that the server may have worked on is made again.
        retry_timeouts: Whether a timeout after the request was sent is made again.
        idempotency_header: Header that carries one random key over all attempts of a call.

    Raises:
        LlmConfigError: A setting is out of its range.
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
        """Seconds of the first wait after a transient failure."""
    @property
    def cap(self) -> float:
        """Longest wait, in seconds."""
    @property
    def throttle_first(self) -> float:
        """Seconds of the first wait after a 429 without a hint."""
    @property
    def max_retry_after(self) -> float:
        """Longest server hint that is waited for, in seconds."""
    @property
    def budget(self) -> int:
        """Tokens of the bucket that stops a retry storm."""
    @property
    def retry_ambiguous(self) -> bool:
        """Whether an attempt that the server may have worked on is made again."""
    @property
    def retry_timeouts(self) -> bool:
        """Whether a timeout after the request was sent is made again."""
    @property
    def idempotency_header(self) -> str | None:
        """Header that carries one random key over all attempts of a call."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class Usage(_Value):
    """Token counts; None where the provider did not say."""

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
    ) -> Self: ...
    @property
    def prompt_tokens(self) -> int | None:
        """All input, cached tokens included."""
    @property
    def completion_tokens(self) -> int | None:
        """All output, reasoning included."""
    @property
    def total_tokens(self) -> int | None:
        """The provider's total, else the sum where both parts are known."""
    @property
    def cached_tokens(self) -> int | None:
        """Input read from the provider's cache."""
    @property
    def cache_write_tokens(self) -> int | None:
        """Input written to the provider's cache."""
    @property
    def reasoning_tokens(self) -> int | None:
        """Output spent on reasoning."""
    @property
    def cost_usd(self) -> str | None:
        """The provider's own figure for the cost, in US dollars, as text."""

@final
class Timing(_Value):
    """Where a call's time went, in seconds; None where a stage did not happen."""

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
        """Waiting for a permit, within the last attempt."""
    @property
    def connect(self) -> float | None:
        """Making a connection, within the last attempt; None when one was used again."""
    @property
    def first_byte(self) -> float | None:
        """From the start of the call, retries included, to the response head."""
    @property
    def first_token(self) -> float | None:
        """From the start of the call to the first content (streams)."""
    @property
    def last_token(self) -> float | None:
        """From the start of the call to the last content (streams)."""
    @property
    def total(self) -> float | None:
        """From the start of the call to its end."""
    @property
    def tokens_per_second(self) -> float | None:
        """(completion tokens - 1) / (last token - first token); on whole replies completion tokens / total."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ToolCall(_Value):
    """A tool call of the model."""

    def __new__(cls, id: str | None, name: str, arguments: str = ...) -> Self: ...
    @property
    def id(self) -> str | None:
        """The provider's id; None where it sent none."""
    @property
    def name(self) -> str:
        """The tool's name."""
    @property
    def arguments(self) -> str:
        """JSON text as sent; empty for a tool without arguments, cut where the reply was cut."""
    @property
    def parsed_arguments(self) -> Any:
        """The arguments as Python values; an empty text reads as `{}`.

        Raises:
            LlmDecodeError: The text is not JSON (a reply cut by the token limit, for instance).
        """
    def result(self, value: object, error: bool = False) -> LlmMessage:
        """The message that answers this call: `messages += [reply.message, call.result(value)]`.

        Args:
            value: What the tool returned; anything but a str is sent as JSON.
            error: Whether the tool failed.
        """

@final
class Attempt(_Value):
    """One attempt of a call."""

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
        """Seconds from the start of the call."""
    @property
    def phase(self) -> str:
        """How far it came: prepare, connect, head, body."""
    @property
    def status(self) -> int | None:
        """HTTP status; None where none came."""
    @property
    def error(self) -> str | None:
        """Kind of the error; None for the attempt that succeeded."""
    @property
    def message(self) -> str | None:
        """The error's one-line text."""
    @property
    def slept(self) -> float:
        """Seconds slept after it."""
    @property
    def maybe_processed(self) -> bool:
        """Whether the server may have worked on it, and billed it."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class TokenLogprob(_Value):
    """One token with its probability."""

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
        """Natural logarithm of its probability; None for the first prompt token under `echo`."""
    @property
    def bytes(self) -> _Bytes | None:
        """The token's UTF-8 bytes, where the provider sends them."""
    @property
    def top(self) -> tuple[tuple[str, float, _Bytes | None], ...]:
        """The likeliest tokens here: (token, logprob, bytes or None)."""
    @property
    def text_offset(self) -> int | None:
        """Offset in the text, in characters (text completions only)."""
    __hash__: ClassVar[None]  # type: ignore[assignment]

@final
class ToolCallFragment(_Value):
    """A fragment of a tool call."""

    def __new__(
        cls, index: int, id: str | None = None, name: str | None = None, arguments: str = ...
    ) -> Self: ...
    @property
    def index(self) -> int:
        """Which call of the choice this belongs to: 0, 1, … in the order in which they began."""
    @property
    def id(self) -> str | None:
        """The provider's id, on the fragment that brings it."""
    @property
    def name(self) -> str | None:
        """The tool's name, on the fragment that brings it."""
    @property
    def arguments(self) -> str:
        """The next piece of the arguments' JSON text."""

@final
class LlmStreamChunk(_Value):
    """One choice's share of one event of a stream."""

    def __new__(
        cls,
        *,
        text: str = "",
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
        """The next piece of reasoning."""
    @property
    def refusal(self) -> str | None:
        """The next piece of a refusal."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why the choice ended, on the event that says so."""
    @property
    def provider_finish_reason(self) -> str | None:
        """The provider's own word for it."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Probabilities of this piece's tokens."""
    @property
    def text(self) -> str:
        """The next piece of text; empty where the event brought none."""
    @property
    def index(self) -> int:
        """The choice that this belongs to."""
    @property
    def tool_calls(self) -> tuple[ToolCallFragment, ...]:
        """Fragments of tool calls."""
    @property
    def usage(self) -> Usage | None:
        """Token counts, on the event that brings them."""
    @property
    def raw(self) -> bytes | None:
        """The event's data as received."""

@final
class TextDelta(_Value):
    """More text."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """The choice."""

@final
class ReasoningDelta(_Value):
    """More of the model's reasoning."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """The choice."""

@final
class RefusalDelta(_Value):
    """More of a refusal."""

    __match_args__ = ("text", "index")
    def __new__(cls, text: str, index: int = 0) -> Self: ...
    @property
    def text(self) -> str:
        """The piece."""
    @property
    def index(self) -> int:
        """The choice."""

@final
class ToolCallDelta(_Value):
    """A fragment of a tool call."""

    __match_args__ = ("fragment", "index")
    def __new__(cls, fragment: ToolCallFragment, index: int = 0) -> Self: ...
    @property
    def fragment(self) -> ToolCallFragment:
        """The fragment."""
    @property
    def index(self) -> int:
        """The choice."""

@final
class ToolCallDone(_Value):
    """A tool call is whole; it comes as soon as that is known, before the stream ends."""

    __match_args__ = ("call", "index")
    def __new__(cls, call: ToolCall, index: int = 0) -> Self: ...
    @property
    def call(self) -> ToolCall:
        """The call."""
    @property
    def index(self) -> int:
        """The choice."""

@final
class UsageReported(_Value):
    """Token counts came."""

    __match_args__ = ("usage",)
    def __new__(cls, usage: Usage) -> Self: ...
    @property
    def usage(self) -> Usage:
        """The counts."""

@final
class End(_Value):
    """The stream is whole; `stream.response` is complete."""

    __match_args__ = ()
    def __new__(cls) -> Self: ...

_StreamEvent: TypeAlias = (
    TextDelta | ReasoningDelta | RefusalDelta | ToolCallDelta | ToolCallDone | UsageReported | End
)

@final
class Choice:
    """One of the answers of a reply."""

    @property
    def index(self) -> int:
        """Its number; prompt lists number them `prompt * n + i`."""
    @property
    def reasoning(self) -> str | None:
        """The model's reasoning, where the provider shows it."""
    @property
    def refusal(self) -> str | None:
        """The refusal; None where the model did not refuse."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why it ended."""
    @property
    def provider_finish_reason(self) -> str | None:
        """The provider's own word for it."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Token probabilities, where asked for."""
    @property
    def text(self) -> str:
        """The text; empty where none came."""
    @property
    def message(self) -> LlmMessage:
        """The message, its parts in the order in which they came."""
    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
    def to_dict(self) -> dict[str, Any]:
        """The answer as a dict of plain values."""
    def __reduce__(self) -> tuple[Any, ...]: ...
    @classmethod
    def _restore(cls, json: bytes, position: int) -> Choice: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class LlmResponse(Generic[_Parsed_co]):
    """A reply, whole or so far. What stands at the top is choice 0's."""

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
    ) -> Self: ...
    @property
    def id(self) -> str | None:
        """The provider's id of the reply."""
    @property
    def model(self) -> str:
        """The model that answered, as the provider names it; where it does not say, the one asked for."""
    @property
    def provider(self) -> str:
        """Name of the provider's row."""
    @property
    def created(self) -> int | None:
        """Unix time in seconds."""
    @property
    def reasoning(self) -> str | None:
        """The model's reasoning, where the provider shows it."""
    @property
    def refusal(self) -> str | None:
        """The refusal; None where the model did not refuse."""
    @property
    def finish_reason(self) -> _FinishReason | None:
        """Why the reply ended: stop, length, tool_calls, refusal, content_filter, abort, error, other."""
    @property
    def provider_finish_reason(self) -> str | None:
        """The provider's own word for it."""
    @property
    def logprobs(self) -> tuple[TokenLogprob, ...] | None:
        """Token probabilities, where asked for."""
    @property
    def text(self) -> str:
        """The text; empty where none came."""
    @property
    def message(self) -> LlmMessage:
        """The message, its parts in the order in which they came; it goes back as it is."""
    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
    @property
    def choices(self) -> tuple[Choice, ...]:
        """All answers, by index."""
    @property
    def usage(self) -> Usage | None:
        """Token counts; None where the provider sent none."""
    @property
    def parsed(self) -> _Parsed_co: ...
    @property
    def cost(self) -> Cost | None: ...
    @property
    def request_id(self) -> str | None: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def timing(self) -> Timing: ...
    @property
    def attempts(self) -> tuple[Attempt, ...]: ...
    @property
    def dropped(self) -> tuple[str, ...]: ...
    @property
    def raw(self) -> bytes | None:
        """The body as received; None for streams."""
    def to_dict(self) -> dict[str, Any]:
        """The reply as a dict of plain values; `from_dict` reads it back (without `raw`)."""
    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> LlmResponse[Any]:
        """Makes a response from what `to_dict` returned."""
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
    """A finished call, as it is passed to each callback of `on_call`. A client of your own makes one from
    its fields, and reports it with `report_call`.

    Args:
        provider: Name of the provider's row.
        model: The model that was asked for.
        elapsed: Seconds from the start of the call to its end, however it ended.
        streamed: Whether the reply was streamed.
        error: The exception; None where the call succeeded or was abandoned.
        error_kind: Its kind, such as `rate_limit`; without it, that of the error's class. `cancelled`
            is a call that was abandoned.
        response: The reply, whole or partial.
        started: When the call began, as Unix time in seconds; without it, `elapsed` ago.
        operation: `chat` or `text_completion`.
        server_address: Host of the server that was asked.
        server_port: Its port.

    Raises:
        LlmConfigError: `elapsed` is not a number of seconds, or there is no such operation.
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
        server_address: str | None = None,
        server_port: int | None = None,
    ) -> Self: ...
    @property
    def provider(self) -> str:
        """Name of the provider's row."""
    @property
    def model(self) -> str:
        """The model that was asked for."""
    @property
    def operation(self) -> Literal["chat", "text_completion"]:
        """What was asked for: `chat` or `text_completion`."""
    @property
    def server_address(self) -> str | None:
        """Host of the server that was asked, without a path; None where it is not known."""
    @property
    def server_port(self) -> int | None:
        """Its port."""
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
        """Kind of the error (`rate_limit`, `stall_timeout`, …); None where the call succeeded;
        `cancelled` where its task, its stream or its program abandoned it.
        """
    @property
    def error(self) -> BaseException | None:
        """The error; None where the call succeeded or was abandoned."""
    @property
    def response(self) -> LlmResponse[Any] | None:
        """The reply, whole or partial; None where nothing arrived."""
    @property
    def timing(self) -> Timing | None:
        """Where the time went; None where nothing arrived."""
    @property
    def usage(self) -> Usage | None:
        """Token counts; None where the provider sent none."""
    @property
    def cost(self) -> Cost | None:
        """What the call cost; None where it is not known."""
    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every attempt of the call."""
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class StreamIterator(Generic[_Item_co]):
    """Iterates a stream in one of its forms."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> _Item_co: ...

@final
class AsyncStreamIterator(Generic[_Item_co]):
    """Iterates a stream in one of its forms. It is its own awaitable: `__anext__` returns itself."""

    def __aiter__(self) -> Self: ...
    def __anext__(self) -> _Step[_Item_co]: ...
    def __await__(self) -> Self: ...
    def throw(self, kind: Any, value: Any = None, _traceback: Any = None) -> Any:
        """A step that is cancelled takes nothing: what comes waits for the next one. `anext(steps, None)`
        hands the cancellation on by this method. The source of a stream of `from_chunks` is cancelled.
        """
    def close(self) -> None:
        """Ends a step that is no longer waited for."""
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
    ) -> Self: ...
    def take(self, form: str) -> Any: ...
    def push(self, item: Any) -> None: ...
    def end(self, failed: bool) -> None: ...
    @property
    def is_over(self) -> bool: ...

class LlmStream:
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
    ) -> LlmStream:
        """A stream of the chunks that an iterable gives; for clients of your own.

        Nothing of it runs before the stream is entered or read. It runs in the reader's thread, is
        closed with the stream where it has `close()`, and its last chunk has to say a
        `finish_reason`: an end without one is an `LlmStreamIncompleteError`.

        Args:
            chunks: Gives `LlmStreamChunk`, or `str` for text alone; a generator, most often.
            provider: Name of the provider, for the reply, errors and events.
            model: The model that was asked for.
            id: The provider's id of the reply.
            created: Unix time in seconds.
            response_format: The type that `response.parsed` reads the text as.

        Raises:
            LlmConfigError: `chunks` is not iterable, or a str.
        """
    def __enter__(self) -> Self: ...
    def __exit__(self, *_error: object) -> None: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> LlmStreamChunk: ...
    @property
    def text_stream(self) -> Iterator[str]: ...
    def events(self) -> Iterator[_StreamEvent]: ...
    def batches(self) -> Iterator[list[LlmStreamChunk]]: ...
    @property
    def response(self) -> LlmResponse[Any]: ...
    def close(self) -> None: ...
    def _enter_with(self, *, api_key: str, may_renew: bool = False) -> None: ...

class AsyncLlmStream:
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
    ) -> AsyncLlmStream: ...
    def __aenter__(self) -> Awaitable[Self]: ...
    def __aexit__(self, *_error: object) -> Awaitable[None]: ...
    def __aiter__(self) -> AsyncIterator[LlmStreamChunk]: ...
    def __anext__(self) -> Awaitable[LlmStreamChunk]: ...
    @property
    def text_stream(self) -> AsyncIterator[str]: ...
    def events(self) -> AsyncIterator[_StreamEvent]: ...
    def batches(self) -> AsyncIterator[list[LlmStreamChunk]]: ...
    @property
    def response(self) -> LlmResponse[Any]: ...
    def close(self) -> None: ...
    def aclose(self) -> Awaitable[None]: ...
    def _enter_with(self, *, api_key: str, may_renew: bool = False) -> _Step[AsyncLlmStream]: ...

@final
class Engine:
    """One client: its settings, its retry budget, its place among the shared connections."""

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
    def base_url(self) -> str:
        """The base URL in its canonical form, without credentials."""
    def check(self, params: dict[str, Any], **steering: Any) -> None:
        """Encodes a request with these arguments and throws it away: what is wrong with them, or a
        missing key, is raised. For `steering` see `Steering`.
        """
    def parameters(self) -> list[str]:
        """Names of the request parameters that the API takes."""
    def complete(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> LlmResponse[Any]:
        """A whole reply, on this thread. For `steering` see `Steering`."""
    def complete_async(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> _Step[LlmResponse[Any]]:
        """A whole reply, to be awaited once."""
    def stream(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> LlmStream:
        """A stream that goes out when it is entered or first read."""
    def stream_async(
        self, input: object, params: dict[str, Any] | None = None, **steering: Any
    ) -> AsyncLlmStream:
        """The same for an event loop."""
    def models(self, *, api_key: str | None = None, may_renew: bool = False) -> str:
        """The body of `GET /models`."""
    def models_async(self, *, api_key: str | None = None, may_renew: bool = False) -> _Step[str]:
        """The same, to be awaited once."""

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
        """Starts a call; `index` comes back with its outcome.
        For `steering` see `Steering`.
        """
    def next(self) -> tuple[int, LlmResponse[Any] | None, Any]:
        """Waits for the next call to finish: (index, response or None, error or None)."""
    def cancel(self) -> None:
        """Ends every call in flight."""

@final
class Simulator:
    """A running simulator on a loopback port; `tokenwire.testing.SimServer` wraps it."""

    def __new__(
        cls,
        script_json: str = "{}",
        port: int = 0,
        log_capacity: int = 100000,
        answer: Callable[[str], str] | None = None,
    ) -> Self: ...
    @property
    def port(self) -> int: ...
    @property
    def base_url(self) -> str: ...
    def set_script(self, script_json: str) -> None: ...
    def log(self) -> Any:
        """The log as a list of dicts."""
    def wait_for(self, kind_name: str, count: int, seconds: float) -> bool:
        """Waits until that many records of a kind were written; false when the time is up."""
    def count(self, kind_name: str) -> int:
        """How many records of a kind were written, logged or not."""
    def stats(self) -> Any:
        """Counters as a dict."""
    def reset(self) -> None: ...
    def stop(self) -> None: ...

# What an await takes; the classes behind it are not exported.
@type_check_only
class _Step(Generic[_Item_co]):
    def __await__(self) -> Generator[Any, Any, _Item_co]: ...

def allow_only(hosts: list[str] | None) -> None:
    """Refuses connections except to loopback and these hosts; None allows all of them."""

def check_behaviour(json: str) -> None:
    """Checks a behaviour; a wrong field is raised."""

def intercept(base_url: str | None) -> None:
    """Sends every call to this base URL, without its key; None sends them where they belong."""

def drop_idle_lanes() -> None:
    """Drops the sync connections that nobody has used for a while."""

def embedded_sim() -> str:
    """Base URL of the embedded simulator, which starts at first use and lives as long as the process."""

def is_intercepted() -> bool:
    """Whether calls are sent elsewhere."""

def _is_key_refused(error: object) -> bool: ...
def _report_refused(error: BaseException, *, abandoned: bool = False) -> None: ...
def _missing_key(provider: str, variables: Sequence[str]) -> str: ...
def apis() -> dict[str, str]: ...
def is_provider(name: str) -> bool: ...
def provider_problem(name: str) -> str | None: ...
def provider_names() -> tuple[str, ...]: ...
def provider_row(name: str) -> dict[str, Any]: ...
def _rebuild(kind: Any, fields: dict[str, Any]) -> Any: ...
def _restore_choice(response: LlmResponse[Any], position: int) -> Choice: ...
def _restore_response(json: bytes, raw: bytes | None) -> LlmResponse[Any]: ...
def _shutdown() -> None: ...
def add_callback(callback: Any) -> int:
    """Registers a callback for every finished call of the process, and returns the registration's number."""

def is_listened_to() -> bool:
    """Whether anybody listens."""

def remove_callback(id: int) -> bool:
    """Takes a registration back; whether it was there."""

def report_call(event: CallEvent) -> None:
    """Reports a finished call that the engine did not make to every callback; what one raises is
    logged, not thrown.
    """

def _proxy_for(url: str) -> str | None: ...
def _report() -> dict[str, Any]: ...
def _sim_main(arguments: list[str]) -> tuple[int, str]: ...
def _wakes() -> tuple[int, int]: ...
