"""The parts of a message: text, reasoning, images, audio and files. Nothing here uses the network.

Tool calls and their results are in `message`, because a result is sent as a message.
"""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import Self

from tokenwire._files import read_bytes
from tokenwire._pydantic import Model, Str, base_init
from tokenwire.errors import LlmValidationError

if TYPE_CHECKING:
    import os


class Part(Model):
    """One part of a message. Keys that tokenwire does not know are kept and sent."""

    type: str

    # Without it, type checkers would give each subclass an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part as the engine reads it: ``type``, then every field that is not None.

        ::

            {"type": "text", "text": str}
            {"type": "image", "url": str | "data": base64, "media_type": str, "detail"?: str}
            {"type": "audio", "data": base64, "format": str}
            {"type": "file", "data": base64 | "file_id": str | "url": str, "filename"?: str,
             "media_type"?: str}
            {"type": "reasoning", "text": str, "signature"?: str, "provider"?: str, "field"?: str}
            {"type": "tool_call", "id"?: str, "name": str, "arguments": JSON text,
             "extra"?: object, "provider"?: str}
            {"type": "tool_result", "tool_call_id"?: str, "content": str | [part, …], "error": bool,
             "name"?: str}
            {"type": "refusal", "text": str}
            {"type": "opaque", "provider": str, "field": str, "json": any JSON value}

        Unknown keys follow.
        """
        wire = {name: value for name, value in self.__dict__.items() if value is not None}
        if self.model_extra:
            wire.update(self.model_extra)
        return wire


class TextPart(Part):
    """Text."""

    type: Literal["text"] = "text"
    text: Str

    @base_init
    def __init__(self, text: str, **extra: object) -> None:
        super().__init__(text=text, **extra)


class ReasoningPart(Part):
    """The model's reasoning. It is sent back only to the provider that signed it.

    Args:
        text: The text; empty if only a signature arrived.
        signature: The provider's signature of the text.
        provider: The provider that sent it; None for unsigned reasoning.
        field: The field that it arrived in, such as ``"reasoning_content"``. It is sent back in
            the same field, unless the provider takes only another one.
    """

    type: Literal["reasoning"] = "reasoning"
    text: Str = ""
    signature: Str | None = None
    provider: Str | None = None
    field: Str | None = None

    @base_init
    def __init__(
        self,
        text: str = "",
        signature: str | None = None,
        provider: str | None = None,
        field: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(text=text, signature=signature, provider=provider, field=field, **extra)


class RefusalPart(Part):
    """The text with which the model refused."""

    type: Literal["refusal"] = "refusal"
    text: Str

    @base_init
    def __init__(self, text: str, **extra: object) -> None:
        super().__init__(text=text, **extra)


class OpaquePart(Part):
    """A provider's block of unknown kind: kept verbatim and sent back only to that provider.

    Args:
        provider: The provider that sent it.
        field: The key of the message that held it.
        value: Its JSON value.
    """

    type: Literal["opaque"] = "opaque"
    provider: Str
    field: Str
    value: Any = None

    @base_init
    def __init__(self, provider: str, field: str, value: object = None, **extra: object) -> None:
        super().__init__(provider=provider, field=field, value=value, **extra)

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part like any other, but with ``json`` for its value, also if that is None."""
        wire = super().__tokenwire_json__()
        wire.pop("value", None)
        wire["json"] = self.value
        return wire


def _base64_text(value: object) -> object:
    """Encode bytes as base64. Text must be base64 already, which a data URL is not."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, str) and value.startswith("data:"):
        raise PydanticCustomError("data_url", "pass a data: URL as url=; data= is plain base64")
    return value


# The validator is written after Str and therefore runs before it.
_Base64 = Annotated[Str, BeforeValidator(_base64_text)]

# The first bytes of the image types that every provider accepts. WebP is seen in `_image_type`.
_IMAGE_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def _image_type(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((name for magic, name in _IMAGE_MAGIC.items() if data.startswith(magic)), None)


def _type_by_name(path: str | os.PathLike[str]) -> str | None:
    # The functions of `mimetypes` also read files of the system, so their answers differ between
    # machines. An instance knows Python's own table only, which lacks Markdown before 3.13.
    known = mimetypes.MimeTypes()
    known.add_type("text/markdown", ".md")
    media_type, compression = known.guess_type(Path(path).name, strict=False)
    return None if compression else media_type


def _has_one_source(part: Any) -> Any:
    """Check that the content is given in exactly one way, and bytes with their type."""
    sources = [name for name in ("url", "data", "file_id") if name in type(part).model_fields]
    if sum(getattr(part, name) is not None for name in sources) != 1:
        names = ", ".join(f"{name}=" for name in sources)
        raise PydanticCustomError("source", "give exactly one of {names}", {"names": names})
    if part.data is not None and part.media_type is None:
        raise PydanticCustomError("media_type", "data= needs media_type=")
    return part


class ImagePart(Part):
    """An image: a URL that the provider fetches (tokenwire does not), or the bytes themselves.

    Args:
        url: An ``https:`` or ``data:`` URL.
        data: The bytes of the image, or base64 text; needs `media_type`.
        media_type: For example ``"image/png"``.
        detail: How closely the model looks: ``"low"``, ``"high"`` or ``"auto"`` for OpenAI.
    """

    type: Literal["image"] = "image"
    url: Str | None = None
    data: _Base64 | None = None
    media_type: Str | None = None
    detail: Str | None = None

    _check = model_validator(mode="after")(_has_one_source)

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
        super().__init__(url=url, data=data, media_type=media_type, detail=detail, **extra)

    @classmethod
    def from_url(cls, url: str, *, detail: str | None = None) -> Self:
        """Make an image that the provider fetches from `url`."""
        return cls(url, detail=detail)

    @classmethod
    def from_bytes(
        cls, data: bytes, *, media_type: str | None = None, detail: str | None = None
    ) -> Self:
        """Make an image from its bytes. PNG, JPEG, GIF and WebP are recognized.

        Raises:
            LlmValidationError: The type is not recognized, and `media_type` is not given.
        """
        media_type = media_type or _image_type(data)
        if media_type is None:
            raise LlmValidationError(
                "ImagePart: the image type is not recognized; give media_type="
            )
        return cls(data=data, media_type=media_type, detail=detail)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        media_type: str | None = None,
        detail: str | None = None,
    ) -> Self:
        """Make an image from a file, which is read at once.

        Raises:
            LlmValidationError: Neither the bytes nor the file name say what type it is.
            OSError: The file cannot be read, or is not a regular file.
        """
        data = read_bytes(path)
        media_type = media_type or _image_type(data) or _type_by_name(path)
        return cls.from_bytes(data, media_type=media_type, detail=detail)


class AudioPart(Part):
    """Audio.

    Args:
        data: The bytes, or base64 text.
        format: For example ``"wav"`` or ``"mp3"``.
    """

    # The field has the providers' name, although `format` is a builtin too.
    type: Literal["audio"] = "audio"
    data: _Base64
    format: Str

    @base_init
    def __init__(self, data: bytes | str, format: str, **extra: object) -> None:  # noqa: A002
        super().__init__(data=data, format=format, **extra)

    @classmethod
    def from_bytes(cls, data: bytes, *, format: str) -> Self:  # noqa: A002
        """Make an audio part from its bytes."""
        return cls(data, format)

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        format: str | None = None,  # noqa: A002
    ) -> Self:
        """Make an audio part from a file, which is read at once.

        The format is the suffix of the file name unless it is given.

        Raises:
            LlmValidationError: The name has no suffix, and `format` is not given.
            OSError: The file cannot be read, or is not a regular file.
        """
        format = format or Path(path).suffix.lower().lstrip(".")  # noqa: A001
        if not format:
            raise LlmValidationError("AudioPart: the file name has no suffix; give format=")
        return cls(read_bytes(path), format)


class FilePart(Part):
    """A document: its bytes, the provider's id of an uploaded file, or a URL.

    Args:
        data: The bytes, or base64 text; needs `media_type`.
        file_id: The provider's id of an uploaded file.
        url: A URL that the provider fetches; tokenwire never does.
        filename: The name that the model sees.
        media_type: For example ``"application/pdf"``.
    """

    type: Literal["file"] = "file"
    data: _Base64 | None = None
    file_id: Str | None = None
    url: Str | None = None
    filename: Str | None = None
    media_type: Str | None = None

    _check = model_validator(mode="after")(_has_one_source)

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
        super().__init__(
            data=data, file_id=file_id, url=url, filename=filename, media_type=media_type, **extra
        )

    @classmethod
    def from_url(cls, url: str, *, media_type: str | None = None) -> Self:
        """Make a document that the provider fetches from `url`."""
        return cls(url=url, media_type=media_type)

    @classmethod
    def from_bytes(cls, data: bytes, *, filename: str, media_type: str | None = None) -> Self:
        """Make a document from its bytes. The media type follows from the name unless given.

        Raises:
            LlmValidationError: The suffix of the name is unknown, and `media_type` is not given.
        """
        media_type = media_type or _type_by_name(filename)
        if media_type is None:
            raise LlmValidationError(
                "FilePart: the suffix of filename is unknown; give media_type="
            )
        return cls(data=data, filename=filename, media_type=media_type)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, media_type: str | None = None) -> Self:
        """Make a document from a file, which is read at once.

        Raises:
            LlmValidationError: The suffix of the name is unknown, and `media_type` is not given.
            OSError: The file cannot be read, or is not a regular file.
        """
        path = Path(path)
        return cls.from_bytes(read_bytes(path), filename=path.name, media_type=media_type)
