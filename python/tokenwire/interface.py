"""What all clients share: the interface, and its parts that stand on four methods."""

from __future__ import annotations

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
        Awaitable,
        Callable,
        Iterable,
        Iterator,
        Mapping,
    )
    from types import TracebackType
    from typing import Any, TypeAlias, TypeVar, overload

    from typing_extensions import Self, Unpack

    from tokenwire._engine import AsyncLlmStream, LlmResponse, LlmStream
    from tokenwire.mapping import MapRow
    from tokenwire.types import AnyParams, LlmMessage, LlmRequest

    T = TypeVar("T")
    KeySource: TypeAlias = Callable[[], str | Awaitable[str]]
    Prompt: TypeAlias = str | list[Any] | tuple[Any, ...] | LlmRequest | LlmMessage
else:

    def overload(signature: object) -> object:
        """Stand in for typing's, which costs an import."""
        return signature


class LlmClientInterface:
    """One client object, sync and async, safe from any thread and any event loop.

    A client of your own implements `complete`, `complete_async`, `stream` and `stream_async`; the
    rest stands on them.
    """

    model: str
    provider: str

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
        raise NotImplementedError

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
        raise NotImplementedError

    def stream(self, request_or_prompt: Prompt, **params: Unpack[AnyParams]) -> LlmStream:
        """Ask, and read the reply as it comes."""
        raise NotImplementedError

    def stream_async(
        self, request_or_prompt: Prompt, **params: Unpack[AnyParams]
    ) -> AsyncLlmStream:
        """Ask, and read the reply as it comes; returns at once."""
        raise NotImplementedError

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
        asked = request_or_prompt
        for left in range(_count(reask, "reask"), -1, -1):
            reply = self.complete(asked, response_format=response_format, **params)
            self._text_of(reply)
            try:
                value: T = reply.parsed
            except LlmValidationError as error:
                if not left:
                    error.partial = reply
                    raise
                asked = _asked_again(asked, reply, error)
            else:
                return value
        raise AssertionError("unreachable")

    async def parse_async(
        self, response_format: type[T], request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> T:
        """Ask for a value of a type; see `parse`."""
        asked = request_or_prompt
        for left in range(_count(reask, "reask"), -1, -1):
            reply = await self.complete_async(asked, response_format=response_format, **params)
            self._text_of(reply)
            try:
                value: T = reply.parsed
            except LlmValidationError as error:
                if not left:
                    error.partial = reply
                    raise
                asked = _asked_again(asked, reply, error)
            else:
                return value
        raise AssertionError("unreachable")

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
        from tokenwire.mapping import map_with_threads

        return map_with_threads(
            self, prompts, checked_concurrency(concurrency), params, ordered=ordered
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
        from tokenwire.mapping_async import map_with_tasks

        return map_with_tasks(
            self, prompts, checked_concurrency(concurrency), params, ordered=ordered
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
        """Ids of the server's models."""
        raise NotImplementedError

    async def models_async(self) -> list[str]:
        """Ids of the server's models."""
        raise NotImplementedError

    def get_supported_parameters(self) -> frozenset[str]:
        """Names of the request parameters that this model's API takes."""
        return frozenset()

    def close(self) -> None:
        """Refuse further calls. Calls in flight go on; connections belong to the process."""

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


def _asked_again(asked: Prompt, reply: LlmResponse[Any], error: LlmValidationError) -> Prompt:
    from tokenwire.parsing import reask_message
    from tokenwire.types import LlmRequest

    again: dict[str, Any] = {"role": "user", "content": reask_message(error)}
    if isinstance(asked, LlmRequest):
        prompt, _ = asked.split()
        copy = asked.model_copy()
        copy.prompt = None
        copy.messages = [*_messages(prompt), reply.message, again]
        return copy
    return [*_messages(asked), reply.message, again]


def _messages(prompt: Prompt) -> list[Any]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(prompt) if isinstance(prompt, (list, tuple)) else [prompt]


def _count(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise LlmConfigError(f"{name}: {value!r} is not a whole number of at least 0")
    return int(value)


def checked_concurrency(value: Any) -> int:
    """How many calls at once, at least 1."""
    if not _count(value, "concurrency"):
        raise LlmConfigError("concurrency: give at least 1")
    return int(value)
