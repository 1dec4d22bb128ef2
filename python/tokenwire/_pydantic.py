"""The base of every pydantic model here: it raises our errors, one line long, with the path."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    ValidationError,
)
from pydantic_core import PydanticCustomError, PydanticSerializationError, from_json
from typing_extensions import Self

from tokenwire._engine import _other_name, escaped, without_data, written_json
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmError, LlmValidationError

_SHOWN_PROBLEMS = 3
_SHOWN_CHARS = 300


def _check_surrogates(text: str) -> str:
    """Refuse text that has no UTF-8 form, because it cannot be sent."""
    # Most text is ASCII, which a flag of the string says at once. The rest takes one fast pass.
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise PydanticCustomError(
                "lone_surrogate", "lone surrogate at character {at}", {"at": error.start}
            ) from error
    return text


# Without Strict, pydantic would accept bytes and decode them.
Str = Annotated[str, Strict(), AfterValidator(_check_surrogates)]


def _cache_time(value: object) -> object:
    if value is None or isinstance(value, bool) or value == "1h":
        # False asks for nothing.
        return value or None
    raise PydanticCustomError("cache", 'give True, or "1h" to keep it for an hour')


# Whether the provider keeps the prompt up to here in its cache; "1h" for an hour.
CacheTime: TypeAlias = bool | Literal["1h"]
Cache = Annotated[CacheTime | None, BeforeValidator(_cache_time)]

_Function = TypeVar("_Function", bound=Callable[..., None])
_Value = TypeVar("_Value")

# A `PydanticCustomError` of this type becomes an LlmConfigError: the arguments do not go together.
CONFIG_PROBLEM = "tokenwire_config"


def base_init(function: _Function) -> _Function:
    """Mark an `__init__` that only passes its arguments on to the model's own.

    pydantic calls an unmarked one for every nested value as well, and a nested problem then loses
    its path. If a later pydantic ignores the mark, only the paths get shorter.
    """
    function.__pydantic_base_init__ = True  # type: ignore[attr-defined]
    return function


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None if none is close.

    Capitals, hyphens and underscores do not matter: `topP` is `top_p`.
    """
    plain = {_plain(one): one for one in known}
    return next((plain[one] for one in difflib.get_close_matches(_plain(name), plain, n=1)), None)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def unknown_name_error(owner: str, name: str, known: Iterable[str]) -> LlmConfigError:
    """Return the error for a misspelt argument.

    Args:
        owner: What was called, such as ``"LlmRequest"``.
        name: The unknown name.
        known: The names that exist.
    """
    names = sorted(known)
    near = nearest_name(name, names)
    hint = f"did you mean {near!r}?" if near else f"known: {', '.join(names)}"
    if owner == "LlmRequest":
        hint = _other_name(name) or hint
    return LlmConfigError(f"{owner} has no argument {_cut(repr(name))}; {hint}")


def validation_error(owner: str, error: ValidationError, data: object) -> LlmValidationError:
    """Turn pydantic's error into ours, with one ``path: reason`` for each problem.

    Args:
        owner: What is wrong, such as ``"LlmMessage"``; the message begins with it.
        error: What pydantic raised.
        data: The value that pydantic read. It separates the steps of a path from union tags.
    """
    problems = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        path = _path(item["loc"], data, missing=item["type"] == "missing")
        message = " ".join(item["msg"].split())
        problems.append(_cut(f"{path}: {message}" if path else message))
    text = "; ".join(problems[:_SHOWN_PROBLEMS])
    if len(problems) > _SHOWN_PROBLEMS:
        text += f"; and {len(problems) - _SHOWN_PROBLEMS} more"
    return LlmValidationError(f"{owner}: {text}", problems=tuple(problems))


def read_json(
    reader: Callable[[str], _Value], text: str, owner: str, *, thinks: bool = False
) -> _Value:
    """Read JSON as a model wrote it. What is not JSON, but can mean only one thing, is read too.

    Args:
        reader: pydantic's reader of JSON text, such as `TypeAdapter.validate_json`.
        text: What the model wrote.
        owner: What is wrong otherwise; the message begins with it.
        thinks: Whether thoughts may be before the JSON.

    Raises:
        LlmDecodeError: The text is not JSON. The message says what is wrong, and where.
        LlmValidationError: It is JSON, but does not fit. The message names the paths.
    """
    try:
        return reader(text)
    except ValidationError as error:
        if not _is_no_json(error):
            return _read_string(reader, text, owner, error)
    json = written_json(text, owner, thinks)
    try:
        return reader(json)
    except ValidationError as error:
        return _read_string(reader, json, owner, error)


def _read_string(
    reader: Callable[[str], _Value], text: str, owner: str, error: ValidationError
) -> _Value:
    """Read a value that was written as a JSON string; otherwise raise `error` as ours."""
    if text.lstrip().startswith('"'):
        # A string may have half of a surrogate pair, which is not JSON to pydantic.
        with contextlib.suppress(ValueError):
            return reader(written_json(from_json(text), owner, thinks=False))
    raise json_error(owner, error, text) from shown_cause(error)


def json_error(owner: str, error: ValidationError, text: str) -> LlmValidationError:
    """Turn pydantic's error about JSON text into ours: `LlmDecodeError` if it is not JSON."""
    if _is_no_json(error):
        return LlmDecodeError(f"{owner}: {error.errors(include_url=False)[0]['msg']}")
    return validation_error(owner, error, from_json(text))


def _is_no_json(error: ValidationError) -> bool:
    problem = error.errors(include_url=False, include_context=False)[0]
    # Text with a lone surrogate is not JSON, either.
    return problem["type"] in ("json_invalid", "string_unicode") and not problem["loc"]


def shown_cause(error: ValueError) -> ValueError | None:
    """Return pydantic's error as the cause of ours; None if its text would steer a terminal.

    A traceback shows the text of a cause as it is. pydantic repeats the keys that a model or a file
    wrote, and the messages of a caller's validators.
    """
    text = str(error)
    return error if text == escaped(text) else None


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


def _path(steps: Sequence[int | str], data: object, *, missing: bool) -> str:
    """Write a location as ``content[1].url``.

    pydantic puts the tags of unions between the steps. A step that leads nowhere in `data` is such
    a tag, except for the last step of a missing field.
    """
    path = ""
    here = data
    for number, step in enumerate(steps):
        if isinstance(here, BaseModel):
            here = here.__dict__
        if isinstance(here, (list, tuple)) and isinstance(step, int):
            path += f"[{step}]"
            here = here[step] if step < len(here) else None
        elif isinstance(here, Mapping) and step in here:
            path += _key(step, first=not path)
            here = here[step]
        elif isinstance(here, Mapping) and missing and number == len(steps) - 1:
            path += _key(step, first=not path)
    return path


def _key(name: int | str, *, first: bool) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        return f"[{name!r}]"
    return name if first else f".{name}"


class Model(BaseModel):
    """A pydantic model whose errors are `LlmError`. An argument of None counts as not given.

    Raises:
        LlmConfigError: An argument does not exist, or two arguments exclude each other.
        LlmValidationError: A value has the wrong type; the message names its path.
    """

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    @base_init
    def __init__(self, /, **data: object) -> None:
        # Only what the caller gave is in `model_fields_set` and in a dump with `exclude_unset`.
        fields = type(self).model_fields
        arguments = {
            name: value
            for name, value in data.items()
            if value is not None or name not in fields or fields[name].is_required()
        }
        try:
            super().__init__(**arguments)
        except ValidationError as error:
            problem = self._llm_error(error, arguments)
            # They may hold secrets, and a traceback may show local variables, pydantic's too.
            arguments.clear()
            data.clear()
            raise problem from shown_cause(error.with_traceback(None))

    # The options of these three methods are pydantic's and grow with its versions, so they are Any.
    @classmethod
    def model_validate(cls, obj: object, **options: Any) -> Self:
        """Validate a dict or an instance, as pydantic does, with our errors."""
        try:
            return super().model_validate(obj, **options)
        except ValidationError as error:
            problem = cls._llm_error(error, obj)
            del obj
            raise problem from shown_cause(error.with_traceback(None))

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Validate JSON text, as pydantic does, with our errors."""
        try:
            return super().model_validate_json(json_data, **options)
        except ValidationError as error:
            try:
                data = from_json(json_data)
            except ValueError:
                data = None
            problem = cls._llm_error(error, data)
            del data, json_data
            raise problem from shown_cause(error.with_traceback(None))

    def model_dump_json(self, **options: Any) -> str:
        """Write JSON text, as pydantic does, with our errors."""
        try:
            return super().model_dump_json(**options)
        except PydanticSerializationError as error:
            raise LlmValidationError(f"{type(self).__name__}: {error}") from shown_cause(error)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, without_data(value) if isinstance(value, str) else value

    def __repr_str__(self, join_str: str) -> str:
        # An image in a dict, too.
        return without_data(super().__repr_str__(join_str))  # type: ignore[misc]

    @classmethod
    def _llm_error(cls, error: ValidationError, data: object) -> LlmError:
        for item in error.errors(include_url=False, include_input=False):
            if item["type"] == "extra_forbidden":
                return unknown_name_error(cls.__name__, str(item["loc"][-1]), cls.model_fields)
            if item["type"] == CONFIG_PROBLEM:
                path = _path(item["loc"], data, missing=False)
                place = f"{cls.__name__}: {path}" if path else cls.__name__
                return LlmConfigError(f"{place}: {item['msg']}")
        return validation_error(cls.__name__, error, data)


def dumped(value: Any) -> object:
    """Return a model or dataclass in a request, such as a message, as values that can be sent.

    A model has what was set, and the defaults of its other fields. A default of None means that the
    field is not there, so it is left out; a field of a model that was set to None is kept. Names,
    aliases and excluded fields are those of the model's own dump.
    """
    if hasattr(value, "model_dump"):
        return _with_defaults(
            value.model_dump(mode="json", exclude_unset=True),
            value.model_dump(mode="json", exclude_none=True),
        )
    # Not `__dataclass_fields__`, which has class variables and arguments of `__post_init__`, too.
    held = ((field, getattr(value, field.name)) for field in dataclasses.fields(value))
    return {
        field.name: item for field, item in held if item is not None or field.default is not None
    }


def _with_defaults(given: Any, full: Any) -> object:
    """Join two dumps of one value: `given` lacks the defaults, `full` lacks every None."""
    if isinstance(given, dict) and isinstance(full, dict):
        joined = {**full, **given}
        for name in given.keys() & full.keys():
            joined[name] = _with_defaults(given[name], full[name])
        return joined
    if isinstance(given, list) and isinstance(full, list) and len(given) == len(full):
        return [_with_defaults(*pair) for pair in zip(given, full, strict=True)]
    return given
