"""The methods that ask a model, and how each one falls back on another that a class defines."""

from __future__ import annotations

from tokenwire._engine import (
    AsyncLlmStream,
    LlmResponse,
    LlmStream,
    LlmStreamChunk,
    ToolCallFragment,
)
from tokenwire._typing import overload
from tokenwire.errors import LlmClientClosedError, LlmConfigError, LlmError
from tokenwire.settings.client_settings import seal
from tokenwire.settings.secret import revealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from typing import Any, TypeVar

    from typing_extensions import Unpack

    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import Prompt

    T = TypeVar("T")
    Stream = TypeVar("Stream", bound=LlmStream | AsyncLlmStream)


class DefaultMethods:
    """What `LlmClientInterface` does for a method that a class does not define."""

    model: str
    provider: str
    _closed = False
    # Whether its methods take parameters whose secrets are sealed, as the engine's clients do.
    _takes_sealed = False

    @overload
    def complete(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    def complete(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    def complete(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask the model, and return the whole reply."""
        seal(params)
        if not _defines(self, "stream"):
            raise lacking(self, "complete", "stream")
        with open_stream(self, LlmStream, request_or_prompt, params) as stream:
            for _ in stream.batches():
                pass
            return stream.response

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    async def complete_async(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask the model, and return the whole reply."""
        seal(params)
        if _defines(self, "stream_async"):
            opened = open_stream(self, AsyncLlmStream, request_or_prompt, params)
            async with opened as stream:
                async for _ in stream.batches():
                    pass
                return stream.response
        if not (_defines(self, "complete") or _defines(self, "stream")):
            raise lacking(self, "complete_async", "stream_async", "complete")
        import asyncio

        return await asyncio.to_thread(ask, self, request_or_prompt, params)

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask the model, and read the reply as it arrives."""
        seal(params)
        check_open(self)
        if not _defines(self, "complete"):
            raise lacking(self, "stream", "complete")

        def chunks() -> Iterator[LlmStreamChunk]:
            yield from _chunks_of(ask(self, request_or_prompt, params))

        return LlmStream.from_chunks(chunks(), **_fields(self, params))

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask the model, and read the reply as it arrives. Returns at once."""
        seal(params)
        check_open(self)
        if _defines(self, "complete_async") or not _defines(self, "stream"):
            if not (_defines(self, "complete_async") or _defines(self, "complete")):
                raise lacking(self, "stream_async", "complete_async", "stream")
            chunks = _whole_reply(self, request_or_prompt, params)
        else:
            chunks = _stream_in_threads(self, request_or_prompt, params)
        return AsyncLlmStream.from_chunks(chunks, **_fields(self, params))

    def models(self) -> list[str]:
        """Return the ids of the server's models.

        Raises:
            LlmConfigError: The client has no such list.
        """
        raise lacking(self, "models")

    async def models_async(self) -> list[str]:
        """Return the ids of the server's models; see `models`."""
        if not _defines(self, "models"):
            raise lacking(self, "models_async", "models")
        import asyncio

        return await asyncio.to_thread(self.models)


# The methods above and `run`, `parse` and `map` call the methods of a class through these. They are
# functions, because a subclass might use the name of a method for something else. Their callers
# have sealed the parameters.


def ask(client: DefaultMethods, asked: Prompt, params: Mapping[str, Any]) -> LlmResponse[Any]:
    """`complete` with checks: an open client, a reply, an error that names the client."""
    check_open(client)
    try:
        reply = client.complete(asked, **_for(client, params))
    except LlmError as error:
        _name_client(error, client, params)
        raise
    return _checked(client, "complete", reply, LlmResponse)


async def ask_async(
    client: DefaultMethods, asked: Prompt, params: Mapping[str, Any]
) -> LlmResponse[Any]:
    """`complete_async` with the same checks."""
    check_open(client)
    try:
        reply = await client.complete_async(asked, **_for(client, params))
    except LlmError as error:
        _name_client(error, client, params)
        raise
    return _checked(client, "complete_async", reply, LlmResponse)


def open_stream(
    client: DefaultMethods, kind: type[Stream], asked: Prompt, params: Mapping[str, Any]
) -> Stream:
    """`stream` or `stream_async` with the same checks."""
    check_open(client)
    method = "stream" if kind is LlmStream else "stream_async"
    opened = getattr(client, method)(asked, **_for(client, params))
    return _checked(client, method, opened, kind)


def _for(client: DefaultMethods, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters as the methods of this client take them."""
    if client._takes_sealed:
        return params
    return {name: revealed(value) for name, value in params.items()}


def check_open(client: DefaultMethods) -> None:
    """Refuse a closed client."""
    if client._closed:
        raise LlmClientClosedError("this client is closed; make a new one")


# A reply with one of these words of Responses has no answer yet
# (https://platform.openai.com/docs/guides/background).
UNFINISHED = ("queued", "in_progress")


# Anthropic's words for a reply that goes on when it is sent back: its server paused a long turn
# with tools of its own, or shortened the conversation
# (https://docs.claude.com/en/api/handling-stop-reasons).
PAUSED = ("pause_turn", "compaction")


def paused(reply: LlmResponse[Any]) -> str | None:
    """What is wrong with a reply that the provider paused; None if it did not."""
    word = reply.provider_finish_reason
    if reply.finish_reason != "other" or word not in PAUSED:
        return None
    return f"the provider paused the reply ({word}), so it is not finished"


def no_answer_yet(reply: LlmResponse[Any]) -> str | None:
    """What is wrong with a reply that the provider has not finished; None if it has."""
    if problem := paused(reply):
        return f"{problem}; use complete(), and call it again with [..., reply.message] to go on"
    if reply.finish_reason is not None or reply.status not in UNFINISHED:
        return None
    return (
        f"the reply is not an answer yet: its status is {reply.status}; use complete(), whose "
        "reply.status says so, and ask the provider for reply.id later"
    )


def refusal_of(reply: LlmResponse[Any]) -> str:
    """What the model or the provider says where the model refused; empty if that is nothing."""
    if text := reply.refusal or reply.text:
        return str(text)
    # Anthropic explains a refusal beside the reply, which is empty then
    # (https://docs.claude.com/en/api/messages, `stop_details`).
    details = reply.stop_details
    details = details if isinstance(details, dict) else {}
    return str(details.get("explanation") or details.get("category") or "")


def filtered(reply: LlmResponse[Any]) -> str:
    """What is said where a filter stopped the reply, with what the provider says about it."""
    # Gemini explains it beside the reply (https://ai.google.dev/api/generate-content, `Candidate`
    # and `PromptFeedback`), at least by its word for the end.
    details = reply.stop_details
    details = details if isinstance(details, dict) else {}
    said = details.get("finishMessage") or details.get("blockReasonMessage")
    if not said and reply.provider_finish_reason != reply.finish_reason:
        said = reply.provider_finish_reason
    problem = "the provider's filter stopped the reply"
    return f"{problem}: {said}" if said else problem


def whole_number(value: Any, name: str, at_least: int) -> int:
    """The value of the argument `name`, which must be an int of at least `at_least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise LlmConfigError(f"{name}: {value!r} is not a whole number of at least {at_least}")
    return int(value)


def lacking(client: DefaultMethods, method: str, *others: str) -> LlmConfigError:
    """The error for a method that the class does not define and that has no default."""
    fix = " or ".join(f"{name}()" for name in (method, *others))
    return LlmConfigError(f"{type(client).__name__} has no {method}(): define {fix}")


def _defines(client: DefaultMethods, method: str) -> bool:
    return getattr(type(client), method) is not getattr(DefaultMethods, method)


def _name_client(error: LlmError, client: DefaultMethods, params: Mapping[str, Any]) -> None:
    error.provider = error.provider or client.provider
    error.model = error.model or params.get("model") or client.model


def _checked(client: DefaultMethods, method: str, result: object, kind: type[T]) -> T:
    if isinstance(result, kind):
        return result
    if hasattr(result, "__await__") and hasattr(result, "close"):
        result.close()  # a coroutine that is never awaited warns
    wanted = "an LlmResponse" if kind is LlmResponse else f"{kind.__name__}.from_chunks(…)"
    raise LlmConfigError(
        f"{type(client).__name__}.{method}() returned {type(result).__name__}; return {wanted}"
    )


def _fields(client: DefaultMethods, params: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider": client.provider,
        "model": params.get("model") or client.model,
        "response_format": params.get("response_format"),
    }


async def _whole_reply(
    client: DefaultMethods, asked: Prompt, params: Mapping[str, Any]
) -> AsyncIterator[LlmStreamChunk]:
    for chunk in _chunks_of(await ask_async(client, asked, params)):
        yield chunk


async def _stream_in_threads(
    client: DefaultMethods, asked: Prompt, params: Mapping[str, Any]
) -> AsyncIterator[LlmStreamChunk]:
    import asyncio

    stream = open_stream(client, LlmStream, asked, params)
    try:
        while (chunk := await asyncio.to_thread(next, stream, None)) is not None:
            yield chunk
    finally:
        # A step that is still running in its thread closes the stream when it ends.
        stream.close()


def _chunks_of(reply: LlmResponse[Any]) -> Iterator[LlmStreamChunk]:
    """A whole reply as a stream: a chunk for each choice, then the usage."""
    for choice in reply.choices:
        yield LlmStreamChunk(
            index=choice.index,
            reasoning=choice.reasoning,
            text=choice.text,
            refusal=choice.refusal,
            tool_calls=[
                ToolCallFragment(index, call.id, call.name, call.arguments, call.extra)
                for index, call in enumerate(choice.tool_calls)
            ],
            logprobs=None if choice.logprobs is None else list(choice.logprobs),
            # The reply is whole, even if its client does not know why it ended.
            finish_reason=choice.finish_reason or "other",
            provider_finish_reason=choice.provider_finish_reason,
        )
    if reply.usage is not None:
        yield LlmStreamChunk(usage=reply.usage)
