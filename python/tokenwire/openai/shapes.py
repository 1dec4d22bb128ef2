"""What of openai the parts of this package depend on, checked when it is imported.

openai changes often. A part whose shapes are not the known ones is left to openai.
"""

from __future__ import annotations

import openai
from openai._base_client import AsyncAPIClient, BaseClient, SyncAPIClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# The major versions that the tests cover.
_TESTED = ("2", "3")

# The parameters that we pass, and the others that are known.
_REQUEST = {"self", "cast_to", "options", "stream", "stream_cls"}, {"remaining_retries"}
_POST = {"self", "path", "cast_to", "body", "options", "stream", "stream_cls"}, {"content", "files"}
_STREAM = {"self", "cast_to", "response", "client"}, {"options"}
_PROCESS = {"self", "data", "cast_to", "response"}, set[str]()

# The names and texts in openai's loops over a stream, from 2.0 to 3.57. A loop with another one does
# something that we do not know.
_KNOWN = {
    *("APIError", "APITimeoutError", "APIConnectionError", "Any", "ServerSentEvent"),
    *("_cast_to", "_client", "_decoder", "_iter_events", "_options", "_process_response_data"),
    *("_data", "_event", "_last_event_id", "_retry", "aclose", "aiter_bytes", "append", "cast"),
    *("close", "data", "decode", "drain_response_async", "event", "get", "http_version", "id"),
    *("int", "is_mapping", "isinstance", "iter_bytes", "join", "json", "message", "partition"),
    *("request", "request_exceptions", "response", "retry", "startswith", "stream_mode", "str"),
    *("synthesize_event_and_data", "timeout_exceptions", "TypeError", "ValueError", "error"),
    *("legacy", "thread.", "[DONE]", "HTTP/1.1", "An error occurred during streaming"),
    *("body", "cast_to", ":", " ", "\n", "\0", ""),
}
_NEEDED = {"[DONE]", "error", "_iter_events", "_process_response_data"}


class Parts:
    """Which parts are on, and why the others are not.

    Attributes:
        streams: Whether streams are read by the engine.
        requests: Whether plain requests are sent as they are.
        replies: Whether replies are built by the validators of their classes.
        reasons: What is not known, one phrase each.
    """

    def __init__(self) -> None:
        self.reasons: list[str] = []
        major = openai.__version__.partition(".")[0]
        if major not in _TESTED:
            self.reasons.append(f"only versions {' and '.join(_TESTED)} are tested")
            self.streams = self.requests = self.replies = False
            return
        self.replies = self._holds(_replies())
        self.requests = self._holds(_requests())
        self.streams = self._holds(_streams())

    def _holds(self, reasons: Iterator[str]) -> bool:
        found = list(reasons)
        self.reasons += [reason for reason in found if reason not in self.reasons]
        return not found


def _replies() -> Iterator[str]:
    yield from _parameters(BaseClient, "_process_response_data", _PROCESS)


def _requests() -> Iterator[str]:
    yield from _parameters(SyncAPIClient, "post", _POST)
    yield from _parameters(AsyncAPIClient, "post", _POST)


def _streams() -> Iterator[str]:
    for client in (SyncAPIClient, AsyncAPIClient):
        yield from _parameters(client, "request", _REQUEST)
    for stream in (openai.Stream, openai.AsyncStream):
        yield from _parameters(stream, "__init__", _STREAM)
        yield from _loop(stream)
    yield from _replies()


def _parameters(owner: Any, name: str, forms: tuple[set[str], set[str]]) -> Iterator[str]:
    code = getattr(getattr(owner, name, None), "__code__", None)
    shown = f"{owner.__name__}.{name}"
    if code is None:
        yield f"{shown} is not a function"
        return
    found = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    passed, others = forms
    # The flags are CO_VARARGS and CO_VARKEYWORDS.
    if not passed <= found <= passed | others or code.co_flags & 0x0C:
        yield f"{shown} takes other arguments"


def _loop(stream: Any) -> Iterator[str]:
    from openai._streaming import SSEDecoder

    seen: set[str] = set()
    for owner, name in ((stream, "__stream__"), (stream, "_iter_events"), (SSEDecoder, "decode")):
        code = getattr(getattr(owner, name, None), "__code__", None)
        if code is None:
            yield f"{owner.__name__}.{name} is not a function"
            return
        seen.update(code.co_names, (one for one in code.co_consts[1:] if isinstance(one, str)))
    if not _NEEDED <= seen <= _KNOWN:
        yield f"the loop of {stream.__name__} is another one"


def check() -> Parts:
    """Return the parts that are on, and warn once of those that are not."""
    parts = Parts()
    if parts.reasons:
        from warnings import warn

        from tokenwire._engine import __version__

        warn(
            f"tokenwire {__version__} does not know openai {openai.__version__} "
            f"({'; '.join(parts.reasons)}), so it leaves that to openai: upgrade tokenwire",
            RuntimeWarning,
            stacklevel=2,
        )
    return parts
