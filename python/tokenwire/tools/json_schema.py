"""JSON schemas of Python types, and the strict form that OpenAI requires for structured output."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import to_jsonable_python
from typing_extensions import TypedDict

from tokenwire.errors import LlmConfigError
from tokenwire.tools.descriptions import describe_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import CoreSchema

# The strict form is described in OpenAI's "Structured model outputs, supported schemas". Every
# object is closed, all its keys are required, and anyOf is the only composition.
_REFUSED = (
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "prefixItems",
    "contains",
)
# Hints and limits that the strict form does not have. They can be left out, because the reply is
# checked against the type anyway.
_DROPPED = (
    "default",
    "examples",
    "discriminator",
    "deprecated",
    "readOnly",
    "writeOnly",
    "minLength",
    "maxLength",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
    "contentEncoding",
    "contentMediaType",
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)


class _PlainSchema(GenerateJsonSchema):
    """Adds descriptions that pydantic does not read.

    The titles that it derives from field names are left out: the model reads the names.
    """

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        shown = super().default_schema(schema)
        if not shown_default(shown.get("default")):
            del shown["default"]
        return shown

    def model_schema(self, schema: Any) -> dict[str, Any]:
        return describe_fields(super().model_schema(schema), schema["cls"])

    def dataclass_schema(self, schema: Any) -> dict[str, Any]:
        return describe_fields(super().dataclass_schema(schema), schema["cls"])

    def typed_dict_schema(self, schema: Any) -> dict[str, Any]:
        # pydantic before 2.9 has the class in its notes.
        noted = schema.get("metadata", {}).get("pydantic_typed_dict_cls")
        owner = schema.get("cls", noted)
        return describe_fields(super().typed_dict_schema(schema), owner)


def shown_default(value: object) -> dict[str, Any]:
    """Return a default as a schema shows it; nothing if JSON has no such value, as for infinity."""
    with contextlib.suppress(ValueError):
        shown = to_jsonable_python(value)
        json.dumps(shown, allow_nan=False)
        return {"default": shown}
    return {}


def schema_of(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the JSON schema of what `adapter` reads. A reference at its root is followed.

    Raises:
        LlmConfigError: The type has no JSON schema.
    """
    try:
        schema = adapter.json_schema(schema_generator=_PlainSchema)
    except PydanticUserError as error:
        raise LlmConfigError(f"no JSON schema for this type: {_first_line(error)}") from error
    if len(schema.get("allOf", ())) == 1:
        # pydantic before 2.9 writes a recursive model like this.
        schema.update(schema.pop("allOf")[0])
    if "$ref" in schema:
        root = schema["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        schema = {**root, "$defs": schema["$defs"]}
    return schema


def adapter_for(target: Any) -> TypeAdapter[Any]:
    """Return pydantic's reader of a type.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    if isinstance(target, str):
        # pydantic would look for a type of that name.
        raise LlmConfigError(f"{target!r} is a string; pass the type itself")
    if isinstance(target, BaseModel):
        raise LlmConfigError(f"it is a value of {type(target).__name__}; pass the type itself")
    try:
        return TypeAdapter[Any](target)
    except (PydanticUserError, NameError, TypeError) as error:
        raise LlmConfigError(f"{target!r} is not a usable type: {_first_line(error)}") from error


def record_adapter(name: str, fields: dict[str, Any]) -> TypeAdapter[Any]:
    """Return the reader of an object that has these fields and no others.

    Args:
        name: What the object is called.
        fields: Types by name; a field of ``NotRequired[…]`` may be missing. Any name is allowed,
            unlike in a pydantic model.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    make: Any = TypedDict
    try:
        record = make(name, fields)
    except TypeError as error:
        raise LlmConfigError(f"it is not the type of a value: {error}") from error
    record.__pydantic_config__ = ConfigDict(extra="forbid")
    return adapter_for(record)


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema in OpenAI's strict form; `schema` itself is not changed.

    Every object is closed and all its keys become required, so the model also writes the fields
    that have a default. Defaults, and limits that the strict form does not have, are left out.

    Raises:
        LlmConfigError: There is no strict form; the message names the place and the reason.
    """
    try:
        return _StrictForm(schema).convert()
    except (AttributeError, KeyError, TypeError) as error:
        # A schema of the caller's may have a list where an object belongs.
        raise _refusal("", f"it is not a JSON schema ({error})") from None


class _StrictForm:
    """One conversion. A definition is converted once, when something refers to it."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = dict(schema)
        self._definitions: dict[str, Any] = self._root.pop("$defs", {})
        self._converted: dict[str, Any] = {}

    def convert(self) -> dict[str, Any]:
        if self._root.get("type") != "object":
            raise _refusal("", "the root must be an object")
        root = self._node(self._root, "", ())
        used = [name for name in self._definitions if name in self._converted]
        return {**root, "$defs": {name: self._converted[name] for name in used}} if used else root

    def _node(self, node: object, path: str, open_names: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(node, dict):
            raise _refusal(path, "it allows any value")
        node = {key: value for key, value in node.items() if key not in _DROPPED}
        if len(node.get("allOf", ())) == 1:
            node = {**node.pop("allOf")[0], **node}
        if "$ref" in node:
            return self._reference(node, path, open_names)
        refused = next((key for key in _REFUSED if key in node), None)
        if refused:
            raise _refusal(path, f"{refused!r} is not supported")
        if node.get("format") not in _FORMATS:
            node.pop("format", None)
        options = node.pop("oneOf", None) or node.get("anyOf")
        if options:
            node["anyOf"] = [
                self._node(option, f"{path}.anyOf[{number}]", open_names)
                for number, option in enumerate(options)
            ]
        elif not node.keys() & {"type", "enum", "const"}:
            raise _refusal(path, "it allows any value")
        kinds = node.get("type", ())
        if "object" in kinds:
            self._object(node, path, open_names)
        if "array" in kinds:
            node["items"] = self._node(node.get("items"), f"{path}[]", open_names)
        return node

    def _object(self, node: dict[str, Any], path: str, open_names: tuple[str, ...]) -> None:
        if node.get("additionalProperties", "properties" not in node) is not False:
            raise _refusal(path, "it allows keys that it does not name")
        fields = node.get("properties", {})
        node["properties"] = {
            name: self._node(field, f"{path}.{name}", open_names) for name, field in fields.items()
        }
        node["required"] = list(fields)
        node["additionalProperties"] = False

    def _reference(
        self, node: dict[str, Any], path: str, open_names: tuple[str, ...]
    ) -> dict[str, Any]:
        reference = node.pop("$ref")
        name = reference.removeprefix("#/$defs/")
        definition = self._definitions.get(name)
        # A reference must be alone in its object. So the definition is copied into an object that
        # has other keys, except inside of itself, where that would never end.
        if node and definition is not None and name not in open_names:
            return self._node({**definition, **node}, path, (*open_names, name))
        if definition is not None and name not in self._converted:
            # The definition may refer to itself.
            self._converted[name] = {}
            self._converted[name] = self._node(definition, f"$defs.{name}", (name,))
        return {"$ref": reference}


def _refusal(path: str, reason: str) -> LlmConfigError:
    place = path.lstrip(".") or "the schema"
    return LlmConfigError(f"no strict schema is possible: {place}: {reason}")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
