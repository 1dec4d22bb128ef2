"""The four clients: openai's, with our parts in front of theirs."""

from __future__ import annotations

from functools import cached_property, wraps

import openai

from tokenwire.openai.addresses import Addresses
from tokenwire.openai.replies import Replies
from tokenwire.openai.requests import plain_resource
from tokenwire.openai.shapes import check
from tokenwire.openai.streams import AsyncStreams, Streams
from tokenwire.openai.transport import async_client, sync_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PARTS = check()


class _Requests:
    """A client whose `create` methods send plain JSON as it is."""

    @cached_property
    def chat(self) -> Any:
        """Chat completions."""
        chat = super().chat  # type: ignore[misc]
        chat.completions = self._plain(chat.completions)
        return chat

    @cached_property
    def completions(self) -> Any:
        """Text completions."""
        return self._plain(super().completions)  # type: ignore[misc]

    @cached_property
    def embeddings(self) -> Any:
        """Embeddings."""
        return self._plain(super().embeddings)  # type: ignore[misc]

    @cached_property
    def responses(self) -> Any:
        """Responses."""
        return self._plain(super().responses)  # type: ignore[misc]

    def _plain(self, resource: Any) -> Any:
        stock: Any = type(resource)
        # A mock stays in its place.
        if stock.__module__.partition(".")[0] != "openai":
            return resource
        return plain_resource(stock)(self)


class _Transported(Addresses):
    """A client whose requests are sent by the engine, unless it is given an `http_client`."""

    _make_http_client = staticmethod(sync_client)

    def __init__(self, *args: Any, http_client: Any = None, **options: Any) -> None:
        client = self._make_http_client() if http_client is None else http_client
        super().__init__(*args, http_client=client, **options)  # type: ignore[call-arg]
        if http_client is None:
            client.base_url = self._base_url  # type: ignore[attr-defined]
            client.timeout = self.timeout  # type: ignore[attr-defined]


class _AsyncTransported(_Transported):
    _make_http_client = staticmethod(async_client)


def _bases(streams: type, transported: type) -> tuple[type, ...]:
    parts = (PARTS.requests, _Requests), (PARTS.streams, streams), (PARTS.replies, Replies)
    return (*(base for is_on, base in parts if is_on), transported)


_SYNC: Any = _bases(Streams, _Transported)
_ASYNC: Any = _bases(AsyncStreams, _AsyncTransported)


def _with_arguments_of(theirs: Any) -> Any:
    """Return a decorator that shows the arguments of openai's class as those of ours."""

    def decorated(ours: Any) -> Any:
        @wraps(theirs.__init__)
        def init(self: Any, *args: Any, **options: Any) -> None:
            super(ours, self).__init__(*args, **options)

        ours.__init__ = init
        return ours

    return decorated


@_with_arguments_of(openai.OpenAI)
class OpenAI(*_SYNC, openai.OpenAI):  # type: ignore[misc]
    """openai's `OpenAI` over the engine, with the same arguments."""


@_with_arguments_of(openai.AsyncOpenAI)
class AsyncOpenAI(*_ASYNC, openai.AsyncOpenAI):  # type: ignore[misc]
    """openai's `AsyncOpenAI` over the engine, with the same arguments."""


@_with_arguments_of(openai.AzureOpenAI)
class AzureOpenAI(OpenAI, openai.AzureOpenAI):
    """openai's `AzureOpenAI` over the engine, with the same arguments."""


@_with_arguments_of(openai.AsyncAzureOpenAI)
class AsyncAzureOpenAI(AsyncOpenAI, openai.AsyncAzureOpenAI):
    """openai's `AsyncAzureOpenAI` over the engine, with the same arguments."""
