"""What the old clients share: the arguments of a call, the call, and what it prints."""

from __future__ import annotations

import copy
import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import tokenwire as tw
from tokenwire._engine import without_controls
from tokenwire.legacy._errors import as_old_errors, secrets_in, text_of, without_secret_headers
from tokenwire.legacy._settings import defaults_wanted
from tokenwire.legacy._vendors import COMPATIBLE, NO_KEY, key_from
from tokenwire.legacy.llm_exceptions import LlmConfigError
from tokenwire.legacy.token_counter import TokenCounter
from tokenwire.settings.secret import Secret, revealed, sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

# `stream` is the fifth argument that a call looks at.
ARGUMENTS = ("temperature", "max_tokens", "stop", "top_p")
_LABEL_WIDTH = 19
_DOTS_IN_A_LINE = 128


class Summary:
    """The summary of a call; subclasses have a `model_name`."""

    model_name: str

    def _format_duration(self, seconds: float | None) -> str:
        """Whole milliseconds, such as `123ms`; `N/A` if unknown."""
        return "N/A" if seconds is None else f"{seconds * 1000:.0f}ms"

    def _print_metadata(
        self,
        prompt_tokens: int,
        completion_tokens: int,
        duration: float | None,
        client_type: str = "LLM",
    ) -> None:
        """Print the summary of a call; a `duration` of None is unknown."""
        rate = completion_tokens / duration if duration else float("inf")
        values = {
            "🧠 Model": self.model_name,
            "⏱️ Duration": self._format_duration(duration),
            "🔢 Prompt tokens": prompt_tokens,
            "💬 Completion tokens": completion_tokens,
            "🧮 Total tokens": prompt_tokens + completion_tokens,
            "⚡ Tokens/sec": f"{rate:.2f}",
        }
        _say(f"📊 {client_type} Summary")
        for label, value in values.items():
            _say(f"{label:<{_LABEL_WIDTH}} : {value}")
        _say("=" * 40)


class Progress:
    """What is printed while a reply arrives: dots, or the text itself."""

    def __init__(self, shows_text: bool, ends_line: bool) -> None:
        self._shows_text = shows_text
        self._ends_line = ends_line
        self._is_line_open = False
        self._dots = 0

    def add(self, text: str) -> None:
        """Print a chunk of the reply."""
        if not text:
            return
        self._is_line_open = not (self._shows_text and text.endswith("\n"))
        if self._shows_text:
            _say(text, end="")
        else:
            self._dots += 1
            _say("\n." if self._dots % _DOTS_IN_A_LINE == 0 else ".", end="")

    def end(self) -> None:
        """End the last line: always after a completion client's reply, and always after text."""
        if self._ends_line or (self._shows_text and self._is_line_open):
            _say("")


def _say(text: str, end: str = "\n") -> None:
    """Print without delay. Characters that the terminal cannot show become question marks."""
    if getattr(sys.stdout, "closed", False):
        # A failure to print must not lose the reply.
        return
    if sys.stdout is not None and sys.stdout.isatty():
        text = without_controls(text)
    try:
        print(text, end=end, flush=True)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), end=end, flush=True)


class OldClient(Summary):
    """A client of the older interface that calls a new client."""

    _default_arguments: ClassVar[dict[str, Any]] = {}
    _banner: ClassVar[str] = "LLM"
    _ends_with_a_line_break: ClassVar[bool] = False

    base_url: str
    _if_not_found: str = ""
    _key_variables: tuple[str, ...] = ()
    _key_left_out: bool = False

    def _set_up(
        self,
        model_name: str,
        api_key: Any,
        model_tokenizer_map: dict[str, str] | None,
        debug: bool,
        verbose: bool,
        generation_args: dict[str, Any],
    ) -> None:
        """Store what the constructors have in common. The key may be sealed."""
        self.model_name = model_name
        self.debug = debug
        self.verbose = verbose
        self.generation_args = generation_args
        self.token_counter = TokenCounter(model_tokenizer_map)
        self._held_key: Secret | None = sealed(api_key)

    @property
    def _api_key(self) -> str | None:
        """The key. It is stored sealed, so that `vars()` and a traceback do not show it."""
        key: str | None = revealed(self._held_key)
        return key

    def _new_client(self) -> tw.ChatClient | tw.CompletionClient:
        """Create the new client; by default one for the completions endpoint `base_url`."""
        parts = urlsplit(self.base_url.strip())
        # The new client adds this ending itself.
        path = parts.path.rstrip("/").removesuffix("/completions")
        key = self._key()
        return tw.CompletionClient(
            self.model_name,
            provider=COMPATIBLE,
            base_url=parts._replace(path=path).geturl(),
            api_key=None if revealed(key) in ("", NO_KEY) else key,
        )

    def _result(self, text: str) -> str:
        """The result for a reply's text."""
        return text

    def _constructor_arguments(self) -> dict[str, Any]:
        """The arguments of the constructor that every call sends."""
        return {
            name: self.generation_args[name] for name in ARGUMENTS if name in self.generation_args
        }

    @cached_property
    def _client(self) -> tw.ChatClient | tw.CompletionClient:
        with self._old_errors():
            return self._new_client()

    def _old_errors(self) -> Any:
        headers = self.generation_args.get("extra_headers")
        # Sealed, because a traceback may show local variables.
        return as_old_errors(Secret(secrets_in(self._api_key, headers)), self._if_not_found)

    def _key(self) -> Any:
        """The sealed key for the new client. An unpickled client may have lost it."""
        if self._key_left_out and self._held_key is None:
            names = " or ".join(self._key_variables)
            where = f"set {names} in this process, or " if names else ""
            raise LlmConfigError(
                f"api_key: a pickled client leaves its key out; {where}create the client here"
            )
        return self._held_key

    def _settings(self) -> dict[str, Any]:
        """Everything but the new client, which is created again."""
        return {name: value for name, value in vars(self).items() if name != "_client"}

    def __getstate__(self) -> dict[str, Any]:
        """The content of a pickle, which never holds a key."""
        state = self._settings()
        # Not sealed, because a pickle would leave it out.
        state["_held_key"] = self._api_key
        if self._api_key not in (None, "", NO_KEY):
            state.update(_held_key=None, _key_left_out=True)
        arguments = self.generation_args
        if arguments.get("extra_headers"):
            headers = without_secret_headers(arguments["extra_headers"])
            state["generation_args"] = {**arguments, "extra_headers": headers}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled client, with the key from the vendor's variable."""
        vars(self).update(state)
        if self._key_left_out:
            self._held_key = sealed(key_from(self._key_variables))
        self._held_key = sealed(self._held_key)

    def __copy__(self) -> Self:
        """A client with the same settings, including the key."""
        twin = object.__new__(type(self))
        vars(twin).update(self._settings())
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """A client with copies of the settings, including the key."""
        twin = self.__copy__()
        vars(twin).update(copy.deepcopy(self._settings(), memo))
        return twin

    def _input(self, prompt: Any) -> Any:
        """The prompt as the new client takes it: the old ones accepted an empty one."""
        if not isinstance(prompt, str) or prompt:
            return prompt
        is_completion = isinstance(self._client, tw.CompletionClient)
        return [""] if is_completion else [{"role": "user", "content": ""}]

    def _arguments(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """The request parameters: the call's, else the constructor's, else the defaults."""
        arguments = dict(self._default_arguments) if defaults_wanted() else {}
        arguments.update(self._constructor_arguments())
        arguments.update({name: call[name] for name in ARGUMENTS if name in call})
        # A configuration file may write 64.0 for a number of tokens.
        tokens = arguments.get("max_tokens")
        if isinstance(tokens, float) and tokens.is_integer():
            arguments["max_tokens"] = int(tokens)
        return {
            name: value
            for name, value in arguments.items()
            if value is not None or name == "timeout"
        }

    def _streams(self, stream: object) -> bool:
        # False does not switch off the constructor's stream=True.
        return bool(stream) or bool(self.generation_args.get("stream"))

    def run(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Send the prompt and return the text of the reply."""
        started = time.perf_counter()
        progress = Progress(self.debug and self.verbose, self._ends_with_a_line_break)
        with self._old_errors():
            arguments = self._arguments(kwargs)
            if not self._streams(stream):
                reply = self._client.complete(self._input(prompt), **arguments)
            else:
                with self._client.stream(self._input(prompt), **arguments) as chunks:
                    for text in chunks.text_stream:
                        progress.add(text)
                    reply = chunks.response
                progress.end()
            return self._finished(prompt, reply, started)

    def _finished(self, prompt: str, reply: tw.LlmResponse[Any], started: float) -> str:
        """Print the summary, and return the result of a call."""
        duration = time.perf_counter() - started
        text = text_of(reply)
        if self.debug and self.verbose:
            count = self.token_counter.count_tokens
            prompt_tokens = count(self.model_name, prompt)
            completion_tokens = count(self.model_name, text)
            self._print_metadata(prompt_tokens, completion_tokens, duration, self._banner)
        return self._result(text)


class AsyncOldClient(OldClient):
    """A client of the older interface with `run_async`."""

    async def run_async(self, prompt: str, stream: bool = False, **kwargs: Any) -> str:
        """Send the prompt and return the text of the reply."""
        started = time.perf_counter()
        progress = Progress(self.debug and self.verbose, self._ends_with_a_line_break)
        with self._old_errors():
            arguments = self._arguments(kwargs)
            if not self._streams(stream):
                reply = await self._client.complete_async(self._input(prompt), **arguments)
            else:
                async with self._client.stream_async(self._input(prompt), **arguments) as chunks:
                    async for text in chunks.text_stream:
                        progress.add(text)
                    reply = chunks.response
                progress.end()
            return self._finished(prompt, reply, started)
