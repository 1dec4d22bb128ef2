"""`LlmClientInterface`: what all clients have in common."""

from __future__ import annotations

from tokenwire import _engine
from tokenwire._engine import AsyncLlmStream, LlmStream
from tokenwire._typing import overload
from tokenwire.errors import LlmConfigError, LlmModelError, LlmValidationError, note_reply
from tokenwire.interface.defaults import (
    DefaultMethods,
    ask,
    ask_async,
    filtered,
    lacking,
    no_answer_yet,
    open_stream,
    refusal_of,
    whole_number,
)
from tokenwire.settings.client_settings import seal

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
    from typing import Any, TypeVar

    from typing_extensions import Self, Unpack

    from tokenwire._engine import LlmResponse
    from tokenwire.interface.map import MapRow
    from tokenwire.types import AnyParams
    from tokenwire.types.prompt import Prompt

    T = TypeVar("T")


class LlmClientInterface(DefaultMethods):
    """One client object, sync and async. It is safe to use from any thread and any event loop.

    To write your own client, define `complete` or `stream` in a subclass, or their async twins, or
    all four. The other methods use these:

    - The default `stream` returns the reply of `complete` in one piece, and the default `complete`
      reads `stream` to its end. The async methods do the same.
    - If a class defines only sync methods, the async ones run them in threads. If it defines only
      async methods, the sync ones raise an error: they would need an event loop for each call, and
      the client's connections belong to another one.

    `complete` returns an `LlmResponse(provider=…, model=…, text=…)`, `stream` an
    `LlmStream.from_chunks(…)`, and `stream_async` an `AsyncLlmStream.from_chunks(…)`. Call
    `tokenwire.report_call` when a call has finished, so that `on_call` and metrics see it.

    After `LlmProvider("acme", client=AcmeClient)` is registered, `tw.client("acme:m1", **settings)`
    returns `AcmeClient("m1", provider="acme", **settings)`.

    Args:
        model: The model's id, without a provider.
        provider: The provider's name, for replies, errors and events.
    """

    def __init__(self, model: str, *, provider: str = "custom") -> None:
        self.model = model
        self.provider = provider

    def run(
        self,
        prompt: Prompt,
        *,
        stream: bool = False,
        on_text: Callable[[str], object] | None = None,
        **params: Unpack[AnyParams],
    ) -> str:
        """Ask the model, and return the text of the reply.

        Args:
            prompt: A string, messages, or an `LlmRequest`.
            stream: Whether to stream the reply. This prints nothing.
            on_text: Called with each piece of text as it arrives.
            **params: Request parameters of this call.

        Raises:
            LlmModelError: The model refused, a filter stopped the reply, it has no text, or the
                provider has queued or paused it. `.response` is the reply.
            LlmConfigError: There are several choices or prompts: use `complete()`.
        """
        seal(params)
        self._check_one_text(prompt, params)
        if not stream and on_text is None:
            return self._text_of(ask(self, prompt, params))
        with open_stream(self, LlmStream, prompt, params) as pieces:
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
        """Ask the model, and return the text; see `run`. `on_text` may be a coroutine function."""
        seal(params)
        self._check_one_text(prompt, params)
        if not stream and on_text is None:
            return self._text_of(await ask_async(self, prompt, params))
        async with open_stream(self, AsyncLlmStream, prompt, params) as pieces:
            async for piece in pieces.text_stream:
                if on_text is not None:
                    called = on_text(piece)
                    if hasattr(called, "__await__"):
                        await called
            return self._text_of(pieces.response)

    @overload
    def parse(
        self, response_format: type[T], request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> T: ...

    @overload
    def parse(
        self, response_format: object, request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> Any: ...

    def parse(
        self, response_format: object, request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> Any:
        """Ask the model for a value of a type, such as a pydantic model or `list[int]`.

        For a type checker, the result has the type that was passed. It is `Any` if the checker does
        not accept the type as a `type[T]`, as mypy does with a union, `Optional` or `Literal`:
        annotate the variable.

        Args:
            response_format: The type. Its JSON schema is part of the request.
            request_or_prompt: A string, messages, or an `LlmRequest`.
            reask: How often to ask again, with the problems listed, if a reply does not fit.
            **params: Request parameters of this call.

        Raises:
            LlmValidationError: The last reply does not fit; `.partial` is that reply.
            LlmModelError: The model refused, a filter stopped the reply, the token limit cut it
                off, it has no text, or the provider has queued or paused it. The model is not asked
                again; `.response` is the reply.
        """
        seal(params)
        from tokenwire.interface.reask import asked_again, limit_of, parsed, wanted

        asked, left = request_or_prompt, whole_number(reask, "reask", at_least=0)
        params["response_format"] = wanted(response_format)
        given = (params, getattr(self, "defaults", {}))
        limit = limit_of(asked, *given)
        while True:
            reply = ask(self, asked, params)
            self._text_of(reply, limit)
            try:
                return parsed(response_format, reply, limit)
            except LlmValidationError as error:
                asked = asked_again(asked, reply, error, left, *given)
            left -= 1

    @overload
    async def parse_async(
        self, response_format: type[T], request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> T: ...

    @overload
    async def parse_async(
        self, response_format: object, request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> Any: ...

    async def parse_async(
        self, response_format: object, request_or_prompt: Prompt, *, reask: int = 0, **params: Any
    ) -> Any:
        """Ask the model for a value of a type; see `parse`."""
        seal(params)
        from tokenwire.interface.reask import asked_again, limit_of, parsed, wanted

        asked, left = request_or_prompt, whole_number(reask, "reask", at_least=0)
        params["response_format"] = wanted(response_format)
        given = (params, getattr(self, "defaults", {}))
        limit = limit_of(asked, *given)
        while True:
            reply = await ask_async(self, asked, params)
            self._text_of(reply, limit)
            try:
                return parsed(response_format, reply, limit)
            except LlmValidationError as error:
                asked = asked_again(asked, reply, error, left, *given)
            left -= 1

    def map(
        self,
        prompts: Iterable[Prompt],
        *,
        concurrency: int,
        ordered: bool = True,
        **params: Unpack[AnyParams],
    ) -> Iterator[MapRow]:
        """Send many prompts at once, from plain sync code.

        Args:
            prompts: The prompts. Each one is read only when its call can start.
            concurrency: How many calls may be in flight, or finished but not read; at least 1.
            ordered: Whether rows come in the order of the prompts; otherwise, as calls finish.
            **params: Request parameters of each call.

        Yields:
            A row for each prompt, even if its call failed. `break` and Ctrl-C cancel the calls that
            are running. If `prompts` raises an error, it is raised after the rows of the prompts
            before it.

        Raises:
            LlmConfigError: `prompts` is one prompt, such as a string, `concurrency` is wrong, or
                the client has no key or address.
        """
        seal(params)
        from tokenwire.interface.map import Window, check_prompts, map_calls

        check_prompts(prompts, asynchronous=False)
        window = Window(concurrency, ordered=ordered)
        self._check_ready(params)
        return map_calls(self._map_calls(params, concurrency), prompts, window)

    def _check_ready(self, params: Mapping[str, Any]) -> None:
        """Refuse a call with these parameters if the client lacks what every call needs."""

    def _map_calls(self, params: Mapping[str, Any], concurrency: int) -> Any:
        """The calls of one `map`."""
        from tokenwire.interface.map import ThreadCalls

        return ThreadCalls(lambda asked: ask(self, asked, params), concurrency)

    def map_async(
        self,
        prompts: Iterable[Prompt] | AsyncIterable[Prompt],
        *,
        concurrency: int,
        ordered: bool = True,
        **params: Unpack[AnyParams],
    ) -> AsyncGenerator[MapRow, None]:
        """Send many prompts at once; see `map`. `prompts` may be an async iterable."""
        seal(params)
        from tokenwire.interface.map import Window, check_prompts, map_with_tasks

        check_prompts(prompts, asynchronous=True)
        window = Window(concurrency, ordered=ordered)
        self._check_ready(params)
        return map_with_tasks(lambda asked: ask_async(self, asked, params), prompts, window)

    def validate_config(self, *, probe: bool = False) -> None:
        """Check the configuration. With `probe`, also ask the server for its models.

        Raises:
            LlmConfigError: The configuration is wrong.
            LlmError: The probe failed.
        """
        if probe:
            self.models()

    async def validate_config_async(self, *, probe: bool = False) -> None:
        """Check the configuration; see `validate_config`."""
        if probe:
            await self.models_async()

    def get_supported_parameters(self) -> frozenset[str]:
        """Return the names of the request parameters that this model's API takes."""
        return frozenset()

    def with_options(self, **settings: Any) -> Self:  # noqa: ARG002 (a subclass uses them)
        """Return a client with other settings.

        Raises:
            LlmConfigError: The client has no such method.
        """
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

    def __exit__(self, *_error: object) -> None:
        """Close the client."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Close the client."""
        await self.aclose()

    def _check_one_text(self, prompt: Prompt, params: Mapping[str, Any]) -> None:
        # A call's own number counts first, then an `LlmRequest`'s, then the client's.
        choices = params.get("n") or getattr(prompt, "n", None)
        choices = choices or getattr(self, "defaults", {}).get("n")
        if choices is not None and choices != 1:
            raise LlmConfigError("n: run() returns one text; use complete() for several choices")

    def _text_of(self, reply: LlmResponse[Any], limit: str = "the token limit") -> str:
        """Return the text of the reply, if it answers the request."""
        text: str = reply.text
        reason = reply.finish_reason
        if problem := no_answer_yet(reply):
            pass
        elif reply.refusal is not None or reason == "refusal":
            problem = f"the model refused: {refusal_of(reply)}"
        elif reason == "content_filter":
            problem = filtered(reply)
        elif not text and _engine._has_audio(reply):
            problem = (
                "the reply is audio and has no text; use complete(), its message has the audio"
            )
        elif text or (reason == "stop" and not reply.tool_calls):
            return text
        elif reply.tool_calls:
            names = ", ".join(call.name for call in reply.tool_calls)
            problem = f"the reply calls tools ({names}) and has no text; use complete()"
        elif reason == "length" and self._needs_text:
            used_up = " (the reasoning used it up)" if reply.reasoning else ""
            problem = f"{limit} ended the reply before any text{used_up}; raise max_tokens"
        else:
            return text
        error = LlmModelError(problem, response=reply, provider=self.provider, model=self.model)
        note_reply(error, reply)
        raise error

    _needs_text = True
