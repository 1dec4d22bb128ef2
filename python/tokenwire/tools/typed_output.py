"""Typed output: asking the model for a value of a type, and reading its answer."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Mapping
from typing import Any, TypeVar, overload

from pydantic import TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, from_json

from tokenwire._pydantic import read_json
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.tools.json_schema import adapter_for, record_adapter, schema_of
from tokenwire.tools.json_schema import strict_form as in_strict_form

_T = TypeVar("_T")

# The types of JSON schema. Any other word in `type` marks a provider's own response_format.
_SCHEMA_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_ANY_JSON = TypeAdapter[Any](Any)


def response_format_for(target: object, *, strict_form: bool = True) -> dict[str, Any]:
    """Return the `response_format` that asks for a value of the type `target`.

    Providers require an object, so any other type (``list[int]``) is asked for as
    ``{"value": …}``. `parse_reply` unwraps it.

    Args:
        target: A pydantic model, dataclass, TypedDict or any other type that pydantic reads; a
            JSON schema as a dict; or a dict with a provider's `type` (``"json_object"``, …), which
            is passed on as it is.
        strict_form: Whether the schema is in OpenAI's strict form where that is possible.

    Returns:
        ``{"type": "json_schema", "json_schema": {"name", "schema", "strict"?}}``. The schema of a
        type is strict where that is possible. A dict stays as written; it counts as strict if it
        has the strict form already.

    Raises:
        LlmConfigError: The type has no JSON schema.
    """
    if isinstance(target, Mapping):
        kind = target.get("type")
        if isinstance(kind, str) and kind not in _SCHEMA_TYPES:
            return dict(target)
        name, schema = _schema_name(target.get("title") or ""), dict(target)
    else:
        form = _form(target)
        name, schema = form.name, form.schema
    described: dict[str, Any] = {"name": name, "schema": schema}
    if not strict_form:
        return {"type": "json_schema", "json_schema": described}
    # A schema without a strict form is sent as it is.
    with contextlib.suppress(LlmConfigError):
        strict = in_strict_form(schema)
        if strict == target or not isinstance(target, Mapping):
            described.update(schema=strict, strict=True)
    return {"type": "json_schema", "json_schema": described}


@overload
def parse_reply(target: type[_T], text: str) -> _T: ...


@overload
def parse_reply(target: object, text: str) -> Any: ...


def parse_reply(target: object, text: str) -> object:
    """Read the model's answer as a value of the type `target`.

    What the model thought before its answer is left out (``<think>…</think>``), and so is a
    Markdown fence around the answer. What is not JSON but can mean only one thing is read: line
    ends and tabs in strings, a comma before the end of an object or array, and an answer that was
    written as a JSON string.

    Args:
        target: What was passed to `response_format_for`.
        text: The text of the reply.

    Returns:
        A value of the type. For a dict, the JSON value, unchecked, or the text itself if the
        dict's `type` is ``"text"``.

    Raises:
        LlmDecodeError: The text is not JSON. The message says what is wrong, and where.
        LlmValidationError: It is JSON, but does not fit the type. The message names the paths, and
            `problems` lists them all.
    """
    if not isinstance(target, Mapping):
        form = _form(target)
        return read_json(form.read, text, f"reply for {form.name}", thinks=True)
    if target.get("type") == "text":
        return text
    return read_json(_ANY_JSON.validate_json, text, "reply", thinks=True)


def is_wrapped(target: object) -> bool:
    """Whether a value of the type `target` is asked for as ``{"value": …}``.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    return _form(target).is_wrapped


def reask_message(error: LlmValidationError) -> str:
    """Return the user message that asks the model to correct its answer.

    Args:
        error: What `parse_reply` raised.
    """
    lines = "\n".join(f"- {problem}" for problem in error.problems or (str(error),))
    return (
        f"Your answer does not have the required form:\n{lines}\n"
        "Answer again with the whole corrected JSON and nothing else."
    )


class _Form:
    """A type with its schema and readers, made once."""

    def __init__(self, target: object) -> None:
        self.name = _schema_name(getattr(target, "__name__", "response"))
        self._plain = adapter_for(target)
        self._wrapped: TypeAdapter[Any] | None = None
        self.schema = schema_of(self._plain)
        if self.schema.get("type") != "object":
            self._wrapped = record_adapter("wrapper", {"value": target})
            self.schema = schema_of(self._wrapped)
            self.schema.pop("title", None)
        # Of an object that may be empty and has no other keys.
        self._keys: frozenset[str] = frozenset()
        if not self.schema.get("required") and not self.schema.get("additionalProperties"):
            fields = getattr(target, "model_fields", {})
            self._keys = frozenset(self.schema.get("properties", ())).union(fields)

    @property
    def is_wrapped(self) -> bool:
        return self._wrapped is not None

    def read(self, text: str) -> object:
        if self._wrapped is None:
            value = self._plain.validate_json(text)
            # A validator of the model's may have read other keys.
            if self._keys and not getattr(value, "model_fields_set", None):
                self._check_keys(text)
            return value
        try:
            return self._wrapped.validate_json(text)["value"]
        except ValidationError as wrapped_error:
            # A server that ignores the schema may send the value itself.
            try:
                return self._plain.validate_json(text)
            except ValidationError:
                # The object was asked for, so its problems are the ones to correct.
                raise wrapped_error from None

    def _check_keys(self, text: str) -> None:
        """Refuse an object that has other keys only, such as a schema, or one in another object.

        pydantic leaves unknown keys out, so an answer whose fields are all optional would be lost.
        """
        answer = from_json(text)
        if isinstance(answer, dict) and answer and self._keys.isdisjoint(answer):
            facts = {"keys": ", ".join(answer), "names": ", ".join(sorted(self._keys))}
            problem = PydanticCustomError(
                "no_known_key", "none of its keys ({keys}) is one of these: {names}", facts
            )
            raise ValidationError.from_exception_data(
                self.name, [InitErrorDetails(type=problem, input=answer)]
            )


_kept_form = functools.lru_cache(maxsize=256)(_Form)


def _form(target: object) -> _Form:
    try:
        return _kept_form(target)
    except TypeError:
        # The type has no hash.
        return _Form(target)


def _schema_name(name: str) -> str:
    """Return a name that OpenAI accepts: at most 64 letters, digits, ``_`` and ``-``."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "response"
