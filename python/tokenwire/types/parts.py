"""The parts of a message that are text: what was said, reasoned and refused.

Images, audio and documents are in `media`, and tool calls and their results in `message`, because a
result is sent as a message.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from tokenwire._pydantic import Model, Str, base_init


class Part(Model):
    """One part of a message. Keys that tokenwire does not know are kept and sent."""

    type: str

    # Without it, type checkers would give each subclass an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A dump without defaults, too: without its type, a part cannot be loaded.
        return {"type": self.type, **dump(self)}

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part as the engine reads it: ``type``, then every field that is not None.

        ::

            {"type": "text", "text": str}
            {"type": "image", "url": str | "data": base64, "media_type": str, "detail"?: str}
            {"type": "audio", "data": base64, "format": str}
            {"type": "file", "data": base64 | "file_id": str | "url": str, "filename"?: str,
             "media_type"?: str}
            {"type": "reasoning", "text": str, "signature"?: str, "provider"?: str, "field"?: str,
             "model"?: str}
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
        model: The model that was asked. Some providers take reasoning only for models that reason.
    """

    type: Literal["reasoning"] = "reasoning"
    text: Str = ""
    signature: Str | None = None
    provider: Str | None = None
    field: Str | None = None
    model: Str | None = None

    @base_init
    def __init__(
        self,
        text: str = "",
        signature: str | None = None,
        provider: str | None = None,
        field: str | None = None,
        model: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(
            text=text, signature=signature, provider=provider, field=field, model=model, **extra
        )


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
