"""The parts of a message that are words; `media` has pictures, sound and files."""

from __future__ import annotations

from typing import Any, Literal

from tokenwire._pydantic import Part, Str, base_init, given


class TextPart(Part):
    """Text."""

    type: Literal["text"] = "text"
    text: Str

    @base_init
    def __init__(self, text: str, **extra: object) -> None:
        super().__init__(text=text, **extra)


class ReasoningPart(Part):
    """The model's reasoning. It goes back to the provider that signed it, and to no other.

    Args:
        text: The text; empty where only a signature came.
        signature: The provider's signature over it.
        provider: Who sent it; None for reasoning that nobody signed.
        field: The field that it came in, such as ``"reasoning_content"``; it goes back there.
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
        fields = given(text=text, signature=signature, provider=provider, field=field)
        super().__init__(**fields, **extra)


class RefusalPart(Part):
    """The words with which the model refused."""

    type: Literal["refusal"] = "refusal"
    text: Str

    @base_init
    def __init__(self, text: str, **extra: object) -> None:
        super().__init__(text=text, **extra)


class OpaquePart(Part):
    """A provider's block that we do not know: kept verbatim, sent back to that provider only.

    Args:
        provider: Who sent it.
        field: The message's key that it stood under.
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
        """As for every part; the value goes as ``json``, and one of None is JSON's null."""
        wire = super().__tokenwire_json__()
        wire.pop("value", None)
        wire["json"] = self.value
        return wire
