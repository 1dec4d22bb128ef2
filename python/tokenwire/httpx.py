"""A transport for clients of httpx, and its clients over that transport.

    import tokenwire.httpx

    client = openai.OpenAI(http_client=tokenwire.httpx.Client())

Everything above the transport remains httpx's own: redirects, cookies, authentication, decoding.
"""

from __future__ import annotations

from tokenwire.errors import LlmStreamIncompleteError
from tokenwire.httpx_transport.body import AsyncBody, SyncBody
from tokenwire.httpx_transport.failures import IncompleteStream, missing
from tokenwire.httpx_transport.options import split_options
from tokenwire.httpx_transport.sending import AsyncSending, Family, SyncSending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["AsyncClient", "AsyncTransport", "Client", "StreamIncompleteError", "Transport"]

try:
    import httpx
except ModuleNotFoundError:
    __getattr__ = missing("httpx")
else:

    class _Body(SyncBody, httpx.SyncByteStream):
        pass

    class _AsyncBody(AsyncBody, httpx.AsyncByteStream):
        pass

    class StreamIncompleteError(
        IncompleteStream, httpx.RemoteProtocolError, LlmStreamIncompleteError
    ):
        """A stream ended cleanly, but before its end marker, so its content may be cut off."""

    _FAMILY = Family(
        "httpx", httpx, body=_Body, async_body=_AsyncBody, incomplete=StreamIncompleteError
    )

    class Transport(SyncSending, httpx.BaseTransport):
        """A transport for sync clients of httpx, with the arguments of `Sending`."""

        family = _FAMILY

    class AsyncTransport(AsyncSending, httpx.AsyncBaseTransport):
        """A transport for async clients of httpx, with the arguments of `Sending`."""

        family = _FAMILY

    def Client(**options: Any) -> httpx.Client:  # noqa: N802
        """Return an `httpx.Client` over a `Transport`.

        Args:
            **options: The arguments of `httpx.Client`, and `uds` and `check_streams` of
                `Transport`. As `timeout`, a `tokenwire.Timeout` goes to the transport.

        Raises:
            LlmConfigError: The transport refuses an argument.
        """
        ours, theirs = split_options(options, "httpx")
        return httpx.Client(transport=Transport(**ours), **theirs)

    def AsyncClient(**options: Any) -> httpx.AsyncClient:  # noqa: N802
        """Return an `httpx.AsyncClient` over an `AsyncTransport`; see `Client`."""
        ours, theirs = split_options(options, "httpx")
        return httpx.AsyncClient(transport=AsyncTransport(**ours), **theirs)
