"""tokenwire: a client for language models over HTTP, with a Rust engine.

    import tokenwire as tw

    chat = tw.ChatClient("openai:gpt-4o-mini")
    print(chat.run("Why is the sky blue?"))

Where things are, in the order in which a call meets them:

- `clients`: `ChatClient` and `CompletionClient`; `interface` is the class that they implement.
- `types`, `tools`: messages, requests, tools and typed output; `errors`: everything that is raised.
- `_engine`: the compiled engine. It calls back into Python through `_bridge` only.
- `streaming`, `observability`: what a program does with a stream, and with a finished call.
- `settings`, `config`, `catalog`, `factory`: a client's arguments, `tokenwire.toml`, what is known
  of providers and models, and many clients from one place.
- `httpx`, `httpx2`: transports for other SDKs; `httpx_transport` is what both are made of.
- `testing`, `cli`, `legacy`: the simulator and fakes, the command, and the older interface.

Public names are imported on first use, so importing the package itself costs very little.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    # One import for each module keeps the bytecode small, which every import of the package loads.
    # isort: off
    from tokenwire import (
        errors as errors,
        httpx as httpx,
        httpx2 as httpx2,
        metrics as metrics,
        otel as otel,
        parsing as parsing,
        registry as registry,
        testing as testing,
        tools as tools,
        types as types,
    )
    from tokenwire._engine import (
        AsyncLlmStream as AsyncLlmStream,
        Attempt as Attempt,
        CallEvent as CallEvent,
        Choice as Choice,
        Citation as Citation,
        End as End,
        Limits as Limits,
        LlmResponse as LlmResponse,
        LlmStream as LlmStream,
        LlmStreamChunk as LlmStreamChunk,
        ReasoningDelta as ReasoningDelta,
        RefusalDelta as RefusalDelta,
        RetryPolicy as RetryPolicy,
        TextDelta as TextDelta,
        Timeout as Timeout,
        Timing as Timing,
        TokenLogprob as TokenLogprob,
        ToolCall as ToolCall,
        ToolCallDelta as ToolCallDelta,
        ToolCallDone as ToolCallDone,
        ToolCallFragment as ToolCallFragment,
        Usage as Usage,
        UsageReported as UsageReported,
        __version__ as __version__,
    )
    from tokenwire.catalog.cost import Cost as Cost
    from tokenwire.catalog.model import ModelConfig as ModelConfig
    from tokenwire.catalog.provider import LlmProvider as LlmProvider
    from tokenwire.catalog.tokens import TokenCounter as TokenCounter
    from tokenwire.clients.chat import ChatClient as ChatClient
    from tokenwire.clients.completion import CompletionClient as CompletionClient
    from tokenwire.errors import (
        LlmAPIError as LlmAPIError,
        LlmAuthenticationError as LlmAuthenticationError,
        LlmClientClosedError as LlmClientClosedError,
        LlmConfigError as LlmConfigError,
        LlmConnectError as LlmConnectError,
        LlmConnectionError as LlmConnectionError,
        LlmConnectionLostError as LlmConnectionLostError,
        LlmConnectTimeoutError as LlmConnectTimeoutError,
        LlmContentFilterError as LlmContentFilterError,
        LlmContentTimeoutError as LlmContentTimeoutError,
        LlmContextLengthError as LlmContextLengthError,
        LlmDeadlineExceededError as LlmDeadlineExceededError,
        LlmDecodeError as LlmDecodeError,
        LlmDNSError as LlmDNSError,
        LlmEngineError as LlmEngineError,
        LlmError as LlmError,
        LlmEventTooLargeError as LlmEventTooLargeError,
        LlmFirstByteTimeoutError as LlmFirstByteTimeoutError,
        LlmForkedStreamError as LlmForkedStreamError,
        LlmModelError as LlmModelError,
        LlmModelNotFoundError as LlmModelNotFoundError,
        LlmPoolTimeoutError as LlmPoolTimeoutError,
        LlmProtocolError as LlmProtocolError,
        LlmProxyError as LlmProxyError,
        LlmQuotaExceededError as LlmQuotaExceededError,
        LlmRateLimitError as LlmRateLimitError,
        LlmReadTimeoutError as LlmReadTimeoutError,
        LlmResponseTooLargeError as LlmResponseTooLargeError,
        LlmServerError as LlmServerError,
        LlmStallTimeoutError as LlmStallTimeoutError,
        LlmStreamIncompleteError as LlmStreamIncompleteError,
        LlmStreamingError as LlmStreamingError,
        LlmStreamInterruptedError as LlmStreamInterruptedError,
        LlmStreamServerError as LlmStreamServerError,
        LlmTimeoutError as LlmTimeoutError,
        LlmTLSError as LlmTLSError,
        LlmUnexpectedContentError as LlmUnexpectedContentError,
        LlmValidationError as LlmValidationError,
        LlmWriteTimeoutError as LlmWriteTimeoutError,
    )
    from tokenwire.factory.factory import LlmClientFactory as LlmClientFactory, client as client
    from tokenwire.factory.pool import ClientPool as ClientPool
    from tokenwire.interface.interface import LlmClientInterface as LlmClientInterface
    from tokenwire.interface.map import MapRow as MapRow
    from tokenwire.observability.metrics import MetricsCollector as MetricsCollector
    from tokenwire.observability.on_call import on_call as on_call, report_call as report_call
    from tokenwire.registry import ModelRegistry as ModelRegistry
    from tokenwire.streaming.handler import StreamingHandler as StreamingHandler
    from tokenwire.types import (
        AudioPart as AudioPart,
        FilePart as FilePart,
        ImagePart as ImagePart,
        LlmMessage as LlmMessage,
        LlmRequest as LlmRequest,
        OpaquePart as OpaquePart,
        ReasoningPart as ReasoningPart,
        RefusalPart as RefusalPart,
        TextPart as TextPart,
        Tool as Tool,
        ToolResult as ToolResult,
    )

# The names above, by the module that defines them; a test compares the two lists.
_HOMES = {
    "_engine": (
        "AsyncLlmStream Attempt CallEvent Choice Citation End Limits LlmResponse LlmStream "
        "LlmStreamChunk ReasoningDelta RefusalDelta RetryPolicy TextDelta Timeout Timing "
        "TokenLogprob ToolCall ToolCallDelta ToolCallDone ToolCallFragment Usage "
        "UsageReported __version__"
    ),
    "catalog.cost": "Cost",
    "catalog.model": "ModelConfig",
    "catalog.provider": "LlmProvider",
    "catalog.tokens": "TokenCounter",
    "clients.chat": "ChatClient",
    "clients.completion": "CompletionClient",
    "errors": (
        "LlmAPIError LlmAuthenticationError LlmClientClosedError LlmConfigError "
        "LlmConnectError LlmConnectionError LlmConnectionLostError LlmConnectTimeoutError "
        "LlmContentFilterError LlmContentTimeoutError LlmContextLengthError "
        "LlmDeadlineExceededError LlmDecodeError LlmDNSError LlmEngineError LlmError "
        "LlmEventTooLargeError LlmFirstByteTimeoutError LlmForkedStreamError LlmModelError "
        "LlmModelNotFoundError LlmPoolTimeoutError LlmProtocolError LlmProxyError "
        "LlmQuotaExceededError LlmRateLimitError LlmReadTimeoutError "
        "LlmResponseTooLargeError LlmServerError "
        "LlmStallTimeoutError LlmStreamIncompleteError LlmStreamingError "
        "LlmStreamInterruptedError LlmStreamServerError LlmTimeoutError LlmTLSError "
        "LlmUnexpectedContentError LlmValidationError LlmWriteTimeoutError"
    ),
    "factory.factory": "LlmClientFactory client",
    "factory.pool": "ClientPool",
    "interface.interface": "LlmClientInterface",
    "interface.map": "MapRow",
    "observability.metrics": "MetricsCollector",
    "observability.on_call": "on_call report_call",
    "registry": "ModelRegistry",
    "streaming.handler": "StreamingHandler",
    "types": (
        "AudioPart FilePart ImagePart LlmMessage LlmRequest OpaquePart ReasoningPart "
        "RefusalPart TextPart Tool ToolResult"
    ),
}
_SUBMODULES = (
    *("errors", "httpx", "httpx2", "legacy", "metrics", "migrate", "otel"),
    *("parsing", "registry", "testing", "tools", "types"),
)

__all__ = [name for names in _HOMES.values() for name in names.split()]


if not TYPE_CHECKING:  # a checker would take every misspelt name for an `object`

    def __getattr__(name: str) -> object:
        if name in _SUBMODULES:
            return _import(name)
        home = next((home for home, names in _HOMES.items() if name in names.split()), None)
        if home is None:
            raise AttributeError(f"module 'tokenwire' has no attribute {name!r}")
        value: object = getattr(_import(home), name)
        globals()[name] = value
        return value


def _import(module: str) -> object:
    # `importlib` would be one more module to load.
    return __import__(f"tokenwire.{module}", fromlist=("",))


def __dir__() -> list[str]:
    dunders = {name for name in globals() if name.startswith("__")}
    return sorted({*__all__, *_SUBMODULES, *dunders})
