"""A transport for clients of httpx2, and its clients over that transport.

    import tokenwire.httpx2

    client = openai.OpenAI(http_client=tokenwire.httpx2.Client())

Everything above the transport remains httpx2's own: redirects, cookies, authentication, decoding.
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
    import httpx2
except ModuleNotFoundError:
    __getattr__ = missing("httpx2")
else:

    class _Body(SyncBody, httpx2.SyncByteStream):
        pass

    class _AsyncBody(AsyncBody, httpx2.AsyncByteStream):
        pass

    class StreamIncompleteError(
        IncompleteStream, httpx2.RemoteProtocolError, LlmStreamIncompleteError
    ):
        """A stream ended cleanly, but before its end marker, so its content may be cut off."""

    _FAMILY = Family(
        "httpx2", httpx2, body=_Body, async_body=_AsyncBody, incomplete=StreamIncompleteError
    )

    class Transport(SyncSending, httpx2.BaseTransport):
        """A transport for sync clients of httpx2, with the arguments of `Sending`."""

        family = _FAMILY

    class AsyncTransport(AsyncSending, httpx2.AsyncBaseTransport):
        """A transport for async clients of httpx2, with the arguments of `Sending`."""

        family = _FAMILY

    def Client(**options: Any) -> httpx2.Client:  # noqa: N802
        """Return an `httpx2.Client` over a `Transport`.

        Args:
            **options: The arguments of `httpx2.Client`, and `uds` and `check_streams` of
                `Transport`. As `timeout`, a `tokenwire.Timeout` goes to the transport.

        Raises:
            LlmConfigError: The transport refuses an argument.
        """
        ours, theirs = split_options(options, "httpx2")
        return httpx2.Client(transport=Transport(**ours), **theirs)

    def AsyncClient(**options: Any) -> httpx2.AsyncClient:  # noqa: N802
        """Return an `httpx2.AsyncClient` over an `AsyncTransport`; see `Client`."""
        ours, theirs = split_options(options, "httpx2")
        return httpx2.AsyncClient(transport=AsyncTransport(**ours), **theirs)
