"""Models, dataclasses and TypedDicts of which some fields have not arrived."""

from __future__ import annotations

import dataclasses
from enum import Enum
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from pydantic import AliasChoices, BaseModel
from pydantic_core import PydanticUndefined
from typing_extensions import NotRequired, ReadOnly, Required, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic.fields import FieldInfo


_CONSTANTS = (NoneType, bool, int, float, str, bytes, Enum)
# They say whether a key of a TypedDict may be missing or change.
_MARKS: tuple[Any, ...] = (Required, NotRequired, ReadOnly)


class Fields:
    """The fields of a class, and how an instance is made without validation.

    Attributes:
        hints: The type of each field.
        names: The name of the field for each key that the JSON may have for it.
        make: Makes an instance from the fields that have arrived.
        keeps_others: Whether an instance keeps keys that are not fields.
        tells_missing: Whether a field that has not arrived differs from one that has arrived with
            the value that a missing one reads as.
    """

    def __init__(
        self,
        make: Callable[[dict[str, Any]], Any],
        *,
        tells_missing: bool,
        keeps_others: bool = False,
    ) -> None:
        self.hints: dict[str, Any] = {}
        self.names: dict[str, str] = {}
        self.make = make
        self.keeps_others = keeps_others
        self.tells_missing = tells_missing
        # What a field reads as that has not arrived, or what returns that.
        self._missing: dict[str, Any] = {}
        self._factories: dict[str, Callable[[], Any]] = {}

    def completed(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return all fields in the order of the class: these, and what the others read as."""
        return {name: values[name] if name in values else self.missing(name) for name in self.hints}

    def missing(self, name: str) -> Any:
        """Return what a field reads as until it arrives."""
        factory = self._factories.get(name)
        return self._missing[name] if factory is None else factory()

    def add(self, name: str, hint: Any, keys: Iterator[str]) -> None:
        """Add a field of this type, which the JSON may have under these keys."""
        self.hints[name] = hint
        self.names.update(dict.fromkeys(keys, name))
        self._missing[name] = None

    def default(self, name: str, value: Any) -> None:
        """Set what a field reads as until it arrives."""
        self._missing[name] = value

    def factory(self, name: str, factory: Callable[[], Any]) -> None:
        """Set what returns that."""
        self._factories[name] = factory


def fields_of_model(cls: type[BaseModel]) -> Fields:
    """Return the fields of a pydantic model."""
    private = cls.__private_attributes__

    def make(values: dict[str, Any]) -> BaseModel:
        made = cls.__new__(cls)
        state: dict[str, Any] = {
            "__dict__": fields.completed(values),
            "__pydantic_fields_set__": set(values),
            "__pydantic_extra__": None,
            "__pydantic_private__": None,
        }
        if fields.keeps_others:
            others = values.keys() - fields.hints.keys()
            state["__pydantic_extra__"] = {name: values[name] for name in values if name in others}
        if private:
            defaults = {name: one.get_default() for name, one in private.items()}
            state["__pydantic_private__"] = {
                name: value for name, value in defaults.items() if value is not PydanticUndefined
            }
        # What a pickle calls: pydantic has no other public way that runs no code of the class.
        BaseModel.__setstate__(made, state)
        return made

    extra = cls.model_config.get("extra") == "allow"
    fields = Fields(make, tells_missing=True, keeps_others=extra)
    for name, field in cls.model_fields.items():
        _add(fields, name, field)
    return fields


def fields_of_dataclass(cls: type) -> Fields:
    """Return the fields of a dataclass, also of one of pydantic's."""

    def make(values: dict[str, Any]) -> Any:
        made: Any = object.__new__(cls)
        for name, value in fields.completed(values).items():
            # It may be frozen.
            object.__setattr__(made, name, value)
        return made

    fields = Fields(make, tells_missing=False)
    described: dict[str, FieldInfo] | None = getattr(cls, "__pydantic_fields__", None)
    if described is not None:
        for name, info in described.items():
            _add(fields, name, info)
        return fields
    hints = get_type_hints(cls, include_extras=True)
    for field in dataclasses.fields(cls):
        fields.add(field.name, hints[field.name], iter((field.name,)))
        if field.default_factory is not dataclasses.MISSING:
            fields.factory(field.name, field.default_factory)
        elif field.default is not dataclasses.MISSING:
            fields.default(field.name, field.default)
    return fields


def fields_of_typed_dict(cls: type) -> Fields:
    """Return the keys of a TypedDict. A key that has not arrived is missing."""
    fields = Fields(dict, tells_missing=True)
    for name, hint in get_type_hints(cls, include_extras=True).items():
        inner: Any = hint
        while get_origin(inner) in _MARKS:
            (inner,) = get_args(inner)
        fields.add(name, inner, iter((name,)))
    return fields


def _add(fields: Fields, name: str, info: FieldInfo) -> None:
    hint: Any = info.annotation
    if info.metadata:
        annotated: Any = Annotated
        parts = (hint, *info.metadata)
        hint = annotated[parts]
    fields.add(name, hint, _keys(name, info))
    if info.default_factory is not None:
        # One that takes the other fields waits for them.
        if not getattr(info, "default_factory_takes_validated_data", False):
            fields.factory(name, info.default_factory)  # type: ignore[arg-type]
    elif not info.is_required():
        default = info.get_default()
        if isinstance(default, _CONSTANTS):
            fields.default(name, default)
        else:
            # pydantic copies a default that can change.
            fields.factory(name, info.get_default)


def _keys(name: str, info: FieldInfo) -> Iterator[str]:
    yield name
    for alias in (info.alias, info.validation_alias):
        choices = alias.choices if isinstance(alias, AliasChoices) else (alias,)
        yield from (choice for choice in choices if isinstance(choice, str))
