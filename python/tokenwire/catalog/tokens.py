"""Counts the tokens of a text before it is sent, exactly if the vocabulary is available.

OpenAI's vocabularies are in the extra `tokens`. For another model, you name its `tokenizer.json`,
which the library `tokenizers` reads. Nothing here uses the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tokenwire import _engine
from tokenwire._files import check_file
from tokenwire.errors import LlmConfigError
from tokenwire.settings.model_string import ModelString

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from os import PathLike
    from typing import TypeAlias

    from tokenwire.catalog.registry import ModelRegistry
    from tokenwire.types import LlmMessage

    Messages: TypeAlias = (
        str | LlmMessage | Mapping[str, Any] | Iterable[LlmMessage | Mapping[str, Any]]
    )

# The vocabularies of OpenAI's models by the start of the name. The first match counts.
_VOCABULARIES = (
    (re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5|o[134])(?![\w])"), "o200k_base"),
    (re.compile(r"(gpt-4|gpt-3\.5|text-embedding-(3|ada-002))(?![\w.])"), "cl100k_base"),
)
# The models for which OpenAI has published how its API counts messages. It counts messages to
# others almost the same way; for gpt-5 we saw one token less.
_PUBLISHED = re.compile(
    r"gpt-3\.5-turbo(-0125)?|gpt-4(-0613)?|gpt-4o(-2024-08-06)?|gpt-4o-mini(-2024-07-18)?"
)
_PER_MESSAGE = 3
_PER_NAME = 1
_FOR_THE_REPLY = 3
_PLAIN_ROLES = frozenset({"system", "user", "assistant"})
# Their tokens depend on pixels, seconds and pages.
_MEDIA = frozenset({"image", "image_url", "audio", "input_audio", "file"})

# The library refuses long texts. No token of these vocabularies spans a line end followed by a
# letter or digit, so a text that is cut there has as many tokens as its pieces together.
_PIECE = 50_000
_CUT = re.compile(r"\n(?=[A-Za-z0-9])")
_CACHED_LENGTH = 8_192

_ESTIMATE = "estimate by length"


class Count(NamedTuple):
    """A number of tokens.

    Attributes:
        tokens: The number.
        exact: Whether the number is exact. Otherwise it is an estimate.
        source: The vocabulary, and what was estimated.
    """

    tokens: int
    exact: bool
    source: str

    @property
    def at_most(self) -> int:
        """A number to rely on for a limit: the exact one, or the estimate plus a quarter."""
        return self.tokens if self.exact else _divided_up(self.tokens * 5, 4)


class TokenCounter:
    """Counts tokens on this machine. Nothing is sent.

        counter = TokenCounter()
        counter.count("openai:gpt-4o", "Hello")        # Count(tokens=1, exact=True, …)
        counter.fits("openai:gpt-4o", messages, max_tokens=500)

    Args:
        tokenizers: The path of each model's `tokenizer.json`, by `provider:model`.
        registry: The registry with the context windows. Defaults to the shared registry.
    """

    def __init__(
        self,
        tokenizers: Mapping[str, str | PathLike[str]] | None = None,
        *,
        registry: ModelRegistry | None = None,
    ) -> None:
        if tokenizers is not None and not hasattr(tokenizers, "items"):
            kind = type(tokenizers).__name__
            raise LlmConfigError(f"tokenizers: give a mapping of model to path, not {kind}")
        self._files = dict(tokenizers or {})
        self._loaded: dict[str, _Vocabulary] = {}
        self._registry = registry

    def count(self, model: str, text: str) -> Count:
        """Count the tokens of a text.

        Args:
            model: `provider:model`.
            text: Any text. The names of special tokens in it count as text.

        Raises:
            LlmConfigError: The model has no provider, its `tokenizer.json` cannot be read, or the
                text is not a str.
        """
        if not isinstance(text, str):
            raise LlmConfigError(f"text: give a str, not {type(text).__name__}")
        vocabulary = self._vocabulary(model)
        tokens = vocabulary.tokens_in(text)
        if tokens is None:
            return Count(_estimated(text), exact=False, source=vocabulary.estimate)
        return Count(tokens, exact=True, source=vocabulary.source)

    def count_messages(self, model: str, messages: Messages) -> Count:
        """Count the tokens of a chat request's messages, including those around each message.

        The result is exact for text messages to the models for which OpenAI has published how it
        counts them. Tool calls count as their JSON. Images, audio and files are not counted.

        Args:
            model: `provider:model`.
            messages: A string, a message, or a list of messages and of dicts in OpenAI's format.

        Raises:
            LlmConfigError: The model has no provider, or its `tokenizer.json` cannot be read.
        """
        vocabulary = self._vocabulary(model)
        rows = [_texts(message) for message in _listed(messages)]
        counts = [self.count(model, text) for texts, _ in rows for text in texts]
        names = sum(len(texts) > 2 for texts, _ in rows)
        overhead = _FOR_THE_REPLY + _PER_MESSAGE * len(rows) + _PER_NAME * names
        tokens = overhead + sum(count.tokens for count in counts)
        if not counts or not all(count.exact for count in counts):
            return Count(tokens, exact=False, source=vocabulary.estimate)
        if not all(is_plain for _, is_plain in rows):
            guess = "content other than text is estimated"
        elif self._is_published(model):
            return Count(tokens, exact=True, source=vocabulary.source)
        else:
            guess = "the tokens around messages are estimated"
        return Count(tokens, exact=False, source=f"{vocabulary.source}; {guess}")

    def fits(self, model: str, messages: Messages, max_tokens: int = 0) -> bool | None:
        """Whether messages and a reply of `max_tokens` fit the model's context window.

        An estimate is increased by a quarter first, so that you can rely on True.

        Returns:
            None if the window is unknown. Set it in a `ModelConfig`, or install
            the extra `prices`.

        Raises:
            LlmConfigError: The provider is unknown, or `max_tokens` is negative.
        """
        if type(max_tokens) is not int or max_tokens < 0:
            raise LlmConfigError("max_tokens: give a whole number, 0 or more")
        from tokenwire.catalog.registry import shared

        known = (self._registry or shared()).get_model_config(model)
        if known.context_window is None:
            return None
        family = _engine.apis().get(known.api or "")
        if isinstance(messages, str) and family == "completions":
            count = self.count(model, messages)
        else:
            count = self.count_messages(model, messages)
        return count.at_most + max_tokens <= known.context_window

    def _is_published(self, model: str) -> bool:
        parts = ModelString(model)
        published = parts.provider == "openai" and _PUBLISHED.fullmatch(parts.name)
        return bool(published) and model not in self._files

    def _vocabulary(self, model: str) -> _Vocabulary:
        if not isinstance(model, str):
            raise LlmConfigError(f"model: give a str, not {type(model).__name__}")
        parts = ModelString(model)
        if not parts.provider or not parts.name:
            raise LlmConfigError(f'model: "{model}": write "provider:model"')
        if model in self._files:
            if model not in self._loaded:
                self._loaded[model] = _from_file(self._files[model])
            return self._loaded[model]
        # Not azure: users choose the name of a deployment, so it proves nothing.
        if parts.provider == "openai":
            for pattern, encoding in _VOCABULARIES:
                if pattern.match(parts.name.removeprefix("ft:")):
                    return _bundled(encoding)
        return _UNKNOWN


class _Vocabulary(NamedTuple):
    """How to count texts.

    `tokens_in` returns None for a text that it cannot count; `estimate` is the source then.
    """

    source: str
    tokens_in: Callable[[str], int | None]
    estimate: str = _ESTIMATE


_UNKNOWN = _Vocabulary("", lambda _text: None)
_NOT_INSTALLED = _UNKNOWN._replace(
    estimate=f"{_ESTIMATE}; for an exact count, pip install '.[tokens]' in the clone"
)


def _remembering(encode: Callable[[str], int | None]) -> Callable[[str], int | None]:
    # Each turn of a conversation counts the system prompt and all earlier messages again.
    cached = lru_cache(maxsize=1_024)(encode)
    return lambda text: encode(text) if len(text) > _CACHED_LENGTH else cached(text)


@lru_cache(maxsize=8)
def _bundled(name: str) -> _Vocabulary:
    import warnings

    try:
        with warnings.catch_warnings():
            # It reads its files with a function that is deprecated in Python 3.11 and 3.12.
            warnings.simplefilter("ignore", DeprecationWarning)
            import bpe_openai  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return _NOT_INSTALLED
    encoding = bpe_openai.get_encoding(name)

    def encode(text: str) -> int | None:
        try:
            return sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(text))
        except ValueError:
            return None  # a piece is too long

    return _Vocabulary(name, _remembering(encode))


def _from_file(path: str | PathLike[str]) -> _Vocabulary:
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise LlmConfigError(
            "tokenizers: reading a tokenizer.json needs a library: pip install tokenizers"
        ) from error
    check_file(path)
    try:
        encode = Tokenizer.from_file(str(path)).encode
    except Exception as error:  # the library raises nothing narrower
        raise LlmConfigError(f"tokenizers: {path}: {error}") from error
    tokens_in = _remembering(lambda text: len(encode(text, add_special_tokens=False).ids))
    return _Vocabulary(str(path), tokens_in)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _PIECE and (cut := _CUT.search(text, start + _PIECE)):
        yield text[start : cut.end()]
        start = cut.end()
    yield text[start:]


def _estimated(text: str) -> int:
    """One token per four ASCII characters, and per three bytes of other characters."""
    size = len(text.encode(errors="replace"))
    ascii_count = sum(map(str.isascii, text)) if size != len(text) else size
    return _divided_up(ascii_count, 4) + _divided_up(size - ascii_count, 3)


def _divided_up(number: int, by: int) -> int:
    """The quotient, rounded up."""
    return -(-number // by)


def _listed(messages: Messages) -> list[Mapping[str, Any]]:
    from tokenwire.types import LlmMessage

    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    rows: Any = [messages] if isinstance(messages, (LlmMessage, Mapping)) else messages
    if not hasattr(rows, "__iter__"):
        rows = [rows]
    listed = [row.__tokenwire_json__() if isinstance(row, LlmMessage) else row for row in rows]
    for row in listed:
        if not isinstance(row, Mapping):
            raise LlmConfigError(f"messages: {type(row).__name__} is not a message")
    return listed


def _texts(message: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The role, the content and the name, if there is one; and whether all of it is plain text."""
    role = str(message.get("role", "user"))
    content = message.get("content", message.get("parts"))
    rest = {key: message[key] for key in message.keys() - {"role", "content", "parts", "name"}}
    is_plain = role in _PLAIN_ROLES and not rest
    if not isinstance(content, str):
        parts = [_part(part) for part in content] if isinstance(content, list) else []
        is_plain = is_plain and len(parts) == 1 and parts[0][1]
        content = "".join(text for text, _ in parts)
    if rest:
        content += json.dumps(rest, ensure_ascii=False, default=str)
    name = message.get("name")
    return [role, content, *([str(name)] if name is not None else [])], is_plain


def _part(part: Any) -> tuple[str, bool]:
    """The text of a part to count, and whether it is a text part."""
    kind = part.get("type") if hasattr(part, "get") else None
    if kind == "text":
        return str(part.get("text", "")), True
    return ("" if kind in _MEDIA else json.dumps(part, ensure_ascii=False, default=str)), False
