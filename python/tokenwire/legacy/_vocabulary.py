"""Where the vocabularies come from by which tokens are counted: files on this machine only."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

# Vocabularies of tiktoken: the address by which its cache knows the file, and the file's SHA-256.
# With a file of another content it would use the network.
_RANKS = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "p50k_base": "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
    "r50k_base": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
}
_RANKS_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


# A model for each vocabulary that may be named by itself.
_MODELS = {"cl100k_base": "gpt-4", "o200k_base": "gpt-4o"}


@lru_cache(maxsize=64)
def counter_for(name: str) -> Callable[[str], int | None] | None:
    """What counts a text's tokens (None for one too long for it); None without a vocabulary.

    Args:
        name: A model (with or without its vendor), an encoding such as `o200k_base`, a model id of
            the Hugging Face hub, or the path of a `tokenizer.json` or its folder.
    """
    return _from_our_own(name) or _from_tiktoken(name) or _from_tokenizers(name)


def _from_our_own(name: str) -> Callable[[str], int | None] | None:
    """The vocabularies that `tokenwire[tokens]` brings: those of OpenAI's models."""
    model = name.removeprefix("openai:")
    if ":" in model:
        return None
    model = f"openai:{_MODELS.get(model, model)}"
    counter = tw.TokenCounter()
    if not counter.count(model, "").exact:
        return None

    def count(text: str) -> int | None:
        counted = counter.count(model, text)
        return counted.tokens if counted.exact else None

    return count


def _from_tiktoken(name: str) -> Callable[[str], int] | None:
    try:
        tiktoken: Any = import_module("tiktoken")
        encoding_name_for_model: Any = import_module("tiktoken.model").encoding_name_for_model
    except ImportError:
        return None
    encoding = name
    if name not in _RANKS:
        try:
            encoding = encoding_name_for_model(name.partition(":")[2] or name)
        except KeyError:
            return None
    if not _is_cached(encoding):
        return None
    ranks: Any = tiktoken.get_encoding(encoding)
    return lambda text: len(ranks.encode(text, disallowed_special=()))


def _is_cached(encoding: str) -> bool:
    """Whether tiktoken finds the vocabulary in its cache, as it was published."""
    if encoding not in _RANKS:
        return False
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder is None:
        folder = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    # SHA-1 is what its cache names files by.
    address = _RANKS_ADDRESS.format(encoding)
    cached = Path(folder) / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()
    if not folder or not cached.is_file():
        return False
    return hashlib.sha256(cached.read_bytes()).hexdigest() == _RANKS[encoding]


def _from_tokenizers(name: str) -> Callable[[str], int] | None:
    path = _tokenizer_file(name)
    if path is None:
        return None
    try:
        tokenizers: Any = import_module("tokenizers")
    except ImportError:
        return None
    tokenizer: Any = tokenizers.Tokenizer.from_file(str(path))
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _tokenizer_file(name: str) -> Path | None:
    """A `tokenizer.json`: named by its path or folder, or in the hub's cache."""
    given = Path(name)
    if given.is_dir():
        given = given / "tokenizer.json"
    if given.name == "tokenizer.json" and given.is_file():
        return given
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    hub = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    folder = hub / f"models--{name.replace('/', '--')}" / "snapshots"
    found = sorted(folder.glob("*/tokenizer.json")) if folder.is_dir() else []
    return found[-1] if found else None
