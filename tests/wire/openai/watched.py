"""What the wrappers of observability libraries do to openai, and the calls that they watch."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any

import openai as stock
from openai.resources.chat.completions import AsyncCompletions, Completions
from openai.resources.completions import AsyncCompletions as AsyncTexts
from openai.resources.completions import Completions as Texts
from openai.resources.embeddings import AsyncEmbeddings, Embeddings
from openai.resources.responses import AsyncResponses, Responses
from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Callable

PROMPT = "Which colour? " * 20
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
RESOURCES = (
    *(Completions, AsyncCompletions, Texts, AsyncTexts),
    *(Embeddings, AsyncEmbeddings, Responses, AsyncResponses),
)


class Colour(BaseModel):
    """What `parse` is to return."""

    name: str


class Record:
    """What a wrapper saw: the long argument of each call, and each item of its stream."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.items: list[Any] = []

    def call(self, options: dict[str, Any]) -> None:
        """Note a call by its messages, input or prompt."""
        self.calls.append(
            next(options[name] for name in ("messages", "input", "prompt") if name in options)
        )

    def watch(self, result: Any) -> Any:
        """Replace the iterator of a stream, as Sentry and Langfuse do."""
        if isinstance(result, stock.Stream):
            result._iterator = self._sync(result._iterator)
        elif isinstance(result, stock.AsyncStream):
            result._iterator = self._async(result._iterator)
        return result

    def _sync(self, items: Any) -> Any:
        for item in items:
            self.items.append(item)
            yield item

    async def _async(self, items: Any) -> Any:
        async for item in items:
            self.items.append(item)
            yield item

    def around(self, create: Any) -> Any:
        """Return a plain function around a `create`."""
        if inspect.iscoroutinefunction(inspect.unwrap(create)):

            @functools.wraps(create)
            async def wrapped(*args: Any, **options: Any) -> Any:
                self.call(options)
                return self.watch(await create(*args, **options))
        else:

            @functools.wraps(create)
            def wrapped(*args: Any, **options: Any) -> Any:
                self.call(options)
                return self.watch(create(*args, **options))

        return wrapped


class Wrapper:
    """A proxy around a function, which has all that the function has, as those of wrapt do."""

    def __init__(self, wrapped: Any, record: Record) -> None:
        self.__wrapped__ = wrapped
        self._record = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return functools.partial(self, instance)

    def __call__(self, *args: Any, **options: Any) -> Any:
        self._record.call(options)
        result = self.__wrapped__(*args, **options)
        return self._later(result) if inspect.isawaitable(result) else self._record.watch(result)

    async def _later(self, result: Any) -> Any:
        return self._record.watch(await result)


def by_function(monkeypatch: Any, record: Record) -> None:
    """Replace `create` of the classes by plain functions, as Sentry does."""
    for resource in RESOURCES:
        monkeypatch.setattr(resource, "create", record.around(resource.__dict__["create"]))


def by_wrapt(monkeypatch: Any, record: Record) -> None:
    """Replace `create` of the classes by proxies, as Langfuse and OpenTelemetry do."""
    for resource in RESOURCES:
        monkeypatch.setattr(resource, "create", Wrapper(resource.__dict__["create"], record))


def by_subclass(monkeypatch: Any, record: Record) -> None:
    """Replace the classes by subclasses, where openai's clients find them."""
    for resource in RESOURCES:
        watched = type(resource.__name__, (resource,), {"create": record.around(resource.create)})
        for module in (
            resource.__module__,
            "openai.resources.chat.chat",
            "openai.resources.chat",
            "openai.resources.embeddings",
            "openai.resources.responses",
        ):
            names = vars(__import__(module, fromlist=["_"]))
            if names.get(resource.__name__) is resource:
                monkeypatch.setitem(names, resource.__name__, watched)


def on_instance(client: Any, record: Record) -> None:
    """Replace `create` of a client's resources, as LangSmith does."""
    for resource in (
        client.chat.completions,
        client.completions,
        client.embeddings,
        client.responses,
    ):
        resource.create = record.around(resource.create)


def drained(found: Any) -> Any:
    """The items of a stream, or a reply."""
    return list(found) if hasattr(found, "__iter__") and not isinstance(found, BaseModel) else found


# Each way to make a call that ends in `create`. The values are what it gives to the user.
def chat(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES)


def chat_stream(client: Any) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, stream=True)


def chat_raw(client: Any) -> Any:
    return client.chat.completions.with_raw_response.create(model="m", messages=MESSAGES)


def chat_of_raw_client(client: Any) -> Any:
    return client.with_raw_response.chat.completions.create(model="m", messages=MESSAGES)


def chat_beta(client: Any) -> Any:
    return client.beta.chat.completions.create(model="m", messages=MESSAGES)


def chat_of_copy(client: Any) -> Any:
    return client.with_options(timeout=9).chat.completions.create(model="m", messages=MESSAGES)


def text(client: Any) -> Any:
    return client.completions.create(model="m", prompt=[PROMPT])


def text_stream(client: Any) -> Any:
    return client.completions.create(model="m", prompt=[PROMPT], stream=True)


def responses(client: Any) -> Any:
    return client.responses.create(model="m", input=MESSAGES)


def responses_stream(client: Any) -> Any:
    return client.responses.create(model="m", input=MESSAGES, stream=True)


CALLS: dict[str, Callable[[Any], Any]] = {
    call.__name__: call
    for call in (
        *(chat, chat_stream, chat_raw, chat_of_raw_client, chat_beta, chat_of_copy),
        *(text, text_stream, responses, responses_stream),
    )
}


def played(make: Callable[..., Any], call: Callable[[Any], Any], *, is_async: bool) -> Any:
    """Make a call with a new client. Returns the reply, or the items of the stream."""
    if not is_async:
        with make() as client:
            found = call(client)
            return list(found) if isinstance(found, stock.Stream) else found

    async def play() -> Any:
        async with make() as client:
            found = await call(client)
            return [item async for item in found] if isinstance(found, stock.AsyncStream) else found

    return asyncio.run(play())
