"""Messages, and the two parts that belong to tool calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, Protocol, TypeAlias, TypeVar, get_args

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError, from_json, to_json

from tokenwire._pydantic import Model, Str, base_init, read_json
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.types.media import AudioPart, FilePart, ImagePart
from tokenwire.types.parts import (
    OpaquePart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
)

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]
_JSON_OBJECT = TypeAdapter(dict[str, Any])


class Call(Protocol):
    """The shape of a tool call: a `ToolCall`, a `ToolCallPart`, or a class of the caller."""

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
    """A tool call in a message.

    A compiled `ToolCall`, or any other object with `id`, `name` and `arguments`, is converted to
    this class when a message is made of it.

    Args:
        id: The provider's id of the call; None if the provider gives none.
        name: The tool's name.
        arguments: JSON text, as the model sent it; ``""`` is read as ``{}``.
        extra: What else the provider sent with the call; see `ToolCall.extra`.
        provider: The provider that sent it, which alone gets `extra` back; None for any.
        api: The API that it came by, such as ``"responses"``; None for chat. `extra` is sent back
            only by the same one.
    """

    type: Literal["tool_call"] = "tool_call"
    id: Str | None = None
    name: Str
    arguments: Str = ""
    extra: dict[str, Any] | None = None
    provider: Str | None = None
    api: Str | None = None

    @base_init
    def __init__(
        self,
        id: str | None = None,  # noqa: A002
        name: str = "",
        arguments: str = "",
        extra: Mapping[str, object] | None = None,
        provider: str | None = None,
        *,
        api: str | None = None,
        **others: object,
    ) -> None:
        super().__init__(
            id=id,
            name=name,
            arguments=arguments,
            extra=extra,
            provider=provider,
            api=api,
            **others,
        )

    @property
    def parsed_arguments(self) -> dict[str, Any]:
        """The arguments as a dict, for ``tool(**call.parsed_arguments)``.

        Raises:
            LlmDecodeError: They are not JSON.
            LlmValidationError: They are JSON, but not an object.
        """
        place = f"arguments of tool call {self.name!r}"
        given = self.arguments.strip()
        json = "{}" if given in ("", "null") else given
        return read_json(_JSON_OBJECT.validate_json, json, place)

    def result(self, value: object, *, error: bool = False) -> LlmMessage:
        """Make the message that answers this call; `tool_message` says what `value` may be."""
        return tool_message(self, value, error=error)


def _as_part(value: object) -> object:
    """Convert what may be written for a part: a string, a tool call or a dict."""
    if isinstance(value, str):
        return TextPart(value)
    if isinstance(value, Part):
        return value
    if isinstance(value, Mapping):
        if value.get("type") in _KINDS:
            return value
        raise PydanticCustomError(
            "part_type",
            "type must be one of {known}; put a provider's own part into a dict message",
            {"known": ", ".join(_KINDS)},
        )
    if all(hasattr(value, name) for name in ("id", "name", "arguments")):
        call: Any = value
        extra = getattr(call, "extra", None)
        return {
            "type": "tool_call",
            "id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "extra": extra,
            "api": _api_of(extra),
        }
    raise PydanticCustomError("part_type", "a part must be a string, a part object or a dict")


# Keys of `ToolCall.extra` that the calls of only one API have.
_API_OF_KEY = {
    "extra_content": "chat",
    "item": "responses",
    "caller": "messages",
    "toolset_name": "messages",
    "thoughtSignature": "gemini",
    "thought_signature": "gemini",
}


def _api_of(extra: object) -> str | None:
    """The API of a compiled `ToolCall`, which does not note it; None if nothing shows it."""
    keys = extra if isinstance(extra, Mapping) else ()
    return next((api for key, api in _API_OF_KEY.items() if key in keys), None)


def _content_kind(value: object) -> str | None:
    if isinstance(value, str):
        return "str"
    return "parts" if isinstance(value, (list, tuple)) else None


_Part = TypeVar("_Part")
# A plain union would report the problems of both members and leave its tags in the path.
_ContentOf = Annotated[
    Annotated[Str, Tag("str")]
    | Annotated[
        list[Annotated[_Part, Field(discriminator="type"), BeforeValidator(_as_part)]],
        Tag("parts"),
    ],
    Discriminator(
        _content_kind,
        custom_error_type="content_type",
        custom_error_message="content must be a string or a list of parts",
    ),
]


class ToolResult(Part):
    """What a tool returned.

    Args:
        call_id: The id of the call that it answers; None if the call had none.
        content: Text, or parts (text, images, audio, files).
        error: Whether the tool failed.
        name: The tool's name, which some providers need instead of the id.
    """

    type: Literal["tool_result"] = "tool_result"
    call_id: Str | None = None
    content: _ContentOf[TextPart | ImagePart | AudioPart | FilePart]
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
        super().__init__(call_id=call_id, content=content, error=error, name=name, **extra)

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part like any other, but with OpenAI's name for the id."""
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
_KINDS = [part.model_fields["type"].default for part in get_args(AnyPart)]


class LlmMessage(Model):
    """One message of a conversation. Keys that tokenwire does not know are kept and sent.

    Args:
        role: ``"system"``, ``"developer"``, ``"user"``, ``"assistant"`` or ``"tool"``.
        content: Text, or a list of parts. A list may also contain strings and tool calls.
        name: The participant's name, for providers that accept one.

    Raises:
        LlmValidationError: A value does not fit; the message names its path.
    """

    role: Role
    # The engine writes a list of parts as `parts`, and so does a dump of a request.
    content: _ContentOf[AnyPart] = Field(validation_alias=AliasChoices("content", "parts"))
    name: Str | None = None

    @base_init
    def __init__(
        self,
        role: Role,
        content: str | Sequence[str | Part | Call | Mapping[str, object]],
        name: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(role=role, content=content, name=name, **extra)

    @property
    def text(self) -> str:
        """The text parts, joined; empty if the message has no text."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the message as the engine reads it.

        ::

            {"role": str, "content": str, "name"?: str, …unknown keys}
            {"role": str, "parts": [part, …], "name"?: str, …unknown keys}

        `Part.__tokenwire_json__` describes the parts.
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


# Parts of these APIs do not note their API, because those that were saved earlier do not.
_UNNOTED = (None, "chat", "completions")
# Keys that would be ours if the block of a provider had them.
_OURS = ("api", "cache")


def message_from_parts(
    parts: Iterable[Mapping[str, object]],
    provider: str,
    model: str | None = None,
    api: str | None = None,
) -> LlmMessage:
    """Make the message of a reply.

    Args:
        parts: The parts of the reply in order, each a dict as `Part.__tokenwire_json__` describes
            it. The ``json`` of an opaque part is its value, or JSON text as bytes.
        provider: The provider that sent them. It is written into reasoning and opaque parts, which
            are sent back only there.
        model: The model that was asked. It is written into reasoning.
        api: The API that they came by. Unless it is chat or text completions, it is written into
            the parts that have something of the provider's.

    Raises:
        LlmValidationError: A part has an unknown shape.
    """
    noted = {"provider": provider} if api in _UNNOTED else {"provider": provider, "api": api}
    content = []
    for part in parts:
        fields = dict(part)
        extra: Any = fields.get("extra")
        if fields.get("type") in ("reasoning", "opaque") or extra:
            fields = {**noted, **fields}
        if fields.get("type") == "reasoning" and model:
            fields.setdefault("model", model)
        if extra and fields["type"] != "tool_call":
            # The other parts have the keys of their block among their own.
            del fields["extra"]
            fields = {**{key: extra[key] for key in extra if key not in _OURS}, **fields}
        if "json" in fields:
            value = fields.pop("json")
            try:
                fields["value"] = from_json(value) if isinstance(value, bytes) else value
            except ValueError as error:
                raise LlmValidationError(f"opaque part: json is not JSON: {error}") from error
        content.append(fields)
    return LlmMessage.model_validate({"role": "assistant", "content": content})


def tool_message(call: Call, value: object, *, error: bool = False) -> LlmMessage:
    """Make the message that answers a tool call.

    Args:
        call: The call.
        value: What the tool returned. A string, a part or a list of parts is sent as it is, an
            exception as its class and text, and anything else as JSON (models and dataclasses
            too).
        error: Whether the tool failed. An exception always counts as a failure.

    Raises:
        LlmConfigError: It is what an async function returned, and must be awaited first.
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
    elif hasattr(value, "__await__"):
        raise LlmConfigError(
            f"result of tool {call.name!r}: the function is async; await what it returned"
        )
    else:
        try:
            content = to_json(value, inf_nan_mode="constants").decode()
        except ValueError as cause:
            raise LlmValidationError(
                f"result of tool {call.name!r} cannot be written as JSON: {cause}"
            ) from cause
    return LlmMessage("tool", [ToolResult(call.id, content, error=error, name=call.name)])
