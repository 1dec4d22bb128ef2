"""The parts of a message that are files: images, audio and documents.

A file is read only by `path=`. A string in `url` may be from someone else, such as the user of a
web application, so the path of a file is refused there. Nothing here uses the network.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from tokenwire._engine import names_local_file
from tokenwire._files import read_file
from tokenwire._pydantic import CONFIG_PROBLEM, Str, base_init
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.types.media_types import START_BYTES, type_of_bytes, type_of_file, type_of_name
from tokenwire.types.parts import Part

# So many characters of base64 hold more bytes than are looked at.
_START_CHARS = 4 * START_BYTES
# RFC 3986, section 3.1. A drive of Windows has one letter.
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
# Longer than what Linux opens; it may be megabytes of base64.
_LONGEST_PATH = 4096
# RFC 2397. The type, the parameters, and the comma before the data.
_DATA_URL = re.compile(r"data:(?P<type>[^,;]*)(?P<parameters>(?:;[^,]*)?),", re.IGNORECASE)
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


def _start_of(data: object) -> bytes:
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
    head = _DATA_URL.match(url)
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
_Base64 = Annotated[Str, BeforeValidator(_base64_text)]
_Url = Annotated[Str, BeforeValidator(_url_text)]


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


class ImagePart(MediaPart):
    """An image: a file, its bytes, or a URL that the provider fetches (tokenwire does not).

    A file is read when the part is made, up to 64 MiB; what was read is sent. Most providers accept
    PNG, JPEG, GIF and WebP up to a few megabytes. HEIC, AVIF, TIFF and BMP are recognized as well,
    but only some providers accept them.

    Args:
        url: A URL with ``https://`` or ``data:``. The path of a file is refused.
        path: A file to read.
        data: The bytes of the image, or base64 text.
        media_type: For example ``"image/png"``. The default follows from the bytes, else from the
            name of the file.
        detail: How closely the model looks: ``"low"``, ``"high"`` or ``"auto"`` for OpenAI.

    Raises:
        LlmConfigError: The file cannot be read, or `url` names one.
        LlmValidationError: It is not an image, or not base64, or the URL is not one.
    """

    type: Literal["image"] = "image"
    url: _Url | None = None
    data: _Base64 | None = None
    media_type: Str | None = None
    detail: Str | None = None

    @base_init
    def __init__(
        self,
        url: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        data: bytes | str | None = None,
        media_type: str | None = None,
        detail: str | None = None,
        **extra: object,
    ) -> None:
        if path is not None:
            data = self._content_of(path, url=url, data=data)
            media_type = media_type or _image_type(type_of_file(path, data[:START_BYTES]), path)
        super().__init__(url=url, data=data, media_type=media_type, detail=detail, **extra)

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_sources()
        if self.data is not None and self.media_type is None:
            known = type_of_bytes(_start_of(self.data))
            if known is None or not known.startswith("image/"):
                raise PydanticCustomError(
                    "media_type", "the image type is not recognized; give media_type="
                )
            self.media_type = known
        if self.url is not None and (head := _DATA_URL.match(self.url)):
            kind = head["type"].lower() or "text/plain"
            if not kind.startswith("image/"):
                raise PydanticCustomError(
                    "media_type", "url: its type, {kind}, is not an image", {"kind": kind[:60]}
                )
        return self

    @classmethod
    def from_url(cls, url: str, *, detail: str | None = None) -> Self:
        """Make an image that the provider fetches from `url`; the same as ``ImagePart(url)``."""
        return cls(url, detail=detail)

    @classmethod
    def from_bytes(
        cls, data: bytes, *, media_type: str | None = None, detail: str | None = None
    ) -> Self:
        """Make an image from its bytes; the same as ``ImagePart(data=data)``."""
        return cls(data=data, media_type=media_type, detail=detail)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        media_type: str | None = None,
        detail: str | None = None,
    ) -> Self:
        """Make an image from a file; the same as ``ImagePart(path=path)``."""
        return cls(path=path, media_type=media_type, detail=detail)


def _image_type(media_type: str | None, path: str | os.PathLike[str]) -> str:
    """Return the type of an image file; another type is refused."""
    if media_type is not None and media_type.startswith("image/"):
        return media_type
    is_pdf = media_type == "application/pdf"
    fix = "it is a PDF document; give FilePart(path=…)" if is_pdf else "it is not an image"
    raise LlmValidationError(f"ImagePart: path: {os.fspath(path)}: {fix}")


class AudioPart(MediaPart):
    """Audio: a file, or its bytes.

    A file is read when the part is made, up to 64 MiB; what was read is sent.

    Args:
        data: The bytes, or base64 text.
        format: For example ``"wav"`` or ``"mp3"``. The default follows from the bytes, else from
            the suffix of the file.
        path: A file to read.

    Raises:
        LlmConfigError: The file cannot be read.
        LlmValidationError: The format is not known, or `data` is not base64.
    """

    # The field has the providers' name, although `format` is a builtin too.
    type: Literal["audio"] = "audio"
    data: _Base64
    format: Str

    @base_init
    def __init__(
        self,
        data: bytes | str | None = None,
        format: str | None = None,  # noqa: A002
        *,
        path: str | os.PathLike[str] | None = None,
        **extra: object,
    ) -> None:
        if path is not None:
            data = self._content_of(path, data=data)
        elif data is None:
            raise LlmValidationError("AudioPart: give exactly one of path=, data=")
        format = format or _audio_format(data, path)  # noqa: A001
        super().__init__(data=data, format=format, **extra)

    @classmethod
    def from_bytes(cls, data: bytes, *, format: str | None = None) -> Self:  # noqa: A002
        """Make an audio part from its bytes; the same as ``AudioPart(data)``."""
        return cls(data, format)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002
    ) -> Self:
        """Make an audio part from a file; the same as ``AudioPart(path=path)``."""
        return cls(path=path, format=format)


def _audio_format(data: object, path: str | os.PathLike[str] | None) -> str:
    if isinstance(data, os.PathLike):
        return ""  # The validator of `data` refuses it.
    kind = type_of_bytes(_start_of(data))
    if kind is not None and kind.startswith("audio/"):
        return kind.removeprefix("audio/")
    suffix = "" if path is None else Path(path).suffix.lower().lstrip(".")
    if not suffix:
        place = "" if path is None else f"path: {os.fspath(path)}: "
        raise LlmValidationError(f"AudioPart: {place}its format is not recognized; give format=")
    return suffix


class FilePart(MediaPart):
    """A document: a file, its bytes, the provider's id of an uploaded file, or a URL.

    A file is read when the part is made, up to 64 MiB; what was read is sent.

    Args:
        path: A file to read.
        data: The bytes, or base64 text.
        file_id: The provider's id of an uploaded file.
        url: A URL that the provider fetches; tokenwire never does. The path of a file is refused.
        filename: The name that the model sees. The default is the name of the file.
        media_type: For example ``"application/pdf"``. The default follows from the bytes, else from
            the name.

    Raises:
        LlmConfigError: The file cannot be read, or `url` names one.
        LlmValidationError: The type is not known, `data` is not base64, or the URL is not one.
    """

    type: Literal["file"] = "file"
    data: _Base64 | None = None
    file_id: Str | None = None
    url: _Url | None = None
    filename: Str | None = None
    media_type: Str | None = None

    @base_init
    def __init__(
        self,
        *,
        path: str | os.PathLike[str] | None = None,
        data: bytes | str | None = None,
        file_id: str | None = None,
        url: str | None = None,
        filename: str | None = None,
        media_type: str | None = None,
        **extra: object,
    ) -> None:
        if path is not None:
            data = self._content_of(path, data=data, file_id=file_id, url=url)
            filename = filename or Path(path).name
            media_type = media_type or type_of_bytes(data[:START_BYTES]) or type_of_name(path)
            if media_type is None:
                problem = "its suffix is unknown; give media_type="
                raise LlmValidationError(f"FilePart: path: {os.fspath(path)}: {problem}")
        super().__init__(
            data=data, file_id=file_id, url=url, filename=filename, media_type=media_type, **extra
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_sources()
        if self.data is not None and self.media_type is None:
            named = type_of_name(self.filename) if self.filename else None
            self.media_type = type_of_bytes(_start_of(self.data)) or named
            if self.media_type is None:
                raise PydanticCustomError(
                    "media_type", "the type of data= is not known; give media_type= or filename="
                )
        return self

    @classmethod
    def from_url(cls, url: str, *, media_type: str | None = None) -> Self:
        """Make a document that the provider fetches; the same as ``FilePart(url=url)``."""
        return cls(url=url, media_type=media_type)

    @classmethod
    def from_bytes(cls, data: bytes, *, filename: str, media_type: str | None = None) -> Self:
        """Make a document from its bytes; the same as ``FilePart(data=data, …)``."""
        return cls(data=data, filename=filename, media_type=media_type)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, media_type: str | None = None) -> Self:
        """Make a document from a file; the same as ``FilePart(path=path)``."""
        return cls(path=path, media_type=media_type)
