"""tokenwire: a client for language models over HTTP, with a Rust engine.

    import tokenwire as tw

    chat = tw.ChatClient("openai:gpt-4o-mini")
    print(chat.run("Why is the sky blue?"))

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire import metrics as metrics
    from tokenwire import testing as testing
    from tokenwire._engine import (
        AsyncLlmStream,
        Attempt,
        CallEvent,
        Choice,
        End,
        Limits,
        LlmResponse,
        LlmStream,
        LlmStreamChunk,
        ReasoningDelta,
        RefusalDelta,
        RetryPolicy,
        TextDelta,
        Timeout,
        Timing,
        TokenLogprob,
        ToolCall,
        ToolCallDelta,
        ToolCallDone,
        ToolCallFragment,
        Usage,
        UsageReported,
        __version__,
    )
    from tokenwire.catalog.cost import Cost
    from tokenwire.catalog.model import ModelConfig
    from tokenwire.catalog.provider import LlmProvider
    from tokenwire.catalog.tokens import TokenCounter
    from tokenwire.clients.chat import ChatClient
    from tokenwire.clients.completion import CompletionClient
    from tokenwire.errors import (
        LlmAPIError,
        LlmAuthenticationError,
        LlmClientClosedError,
        LlmConfigError,
        LlmConnectError,
        LlmConnectionError,
        LlmConnectionLostError,
        LlmConnectTimeoutError,
        LlmContentFilterError,
        LlmContentTimeoutError,
        LlmContextLengthError,
        LlmDeadlineExceededError,
        LlmDecodeError,
        LlmDNSError,
        LlmEngineError,
        LlmError,
        LlmEventTooLargeError,
        LlmFirstByteTimeoutError,
        LlmForkedStreamError,
        LlmModelError,
        LlmModelNotFoundError,
        LlmPoolTimeoutError,
        LlmProtocolError,
        LlmProxyError,
        LlmQuotaExceededError,
        LlmRateLimitError,
        LlmResponseTooLargeError,
        LlmServerError,
        LlmStallTimeoutError,
        LlmStreamIncompleteError,
        LlmStreamingError,
        LlmStreamInterruptedError,
        LlmStreamServerError,
        LlmTimeoutError,
        LlmTLSError,
        LlmUnexpectedContentError,
        LlmValidationError,
    )
    from tokenwire.factory.factory import LlmClientFactory, client
    from tokenwire.factory.pool import ClientPool
    from tokenwire.interface.interface import LlmClientInterface
    from tokenwire.interface.map import MapRow
    from tokenwire.observability.metrics import MetricsCollector
    from tokenwire.observability.on_call import on_call, report_call
    from tokenwire.registry import ModelRegistry
    from tokenwire.streaming.handler import StreamingHandler
    from tokenwire.types import (
        AudioPart,
        FilePart,
        ImagePart,
        LlmMessage,
        LlmRequest,
        OpaquePart,
        ReasoningPart,
        RefusalPart,
        TextPart,
        Tool,
        ToolResult,
    )

__all__ = [
    "AsyncLlmStream",
    "Attempt",
    "AudioPart",
    "CallEvent",
    "ChatClient",
    "Choice",
    "ClientPool",
    "CompletionClient",
    "Cost",
    "End",
    "FilePart",
    "ImagePart",
    "Limits",
    "LlmAPIError",
    "LlmAuthenticationError",
    "LlmClientClosedError",
    "LlmClientFactory",
    "LlmClientInterface",
    "LlmConfigError",
    "LlmConnectError",
    "LlmConnectTimeoutError",
    "LlmConnectionError",
    "LlmConnectionLostError",
    "LlmContentFilterError",
    "LlmContentTimeoutError",
    "LlmContextLengthError",
    "LlmDNSError",
    "LlmDeadlineExceededError",
    "LlmDecodeError",
    "LlmEngineError",
    "LlmError",
    "LlmEventTooLargeError",
    "LlmFirstByteTimeoutError",
    "LlmForkedStreamError",
    "LlmMessage",
    "LlmModelError",
    "LlmModelNotFoundError",
    "LlmPoolTimeoutError",
    "LlmProtocolError",
    "LlmProvider",
    "LlmProxyError",
    "LlmQuotaExceededError",
    "LlmRateLimitError",
    "LlmRequest",
    "LlmResponse",
    "LlmResponseTooLargeError",
    "LlmServerError",
    "LlmStallTimeoutError",
    "LlmStream",
    "LlmStreamChunk",
    "LlmStreamIncompleteError",
    "LlmStreamInterruptedError",
    "LlmStreamServerError",
    "LlmStreamingError",
    "LlmTLSError",
    "LlmTimeoutError",
    "LlmUnexpectedContentError",
    "LlmValidationError",
    "MapRow",
    "MetricsCollector",
    "ModelConfig",
    "ModelRegistry",
    "OpaquePart",
    "ReasoningDelta",
    "ReasoningPart",
    "RefusalDelta",
    "RefusalPart",
    "RetryPolicy",
    "StreamingHandler",
    "TextDelta",
    "TextPart",
    "Timeout",
    "Timing",
    "TokenCounter",
    "TokenLogprob",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolCallDone",
    "ToolCallFragment",
    "ToolResult",
    "Usage",
    "UsageReported",
    "__version__",
    "client",
    "on_call",
    "report_call",
]

# Where a name lives, unless it is an error (`errors`) or compiled (`_engine`).
_HOMES = {
    "ChatClient": "clients.chat",
    "ClientPool": "factory.pool",
    "CompletionClient": "clients.completion",
    "Cost": "catalog.cost",
    "LlmClientFactory": "factory.factory",
    "LlmClientInterface": "interface.interface",
    "LlmProvider": "catalog.provider",
    "MapRow": "interface.map",
    "MetricsCollector": "observability.metrics",
    "ModelConfig": "catalog.model",
    "ModelRegistry": "registry",
    "StreamingHandler": "streaming.handler",
    "TokenCounter": "catalog.tokens",
    "client": "factory.factory",
    "on_call": "observability.on_call",
    "report_call": "observability.on_call",
    **dict.fromkeys(
        (
            "AudioPart",
            "FilePart",
            "ImagePart",
            "LlmMessage",
            "LlmRequest",
            "OpaquePart",
            "ReasoningPart",
            "RefusalPart",
            "TextPart",
            "Tool",
            "ToolResult",
        ),
        "types",
    ),
}
_SUBMODULES = ("errors", "legacy", "metrics", "migrate", "otel", "testing", "tools", "types")


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return _module(name)
    if name not in __all__:
        raise AttributeError(f"module 'tokenwire' has no attribute {name!r}")
    home = _HOMES.get(name) or ("errors" if name.endswith("Error") else "_engine")
    value: object = getattr(_module(home), name)
    globals()[name] = value
    return value


def _module(name: str) -> object:
    # importlib would be one more import of the standard library.
    return __import__(f"tokenwire.{name}", fromlist=("",))


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__, *_SUBMODULES])
