"""What to make of a JSON value that is still arriving, for each type.

`nodes` has what is made of each; the records of `records` are made without validation.
"""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import dataclasses
import functools
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, RootModel, ValidationError
from pydantic.functional_validators import (
    AfterValidator,
    BeforeValidator,
    PlainValidator,
    WrapValidator,
)
from typing_extensions import is_typeddict

from tokenwire.tools.json_schema import adapter_for
from tokenwire.tools.nodes import ABSENT, Collected, ListNode, MapNode, Node, Shape
from tokenwire.tools.records import (
    Fields,
    fields_of_dataclass,
    fields_of_model,
    fields_of_typed_dict,
)
from tokenwire.tools.typed_output import is_wrapped

_VALIDATORS = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


class _Text(Shape):
    """`str`, which is shown while it is written."""

    def scalar(self, value: Any) -> Any:
        return value if isinstance(value, str) else self.read(value)

    def text(self, text: str) -> Any:
        return text


class _Plain(Shape):
    """Any JSON."""

    def scalar(self, value: Any) -> Any:
        return value

    def text(self, text: str) -> Any:
        return text

    def object(self) -> Node | Collected:
        return MapNode(self, None)

    def array(self) -> Node | Collected:
        return ListNode([], self, list)


PLAIN = _Plain(Any)


class _List(Shape):
    """A list, a set or a tuple; `first` are the types of a tuple's first items."""

    def __init__(self, hint: Any, first: list[Any], rest: Any, make: Callable[[Any], Any]) -> None:
        super().__init__(hint)
        self._first, self._rest, self._make = first, rest, make

    def array(self) -> Node | Collected:
        return ListNode([shape_of(one) for one in self._first], shape_of(self._rest), self._make)


class _Map(Shape):
    """A dict."""

    def __init__(self, hint: Any, keys: Any, values: Any) -> None:
        super().__init__(hint)
        self._keys, self._values = keys, values

    def object(self) -> Node | Collected:
        return MapNode(shape_of(self._values), None if self._keys in (str, Any) else self._read_key)

    @functools.cached_property
    def _key_adapter(self) -> Any:
        return adapter_for(self._keys)

    def _read_key(self, key: str) -> Any:
        with contextlib.suppress(ValidationError):
            return self._key_adapter.validate_strings(key)
        return ABSENT


class Record(Shape):
    """A model, a dataclass or a TypedDict."""

    def __init__(self, hint: Any, fields: Fields) -> None:
        super().__init__(hint)
        self.fields = fields
        self._shapes: dict[str, Shape] = {}

    def of(self, key: str) -> Shape | None:
        """Return the shape of the value with this key; None if there is no such field."""
        name = self.fields.names.get(key)
        if name is None:
            return None
        if name not in self._shapes:
            self._shapes[name] = shape_of(self.fields.hints[name])
        return self._shapes[name]

    def object(self) -> Node | Collected:
        """Open a record."""
        return _RecordNode(self)


class _RecordNode(Node):
    def __init__(self, shape: Record) -> None:
        self.next = PLAIN
        self._shape = shape
        self._fields = shape.fields
        self._items: dict[str, Any] = {}
        # The name of the field, if its value is kept.
        self._name: str | None = None

    def key(self, name: str) -> None:
        self.next = self._shape.of(name) or PLAIN
        other = name if self._fields.keeps_others else None
        self._name = self._fields.names.get(name, other)

    def put(self, value: Any) -> bool:
        name = self._name
        if name is None:
            return False
        before = self._items.get(name, ABSENT)
        self._items[name] = value
        if self._fields.tells_missing or before is not ABSENT:
            return True
        return bool(self._fields.missing(name) != value)

    def value(self, open_value: Any) -> Any:
        if open_value is ABSENT or self._name is None:
            return self._fields.make(self._items)
        return self._fields.make({**self._items, self._name: open_value})


class _Union(Shape):
    """One of several types. An object or list is shown once only one of them can be meant."""

    def __init__(self, hint: Any, members: list[Shape]) -> None:
        super().__init__(hint)
        self._members = members
        self._shows_text = any(isinstance(one, (_Text, _Plain)) for one in members)
        self._is_text = all(isinstance(one, _Text) for one in members)

    def scalar(self, value: Any) -> Any:
        return value if self._is_text and isinstance(value, str) else self.read(value)

    def text(self, text: str) -> Any:
        return text if self._shows_text else ABSENT

    def object(self) -> Node | Collected:
        able = [one for one in self._members if isinstance(one, (Record, _Map, _Plain))]
        if len(able) == 1:
            return able[0].object()
        records = [one for one in able if isinstance(one, Record)]
        choose = self._chooser(records) if len(records) == len(able) else None
        return Collected(self.read, is_object=True, choose=choose)

    def array(self) -> Node | Collected:
        able = [one for one in self._members if isinstance(one, (_List, _Plain))]
        return able[0].array() if len(able) == 1 else super().array()

    def _chooser(self, records: list[Record]) -> Callable[[str, Any], Shape | None]:
        left = list(records)

        def choose(key: str, value: Any) -> Shape | None:
            def may_be(record: Record) -> bool:
                shape = record.of(key)
                if shape is None or value is ABSENT:
                    return shape is not None
                return shape.scalar(value) is not ABSENT

            left[:] = [record for record in left if may_be(record)]
            return left[0] if len(left) == 1 else None

        return choose


class _Wrapped(Shape):
    """A type that was asked for as `{"value": …}`. A server may send the value itself."""

    def __init__(self, hint: Any) -> None:
        super().__init__(hint)
        self._bare = shape_of(hint)
        fields = Fields(lambda items: items.get("value", ABSENT), tells_missing=True)
        fields.add("value", hint, iter(("value",)))
        self._wrapper = Record(hint, fields)

    def object(self) -> Node | Collected:
        def choose(key: str, _value: Any) -> Shape:
            return self._wrapper if key == "value" else self._bare

        return Collected(self.read, is_object=True, choose=choose)

    def array(self) -> Node | Collected:
        return self._bare.array()


def root_shape(target: Any) -> Shape:
    """Return the shape of an answer to the `response_format` `target`.

    Raises:
        LlmConfigError: pydantic cannot read such a type.
    """
    if isinstance(target, Mapping):
        return PLAIN
    return _Wrapped(target) if is_wrapped(target) else shape_of(target)


def shape_of(hint: Any) -> Shape:
    """Return the shape of a type."""
    try:
        return _kept_shape(hint)
    except TypeError:
        # The type has no hash.
        return _shape(hint)


def _shape(hint: Any) -> Shape:
    origin, arguments = get_origin(hint), get_args(hint)
    if hasattr(hint, "__supertype__"):
        return shape_of(hint.__supertype__)
    if hint in (Any, object):
        return PLAIN
    if hint is str:
        return _Text(str)
    if origin in (Union, UnionType):
        return _Union(hint, [shape_of(one) for one in arguments if one is not NoneType])
    if origin is Annotated:
        inner, *notes = arguments
        # A validator may expect or return anything.
        has_validator = any(isinstance(note, _VALIDATORS) for note in notes)
        return Shape(hint) if has_validator else shape_of(inner)
    return _record(hint) or _container(hint, origin or hint, arguments)


def _record(hint: Any) -> Shape | None:
    if not isinstance(hint, type) or get_origin(hint) is not None:
        return None
    if issubclass(hint, BaseModel) and not issubclass(hint, RootModel):
        return Record(hint, fields_of_model(hint))
    # The types of its fields may not be known here. pydantic may know them.
    with contextlib.suppress(NameError):
        if dataclasses.is_dataclass(hint):
            return Record(hint, fields_of_dataclass(hint))
        if is_typeddict(hint):
            return Record(hint, fields_of_typed_dict(hint))
    return None


_LISTS: dict[Any, Callable[[Any], Any]] = {
    list: list,
    collections.abc.Sequence: list,
    collections.abc.MutableSequence: list,
    set: set,
    frozenset: frozenset,
    collections.abc.Set: set,
    collections.deque: collections.deque,
}
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)


def _container(hint: Any, kind: Any, arguments: tuple[Any, ...]) -> Shape:
    if kind in _MAPS:
        return _Map(hint, *(arguments or (Any, Any)))
    if kind in _LISTS:
        return _List(hint, [], arguments[0] if arguments else Any, _LISTS[kind])
    if kind is tuple:
        if len(arguments) == 2 and arguments[1] is ...:
            return _List(hint, [], arguments[0], tuple)
        return _List(hint, list(arguments), Any, tuple)
    return Shape(hint)


_kept_shape = functools.lru_cache(maxsize=256)(_shape)
