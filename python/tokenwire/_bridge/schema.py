"""Lets pydantic read and write compiled classes, so that they can be fields of a user's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema


def schema(cls: type[Any]) -> CoreSchema:
    """Accept an instance, or the dict that its `to_dict` returned; dump as that dict."""

    def read(value: object) -> object:
        if isinstance(value, cls):
            return value
        if not isinstance(value, dict):
            raise PydanticCustomError("compiled", "pass a {name} or a dict", {"name": cls.__name__})
        try:
            return cls.from_dict(value)
        except (TypeError, ValueError) as error:
            raise PydanticCustomError("compiled", "{reason}", {"reason": str(error)}) from error

    # A plain validator has no JSON schema, and neither would a model with such a field.
    return core_schema.no_info_before_validator_function(
        read,
        core_schema.any_schema(),
        serialization=core_schema.plain_serializer_function_ser_schema(
            lambda value: value.to_dict()
        ),
    )
