"""Descriptions in annotations: ``Annotated[int, "text"]`` and ``Annotated[int, Doc("text")]``."""

from __future__ import annotations

import contextlib
import types
import typing
from typing import Annotated, Any

import typing_extensions

_UNIONS = (typing.Union, types.UnionType)
# What says something about the key, and not about its value. Older versions of Python lack some.
_OF_KEYS = tuple(
    getattr(module, name)
    for module in (typing, typing_extensions)
    for name in ("Required", "NotRequired", "ReadOnly")
    if hasattr(module, name)
)


def describe_fields(schema: dict[str, Any], owner: object) -> dict[str, Any]:
    """Add to the schema of a class what the annotations of its fields say, and return it.

    A description that is there already, such as that of a ``Field(…)``, stays.

    Args:
        schema: The schema of an object.
        owner: The class. Nothing is added if its annotations cannot be read.
    """
    hints: dict[str, Any] = {}
    # A name may exist only where the class was made.
    with contextlib.suppress(NameError, TypeError, AttributeError):
        hints = typing_extensions.get_type_hints(owner, include_extras=True)
    fields = getattr(owner, "__pydantic_fields__", {})
    properties = schema.get("properties", {})
    for name, hint in hints.items():
        aliases = [getattr(fields.get(name), kind, None) for kind in ("validation_alias", "alias")]
        for key in (*aliases, name):
            if isinstance(key, str) and key in properties:
                _describe(properties[key], hint)
                break
    return schema


def _describe(node: object, hint: Any) -> None:
    if not isinstance(node, dict):
        return
    value, texts = _parted(hint)
    arguments = typing.get_args(value)
    if typing.get_origin(value) in _UNIONS:
        others = [option for option in arguments if option is not type(None)]
        if len(others) == 1:
            # What is said of the value of an optional field is said of the field.
            arguments = tuple(_parted(option)[0] for option in arguments)
            texts += _parted(others[0])[1]
    if texts:
        node.setdefault("description", " ".join(texts))
    for part, argument in zip(_parts(node, value), arguments, strict=False):
        _describe(part, argument)


def _parted(hint: Any) -> tuple[Any, list[str]]:
    """Return the type itself, and the texts about it."""
    texts: list[str] = []
    while True:
        origin = typing.get_origin(hint)
        if origin is Annotated:
            said = [getattr(item, "documentation", item) for item in hint.__metadata__]
            texts += [" ".join(text.split()) for text in said if isinstance(text, str)]
            hint = hint.__origin__
        elif origin in _OF_KEYS:
            (hint,) = typing.get_args(hint)
        else:
            return hint, [text for text in texts if text]


def _parts(node: dict[str, Any], value: Any) -> list[Any]:
    """The schemas of the arguments of a type, in order."""
    if typing.get_origin(value) in _UNIONS:
        options = node.get("anyOf") or node.get("oneOf") or []
        # pydantic may have joined some of them.
        return options if len(options) == len(typing.get_args(value)) else []
    if "prefixItems" in node:
        return list(node["prefixItems"])
    if "items" in node:
        return [node["items"]]
    if "additionalProperties" in node:
        return [None, node["additionalProperties"]]
    return []
