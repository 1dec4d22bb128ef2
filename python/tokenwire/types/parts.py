"""The parts of a message that are text: what was said, reasoned and refused.

Images, audio and documents are in `media`, and tool calls and their results in `message`, because a
result is sent as a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from tokenwire._pydantic import Cache, CacheTime, Model, Str, base_init

if TYPE_CHECKING:
    from collections.abc import Iterable


class Part(Model):
    """One part of a message. Keys that tokenwire does not know are kept and sent."""

    type: str
    # Fields that a dump lacks if they are None, because most parts do not have them.
    _seldom: ClassVar[tuple[str, ...]] = ("api", "cache", "item")

    # Without it, type checkers would give each subclass an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    @model_serializer(mode="wrap")
    def _dump(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A dump without defaults, too: without its type, a part cannot be loaded.
        fields: dict[str, Any] = {"type": self.type, **dump(self)}
        for name in self._seldom:
            if fields.get(name, ...) is None:
                del fields[name]
        return fields

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            if value is not None or name not in self._seldom:
                yield name, value

    def __setstate__(self, state: dict[Any, Any]) -> None:
        """Load a pickle. An earlier version may not have known all fields."""
        super().__setstate__(state)
        for name, field in type(self).model_fields.items():
            self.__dict__.setdefault(name, field.default)

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part as the engine reads it: ``type``, then every field that is not None.

        ::

            {"type": "text", "text": str, "cache"?: true | "1h"}
            {"type": "image", "url": str | "data": base64, "media_type": str | "file_id": str,
             "detail"?: str, "cache"?: true | "1h"}
            {"type": "audio", "data": base64, "format": str}
            {"type": "file", "data": base64 | "file_id": str | "url": str, "filename"?: str,
             "media_type"?: str, "cache"?: true | "1h"}
            {"type": "reasoning", "text": str, "signature"?: str, "provider"?: str, "field"?: str,
             "model"?: str}
            {"type": "tool_call", "id"?: str, "name": str, "arguments": JSON text,
             "extra"?: object, "provider"?: str}
            {"type": "tool_result", "tool_call_id"?: str, "content": str | [part, …], "error": bool,
             "name"?: str}
            {"type": "refusal", "text": str}
            {"type": "opaque", "provider": str, "field": str, "json": any JSON value}

        Unknown keys follow. A part that a provider sent also has "provider", "api" unless that was
        chat or text completions, and "item" if the API has items: what its item has besides.
        """
        wire = {name: value for name, value in self.__dict__.items() if value is not None}
        if self.model_extra:
            wire.update(self.model_extra)
        return wire


class TextPart(Part):
    """Text.

    Args:
        text: The text.
        cache: True or ``"1h"`` asks the provider to keep the prompt up to here in its cache, for
            its usual time or for an hour, if its API has a place for that.
        item: What else the item has that the text came in, such as its id or phase. It is sent
            back.
        provider: The provider that sent it, which alone gets `item` and the unknown keys back;
            None for any.
        api: The API that it came by, such as ``"responses"``; None for chat and text completions.
    """

    type: Literal["text"] = "text"
    _seldom = ("api", "cache", "item", "provider")
    text: Str
    cache: Cache = None
    item: Any = None
    provider: Str | None = None
    api: Str | None = None

    @base_init
    def __init__(
        self,
        text: str,
        *,
        cache: CacheTime | None = None,
        item: object = None,
        provider: str | None = None,
        api: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(text=text, cache=cache, item=item, provider=provider, api=api, **extra)


class ReasoningPart(Part):
    """The model's reasoning. It is sent back only to the provider that signed it.

    Args:
        text: The text; empty if only a signature arrived.
        signature: The provider's signature of the text.
        provider: The provider that sent it; None for unsigned reasoning.
        field: The field that it arrived in, such as ``"reasoning_content"``. It is sent back in
            the same field, unless the provider takes only another one.
        model: The model that was asked. Some providers take reasoning only for models that reason.
        item: What else the item has that the reasoning came in, such as its id. It is sent back.
        api: The API that it came by, such as ``"responses"``; None for chat. It is sent back only
            by the same one.
    """

    type: Literal["reasoning"] = "reasoning"
    text: Str = ""
    signature: Str | None = None
    provider: Str | None = None
    field: Str | None = None
    model: Str | None = None
    item: Any = None
    api: Str | None = None

    @base_init
    def __init__(
        self,
        text: str = "",
        signature: str | None = None,
        provider: str | None = None,
        field: str | None = None,
        model: str | None = None,
        *,
        item: object = None,
        api: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(
            text=text,
            signature=signature,
            provider=provider,
            field=field,
            model=model,
            item=item,
            api=api,
            **extra,
        )


class RefusalPart(Part):
    """The text with which the model refused.

    Args:
        text: The text.
        item: As in `TextPart`.
        provider: As in `TextPart`.
        api: As in `TextPart`.
    """

    type: Literal["refusal"] = "refusal"
    _seldom = ("api", "item", "provider")
    text: Str
    item: Any = None
    provider: Str | None = None
    api: Str | None = None

    @base_init
    def __init__(
        self,
        text: str,
        *,
        item: object = None,
        provider: str | None = None,
        api: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(text=text, item=item, provider=provider, api=api, **extra)


class OpaquePart(Part):
    """A provider's block of unknown kind: kept verbatim and sent back only to that provider.

    Args:
        provider: The provider that sent it.
        field: The key of the message that held it.
        value: Its JSON value.
        api: The API that it came by, such as ``"responses"``; None for chat. It is sent back only
            by the same one.
    """

    type: Literal["opaque"] = "opaque"
    provider: Str
    field: Str
    value: Any = None
    api: Str | None = None

    @base_init
    def __init__(
        self,
        provider: str,
        field: str,
        value: object = None,
        *,
        api: str | None = None,
        **extra: object,
    ) -> None:
        super().__init__(provider=provider, field=field, value=value, api=api, **extra)

    def __tokenwire_json__(self) -> dict[str, object]:
        """Return the part like any other, but with ``json`` for its value, also if that is None."""
        wire = super().__tokenwire_json__()
        wire.pop("value", None)
        wire["json"] = self.value
        return wire
