"""The parts of a message that are words or calls; pictures, sound and files are in `media`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tokenwire.errors import LlmDecodeError, LlmValidationError
from tokenwire.types._base import Part, Str, base_init, given

if TYPE_CHECKING:
    from tokenwire.types.message import LlmMessage


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
        import json

        if not self.arguments:
            return {}
        try:
            value = json.loads(self.arguments)
        except ValueError as error:
            raise LlmDecodeError(f"arguments of tool call {self.name!r}: {error}") from error
        if not isinstance(value, dict):
            raise LlmValidationError(f"arguments of tool call {self.name!r} are no JSON object")
        return value

    def result(self, value: object, *, error: bool = False) -> LlmMessage:
        """The message that answers this call; `value` as `tool_message` takes it."""
        from tokenwire.types.message import tool_message

        return tool_message(self, value, error=error)


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
