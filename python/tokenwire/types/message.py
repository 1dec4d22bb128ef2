"""A message: a role and a string, or a role and parts in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from json import loads
from typing import Annotated, Any, Literal, Protocol, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError, from_json, to_json

from tokenwire._pydantic import Model, Part, Str, base_init, given
from tokenwire.errors import LlmDecodeError, LlmValidationError
from tokenwire.types.media import AudioPart, FilePart, ImagePart
from tokenwire.types.parts import OpaquePart, ReasoningPart, RefusalPart, TextPart

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]


class Call(Protocol):
    """What a tool call looks like: `ToolCall`, `ToolCallPart`, or a caller's own class."""

    @property
    def id(self) -> str | None:
        """The provider's id of the call."""

    @property
    def name(self) -> str:
        """The tool's name."""

    @property
    def arguments(self) -> str:
        """JSON text."""


class ToolCallPart(Part):
    """A tool call within a message.

    A compiled `ToolCall`, or any other object with `id`, `name` and `arguments`, becomes one when
    it is put into a message.

    Args:
        id: The provider's id of the call; None where it gives none.
        name: The tool's name.
        arguments: JSON text, as the model sent it; ``""`` reads as ``{}``.
    """

    type: Literal["tool_call"] = "tool_call"
    id: Str | None = None
    name: Str
    arguments: Str = ""

    @base_init
    def __init__(
        self,
        id: str | None = None,  # noqa: A002
        name: str = "",
        arguments: str = "",
        **extra: object,
    ) -> None:
        super().__init__(**given(id=id), name=name, arguments=arguments, **extra)

    @property
    def parsed_arguments(self) -> dict[str, Any]:
        """The arguments as a dict, for ``tool(**call.parsed_arguments)``.

        Raises:
            LlmDecodeError: They are not JSON.
            LlmValidationError: They are JSON, but no object.
        """
        if not self.arguments:
            return {}
        try:
            value = loads(self.arguments)
        except ValueError as error:
            raise LlmDecodeError(f"arguments of tool call {self.name!r}: {error}") from error
        if not isinstance(value, dict):
            raise LlmValidationError(f"arguments of tool call {self.name!r} are no JSON object")
        return value

    def result(self, value: object, *, error: bool = False) -> LlmMessage:
        """The message that answers this call; `value` as `tool_message` takes it."""
        return tool_message(self, value, error=error)


def _as_part(value: object) -> object:
    """Text and tool calls may stand in a list of parts as they are."""
    if isinstance(value, str):
        return TextPart(value)
    if isinstance(value, Mapping):
        kind = value.get("type")
        if kind not in _KINDS:
            raise PydanticCustomError(
                "part_type",
                "type must be one of {known}; a provider's own part goes into a dict message",
                {"known": ", ".join(_KINDS)},
            )
    elif isinstance(value, Part):
        pass
    elif all(hasattr(value, name) for name in ("id", "name", "arguments")):
        return {
            "type": "tool_call",
            "id": value.id,  # type: ignore[attr-defined]
            "name": value.name,  # type: ignore[attr-defined]
            "arguments": value.arguments,  # type: ignore[attr-defined]
        }
    else:
        raise PydanticCustomError("part_type", "a part is a string, a part class or a dict")
    return value


def _content_kind(value: object) -> str | None:
    if isinstance(value, str):
        return "str"
    return "parts" if isinstance(value, (list, tuple)) else None


# A plain union would report the problems of both members and leave its tags in the path.
_CONTENT_KIND = Discriminator(
    _content_kind,
    custom_error_type="content_type",
    custom_error_message="content must be a string or a list of parts",
)

_ResultPart = Annotated[
    TextPart | ImagePart | AudioPart | FilePart,
    Field(discriminator="type"),
    BeforeValidator(_as_part),
]
_ResultContent = Annotated[
    Annotated[Str, Tag("str")] | Annotated[list[_ResultPart], Tag("parts")], _CONTENT_KIND
]


class ToolResult(Part):
    """What a tool gave back.

    Args:
        call_id: The id of the call that it answers; None where the call had none.
        content: Text, or parts (text, images, audio, files).
        error: Whether the tool failed.
        name: The tool's name, which some providers want instead of the id.
    """

    type: Literal["tool_result"] = "tool_result"
    call_id: Str | None = None
    content: _ResultContent
    error: bool = False
    name: Str | None = None

    @base_init
    def __init__(
        self,
        call_id: str | None,
        content: str | Sequence[str | Part],
        *,
        error: bool = False,
        name: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(**given(call_id=call_id, name=name), content=content, error=error, **extra)

    def __tokenwire_json__(self) -> dict[str, object]:
        """As for every part; the id has OpenAI's name, and parts of `content` the same form."""
        wire = super().__tokenwire_json__()
        if "call_id" in wire:
            wire["tool_call_id"] = wire.pop("call_id")
        if not isinstance(self.content, str):
            wire["content"] = [part.__tokenwire_json__() for part in self.content]
        return wire


AnyPart: TypeAlias = (
    TextPart
    | ImagePart
    | AudioPart
    | FilePart
    | ReasoningPart
    | ToolCallPart
    | ToolResult
    | RefusalPart
    | OpaquePart
)
_KINDS = (
    "text",
    "image",
    "audio",
    "file",
    "reasoning",
    "tool_call",
    "tool_result",
    "refusal",
    "opaque",
)
_Content = Annotated[
    Annotated[Str, Tag("str")]
    | Annotated[
        list[Annotated[AnyPart, Field(discriminator="type"), BeforeValidator(_as_part)]],
        Tag("parts"),
    ],
    _CONTENT_KIND,
]


class LlmMessage(Model):
    """One message of a conversation. Unknown keys are kept and passed on.

    Args:
        role: ``"system"``, ``"developer"``, ``"user"``, ``"assistant"`` or ``"tool"``.
        content: Text, or a list of parts; a string or a tool call may stand in it as it is.
        name: The participant's name, for providers that take one.

    Raises:
        LlmValidationError: A value does not fit; the message names its path.
    """

    role: Role
    content: _Content
    name: Str | None = None

    @base_init
    def __init__(
        self,
        role: Role,
        content: str | Sequence[str | Part | Call | Mapping[str, object]],
        name: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(role=role, content=content, **given(name=name), **extra)

    @model_validator(mode="before")
    @classmethod
    def _take_neutral_form(cls, data: object) -> object:
        """Reads ``parts``, the key of the neutral form, for ``content``."""
        if isinstance(data, Mapping) and "parts" in data and "content" not in data:
            return {("content" if key == "parts" else key): data[key] for key in data}
        return data

    @property
    def text(self) -> str:
        """The text parts, joined; empty where there are none."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    def __tokenwire_json__(self) -> dict[str, object]:
        """The message as the engine reads it.

        ::

            {"role": str, "content": str, "name"?: str, …unknown keys}
            {"role": str, "parts": [part, …], "name"?: str, …unknown keys}

        The parts are described at `Part.__tokenwire_json__`.
        """
        wire: dict[str, object] = {"role": self.role}
        if isinstance(self.content, str):
            wire["content"] = self.content
        else:
            wire["parts"] = [part.__tokenwire_json__() for part in self.content]
        if self.name is not None:
            wire["name"] = self.name
        if self.model_extra:
            wire.update(self.model_extra)
        return wire


def message_from_parts(parts: Iterable[Mapping[str, object]], provider: str) -> LlmMessage:
    """The message of a reply.

    Args:
        parts: The reply's parts in order, each a dict of the shapes that
            `Part.__tokenwire_json__` describes. The ``json`` of an opaque one is its value, or
            JSON text as bytes.
        provider: Who sent them; written into reasoning and opaque parts, which go back there only.

    Raises:
        LlmValidationError: A part is of no known shape.
    """
    content = []
    for part in parts:
        fields = dict(part)
        if fields.get("type") in ("reasoning", "opaque"):
            fields.setdefault("provider", provider)
            if "json" in fields:
                fields["value"] = _read_opaque(fields.pop("json"))
        content.append(fields)
    return LlmMessage.model_validate({"role": "assistant", "content": content})


def _read_opaque(value: object) -> object:
    if not isinstance(value, bytes):
        return value
    try:
        return from_json(value)
    except ValueError as error:
        raise LlmValidationError(f"opaque part: json is no JSON: {error}") from error


def tool_message(call: Call, value: object, *, error: bool = False) -> LlmMessage:
    """The message that answers a tool call.

    Args:
        call: The call.
        value: What the tool gave back: a string as it is; a part or a list of parts; an exception
            as its class and text; anything else as JSON (models and dataclasses too).
        error: Whether the tool failed; always so for an exception.

    Raises:
        LlmValidationError: The value cannot be written as JSON.
    """
    content: str | Sequence[str | Part]
    if isinstance(value, str):
        content = value
    elif isinstance(value, BaseException):
        content, error = f"{type(value).__name__}: {value}", True
    elif isinstance(value, Part):
        content = [value]
    elif isinstance(value, (list, tuple)) and any(isinstance(item, Part) for item in value):
        content = value
    else:
        try:
            content = to_json(value, inf_nan_mode="constants").decode()
        except ValueError as cause:
            raise LlmValidationError(
                f"result of tool {call.name!r} cannot be written as JSON: {cause}"
            ) from cause
    return LlmMessage("tool", [ToolResult(call.id, content, error=error, name=call.name)])
