"""What all old clients share: the arguments of a call, how it is made, what is printed."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from tokenwire.legacy._errors import as_old_errors, refused
from tokenwire.legacy._settings import defaults_wanted
from tokenwire.legacy._summary import Progress, Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tokenwire import ChatClient, CompletionClient, LlmResponse
    from tokenwire.legacy.token_counter import TokenCounter

# `stream` is the fifth argument that a call looks at.
ARGUMENTS = ("temperature", "max_tokens", "stop", "top_p")


class Calls(Summary):
    """A client of the older interface over a new one."""

    _default_arguments: ClassVar[dict[str, Any]] = {}
    _banner: ClassVar[str] = "LLM"
    _ends_with_a_line_break: ClassVar[bool] = False

    model_name: str
    debug: bool
    verbose: bool
    generation_args: dict[str, Any]
    token_counter: TokenCounter
    _secrets: tuple[str, ...] = ()

    def _make(self) -> ChatClient | CompletionClient:
        """The new client; made at the first call."""
        raise NotImplementedError

    def _shape(self, text: str) -> str:
        """The result that callers get for a reply's text."""
        return text

    def _constructor_arguments(self) -> dict[str, Any]:
        """What goes with each call because the constructor was given it."""
        given = self.generation_args
        return {name: given[name] for name in ARGUMENTS if name in given}

    @cached_property
    def _client(self) -> ChatClient | CompletionClient:
        with as_old_errors(self._secrets):
            return self._make()

    def __getstate__(self) -> dict[str, Any]:
        """All but the new client, which is made again: its own pickle leaves its key out."""
        made = {"_client"}
        if isinstance(getattr(type(self), "model", None), cached_property):
            made.add("model")
        return {name: value for name, value in vars(self).items() if name not in made}

    def _arguments(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The request parameters: the call's over the constructor's over the defaults."""
        arguments = dict(self._default_arguments) if defaults_wanted() else {}
        arguments.update(self._constructor_arguments())
        arguments.update({name: call[name] for name in ARGUMENTS if name in call})
        # A configuration's literal may write 64.0 for a number of tokens.
        tokens = arguments.get("max_tokens")
        if isinstance(tokens, float) and tokens.is_integer():
            arguments["max_tokens"] = int(tokens)
        return {
            name: value
            for name, value in arguments.items()
            if value is not None or name == "timeout"
        }

    def _streams(self, stream: object) -> bool:
        # False does not switch off what the constructor was told.
        return bool(stream) or bool(self.generation_args.get("stream"))

    def _run(self, prompt: str, stream: object, call: Mapping[str, Any]) -> str:
        started = time.perf_counter()
        with as_old_errors(self._secrets):
            arguments = self._arguments(call)
            if not self._streams(stream):
                reply = self._client.complete(prompt, **arguments)
                return self._finished(prompt, reply, started, None)
            progress = Progress(shows_text=self.debug and self.verbose)
            with self._client.stream(prompt, **arguments) as pieces:
                for piece in pieces.text_stream:
                    progress.piece(piece)
                reply = pieces.response
            return self._finished(prompt, reply, started, progress)

    async def _run_async(self, prompt: str, stream: object, call: Mapping[str, Any]) -> str:
        started = time.perf_counter()
        with as_old_errors(self._secrets):
            arguments = self._arguments(call)
            if not self._streams(stream):
                reply = await self._client.complete_async(prompt, **arguments)
                return self._finished(prompt, reply, started, None)
            progress = Progress(shows_text=self.debug and self.verbose)
            async with self._client.stream_async(prompt, **arguments) as pieces:
                async for piece in pieces.text_stream:
                    progress.piece(piece)
                reply = pieces.response
            return self._finished(prompt, reply, started, progress)

    def _finished(
        self, prompt: str, reply: LlmResponse[Any], started: float, progress: Progress | None
    ) -> str:
        duration = time.perf_counter() - started
        if progress is not None and self._ends_with_a_line_break:
            progress.end_line()
        text = text_of(reply)
        if self.debug and self.verbose:
            if progress is not None and progress.is_line_open:
                progress.end_line()
            count = self.token_counter.count_tokens
            self._print_metadata(
                count(self.model_name, prompt),
                count(self.model_name, text),
                duration,
                client_type=self._banner,
            )
        return self._shape(text)


def text_of(reply: LlmResponse[Any]) -> str:
    """The reply's text, which may be empty.

    Raises:
        LlmModelError: The model refused, or a filter took all of the text.
    """
    text: str = reply.text or ""
    if not text and (reply.refusal is not None or reply.finish_reason == "refusal"):
        raise refused(f"the model refused: {reply.refusal or 'it gave no reason'}", reply)
    if not text and reply.finish_reason == "content_filter":
        raise refused("the provider's filter stopped the reply", reply)
    return text
