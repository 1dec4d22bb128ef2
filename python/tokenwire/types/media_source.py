"""`MediaPart`: how a part gets the content of a file, and the checks of that content.

A file is read only by `path=`. A string in `url` may be from someone else, such as the user of a
web application, so the path of a file is refused there. Nothing here uses the network.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError

from tokenwire._engine import names_local_file
from tokenwire._files import read_file
from tokenwire._pydantic import CONFIG_PROBLEM, Str, base_init
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.types.media_types import START_BYTES
from tokenwire.types.parts import Part

# So many characters of base64 hold more bytes than are looked at.
_START_CHARS = 4 * START_BYTES
# RFC 3986, section 3.1. A drive of Windows has one letter.
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Longer than what Linux opens; it may be megabytes of base64.
_LONGEST_PATH = 4096
# RFC 2397. The type, the parameters, and the comma before the data.
DATA_URL = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,]*)?),", re.IGNORECASE)
# Line breaks (RFC 2045), and the letters of the URL-safe form (RFC 4648).
_OTHER_BASE64 = re.compile(r"[-_\s]")
_USUAL_BASE64 = str.maketrans("-_", "+/", " \t\r\n")


def _base64_text(value: object) -> object:
    """Encode bytes as base64. Text must be base64 already, which a data URL is not."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = base64.b64encode(value).decode("ascii")
    elif isinstance(value, os.PathLike):
        raise PydanticCustomError(CONFIG_PROBLEM, "it is a path; give path= to read the file")
    elif isinstance(value, str):
        if value.startswith("data:"):
            raise PydanticCustomError("data_url", "pass a data: URL as url=; data= is plain base64")
        if _OTHER_BASE64.search(value):
            value = value.translate(_USUAL_BASE64)
        _check_base64(value)
    if value == "":
        raise PydanticCustomError("empty", "it is empty")
    return value


def _check_base64(text: str) -> None:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        raise PydanticCustomError(
            "base64", "it is not base64; give bytes, or path= to read a file"
        ) from None


def start_of(data: object) -> bytes:
    """Return the first bytes of `data`, which is bytes or base64 text."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data[:START_BYTES])
    start = data[:_START_CHARS] if isinstance(data, str) else ""
    try:
        return base64.b64decode(start[: len(start) // 4 * 4])[:START_BYTES]
    except ValueError:
        # Refused elsewhere.
        return b""


def _url_text(value: object) -> object:
    """Refuse what is not a URL. No file is read, because the string may be from someone else."""
    if isinstance(value, os.PathLike):
        raise PydanticCustomError(CONFIG_PROBLEM, "it is a path; give path= to read the file")
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise PydanticCustomError(CONFIG_PROBLEM, "it is bytes; give data=")
    if not isinstance(value, str):
        return value
    if names_local_file(value):
        raise PydanticCustomError(
            CONFIG_PROBLEM,
            "it names a file on this machine, which no provider can read; give path= to send it",
        )
    if value[:5].lower() == "data:":
        _check_data_url(value)
    elif _URL.match(value) is None:
        raise PydanticCustomError(
            "url", "it is not a URL; give one with https:// or data:, or path= to read a file"
        )
    return value


def _check_data_url(url: str) -> None:
    head = DATA_URL.match(url)
    if head is None:
        raise PydanticCustomError(
            "data_url", "it is not a data: URL, such as data:image/png;base64,iVBORw0…"
        )
    content = url[head.end() :]
    if not content:
        raise PydanticCustomError("data_url", "the data: URL is empty")
    if head["parameters"].lower().endswith(";base64"):
        _check_base64(unquote(content) if "%" in content else content)


# The validators are written after Str and therefore run before it.
Base64Text = Annotated[Str, BeforeValidator(_base64_text)]
Url = Annotated[Str, BeforeValidator(_url_text)]


class MediaPart(Part):
    """An image, audio or a document."""

    # As in `Part`.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    @model_validator(mode="before")
    @classmethod
    def _reads_no_file(cls, value: Any) -> Any:
        # The dict may be from someone else.
        if isinstance(value, Mapping) and "path" in value:
            raise PydanticCustomError(
                CONFIG_PROBLEM,
                "path: a dict cannot name a file to read; give {name}(path=…)",
                {"name": cls.__name__},
            )
        return value

    @classmethod
    def _content_of(cls, path: str | os.PathLike[str], **others: object) -> bytes:
        """Read the file that `path=` names, if no other argument has the content, too."""
        given = [name for name, value in others.items() if value is not None]
        if given:
            raise LlmConfigError(f"{cls.__name__}: give either path= or {given[0]}=, not both")
        if isinstance(path, (bytes, bytearray, memoryview)):
            raise LlmConfigError(f"{cls.__name__}: path: it is bytes; give data=")
        if isinstance(path, str) and (len(path) > _LONGEST_PATH or _URL.match(path)):
            problem = "it is not the path of a file; give url= for a URL, data= for base64"
            raise LlmConfigError(f"{cls.__name__}: path: {problem}")
        try:
            content = read_file(path)
        except LlmConfigError as error:
            raise LlmConfigError(f"{cls.__name__}: path: {error}") from error.__cause__
        if not content:
            raise LlmValidationError(f"{cls.__name__}: path: {os.fspath(path)}: it is empty")
        return content

    def _check_sources(self) -> None:
        """Check that the content is given in exactly one way."""
        sources = [name for name in ("url", "data", "file_id") if name in type(self).model_fields]
        if sum(getattr(self, name) is not None for name in sources) != 1:
            names = ", ".join(f"{name}=" for name in ("path", *sources))
            raise PydanticCustomError("source", "give exactly one of {names}", {"names": names})
