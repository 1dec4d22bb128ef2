"""What all models share: their errors are ours, one line long, and name the place."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Strict, ValidationError
from pydantic_core import PydanticCustomError, PydanticSerializationError
from typing_extensions import Self

from tokenwire.errors import LlmConfigError, LlmError, LlmValidationError

_SHOWN_PROBLEMS = 3
_SHOWN_CHARS = 300


def _check_surrogates(text: str) -> str:
    """Text that has no UTF-8 form can be sent to nobody."""
    # A flag of the string answers for ASCII, by far the commonest; the rest is one fast pass.
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PydanticCustomError(
                "lone_surrogate", "lone surrogate at character {at}", {"at": error.start}
            ) from error
    return text


# A lax str would take bytes for text.
Str = Annotated[str, Strict(), AfterValidator(_check_surrogates)]

_Function = TypeVar("_Function", bound=Callable[..., None])

# The type of a `PydanticCustomError` that stands for a wrong argument rather than a wrong value.
CONFIG_PROBLEM = "tokenwire_config"


def base_init(function: _Function) -> _Function:
    """Marks an `__init__` that only passes its arguments on to the model's own.

    pydantic calls an unmarked one for every nested value as well, and a nested problem then loses
    its path. Should a later pydantic ignore the mark, only the paths get shorter.
    """
    function.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return function


def given(**values: object) -> dict[str, object]:
    """The values that are not None, so that a model knows which of its fields were set."""
    return {name: value for name, value in values.items() if value is not None}


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most probably means; None where none is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return near[0] if near else None


def unknown_name_error(owner: str, name: str, known: Iterable[str]) -> LlmConfigError:
    """The error for a misspelt argument.

    Args:
        owner: What was called, such as ``"LlmRequest"``.
        name: The unknown name.
        known: The names that exist.
    """
    names = sorted(known)
    near = nearest_name(name, names)
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
    return LlmConfigError(f"{owner} takes no argument {_cut(repr(name))}; {hint}")


def problems(error: ValidationError, data: object) -> list[str]:
    """One line, ``path: what is wrong``, for each problem that pydantic found.

    Args:
        error: What pydantic raised.
        data: The value that it looked at; it tells the path's steps from pydantic's union tags.
    """
    lines = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path = _path(item["loc"], data, missing=item["type"] == "missing")
        message = " ".join(item["msg"].split())
        lines.append(_cut(f"{path}: {message}" if path else message))
    return lines


def validation_error(owner: str, error: ValidationError, data: object) -> LlmValidationError:
    """Our error for pydantic's.

    Args:
        owner: What does not fit, such as ``"LlmMessage"``; the message begins with it.
        error: What pydantic raised.
        data: The value that it looked at.
    """
    lines = problems(error, data)
    text = "; ".join(lines[:_SHOWN_PROBLEMS])
    if len(lines) > _SHOWN_PROBLEMS:
        text += f"; and {len(lines) - _SHOWN_PROBLEMS} more"
    return LlmValidationError(f"{owner}: {text}", problems=tuple(lines))


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _path(steps: Sequence[int | str], data: object, *, missing: bool) -> str:
    """Writes a location as ``content[1].url``.

    pydantic puts the tags of unions between the steps. A step that does not lead anywhere in
    `data` is such a tag, except the last one of a missing field.
    """
    path = ""
    here = data
    for number, step in enumerate(steps):
        last = number == len(steps) - 1
        if isinstance(step, int):
            if isinstance(here, (list, tuple)):
                path += f"[{step}]"
                here = here[step] if step < len(here) else None
            elif isinstance(here, Mapping) and step in here:
                path += f"[{step}]"
                here = here[step]
        elif isinstance(here, Mapping):
            if step not in here and not (last and missing):
                continue
            path += _key(step, first=not path)
            here = here.get(step)
        elif isinstance(here, BaseModel) and step in type(here).model_fields:
            path += _key(step, first=not path)
            here = getattr(here, step)
    return path


def _key(name: str, *, first: bool) -> str:
    if not name.isidentifier():
        return f"[{name!r}]"
    return name if first else f".{name}"


class Model(BaseModel):
    """A pydantic model whose errors are `LlmError`.

    Raises:
        LlmConfigError: An argument does not exist, or arguments exclude each other.
        LlmValidationError: A value has a wrong type; the message names its path.
    """

    # The options of the three methods are pydantic's, which grow with its versions: hence Any.
    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    @base_init
    def __init__(self, /, **data: object) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise self._llm_error(error, data) from error

    @classmethod
    def model_validate(cls, obj: object, **options: Any) -> Self:
        """Makes one from a dict or an instance, as pydantic does, with our errors."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            raise cls._llm_error(error, obj) from error

    @classmethod
    def model_validate_json(
        cls,
        json_data: str | bytes | bytearray,
        **options: Any,
    ) -> Self:
        """Makes one from JSON text, as pydantic does, with our errors."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            raise cls._llm_error(error, _read_json(json_data)) from error

    def model_dump_json(self, **options: Any) -> str:
        """Writes JSON text, as pydantic does, with our errors."""
        try:
            return super().model_dump_json(**options)
        except PydanticSerializationError as error:
            raise LlmValidationError(f"{type(self).__name__}: {error}") from error

    @classmethod
    def _llm_error(cls, error: ValidationError, data: object) -> LlmError:
        for item in error.errors(include_url=False, include_input=False):
            if item["type"] == "extra_forbidden":
                return unknown_name_error(cls.__name__, str(item["loc"][-1]), cls.model_fields)
            if item["type"] == CONFIG_PROBLEM:
                return LlmConfigError(f"{cls.__name__}: {item['msg']}")
        return validation_error(cls.__name__, error, data)


class Part(Model):
    """One part of a message. Keys that we do not know are kept and passed on."""

    # Without one of its own, type checkers would give each class an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    def __tokenwire_json__(self) -> dict[str, object]:
        """The part as the engine reads it: ``type``, then every field that is not None.

        ::

            {"type": "text", "text": str}
            {"type": "image", "url": str | "data": base64, "media_type": str, "detail"?: str}
            {"type": "audio", "data": base64, "format": str}
            {"type": "file", "data": base64 | "file_id": str | "url": str, "filename"?: str,
             "media_type"?: str}
            {"type": "reasoning", "text": str, "signature"?: str, "provider"?: str, "field"?: str}
            {"type": "tool_call", "id"?: str, "name": str, "arguments": JSON text}
            {"type": "tool_result", "tool_call_id"?: str, "content": str | [part, …], "error": bool,
             "name"?: str}
            {"type": "refusal", "text": str}
            {"type": "opaque", "provider": str, "field": str, "json": any JSON value}

        Unknown keys stand beside these.
        """
        wire = {name: value for name, value in self.__dict__.items() if value is not None}
        if self.model_extra:
            wire.update(self.model_extra)
        return wire


def _read_json(text: str | bytes | bytearray) -> object:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return None
