"""The parts of a message that are pictures, sound and files. Nothing here uses the network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from tokenwire._pydantic import Part, Str, base_init, given
from tokenwire.errors import LlmValidationError

if TYPE_CHECKING:
    import os

# The first bytes of the image types that all providers take.
_IMAGE_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
# The module mimetypes reads files of the system, so its answers differ between machines.
_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "html": "text/html",
    "csv": "text/csv",
    "json": "application/json",
}


def _base64_text(value: object) -> object:
    """Bytes become base64; text must be base64 already, which a data URL is not."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, str) and value.startswith("data:"):
        raise PydanticCustomError("data_url", "a data: URL goes into url=, data= is bare base64")
    return value


# The validator stands after Str and therefore runs before it.
_Base64 = Annotated[Str, BeforeValidator(_base64_text)]


def _suffix(path: str | os.PathLike[str]) -> str:
    return Path(path).suffix.lower().lstrip(".")


class ImagePart(Part):
    """An image: an address that the provider fetches (we never do), or the bytes themselves.

    Args:
        url: An ``https:`` or ``data:`` URL.
        data: The image's bytes, or base64 text of them; needs `media_type`.
        media_type: Such as ``"image/png"``.
        detail: How closely the model looks: OpenAI's ``"low"``, ``"high"``, ``"auto"``.
    """

    type: Literal["image"] = "image"
    url: Str | None = None
    data: _Base64 | None = None
    media_type: Str | None = None
    detail: Str | None = None

    @base_init
    def __init__(
        self,
        url: str | None = None,
        *,
        data: bytes | str | None = None,
        media_type: str | None = None,
        detail: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(**given(url=url, data=data, media_type=media_type, detail=detail), **extra)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.url is None) == (self.data is None):
            raise PydanticCustomError("image_source", "an image takes url= or data=, one of them")
        if self.data is not None and self.media_type is None:
            raise PydanticCustomError("media_type", "data= needs media_type=")
        return self

    @classmethod
    def from_url(cls, url: str, *, detail: str | None = None) -> Self:
        """An image that the provider fetches from `url`."""
        return cls(url, detail=detail)

    @classmethod
    def from_bytes(
        cls, data: bytes, *, media_type: str | None = None, detail: str | None = None
    ) -> Self:
        """An image from its bytes; the media type of PNG, JPEG, GIF and WebP is seen in them.

        Raises:
            LlmValidationError: The media type is not seen and not given.
        """
        media_type = media_type or _image_type(data)
        if media_type is None:
            raise LlmValidationError("ImagePart: data is of no known image type; give media_type=")
        return cls(data=data, media_type=media_type, detail=detail)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        media_type: str | None = None,
        detail: str | None = None,
    ) -> Self:
        """An image from a file, read at once.

        Raises:
            LlmValidationError: The media type is seen neither in the bytes nor in the name.
            OSError: The file cannot be read.
        """
        data = Path(path).read_bytes()
        media_type = media_type or _image_type(data) or _MEDIA_TYPES.get(_suffix(path))
        return cls.from_bytes(data, media_type=media_type, detail=detail)


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((name for magic, name in _IMAGE_MAGIC.items() if data.startswith(magic)), None)


class AudioPart(Part):
    """Sound.

    Args:
        data: The bytes, or base64 text of them.
        format: Such as ``"wav"`` or ``"mp3"``.
    """

    # The field has the providers' name for it, though that is a builtin's too.
    type: Literal["audio"] = "audio"
    data: _Base64
    format: Str

    @base_init
    def __init__(self, data: bytes | str, format: str, **extra: object) -> None:  # noqa: A002
        super().__init__(data=data, format=format, **extra)

    @classmethod
    def from_bytes(cls, data: bytes, *, format: str) -> Self:  # noqa: A002
        """Sound from its bytes."""
        return cls(data, format)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002
    ) -> Self:
        """Sound from a file, read at once; the format is the name's suffix where not given.

        Raises:
            LlmValidationError: The name has no suffix and no format is given.
            OSError: The file cannot be read.
        """
        kind = format or _suffix(path)
        if not kind:
            raise LlmValidationError("AudioPart: the file's name has no suffix; give format=")
        return cls(Path(path).read_bytes(), kind)


class FilePart(Part):
    """A document: its bytes, an id that the provider gave, or an address that it fetches.

    Args:
        data: The bytes, or base64 text of them; needs `media_type`.
        file_id: The provider's id of an uploaded file.
        url: An address; we never fetch it.
        filename: The name that the model is shown.
        media_type: Such as ``"application/pdf"``.
    """

    type: Literal["file"] = "file"
    data: _Base64 | None = None
    file_id: Str | None = None
    url: Str | None = None
    filename: Str | None = None
    media_type: Str | None = None

    @base_init
    def __init__(
        self,
        *,
        data: bytes | str | None = None,
        file_id: str | None = None,
        url: str | None = None,
        filename: str | None = None,
        media_type: str | None = None,
        **extra: object,
    ) -> None:
        fields = given(
            data=data, file_id=file_id, url=url, filename=filename, media_type=media_type
        )
        super().__init__(**fields, **extra)

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if sum(source is not None for source in (self.data, self.file_id, self.url)) != 1:
            raise PydanticCustomError(
                "file_source", "a file takes data=, file_id= or url=, one of them"
            )
        if self.data is not None and self.media_type is None:
            raise PydanticCustomError("media_type", "data= needs media_type=")
        return self

    @classmethod
    def from_url(cls, url: str, *, media_type: str | None = None) -> Self:
        """A document that the provider fetches from `url`."""
        return cls(url=url, media_type=media_type)

    @classmethod
    def from_bytes(cls, data: bytes, *, filename: str, media_type: str | None = None) -> Self:
        """A document from its bytes; the media type follows from the name where not given.

        Raises:
            LlmValidationError: The name's suffix is unknown and no media type is given.
        """
        media_type = media_type or _MEDIA_TYPES.get(_suffix(filename))
        if media_type is None:
            raise LlmValidationError("FilePart: filename has no known suffix; give media_type=")
        return cls(data=data, filename=filename, media_type=media_type)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, media_type: str | None = None) -> Self:
        """A document from a file, read at once.

        Raises:
            LlmValidationError: The name's suffix is unknown and no media type is given.
            OSError: The file cannot be read.
        """
        data = Path(path).read_bytes()
        return cls.from_bytes(data, filename=Path(path).name, media_type=media_type)
