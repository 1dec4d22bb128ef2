"""The default `http_client`: openai's own, over our transport."""

from __future__ import annotations

import openai

from tokenwire.errors import LlmProtocolError
from tokenwire.openai.addresses import ParsedOnce
from tokenwire.openai.failures import error_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The library that openai sends its requests with: httpx2 since version 3.
FAMILY = next(
    one.__module__.partition(".")[0]
    for one in openai.DefaultHttpxClient.__mro__[1:]
    if one.__module__.partition(".")[0] in ("httpx", "httpx2")
)
if FAMILY == "httpx2":
    from tokenwire import httpx2 as _ours
else:
    from tokenwire import httpx as _ours  # type: ignore[no-redef]


class _Transport(_ours.Transport):
    def handle_request(self, request: Any) -> Any:
        """Send a request and return its response."""
        response = super().handle_request(request)
        if _is_diverted(request, response):
            response.close()
            raise _refused(request, response)
        return response


class _AsyncTransport(_ours.AsyncTransport):
    async def handle_async_request(self, request: Any) -> Any:
        """Send a request and return its response."""
        response = await super().handle_async_request(request)
        if _is_diverted(request, response):
            await response.aclose()
            raise _refused(request, response)
        return response


class _Client(ParsedOnce, openai.DefaultHttpxClient):
    pass


class _AsyncClient(ParsedOnce, openai.DefaultAsyncHttpxClient):
    pass


def sync_client() -> Any:
    """Return a sync client with openai's defaults."""
    return _Client(transport=_Transport())


def async_client() -> Any:
    """Return an async client with openai's defaults."""
    return _AsyncClient(transport=_AsyncTransport())


def _is_diverted(request: Any, response: Any) -> bool:
    """Return whether a response is a redirect of a prompt to another origin.

    Files are fetched without one, and often lie elsewhere.
    """
    if request.method in ("GET", "HEAD") or not response.has_redirect_location:
        return False
    try:
        target = request.url.join(response.headers["location"])
    # The client refuses it.
    except _Transport.family.module.InvalidURL:
        return False
    return _origin(target) != _origin(request.url)


def _origin(url: Any) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


def _refused(request: Any, response: Any) -> BaseException:
    """Return the error for a redirect to another origin."""
    url = request.url
    message = (
        f"the redirect ({response.status_code}) from {url.scheme}://{url.netloc.decode()} leads to "
        "another origin and was not followed: set base_url to where the API is"
    )
    error: BaseException = error_class(LlmProtocolError)(message=message, request=request)
    return error
