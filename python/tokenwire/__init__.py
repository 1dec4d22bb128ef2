"""tokenwire: a client for language models over HTTP, with a Rust engine.

    import tokenwire as tw

    chat = tw.ChatClient("openai:gpt-4o-mini")
    print(chat.run("Why is the sky blue?"))

Names are imported when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    from tokenwire.chat import ChatClient
    from tokenwire.completion import CompletionClient
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
    from tokenwire.factory import LlmClientFactory, client
    from tokenwire.handler import StreamingHandler
    from tokenwire.interface import LlmClientInterface
    from tokenwire.mapping import MapRow
    from tokenwire.metrics import MetricsCollector
    from tokenwire.observe import on_call
    from tokenwire.pool import ClientPool
    from tokenwire.prices import Cost
    from tokenwire.registry import ModelRegistry
    from tokenwire.tokens import TokenCounter
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
    from tokenwire.types.rows import LlmProvider, ModelConfig

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
]

# Where a name lives, unless it is an error (`errors`) or compiled (`_engine`).
_HOMES = {
    "ChatClient": "chat",
    "ClientPool": "pool",
    "CompletionClient": "completion",
    "Cost": "prices",
    "LlmClientFactory": "factory",
    "LlmClientInterface": "interface",
    "LlmProvider": "types.rows",
    "MapRow": "mapping",
    "MetricsCollector": "metrics",
    "ModelConfig": "types.rows",
    "ModelRegistry": "registry",
    "StreamingHandler": "handler",
    "TokenCounter": "tokens",
    "client": "factory",
    "on_call": "observe",
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
