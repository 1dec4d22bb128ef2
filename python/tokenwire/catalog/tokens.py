"""How many tokens a text has before it is sent: exact where a vocabulary is at hand.

OpenAI's vocabularies come with `tokenwire[tokens]`; of another model you name the `tokenizer.json`,
which the library `tokenizers` reads.
Nothing here uses the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

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

# The vocabularies of OpenAI's models, by how their names begin; the first that fits counts.
_VOCABULARIES = (
    (re.compile(r"(chatgpt-4o|gpt-4o|gpt-4\.[15]|gpt-5|o[134])(?![\w])"), "o200k_base"),
    (re.compile(r"(gpt-4|gpt-3\.5|text-embedding-(3|ada-002))(?![\w.])"), "cl100k_base"),
)
# Those of which OpenAI has published that its API counts messages in the way below. Others count
# nearly so: for gpt-5 one token less was seen.
_PUBLISHED = re.compile(
    r"gpt-3\.5-turbo(-0125)?|gpt-4(-0613)?|gpt-4o(-2024-08-06)?|gpt-4o-mini(-2024-07-18)?"
)
_PER_MESSAGE = 3
_PER_NAME = 1
_FOR_THE_REPLY = 3
_PLAIN_ROLES = frozenset({"system", "user", "assistant"})
# Their tokens depend on pixels, seconds and pages.
_MEDIA = frozenset({"image", "image_url", "audio", "input_audio", "file"})

# The library refuses long texts. No token of these vocabularies spans the end of a line before a
# letter or a digit, so a text cut there has as many tokens as its pieces.
_PIECE = 50_000
_CUT = re.compile(r"\n(?=[A-Za-z0-9])")
_CACHED_LENGTH = 8_192


class Count(NamedTuple):
    """How many tokens, and how it is known.

    Attributes:
        tokens: The number.
        exact: Whether it is the number; else it is an estimate.
        source: The vocabulary that counted, and what was estimated.
    """

    tokens: int
    exact: bool
    source: str

    @property
    def at_most(self) -> int:
        """The number, or a quarter more than an estimate, so that a limit can be relied on."""
        return self.tokens if self.exact else -(-self.tokens * 5 // 4)


class TokenCounter:
    """Counts tokens without asking a server.

        counter = TokenCounter()
        counter.count("openai:gpt-4o", "Hello")        # Count(tokens=1, exact=True, …)
        counter.fits("openai:gpt-4o", messages, max_tokens=500)

    Args:
        tokenizers: The `tokenizer.json` of models, by `provider:model`.
        registry: Where the context windows are; without it the process's.
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
        """The tokens of a text alone.

        Args:
            model: `provider:model`.
            text: Any text; names of special tokens in it count as text.

        Raises:
            LlmConfigError: The model names no provider, its `tokenizer.json` cannot be read, or
                `text` is none.
        """
        if not isinstance(text, str):
            raise LlmConfigError(f"text: give a str, not {type(text).__name__}")
        vocabulary = self._vocabulary(model)
        tokens = None if vocabulary is None else vocabulary.count(text)
        if vocabulary is None or tokens is None:
            return Count(_estimated(text), exact=False, source=_why(model))
        return Count(tokens, exact=True, source=vocabulary.source)

    def count_messages(self, model: str, messages: Messages) -> Count:
        """The tokens of a chat request's messages, with what goes around each of them.

        That is exact for text messages to those models of which OpenAI has published how they are
        counted. Tool calls count as their JSON; images, sound and files are not counted.

        Args:
            model: `provider:model`.
            messages: A string, a message, or messages and dicts of OpenAI's form.

        Raises:
            LlmConfigError: The model names no provider, or its `tokenizer.json` cannot be read.
        """
        rows = [_texts(message) for message in _listed(messages)]
        counts = [self.count(model, text) for texts, _ in rows for text in texts]
        overhead = _FOR_THE_REPLY + sum(
            _PER_MESSAGE + (len(row[0]) > 2) * _PER_NAME for row in rows
        )
        tokens = overhead + sum(count.tokens for count in counts)
        inexact = next((count for count in counts if not count.exact), None)
        if inexact is not None or not counts:
            return Count(tokens, exact=False, source=inexact.source if inexact else _why(model))
        source = counts[0].source
        parts = ModelString(model)
        if not all(is_plain for _, is_plain in rows):
            source += "; content that is not text is estimated"
        elif (
            parts.provider == "openai"
            and _PUBLISHED.fullmatch(parts.name)
            and model not in self._files
        ):
            return Count(tokens, exact=True, source=source)
        else:
            source += "; what goes around messages is estimated"
        return Count(tokens, exact=False, source=source)

    def fits(self, model: str, messages: Messages, max_tokens: int = 0) -> bool | None:
        """Whether messages and a reply of `max_tokens` fit the model's context window.

        An estimate counts a quarter more than it says, so that yes can be relied on.

        Returns:
            None where the window is unknown: state it in a `ModelConfig`, or install
            `tokenwire[prices]`.

        Raises:
            LlmConfigError: The provider is unknown, or `max_tokens` is negative.
        """
        if type(max_tokens) is not int or max_tokens < 0:
            raise LlmConfigError("fits: max_tokens is a whole number of at least 0")
        from tokenwire.catalog.registry import shared

        known = (self._registry or shared()).get_model_config(model)
        if known.context_window is None:
            return None
        if isinstance(messages, str) and known.api == "completions":
            count = self.count(model, messages)
        else:
            count = self.count_messages(model, messages)
        return count.at_most + max_tokens <= known.context_window

    def _vocabulary(self, model: str) -> _Vocabulary | None:
        if not isinstance(model, str):
            raise LlmConfigError(f"model: give a str, not {type(model).__name__}")
        parts = ModelString(model)
        if not parts.provider or not parts.name:
            raise LlmConfigError(f'model: "{model}": write "provider:model"')
        if model in self._files:
            if model not in self._loaded:
                self._loaded[model] = _from_file(self._files[model])
            return self._loaded[model]
        encoding = _encoding(parts.provider, parts.name)
        return None if encoding is None else _bundled(encoding)


class _Vocabulary:
    """What counts texts; it returns None for a text that is too long for it."""

    def __init__(self, source: str, encode: Callable[[str], int | None]) -> None:
        self.source = source
        self.encode = encode

    def count(self, text: str) -> int | None:
        if len(text) > _CACHED_LENGTH:
            return self.encode(text)
        return _cached(self, text)


# System prompts and earlier messages are counted again with every turn of a conversation.
@lru_cache(maxsize=1_024)
def _cached(vocabulary: _Vocabulary, text: str) -> int | None:
    return vocabulary.encode(text)


def _encoding(provider: str, name: str) -> str | None:
    # An Azure deployment has a name of its user's choice, which proves nothing.
    if provider != "openai":
        return None
    for pattern, encoding in _VOCABULARIES:
        if pattern.match(name.removeprefix("ft:")):
            return encoding
    return None


@lru_cache(maxsize=8)
def _bundled(name: str) -> _Vocabulary | None:
    import warnings

    try:
        with warnings.catch_warnings():
            # It reads its files by a function that Python 3.11 and 3.12 call deprecated.
            warnings.simplefilter("ignore", DeprecationWarning)
            import bpe_openai  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return None
    encoding = bpe_openai.get_encoding(name)

    def encode(text: str) -> int | None:
        try:
            return sum(len(encoding.encode_ordinary(piece)) for piece in _pieces(text))
        except ValueError:
            return None  # a piece is too long

    return _Vocabulary(name, encode)


def _from_file(path: str | PathLike[str]) -> _Vocabulary:
    try:
        from tokenizers import Tokenizer  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise LlmConfigError(
            "tokenizers: a tokenizer.json is read by that library: pip install tokenizers"
        ) from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise LlmConfigError(f"tokenizers: {path}: {error}") from error
    return _Vocabulary(
        str(path), lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
    )


def _pieces(text: str) -> Iterator[str]:
    start = 0
    while len(text) - start > _PIECE:
        cut = _CUT.search(text, start + _PIECE)
        if cut is None:
            break
        yield text[start : cut.end()]
        start = cut.end()
    yield text[start:]


def _estimated(text: str) -> int:
    """One token for four ASCII characters, or for three bytes of others."""
    size = len(text.encode(errors="replace"))
    ascii_count = sum(map(str.isascii, text)) if size != len(text) else size
    return -(-ascii_count // 4) + -(-(size - ascii_count) // 3)


def _why(model: str) -> str:
    parts = ModelString(model)
    if _encoding(parts.provider, parts.name) and _bundled_is_missing():
        return "estimate by length; tokenwire[tokens] counts this model exactly"
    return "estimate by length"


def _bundled_is_missing() -> bool:
    return _bundled("o200k_base") is None


def _listed(messages: Messages) -> list[Mapping[str, Any]]:
    from tokenwire.types import LlmMessage

    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    rows: Any = [messages] if isinstance(messages, (LlmMessage, Mapping)) else messages
    if not hasattr(rows, "__iter__"):
        raise LlmConfigError(f"messages: a {type(rows).__name__} is no message")
    listed = [row.__tokenwire_json__() if isinstance(row, LlmMessage) else row for row in rows]
    for row in listed:
        if not isinstance(row, Mapping):
            raise LlmConfigError(f"messages: a {type(row).__name__} is no message")
    return listed


def _texts(message: Mapping[str, Any]) -> tuple[list[str], bool]:
    """The role, the content and, where there is one, the name; and whether it is text alone."""
    role = str(message.get("role", "user"))
    content = message.get("content", message.get("parts"))
    rest = {key: message[key] for key in message.keys() - {"role", "content", "parts", "name"}}
    is_plain = role in _PLAIN_ROLES and not rest
    if not isinstance(content, str):
        parts = content if isinstance(content, list) else []
        is_plain = is_plain and len(parts) == 1 and _part(parts[0])[1]
        content = "".join(_part(part)[0] for part in parts)
    if rest:
        content += json.dumps(rest, ensure_ascii=False, default=str)
    name = message.get("name")
    return [role, content, *([str(name)] if name is not None else [])], is_plain


def _part(part: Any) -> tuple[str, bool]:
    kind = part.get("type") if hasattr(part, "get") else None
    if kind == "text":
        return str(part.get("text", "")), True
    return ("" if kind in _MEDIA else json.dumps(part, ensure_ascii=False, default=str)), False
