"""Typed answers while they grow: what is shown of each type, and how often."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
import json
from enum import Enum
from typing import Annotated, Any, Literal, Optional, get_origin

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from typing_extensions import NotRequired, TypedDict

from tokenwire import (
    AsyncLlmStream,
    LlmConfigError,
    LlmDecodeError,
    LlmModelError,
    LlmStream,
    LlmStreamChunk,
    LlmStreamIncompleteError,
    LlmValidationError,
)
from tokenwire.tools.growing import ABSENT, growing

END = LlmStreamChunk(finish_reason="stop")


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Item(BaseModel):
    name: str
    age: int
    tags: list[str] = []


class Report(BaseModel):
    title: str
    items: list[Item]
    mood: Mood
    day: Optional[dt.date] = None  # noqa: UP045, the old spelling


def values(target: Any, *pieces: str) -> list[Any]:
    """The values that the pieces make, one after the other."""
    answer = growing(target)
    made = (answer.push(piece) for piece in pieces)
    return [value for value in made if value is not ABSENT]


def stream_of(*chunks: Any, **fields: Any) -> LlmStream:
    return LlmStream.from_chunks(iter(chunks), provider="acme", model="m", **fields)


def test_a_model_grows_by_what_has_arrived() -> None:
    text = '{"title": "He', "llo", '", "items": [{"name"', ': "Ada", "age": 3', '6}, {"na'
    made = values(Report, *text)
    assert [type(value) for value in made] == [Report] * 5
    assert [value.model_dump(exclude_unset=True) for value in made] == [
        {"title": "He"},
        {"title": "Hello"},
        {"title": "Hello", "items": [{}]},
        {"title": "Hello", "items": [{"name": "Ada"}]},
        {"title": "Hello", "items": [{"name": "Ada", "age": 36}, {}]},
    ]
    first = made[2].items[0]
    assert (first.name, first.age, first.tags, made[0].items, made[0].mood) == (
        None,
        None,
        [],
        None,
        None,
    )
    assert repr(made[0]) == "Report(title='He', items=None, mood=None, day=None)"


@pytest.mark.parametrize(
    ("hint", "text", "shown"),
    [
        (str, '"ab', "ab"),
        (int, "12", ABSENT),
        (int, "12 ", 12),
        (float, "1,", 1.0),
        (bool, "tru", ABSENT),
        (bool, "true,", True),
        (Mood, '"go', ABSENT),
        (Mood, '"good"', Mood.GOOD),
        (Literal["good"], '"bad"', ABSENT),
        (dt.date, '"2026-11-2', ABSENT),
        (dt.date, '"2026-11-29"', dt.date(2026, 11, 29)),
        (str | None, '"a', "a"),
        (int | None, "null,", None),
        (Any, '{"a": ["b', {"a": ["b"]}),
        (dict[str, int], '{"a": 1, "b": 2', {"a": 1}),
        (dict[int, str], '{"1": "a', {1: "a"}),
        (dict[int, str], '{"x": "a', {}),
        (set[int], "[1, 2,", {1, 2}),
        (frozenset[str], '["a", "b', frozenset({"a", "b"})),
        (tuple[int, str], '[1, "a', (1, "a")),
        (tuple[int, ...], "[1, 2,", (1, 2)),
        (collections.deque[int], "[1, 2,", collections.deque([1, 2])),
        (list[list[int]], "[[1, 2], [3, ", [[1, 2], [3]]),
        # What does not fit is left out until the end, which reports it.
        (list[int], '[1, "x", 2,', [1, 2]),
        # Limits are checked at the end. A validator may need all of its value.
        (Annotated[str, Field(max_length=3)], '"abcd', "abcd"),
        (Annotated[str, AfterValidator(str.upper)], '"abcd', ABSENT),
        (Annotated[str, AfterValidator(str.upper)], '"abcd"', "ABCD"),
        (Item | None, '{"name": "Ad', Item.model_construct(name="Ad", age=None)),
    ],
)
def test_what_is_shown_of_a_type(hint: Any, text: str, shown: Any) -> None:
    # A dict is an object already; any other type is asked for in one.
    start = "" if get_origin(hint) is dict else '{"value": '
    assert values(hint, start + text) == ([] if shown is ABSENT else [shown])


class Named(TypedDict):
    name: str
    age: NotRequired[int]


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int = 7
    names: list[str] = dataclasses.field(default_factory=lambda: ["a"])


@pydantic_dataclass
class Place:
    city: str
    zip: str = Field(default="-", alias="postcode")


def test_a_field_that_has_not_arrived_reads_as_its_default_or_none() -> None:
    assert values(Named, '{"name": "A') == [{"name": "A"}]
    (point,) = values(Point, '{"x": 1, ')
    assert (point, hash(point.x)) == (Point(1), 1)
    (empty,) = values(Point, '{"x": 1')
    assert repr(empty) == "Point(x=None, y=7, names=['a'])"
    (place,) = values(Place, '{"postcode": "12')
    assert (place.city, place.zip) == (None, "12")


class Custom(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: str = Field(validation_alias=AliasChoices("full_name", "n"))
    many: list[int] = Field(default_factory=list)
    _private: int = PrivateAttr(default=5)

    @field_validator("name")
    @classmethod
    def check(cls, value: str) -> str:
        assert value.startswith("A")
        return value.upper()

    @model_validator(mode="after")
    def check_all(self) -> Custom:
        assert self.many
        return self

    def model_post_init(self, _context: Any, /) -> None:
        self._private = len(self.many)


def test_no_code_of_a_model_runs_before_the_end() -> None:
    (value,) = values(Custom, '{"full_name": "B", "more": [1, "x')
    assert (value.name, value.many, value.more, value._private) == ("B", [], [1, "x"], 5)
    stream = stream_of('{"n": "Ad', 'a", "many": [1]}', END, response_format=Custom)
    assert [value.name for value in stream.partial()] == ["Ad", "ADA"]


def test_defaults_are_not_shared() -> None:
    one, two = values(Item, '{"name": "a', "b")
    one.tags.append("x")
    assert two.tags == []


class Cat(BaseModel):
    kind: Literal["cat"]
    name: str


class Dog(BaseModel):
    kind: Literal["dog"]
    name: str
    bark: str = ""


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('{"value": {"kind": "dog", "name": "R', '{"kind":"dog","name":"R"}'),
        ('{"kind": "cat", "name": "R', '{"kind":"cat","name":"R"}'),
        ('{"value": {"name": "R", "bark": "w', '{"name":"R","bark":"w"}'),
    ],
)
def test_a_union_is_shown_once_only_one_type_can_be_meant(text: str, first: str) -> None:
    union: Any = Cat | Dog
    shown = values(union, *text)
    assert shown[-1].model_dump_json(exclude_unset=True) == first
    assert {type(value) for value in shown} == {Cat if "cat" in text else Dog}
    assert values(union, '{"value": {"name": "R"') == []


def test_a_union_that_stays_open_is_shown_when_it_is_complete() -> None:
    union: Any = list[Cat | Dog]
    shown = values(union, '{"value": [{"name": "R"', ', "kind": "dog"}', ', {"name": "S"')
    assert shown == [[], [Dog(kind="dog", name="R")]]


def test_what_did_not_change_is_not_yielded_again() -> None:
    pieces = ['{"name"', ': "', "a", "", '"', ', "ag', 'e":', " 3", "6", "\n", '  , "tags": [', "]"]
    made = [value.model_dump(exclude_unset=True) for value in values(Item, *pieces)]
    assert made == [
        {},
        {"name": ""},
        {"name": "a"},
        {"name": "a", "age": 36},
        {"name": "a", "age": 36, "tags": []},
    ]
    assert values(Point, '{"y"', ": 7,", '"x": null,', '"x": 1,') == [
        *values(Point, "{"),
        Point(1),
    ]


def test_values_that_were_yielded_do_not_change() -> None:
    text = Report(
        title="t", items=[Item(name="a", age=1, tags=["x", "y"])] * 3, mood=Mood.GOOD
    ).model_dump_json()
    answer = growing(Report)
    seen = [
        (value, value.model_copy(deep=True))
        for value in map(answer.push, text)
        if value is not ABSENT
    ]
    assert len(seen) > 30
    assert all(value == copy for value, copy in seen)


def test_the_same_values_come_at_every_split() -> None:
    report: Any = Report(title="é\n😀", items=[Item(name='"x"', age=-5)], mood=Mood.BAD)
    text = f"<think>{{?}}</think>\n```json\n{report.model_dump_json()}\n```"
    for at in range(len(text)):
        answer: Any = growing(Report)
        first, second = answer.push(text[:at]), answer.push(text[at:])
        assert second is ABSENT  # it is complete
        if first is not ABSENT:
            assert report.title.startswith(first.title or "")
            assert report.items[: len(first.items or ()) - 1] == (first.items or [])[:-1]


def test_thoughts_and_what_is_around_the_answer_are_left_out() -> None:
    assert values(list[int], "<think>[0, 0,", " 0]</th", "ink>[1,", "2,") == [[1], [1, 2]]
    # The beginning of the thoughts is part of the prompt.
    assert values(list[int], "[0, 0,", "]? No.</think>", "[1,") == [[0, 0], [1]]
    assert values({"type": "object"}, '```json\n{"a": "b') == [{"a": "b"}]
    assert values({"type": "text"}, "a", "b") == ["a", "ab"]


def test_the_last_value_is_the_validated_one() -> None:
    stream = stream_of('{"name": "a', '", "age": ', '"7"}', END, response_format=Item)
    made = list(stream.partial())
    assert made[-1] == stream.response.parsed == Item(name="a", age=7)
    assert len(made) == 2


def test_an_answer_that_arrives_at_once_is_yielded_once() -> None:
    assert list(stream_of('{"name": "a", "age": 7}', END).partial(Item)) == [Item(name="a", age=7)]
    assert list(stream_of("[1, 2]", END).partial(list[int])) == [[1, 2]]
    assert list(stream_of('{"value": 5}', END).partial(int)) == [5]
    assert list(stream_of("```5```", END).partial(int)) == [5]


@pytest.mark.parametrize(
    ("chunks", "error", "words"),
    [
        (['{"name": "a"}', END], LlmValidationError, "age: Field required"),
        (["Here: {}", END], LlmDecodeError, "a value was expected"),
        (['{"name": "a"', LlmStreamChunk(finish_reason="length")], LlmModelError, "max_tokens"),
        (["I cannot", LlmStreamChunk(finish_reason="content_filter")], LlmModelError, "filter"),
        (['{"name": "a"'], LlmStreamIncompleteError, "finish_reason"),
    ],
)
def test_a_wrong_answer_is_the_error_of_parsed(chunks: Any, error: Any, words: str) -> None:
    made = stream_of(*chunks).partial(Item)
    with pytest.raises(error, match=words) as raised:
        list(made)
    assert raised.value.partial is not None
    assert raised.value.partial.text == chunks[0]
    if error is not LlmStreamIncompleteError:
        assert list(made) == []


def test_without_a_type_it_says_how_to_give_one() -> None:
    with pytest.raises(LlmConfigError, match="partial: there is no type; give one, or response_f"):
        stream_of(END).partial()
    with pytest.raises(LlmConfigError, match="is not a usable type"):
        stream_of(END).partial(object())


def test_text_that_was_read_before_counts() -> None:
    stream = stream_of('{"name": ', '"a', '", "age": 1}', END)
    assert next(stream.text_stream) == '{"name": '
    assert [value.name for value in stream.partial(Item)] == [None, "a", "a"]
    # After the end, the whole answer is there.
    assert list(stream.partial(Item)) == [Item(name="a", age=1)]


def test_only_the_first_choice_counts() -> None:
    other = LlmStreamChunk(index=1, text='{"name": "b"', finish_reason="stop")
    stream = stream_of('{"name": "a"', other, ', "age": 1}', END)
    assert [value.name for value in stream.partial(Item)][-1] == "a"


async def test_an_async_stream_yields_the_same() -> None:
    async def chunks() -> Any:
        for piece in ('{"name": "a', 'b", "age": 1', "}", END):
            await asyncio.sleep(0)
            yield piece

    async with AsyncLlmStream.from_chunks(chunks(), provider="acme", model="m") as stream:
        made = stream.partial(Item)
        assert [value.name async for value in made] == ["a", "ab", "ab"]
        assert [value async for value in made] == []


def test_json_of_one_value_and_more_is_an_error() -> None:
    with pytest.raises(LlmDecodeError, match="something follows the value"):
        list(stream_of('{"name": "a", "age": 1}', '{"name": "b"}', END).partial(Item))


def test_a_deep_or_long_answer_is_read_as_json_is() -> None:
    deep = "[" * 200
    with pytest.raises(LlmDecodeError):
        list(stream_of(deep, END).partial({"type": "array"}))
    long = json.dumps({"digits": int("9" * 400)})
    shown = values({"type": "object"}, long[:-1] + " ")
    assert shown == [{"digits": int("9" * 400)}]
