"""How pydantic takes our compiled classes, so that they can be fields of a user's model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError, core_schema

from tokenwire.errors import LlmError

if TYPE_CHECKING:
    from pydantic_core.core_schema import CoreSchema


def compiled(cls: type[Any]) -> CoreSchema:
    """Take an instance, or the dict that `to_dict` made of one; dump as that dict."""

    def read(value: object) -> object:
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            try:
                return cls.from_dict(value)
            except (TypeError, ValueError, LlmError) as error:
                raise PydanticCustomError("compiled", "{reason}", {"reason": str(error)}) from error
        raise PydanticCustomError("compiled", "give a {name} or its dict", {"name": cls.__name__})

    from_python = core_schema.no_info_plain_validator_function(read)
    # In JSON it is an object, which JSON schemas say too.
    from_json = core_schema.chain_schema([core_schema.dict_schema(), from_python])
    return core_schema.json_or_python_schema(
        from_json,
        from_python,
        serialization=core_schema.plain_serializer_function_ser_schema(
            lambda value: value.to_dict(), return_schema=core_schema.dict_schema()
        ),
    )
