"""Typed output: what to ask the model for, how to read its answer, what to say when it is wrong."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from pydantic import ValidationError
from pydantic_core import from_json

from tokenwire._pydantic import validation_error
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmValidationError
from tokenwire.tools.json_schema import adapter_for, record_adapter, schema_of, strict_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import TypeAdapter

_T = TypeVar("_T")

# Types of JSON schema; any other word in `type` is a response_format as providers write it.
_SCHEMA_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_FENCE = re.compile(r"\s*```[\w+-]*[ \t]*\r?\n(.*?)\s*```\s*", re.DOTALL)


def response_format_for(target: object) -> dict[str, Any]:
    """What a request says to get an answer of the form `target`.

    A form that is no object (``list[int]``) is asked for as ``{"value": …}``, for providers want an
    object; `parse_reply` takes it out again.

    Args:
        target: A pydantic model, dataclass, TypedDict or any other type that pydantic reads; a
            JSON schema as a dict; or a dict with a provider's `type` (``"json_object"``, …), which
            passes as it is.

    Returns:
        ``{"type": "json_schema", "json_schema": {"name", "schema", "strict"?}}``: a type's schema
        is strict where that is possible; a dict's stays as written, strict where it is so already.

    Raises:
        LlmConfigError: The type has no JSON schema.
    """
    if isinstance(target, Mapping):
        return _format_of_dict(dict(target))
    form = _form(target)
    schema = form.schema
    try:
        return _json_schema(form.name, strict_form(schema), strict=True)
    except LlmConfigError:
        return _json_schema(form.name, schema, strict=False)


@overload
def parse_reply(target: type[_T], text: str) -> _T: ...


@overload
def parse_reply(target: object, text: str) -> Any: ...


def parse_reply(target: object, text: str) -> object:
    """Reads the model's answer.

    An answer that is no JSON, but stands in one Markdown fence from start to end, is read without
    the fence.

    Args:
        target: What `response_format_for` was given.
        text: The reply's text.

    Returns:
        A value of the type; for a dict the JSON value, unchecked (the text itself where its `type`
        is ``"text"``).

    Raises:
        LlmDecodeError: The text is no JSON.
        LlmValidationError: It is JSON of another form; the message names the paths, `problems`
            has them all.
    """
    if isinstance(target, Mapping):
        if target.get("type") == "text":
            return text
        return _read(from_json, text)
    return _form(target).parse(text)


def reask_message(error: LlmValidationError) -> str:
    """The user message that asks the model to mend its answer.

    Args:
        error: What `parse_reply` raised.
    """
    lines = "\n".join(f"- {problem}" for problem in error.problems or (str(error),))
    return (
        f"Your answer does not have the required form:\n{lines}\n"
        "Answer again with the whole corrected JSON and nothing else."
    )


class _Form:
    """A type with its schema and reader, made once."""

    def __init__(self, target: object) -> None:
        self.name = _schema_name(getattr(target, "__name__", "response"))
        self._plain = adapter_for(target)
        schema = schema_of(self._plain)
        self._wrapped: TypeAdapter[Any] | None = None
        if schema.get("type") != "object":
            self._wrapped = record_adapter("wrapper", {"value": target})
            schema = schema_of(self._wrapped)
            schema.pop("title", None)
        self.schema = schema

    def parse(self, text: str) -> object:
        return _read(self._value, text, owner=f"reply for {self.name}")

    def _value(self, text: str) -> object:
        if self._wrapped is None:
            return self._plain.validate_json(text)
        try:
            return self._wrapped.validate_json(text)["value"]
        except ValidationError as wrapped_error:
            # Servers that ignore the schema may send the bare value.
            try:
                return self._plain.validate_json(text)
            except ValidationError:
                # What was asked for is the object, so its problems are the ones to mend.
                raise wrapped_error from None


_kept_form = functools.lru_cache(maxsize=256)(_Form)


def _form(target: object) -> _Form:
    try:
        return _kept_form(target)
    except TypeError:
        return _Form(target)


def _read(reader: Callable[[str], _T], text: str, *, owner: str = "reply") -> _T:
    """Reads `text`, then what stands in a fence around it."""
    try:
        return reader(text)
    except ValueError as error:
        if not _is_broken_json(error):
            raise _form_error(owner, error, text) from error
        fence = _FENCE.fullmatch(text)
        if fence is None:
            raise _form_error(owner, error, text) from error
        inner = fence[1]
    try:
        return reader(inner)
    except ValueError as error:
        raise _form_error(owner, error, inner) from error


def _is_broken_json(error: ValueError) -> bool:
    return not isinstance(error, ValidationError) or error.errors()[0]["type"] == "json_invalid"


def _form_error(owner: str, error: ValueError, text: str) -> LlmValidationError:
    if isinstance(error, ValidationError) and not _is_broken_json(error):
        return validation_error(owner, error, from_json(text))
    reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    return LlmDecodeError(f"{owner}: {reason if text.strip() else 'the text is empty'}")


def _format_of_dict(target: dict[str, Any]) -> dict[str, Any]:
    kind = target.get("type")
    if isinstance(kind, str) and kind not in _SCHEMA_TYPES:
        return target
    try:
        strict = strict_form(target) == target
    except LlmConfigError:
        strict = False
    name = target.get("title")
    return _json_schema(_schema_name(name) if name else "response", target, strict=strict)


def _json_schema(name: str, schema: dict[str, Any], *, strict: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": name, "schema": schema}
    if strict:
        described["strict"] = True
    return {"type": "json_schema", "json_schema": described}


def _schema_name(name: str) -> str:
    """A name as OpenAI takes it: letters, digits, ``_`` and ``-``, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "response"
