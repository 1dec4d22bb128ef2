"""What all clients share: the interface, and its parts that stand on four methods."""

from __future__ import annotations

from tokenwire._typing import overload
from tokenwire.errors import (
    LlmConfigError,
    LlmModelError,
    LlmValidationError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
    )
    from types import TracebackType
    from typing import Any, TypeVar

    from typing_extensions import Self, Unpack

    from tokenwire._engine import AsyncLlmStream, LlmResponse, LlmStream
    from tokenwire.interface.map import MapRow
    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import Prompt

    T = TypeVar("T")


class LlmClientInterface:
    """One client object, sync and async, safe from any thread and any event loop.

    A client of your own is a subclass that writes `complete` or `stream`, or their async twins, or
    all four; the rest stands on them:

    - `stream` gives the reply of `complete` at once, and `complete` reads `stream` to its end; the
      same holds for `stream_async` and `complete_async`.
    - Without async methods, the sync ones run in threads. Without sync methods there are none: a
      loop made for one call would not be the one that the client's connections belong to.

    `complete` returns an `LlmResponse(provider=…, model=…, text=…)`, `stream` an
    `LlmStream.from_chunks(…)`, and `stream_async` an `AsyncLlmStream.from_chunks(…)`. Each finished
    call is told to `on_call` once; what a client does inside of it is part of it.

    `LlmProvider("acme", client=AcmeClient)` makes `tw.client("acme:m1", **settings)` give
    `AcmeClient("m1", provider="acme", **settings)`.

    Args:
        model: The model's id, without a provider.
        provider: Its provider's name, for replies, errors and events.
    """

    model: str
    provider: str
    _closed = False
    # Whether the engine reports the calls.
    _is_engines = False

    def __init__(self, model: str, *, provider: str = "custom") -> None:
        self.model = model
        self.provider = provider

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Let the methods of a client of your own report their calls."""
        super().__init_subclass__(**arguments)
        if not cls._is_engines:
            from tokenwire.interface.defaults import adopt

            adopt(cls)

    @overload
    def complete(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    def complete(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    def complete(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply."""
        from tokenwire.interface.defaults import complete_by_stream

        return complete_by_stream(self, request_or_prompt, params)

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, *, response_format: type[T], **params: Any
    ) -> LlmResponse[T]: ...

    @overload
    async def complete_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> LlmResponse[Any]: ...

    async def complete_async(self, request_or_prompt: Prompt, **params: Any) -> LlmResponse[Any]:
        """Ask, and return the whole reply."""
        from tokenwire.interface.defaults import complete_by_others

        return await complete_by_others(self, request_or_prompt, params)

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask, and read the reply as it comes."""
        from tokenwire.interface.defaults import stream_by_complete

        return stream_by_complete(self, request_or_prompt, dict(params))

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask, and read the reply as it comes; returns at once."""
        from tokenwire.interface.defaults import stream_by_others

        return stream_by_others(self, request_or_prompt, dict(params))

    def run(
        self,
        prompt: Prompt,
        *,
        stream: bool = False,
        on_text: Callable[[str], object] | None = None,
        **params: Unpack[AnyParams],
    ) -> str:
        """Text in, text out.

        Args:
            prompt: A string, messages, or an `LlmRequest`.
            stream: Use the streaming form on the wire. Prints nothing.
            on_text: Called with each piece of text as it comes.
            **params: Request parameters of this call.

        Raises:
            LlmModelError: A refusal, a filter, or a reply without text; it has `.response`.
            LlmConfigError: Several choices or prompts were asked for: use `complete()`.
        """
        self._check_one_text(prompt, params)
        if not stream and on_text is None:
            return self._text_of(self.complete(prompt, **params))
        with self.stream(prompt, **params) as pieces:
            for piece in pieces.text_stream:
                if on_text is not None:
                    on_text(piece)
            return self._text_of(pieces.response)

    async def run_async(
        self,
        prompt: Prompt,
        *,
        stream: bool = False,
        on_text: Callable[[str], object] | None = None,
        **params: Unpack[AnyParams],
    ) -> str:
        """Text in, text out; see `run`. `on_text` may be a coroutine function."""
        self._check_one_text(prompt, params)
        if not stream and on_text is None:
            return self._text_of(await self.complete_async(prompt, **params))
        async with self.stream_async(prompt, **params) as pieces:
            async for piece in pieces.text_stream:
                if on_text is not None:
                    called = on_text(piece)
                    if hasattr(called, "__await__"):
                        await called
            return self._text_of(pieces.response)

    def parse(
        self, response_format: type[T], request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> T:
        """Ask for a value of a type: a pydantic model, a dataclass, `list[int]` or another.

        Args:
            response_format: The type; its JSON schema goes with the request.
            request_or_prompt: What to ask.
            reask: How often a reply that does not fit is sent back with its problems.
            **params: Request parameters of this call.

        Raises:
            LlmValidationError: The last reply does not fit; `.partial` is that reply.
            LlmModelError: A refusal, a filter, or a reply without text.
        """
        from tokenwire.interface.reask import asked_again
        from tokenwire.tools.typed_output import parse_reply

        asked = request_or_prompt
        left = _count(reask, "reask")
        while True:
            reply = self.complete(asked, response_format=response_format, **params)
            text = self._text_of(reply)
            try:
                value: T = parse_reply(response_format, text)
            except LlmValidationError as error:
                if not left:
                    error.partial = reply
                    raise
                left -= 1
                asked = asked_again(asked, reply, error)
            else:
                return value

    async def parse_async(
        self, response_format: type[T], request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> T:
        """Ask for a value of a type; see `parse`."""
        from tokenwire.interface.reask import asked_again
        from tokenwire.tools.typed_output import parse_reply

        asked = request_or_prompt
        left = _count(reask, "reask")
        while True:
            reply = await self.complete_async(asked, response_format=response_format, **params)
            text = self._text_of(reply)
            try:
                value: T = parse_reply(response_format, text)
            except LlmValidationError as error:
                if not left:
                    error.partial = reply
                    raise
                left -= 1
                asked = asked_again(asked, reply, error)
            else:
                return value

    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        concurrency: int,
        ordered: bool = True,
        **params: Unpack[AnyParams],
    ) -> Iterator[MapRow]:
        """Ask many prompts at once, from plain sync code.

        Args:
            prompts: Pulled lazily; at most `concurrency` of them are held at a time.
            concurrency: Calls in flight, or finished and not yet taken; at least 1.
            ordered: Whether rows come in the prompts' order, or as they finish.
            **params: Request parameters of each call.

        Yields:
            A row for each prompt; an error is a row. `break` and Ctrl-C end the calls in flight.
        """
        from tokenwire.interface.map import map_with_threads

        return map_with_threads(
            self.complete, prompts, checked_concurrency(concurrency), params, ordered=ordered
        )

    def map_async(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        concurrency: int,
        ordered: bool = True,
        **params: Unpack[AnyParams],
    ) -> AsyncGenerator[MapRow, None]:
        """Ask many prompts at once; see `map`. `prompts` may be an async iterable."""
        from tokenwire.interface.map_async import map_with_tasks

        return map_with_tasks(
            self.complete_async, prompts, checked_concurrency(concurrency), params, ordered=ordered
        )

    def validate_config(self, *, probe: bool = False) -> None:
        """Check the configuration; with `probe` ask the server for its models too.

        Raises:
            LlmConfigError: The configuration cannot work.
            LlmError: The probe failed.
        """
        if probe:
            self.models()

    async def validate_config_async(self, *, probe: bool = False) -> None:
        """Check the configuration; see `validate_config`."""
        if probe:
            await self.models_async()

    def models(self) -> list[str]:
        """Ids of the server's models.

        Raises:
            LlmConfigError: The client has no such list.
        """
        from tokenwire.interface.defaults import lacking

        raise lacking(self, "models")

    async def models_async(self) -> list[str]:
        """Ids of the server's models; see `models`."""
        from tokenwire.interface.defaults import models_in_thread

        return await models_in_thread(self)

    def get_supported_parameters(self) -> frozenset[str]:
        """Names of the request parameters that this model's API takes."""
        return frozenset()

    def with_options(self, **settings: Any) -> Self:  # noqa: ARG002 (of those that can)
        """A client with other settings.

        Raises:
            LlmConfigError: The client does not know how.
        """
        from tokenwire.interface.defaults import lacking

        raise lacking(self, "with_options")

    def close(self) -> None:
        """Refuse further calls. Calls in flight go on."""
        self._closed = True

    async def aclose(self) -> None:
        """Refuse further calls; see `close`."""
        self.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the client."""
        await self.aclose()

    def _check_one_text(self, _prompt: Prompt, params: Mapping[str, Any]) -> None:
        # A call's own number counts first, then an `LlmRequest`'s, then the client's.
        choices = params.get("n") or getattr(_prompt, "n", None)
        choices = choices or getattr(self, "defaults", {}).get("n")
        if choices is not None and choices != 1:
            raise LlmConfigError("n: run() returns one text; use complete() for several choices")

    def _text_of(self, reply: LlmResponse[Any]) -> str:
        """The reply's text, unless the model did not serve the request."""
        text: str = reply.text
        reason = reply.finish_reason
        if reply.refusal is not None or reason == "refusal":
            problem = f"the model refused: {reply.refusal or text}"
        elif reason == "content_filter":
            problem = "the provider's filter stopped the reply"
        elif text or (reason == "stop" and not reply.tool_calls):
            return text
        elif reply.tool_calls:
            names = ", ".join(call.name for call in reply.tool_calls)
            problem = f"the reply calls tools ({names}) and has no text; use complete()"
        elif reason == "length" and self._needs_text:
            problem = "the token limit ended the reply before any text; raise max_tokens"
        else:
            return text
        raise LlmModelError(
            problem, response=reply, provider=self.provider, model=self.model, partial=reply
        )

    _needs_text = True


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LlmConfigError(f"{name}: {value!r} is not a whole number of at least 0")
    return int(value)


def checked_concurrency(value: Any) -> int:
    """How many calls at once, at least 1."""
    if not _count(value, "concurrency"):
        raise LlmConfigError("concurrency: give at least 1")
    return int(value)


# How the defaults tell what a class of yours writes from what it has from here: a method that
# copies this mark, as `functools.wraps` does, is not the method that it names.
for _name in ("complete", "complete_async", "stream", "stream_async", "models", "models_async"):
    _method = vars(LlmClientInterface)[_name]
    _method.is_default = _method
