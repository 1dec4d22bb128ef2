"""Typed output: what is asked for, how the answer is read, and how it is asked for again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import traceback
from typing import Annotated, Any, Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator
from typing_extensions import TypedDict

from tokenwire import ToolCall
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmValidationError
from tokenwire.parsing import parse_reply, reask_message, response_format_for
from tokenwire.tools import call_tool
from tokenwire.tools.json_schema import strict_form
from tokenwire.types.message import ToolCallPart


class Price(BaseModel):
    amount: float
    currency: str = "EUR"


class Item(BaseModel):
    name: Annotated[str, Field(min_length=1, description="What it is.")]
    price: Price = Field(description="What it costs.")
    kind: Literal["a", "b"] | int = 1


class Node(BaseModel):
    value: int
    children: list[Node] = []
    twin: Optional[Node] = None  # noqa: UP045, many people still write the old spelling


class Free(BaseModel):
    counts: dict[str, int]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Note(BaseModel):
    note: str


class Unhashable:
    __hash__ = None  # type: ignore[assignment]


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Record(TypedDict):
    x: int


def test_model_is_asked_for_in_strict_form():
    assert response_format_for(Item) == {
        "type": "json_schema",
        "json_schema": {
            "name": "Item",
            "strict": True,
            "schema": {
                "title": "Item",
                "type": "object",
                "properties": {
                    "name": {"type": "string", "description": "What it is."},
                    "price": {
                        "description": "What it costs.",
                        "title": "Price",
                        "type": "object",
                        "properties": {
                            "amount": {"type": "number"},
                            "currency": {"type": "string"},
                        },
                        "required": ["amount", "currency"],
                        "additionalProperties": False,
                    },
                    "kind": {
                        "anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "integer"}]
                    },
                },
                "required": ["name", "price", "kind"],
                "additionalProperties": False,
            },
        },
    }


def test_type_that_is_not_an_object_is_asked_for_as_a_value():
    assert response_format_for(list[int])["json_schema"] == {
        "name": "list",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"value": {"type": "array", "items": {"type": "integer"}}},
            "required": ["value"],
            "additionalProperties": False,
        },
    }


def test_free_keys_are_asked_for_without_strict():
    described = response_format_for(Free)["json_schema"]
    assert "strict" not in described
    assert described["schema"]["properties"]["counts"]["additionalProperties"] == {
        "type": "integer"
    }


def test_recursive_model_has_an_object_at_its_root():
    schema = response_format_for(Node)["json_schema"]["schema"]
    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}
    assert schema["$defs"]["Node"]["required"] == ["value", "children", "twin"]


def test_discriminated_union_becomes_any_of():
    schema = response_format_for(Owner)["json_schema"]["schema"]
    assert list(schema["properties"]["pet"]) == ["anyOf"]


@pytest.mark.parametrize(
    ("given_format", "expected"),
    [
        pytest.param({"type": "json_object"}, {"type": "json_object"}, id="provider's-form"),
        pytest.param(
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            id="whole-form",
        ),
        pytest.param(
            {"type": "object", "title": "A b", "properties": {"a": {"type": "integer"}}},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "A_b",
                    "schema": {
                        "type": "object",
                        "title": "A b",
                        "properties": {"a": {"type": "integer"}},
                    },
                },
            },
            id="schema-stays-as-written",
        ),
        pytest.param(
            {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
            {
                "type": "json_schema",
                "json_schema": {
                    "name": "response",
                    "strict": True,
                    "schema": {
                        "type": "object",
                        "properties": {},
                        "required": [],
                        "additionalProperties": False,
                    },
                },
            },
            id="schema-that-is-strict",
        ),
    ],
)
def test_dicts_are_passed_on_or_wrapped(given_format, expected):
    assert response_format_for(given_format) == expected


def test_type_without_schema_is_a_config_error():
    with pytest.raises(LlmConfigError, match="object"):
        response_format_for(object())


def test_a_value_in_place_of_its_type_is_a_config_error():
    with pytest.raises(LlmConfigError, match=r"^it is a value of Note; pass the type itself$"):
        response_format_for(Note.model_construct())


@pytest.mark.parametrize(
    ("target", "text", "value"),
    [
        pytest.param(Price, '{"amount":1}', Price(amount=1), id="model"),
        pytest.param(Point, '{"x":1,"y":2}', Point(1, 2), id="dataclass"),
        pytest.param(Record, '{"x":1}', {"x": 1}, id="typed-dict"),
        pytest.param(list[int], '{"value":[1,2]}', [1, 2], id="list"),
        pytest.param(list[int], "[1,2]", [1, 2], id="bare-list"),
        pytest.param(int, ' {"value": 4}\n', 4, id="int"),
        pytest.param(Any, '{"value":{"value":4}}', {"value": 4}, id="any"),
        pytest.param(Cat | Dog, '{"value":{"kind":"dog"}}', Dog(kind="dog"), id="union"),
        pytest.param({"type": "json_object"}, '{"a":1}', {"a": 1}, id="dict"),
        pytest.param({"type": "text"}, "{}", "{}", id="text"),
        pytest.param(Price, '```json\n{"amount":1}\n```', Price(amount=1), id="fence"),
        pytest.param(Price, '\n```\n{"amount":1}```\n', Price(amount=1), id="bare-fence"),
        pytest.param(list[int], "```json\n[1]\n```", [1], id="fence-around-bare-list"),
        pytest.param(Annotated[int, Unhashable()], '{"value":4}', 4, id="type-without-a-hash"),
        pytest.param(str, '{"value":"```a\\nb\\n```"}', "```a\nb\n```", id="fence-inside-stays"),
    ],
)
def test_reply_is_read(target, text, value):
    assert parse_reply(target, text) == value


@pytest.mark.parametrize(
    ("target", "text", "message"),
    [
        pytest.param(
            Item,
            '{"name":"","price":{"amount":"x"}}',
            "reply for Item: name: String should have at least 1 character; price.amount: Input "
            "should be a valid number, unable to parse string as a number",
            id="paths",
        ),
        pytest.param(
            list[int],
            '{"value":[1,null]}',
            "reply for list: value[1]: Input should be a valid integer",
            id="path-in-value",
        ),
    ],
)
def test_reply_that_does_not_fit_is_named_by_path(target, text, message):
    with pytest.raises(LlmValidationError) as caught:
        parse_reply(target, text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the text is empty"),
        ('{"amount":', "the text ends where a value was expected at line 1, column 11"),
        ('Sure!\n```json\n{"amount":1}\n```', "a value was expected at line 1, column 1"),
        ('```json\n{"amount":\n```', "a value was expected at line 2, column 11"),
        ("<think>{}", "the text ends inside a thinking block"),
        ("{'amount': 1}", "column 2, but there is"),
        ('{"amount": 1} {"amount": 2}', "something follows the value at line 1, column 15"),
        ('{"amount": "\ud800"}', "lone surrogate"),
    ],
)
def test_reply_that_is_not_json_is_a_decode_error(text, reason):
    with pytest.raises(LlmDecodeError, match=f"^reply for Price: .*{reason}"):
        parse_reply(Price, text)


def test_reask_message_names_every_problem_even_after_pickling():
    with pytest.raises(LlmValidationError) as caught:
        parse_reply(list[int], '{"value":["a","b","c","d","e"]}')
    asked = reask_message(pickle.loads(pickle.dumps(caught.value)))
    assert [f"- value[{at}]: " in asked for at in range(5)] == [True] * 5


def test_reask_message_says_that_a_reply_is_not_json():
    with pytest.raises(LlmDecodeError) as caught:
        parse_reply(Price, "{")
    assert "- reply for Price: not JSON: the text ends" in reask_message(caught.value)


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "the schema: the root must be an object"),
        ({"type": "object"}, "the schema: it allows keys"),
        ({"type": "object", "properties": {"a": {}}}, "a: it allows any value"),
        (
            {"type": "object", "properties": {"a": {"type": "array"}}},
            r"a\[\]: it allows any value",
        ),
        (
            {"type": "object", "properties": {"a": {"not": {"type": "null"}}}},
            "a: 'not' is not supported",
        ),
    ],
)
def test_schema_without_strict_form_names_the_place(schema, place):
    with pytest.raises(LlmConfigError, match=f"no strict schema is possible: {place}"):
        strict_form(schema)


class Strange(BaseModel):
    counts: dict[str, int] = {}
    name: str = ""

    @field_validator("name")
    @classmethod
    def _is_known(cls, value: str) -> str:
        raise ValueError(f"no such name: {value}")


def _count(counts: dict[str, int]) -> None:
    """Counts."""


@pytest.mark.parametrize("field", [{"counts": {"\x1b[2J\u202e": "x"}}, {"name": "\x1b[2J\u202e"}])
@pytest.mark.parametrize(
    "read",
    [
        lambda text: parse_reply(Strange, text),
        lambda text: call_tool(Strange, text),
        lambda text: call_tool(_count, text),
    ],
)
def test_the_traceback_of_an_answer_that_does_not_fit_steers_no_terminal(field, read):
    with pytest.raises(LlmValidationError) as caught:
        read(json.dumps(field))
    shown = "".join(traceback.format_exception(caught.value))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_the_cause_of_an_answer_that_does_not_fit_is_pydantic_s_error():
    with pytest.raises(LlmValidationError) as caught:
        parse_reply(Strange, '{"counts": {"a": "x"}}')
    assert isinstance(caught.value.__cause__, ValidationError)


leaves = st.sampled_from(
    [{"type": "integer"}, {"type": "string", "default": "x"}, {"enum": [1]}, {"type": "null"}]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda options: {"oneOf": options}, st.lists(inner, min_size=1, max_size=2)),
        st.builds(
            lambda fields: {"type": "object", "properties": fields},
            st.dictionaries(st.sampled_from(["a", "default", "$ref"]), inner, max_size=3),
        ),
    ),
    max_leaves=8,
)


@given(schemas)
def test_strict_form_is_its_own_strict_form(schema):
    once = strict_form({"type": "object", "properties": {"root": schema}})
    assert strict_form(once) == once


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param('{"note": "one\ntwo\tthree"}', "one\ntwo\tthree", id="raw-line-end-and-tab"),
        pytest.param('{"note": "a\x01b\r"}', "a\x01b\r", id="other-control-characters"),
        pytest.param('{"note": "a",}', "a", id="trailing-comma"),
        pytest.param('{"note": "a", "note": "b"}', "b", id="last-of-equal-keys"),
        pytest.param('\ufeff{"note": "a"}', "a", id="byte-order-mark"),
        pytest.param('```json\n{"note": "a",\n}\n```', "a", id="fence-and-comma"),
        pytest.param('```json {"note": "a"}```', "a", id="fence-in-one-line"),
        pytest.param('```json\n{"note": "a"}', "a", id="fence-without-its-end"),
        pytest.param('{"note": "a"}\n```', "a", id="end-of-a-fence"),
        pytest.param('`{"note": "`a`"}`', "`a`", id="code-span"),
        pytest.param('~~~\n{"note": "a"}\n~~~', "a", id="fence-of-tildes"),
        pytest.param('{"note":\xa0"\xa0"}\u200b', "\xa0", id="white-space-of-other-kinds"),
        pytest.param('{"note": "a</s>"}</s>', "a</s>", id="mark-of-the-end"),
        pytest.param('"{\\"note\\": \\"a\\\\nb\\"}"', "a\nb", id="written-as-a-string"),
        pytest.param('"{\\"note\\": \\"a\\nb\\",}"', "a\nb", id="written-as-a-string-and-comma"),
    ],
)
def test_what_can_mean_only_one_thing_is_read(text: str, note: str) -> None:
    def save(note: str) -> str:
        return note

    assert parse_reply(Note, text).note == note
    if not text.startswith('"'):
        # Without a type, a string fits as well.
        assert parse_reply({"type": "object"}, text) == {"note": note}
    assert call_tool(save, text) == note
    assert ToolCallPart("c", "save", text).parsed_arguments == {"note": note}
    assert ToolCall("c", "save", text).parsed_arguments == {"note": note}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{'note': 'a'}", 'a string was expected at line 1, column 2, but there is "\'"'),
        ('{"note": True}', 'a value was expected at line 1, column 10, but there is "T"'),
        ('{"note": "a"} // a', "something follows the value at line 1, column 15"),
        ('{"note": "a\nb', "the text ends inside a string at line 2, column 2"),
        ('{"note": "a"\n"b": 1}', "a comma or the end was expected at line 2, column 1"),
        ('{"note": "\\q"}', "no such escape at line 1, column 11"),
    ],
)
def test_what_is_ambiguous_is_named_with_its_place(text: str, problem: str) -> None:
    def save(note: str) -> str:
        return note

    for read in (
        lambda: parse_reply(Note, text),
        lambda: call_tool(save, text),
        lambda: ToolCallPart("c", "save", text).parsed_arguments,
        lambda: ToolCall("c", "save", text).parsed_arguments,
    ):
        with pytest.raises(LlmDecodeError) as caught:
            read()
        assert problem in str(caught.value)


@pytest.mark.parametrize(
    "form",
    [
        "{}",
        "```json\n{}\n```",
        '<think>Is it {{"note": "?"}}?</think>\n{}',
        "<answer>{}</answer></s>",
        "<|channel|>analysis<|message|>?<|end|><|start|>assistant<|channel|>final<|message|>{}",
        '"{}"',
    ],
)
def test_a_part_of_an_answer_is_never_read_as_another_answer(form: str) -> None:
    note = Note(note='a "b" </think> `c` </s>\n\u00e9 {1} \U0001f600')
    for answer in (note.model_dump_json(), json.dumps(note.model_dump(), indent=1)):
        text = form.format(answer if form != '"{}"' else json.dumps(answer)[1:-1])
        assert parse_reply(Note, text) == note
        for end in range(len(text)):
            with contextlib.suppress(LlmValidationError):
                assert parse_reply(Note, text[:end]) == note


def test_a_string_that_does_not_hold_the_value_is_named_as_a_string() -> None:
    for text in ('"{"', '"a"', '"{\\"note\\": 1}"'):
        with pytest.raises(LlmValidationError, match="reply for Note: Input should be an object"):
            parse_reply(Note, text)
    with pytest.raises(LlmDecodeError, match="reply for Note: Invalid JSON: "):
        parse_reply(Note, '"{\\"note\\": \\"\\ud800\\"}"')
    assert parse_reply(str, '"{}"') == "{}"


class Options(BaseModel):
    limit: Optional[int] = Field(default=None, alias="max")  # noqa: UP045, as above


class Renamed(BaseModel):
    limit: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        return {"limit": data["most"]} if "most" in data else data


@dataclasses.dataclass
class Choices:
    limit: int | None = None


class Whims(TypedDict, total=False):
    limit: int


@pytest.mark.parametrize("target", [Options, Renamed, Choices, Whims])
@pytest.mark.parametrize("name", ["properties", "Options"])
def test_an_answer_with_unknown_keys_only_is_not_an_empty_answer(target: Any, name: str) -> None:
    text = json.dumps({name: {"limit": 3, "max": 3}})
    with pytest.raises(LlmValidationError, match=rf"none of its keys \({name}\) is one of these:"):
        parse_reply(target, text)


def test_an_answer_may_be_empty_or_have_more_keys() -> None:
    assert parse_reply(Options, "{}") == Options()
    assert parse_reply(Options, '{"max": null, "note": "?"}') == Options(max=None)
    assert parse_reply(Renamed, '{"most": 3}') == Renamed(limit=3)
    assert parse_reply(Choices, '{"limit": 3, "note": "?"}') == Choices(3)
    assert parse_reply(Whims, "{}") == {}
    assert parse_reply(dict[str, int], '{"properties": 3}') == {"properties": 3}


def test_a_number_in_quotes_is_read_as_the_number() -> None:
    assert parse_reply(Price, '{"amount": "1.5"}').amount == 1.5


def test_thoughts_before_the_json_are_left_out() -> None:
    text = '<think>\nIs it {"note": "a"}?\n</think>\n\n{"note": "b"}'
    assert parse_reply(Note, text) == Note(note="b")
    # What a tool is called with holds no thoughts.
    with pytest.raises(LlmDecodeError):
        _ = ToolCall("c", "save", text).parsed_arguments


def test_a_text_that_is_wanted_as_text_is_not_changed() -> None:
    text = "<think>a</think> b"
    assert parse_reply({"type": "text"}, text) == text
