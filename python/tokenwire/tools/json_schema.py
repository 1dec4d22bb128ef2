"""JSON schemas of Python types, and the strict form that OpenAI's structured output wants."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict

from tokenwire.errors import LlmConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import CoreSchema

# Strict form, after OpenAI's "Structured model outputs, supported schemas": every object closed
# and all its keys required, no composition but anyOf.
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
# Hints and limits that strict form does not know. Ours check the reply again, so they may go.
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
    """Without the titles that pydantic makes from field names: the model reads the names."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:  # noqa: ARG002
        return False


def schema_of(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """The JSON schema of what `adapter` reads; a reference at its root is followed.

    Raises:
        LlmConfigError: The type has no JSON schema.
    """
    try:
        schema = adapter.json_schema(schema_generator=_PlainSchema)
    except PydanticUserError as error:
        raise LlmConfigError(f"no JSON schema for this type: {_first_line(error)}") from error
    if len(schema.get("allOf", ())) == 1:
        # pydantic before 2.9 writes a recursive model so.
        schema.update(schema.pop("allOf")[0])
    if "$ref" in schema:
        schema = {**_resolve(schema, schema["$ref"]), "$defs": schema.get("$defs", {})}
    return schema


def adapter_for(target: object) -> TypeAdapter[Any]:
    """The reader of a type.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    form: Any = target
    if isinstance(target, str):
        # pydantic takes it for a type that is defined somewhere.
        raise LlmConfigError(f"cannot read {target!r}: it is a text; give a type")
    try:
        return TypeAdapter(form)
    except (PydanticUserError, NameError) as error:
        raise LlmConfigError(f"cannot read {target!r}: {_first_line(error)}") from error


def record_adapter(name: str, fields: dict[str, Any]) -> TypeAdapter[Any]:
    """The reader of an object with these fields and no others.

    Args:
        name: What the object is called.
        fields: Types by name; ``NotRequired[…]`` may be missing. Any name will do, which is why
            this is no pydantic model.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    make: Any = TypedDict
    record = make(name, fields)
    record.__pydantic_config__ = ConfigDict(extra="forbid")
    return adapter_for(record)


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema in OpenAI's strict form; `schema` itself stays as it is.

    Every object is closed and all its keys become required, so the model also writes the fields
    that have a default. Defaults, and limits that strict form does not know, are left out.

    Raises:
        LlmConfigError: There is no strict form; the message names the place and the reason.
    """
    return _StrictForm(schema).convert()


class _StrictForm:
    """One conversion. Definitions are converted once, and kept where something refers to them."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = copy.deepcopy(dict(schema))

    def convert(self) -> dict[str, Any]:
        definitions = self._root.pop("$defs", {})
        self._definitions = definitions
        if self._root.get("type") != "object":
            raise _refusal("", "the root must be an object")
        converted = self._node(self._root, "", ())
        used: dict[str, Any] = {}
        waiting = _references(converted)
        while waiting:
            name = waiting.pop()
            if name in used or name not in definitions:
                continue
            used[name] = self._node(definitions[name], f"$defs.{name}", (name,))
            waiting |= _references(used[name])
        if used:
            converted["$defs"] = {name: used[name] for name in definitions if name in used}
        return converted

    def _node(self, node: object, path: str, open_names: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(node, dict):
            raise _refusal(path, "it takes anything")
        node = {key: value for key, value in node.items() if key not in _DROPPED}
        if len(node.get("allOf", ())) == 1:
            node = {**node.pop("allOf")[0], **node}
        if "$ref" in node:
            return self._reference(node, path, open_names)
        refused = next((key for key in _REFUSED if key in node), None)
        if refused:
            raise _refusal(path, f"{refused} is not part of it")
        if node.get("format") not in _FORMATS:
            node.pop("format", None)
        options = node.pop("oneOf", None) or node.get("anyOf")
        if options:
            node["anyOf"] = [
                self._node(option, f"{path}.anyOf[{number}]", open_names)
                for number, option in enumerate(options)
            ]
        elif not node.keys() & {"type", "enum", "const"}:
            raise _refusal(path, "it takes anything")
        kinds = node.get("type", ())
        if "object" in kinds:
            self._object(node, path, open_names)
        if "array" in kinds:
            node["items"] = self._node(node.get("items"), f"{path}[]", open_names)
        return node

    def _object(self, node: dict[str, Any], path: str, open_names: tuple[str, ...]) -> None:
        if node.get("additionalProperties", "properties" not in node) is not False:
            raise _refusal(path, "it takes keys that the schema does not name")
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
        # Nothing may stand beside a reference, so it is written out, unless it would never end.
        if node and name in self._definitions and name not in open_names:
            return self._node({**self._definitions[name], **node}, path, (*open_names, name))
        return {"$ref": reference}


def _refusal(path: str, reason: str) -> LlmConfigError:
    place = path.lstrip(".") or "the schema"
    return LlmConfigError(f"no strict form: {place}: {reason}")


def _references(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_references, node))
    if not isinstance(node, dict):
        return set()
    found = set().union(*map(_references, node.values()))
    reference = node.get("$ref")
    if isinstance(reference, str):
        found.add(reference.removeprefix("#/$defs/"))
    return found


def _resolve(schema: Mapping[str, Any], reference: str) -> dict[str, Any]:
    target: dict[str, Any] = schema["$defs"][reference.removeprefix("#/$defs/")]
    return target


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
