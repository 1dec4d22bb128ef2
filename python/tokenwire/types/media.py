"""The parts of a message that are files: images, audio and documents.

`media_source` says how they get their content.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from tokenwire._pydantic import Cache, CacheTime, Str, base_init
from tokenwire.errors import LlmValidationError
from tokenwire.types.media_source import DATA_URL, Base64Text, MediaPart, Url, start_of
from tokenwire.types.media_types import START_BYTES, type_of_bytes, type_of_file, type_of_name


class ImagePart(MediaPart):
    """An image: a file, its bytes, the provider's id of one, or a URL that the provider fetches.

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
        file_id: The provider's id of an uploaded image.
        cache: As in `TextPart`.

    Raises:
        LlmConfigError: The file cannot be read, or `url` names one.
        LlmValidationError: It is not an image, or not base64, or the URL is not one.
    """

    type: Literal["image"] = "image"
    url: Url | None = None
    data: Base64Text | None = None
    media_type: Str | None = None
    detail: Str | None = None
    file_id: Str | None = None
    cache: Cache = None
    _seldom = ("cache", "file_id")

    @base_init
    def __init__(
        self,
        url: str | None = None,
        *,
        path: str | os.PathLike[str] | None = None,
        data: bytes | str | None = None,
        media_type: str | None = None,
        detail: str | None = None,
        file_id: str | None = None,
        cache: CacheTime | None = None,
        **extra: object,
    ) -> None:
        if path is not None:
            data = self._content_of(path, url=url, data=data, file_id=file_id)
            media_type = media_type or _image_type(type_of_file(path, data[:START_BYTES]), path)
        super().__init__(
            url=url,
            data=data,
            media_type=media_type,
            detail=detail,
            file_id=file_id,
            cache=cache,
            **extra,
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_sources()
        if self.data is not None and self.media_type is None:
            known = type_of_bytes(start_of(self.data))
            if known is None or not known.startswith("image/"):
                raise PydanticCustomError(
                    "media_type", "the image type is not recognized; give media_type="
                )
            self.media_type = known
        if self.url is not None and (head := DATA_URL.match(self.url)):
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
    data: Base64Text
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
    kind = type_of_bytes(start_of(data))
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
        cache: As in `TextPart`.

    Raises:
        LlmConfigError: The file cannot be read, or `url` names one.
        LlmValidationError: The type is not known, `data` is not base64, or the URL is not one.
    """

    type: Literal["file"] = "file"
    data: Base64Text | None = None
    file_id: Str | None = None
    url: Url | None = None
    filename: Str | None = None
    media_type: Str | None = None
    cache: Cache = None

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
        cache: CacheTime | None = None,
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
            data=data,
            file_id=file_id,
            url=url,
            filename=filename,
            media_type=media_type,
            cache=cache,
            **extra,
        )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_sources()
        if self.data is not None and self.media_type is None:
            named = type_of_name(self.filename) if self.filename else None
            self.media_type = type_of_bytes(start_of(self.data)) or named
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
