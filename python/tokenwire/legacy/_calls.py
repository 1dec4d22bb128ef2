"""What all old clients share: the arguments of a call, how it is made, what is printed."""

from __future__ import annotations

import copy
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import tokenwire as tw
from tokenwire.legacy._errors import as_old_errors, refused, secrets_in, without_secret_headers
from tokenwire.legacy._settings import by_the_adapter, defaults_wanted
from tokenwire.legacy._summary import Progress, Summary
from tokenwire.legacy._vendors import NO_KEY, key_variables, vendor_key
from tokenwire.legacy.llm_exceptions import LlmConfigError
from tokenwire.legacy.token_counter import TokenCounter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

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
    _if_not_found: str = ""
    _vendor: str | None = None
    _api_key: str | None = None
    _key_left_out: bool = False

    def _make(self) -> tw.ChatClient | tw.CompletionClient:
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
    def _client(self) -> tw.ChatClient | tw.CompletionClient:
        with as_old_errors(self._secrets, self._if_not_found):
            return self._make()

    @property
    def _secrets(self) -> tuple[str, ...]:
        return secrets_in(self._api_key, self.generation_args.get("extra_headers"))

    def _key(self) -> str | None:
        """The key, for making the new client.

        Raises:
            LlmConfigError: This client came from a pickle, and the vendor's variable has no key.
        """
        if self._key_left_out and self._api_key is None:
            names = " or ".join(key_variables(self._vendor)) if self._vendor else ""
            where = f"set {names} in this process, or " if names else ""
            raise LlmConfigError(
                f"api_key: a pickled client leaves its key out; {where}make the client anew"
            )
        return self._api_key

    @staticmethod
    def _counter(model_tokenizer_map: dict[str, str] | None) -> TokenCounter:
        with by_the_adapter():
            return TokenCounter(model_tokenizer_map)

    def _settings(self) -> dict[str, Any]:
        """All but the new client, which is made again."""
        made = {"_client"}
        if isinstance(getattr(type(self), "model", None), cached_property):
            made.add("model")
        return {name: value for name, value in vars(self).items() if name not in made}

    def __getstate__(self) -> dict[str, Any]:
        """What a pickle holds: never a key."""
        state = self._settings()
        if state.get("_api_key") not in (None, "", NO_KEY):
            state.update(_api_key=None, _key_left_out=True)
        arguments = self.generation_args
        if arguments.get("extra_headers"):
            headers = without_secret_headers(arguments["extra_headers"])
            state["generation_args"] = {**arguments, "extra_headers": headers}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take what a pickle held; the key comes from the vendor's variable again."""
        vars(self).update(state)
        if self._key_left_out and self._vendor is not None:
            self._api_key = vendor_key(self._vendor)

    def __copy__(self) -> Self:
        """A client with the same settings, the key included."""
        twin = object.__new__(type(self))
        vars(twin).update(self._settings())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A client with copies of the settings, the key included."""
        twin = object.__new__(type(self))
        memo[id(self)] = twin
        vars(twin).update(copy.deepcopy(self._settings(), memo))
        return twin

    def _asked(self, prompt: Any) -> Any:
        """The prompt as the new client takes it: an old one might be empty."""
        if not isinstance(prompt, str) or prompt:
            return prompt
        is_completion = isinstance(self._client, tw.CompletionClient)
        return [""] if is_completion else [{"role": "user", "content": ""}]

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
        with as_old_errors(self._secrets, self._if_not_found):
            arguments = self._arguments(call)
            if not self._streams(stream):
                reply = self._client.complete(self._asked(prompt), **arguments)
                return self._finished(prompt, reply, started, None)
            progress = Progress(shows_text=self.debug and self.verbose)
            with self._client.stream(self._asked(prompt), **arguments) as pieces:
                for piece in pieces.text_stream:
                    progress.piece(piece)
                reply = pieces.response
            return self._finished(prompt, reply, started, progress)

    async def _run_async(self, prompt: str, stream: object, call: Mapping[str, Any]) -> str:
        started = time.perf_counter()
        with as_old_errors(self._secrets, self._if_not_found):
            arguments = self._arguments(call)
            if not self._streams(stream):
                reply = await self._client.complete_async(self._asked(prompt), **arguments)
                return self._finished(prompt, reply, started, None)
            progress = Progress(shows_text=self.debug and self.verbose)
            async with self._client.stream_async(self._asked(prompt), **arguments) as pieces:
                async for piece in pieces.text_stream:
                    progress.piece(piece)
                reply = pieces.response
            return self._finished(prompt, reply, started, progress)

    def _finished(
        self, prompt: str, reply: tw.LlmResponse[Any], started: float, progress: Progress | None
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


def text_of(reply: tw.LlmResponse[Any]) -> str:
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
