"""Functions as tools: their schemas, and calls with the arguments that a model wrote."""

from __future__ import annotations

import asyncio
import enum
import functools
import gc
import weakref
from collections.abc import Callable  # noqa: TC003, the annotation is read for the schema
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field, RootModel

from tokenwire import ToolCall, tools
from tokenwire.errors import LlmConfigError, LlmDecodeError, LlmValidationError
from tokenwire.tools import call_tool, parameters_of, tool_schema
from tokenwire.types import Tool
from tokenwire.types.message import ToolCallPart


class Unit(enum.Enum):
    C = "c"
    F = "f"


class Number(RootModel[int]):
    """Not an object."""


class Address(BaseModel):
    """Where a person lives."""

    street: str
    title: Optional[str] = None  # noqa: UP045, many people still write the old spelling


def get_weather(
    city: str,
    unit: Unit = Unit.C,
    days: Annotated[int, Field(description="How many.", ge=1)] = 3,
    mode: Literal["short", "long"] = "short",
    extra=None,
):
    """Gives the weather.

    For one city only.

    Args:
        city: The city's
            name: in English.
        days: Not shown, because the annotation wins.
        mode (str): How much.

    Returns:
        Text.
    """
    return city, unit, days, mode, extra


async def wait_for(seconds: float) -> float:
    """Waits."""
    await asyncio.sleep(0)
    return seconds


class Shop:
    def buy(self, item: str, count: int = 1) -> str:
        """Buys."""
        return f"{count} {item}"

    def __call__(self, item: str) -> str:
        """Shows."""
        return item


def test_schema_of_a_function():
    assert tool_schema(get_weather) == {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Gives the weather.\n\nFor one city only.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city's name: in English."},
                    "unit": {"$ref": "#/$defs/Unit", "default": "c"},
                    "days": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "How many.",
                        "default": 3,
                    },
                    "mode": {
                        "type": "string",
                        "enum": ["short", "long"],
                        "description": "How much.",
                        "default": "short",
                    },
                    "extra": {"default": None},
                },
                "required": ["city"],
                "additionalProperties": False,
                "$defs": {"Unit": {"enum": ["c", "f"], "title": "Unit", "type": "string"}},
            },
        },
    }


def test_nested_models_keep_fields_that_are_called_title():
    def deliver(to: Address) -> None: ...

    definitions = tool_schema(deliver)["function"]["parameters"]["$defs"]
    assert set(definitions["Address"]["properties"]) == {"street", "title"}


def test_function_without_docstring_has_no_description():
    def plain(x: int) -> int:
        return x

    assert "description" not in tool_schema(plain)["function"]


def test_method_leaves_out_self():
    schema = tool_schema(Shop().buy)["function"]
    assert (schema["name"], list(schema["parameters"]["properties"])) == ("buy", ["item", "count"])


def test_a_callable_object_is_named_after_its_class():
    schema = tool_schema(Shop())["function"]
    assert (schema["name"], schema["description"]) == ("Shop", "Shows.")


def test_partial_needs_no_bound_argument():
    schema = tool_schema(functools.partial(get_weather, city="Rome"))["function"]
    assert (schema["name"], schema["parameters"].get("required", [])) == ("get_weather", [])


def test_model_is_a_tool_of_its_fields():
    schema = tool_schema(Address)["function"]
    assert schema["description"] == "Where a person lives."
    assert schema["parameters"] == {
        "type": "object",
        "properties": {
            "street": {"type": "string"},
            "title": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["street"],
    }


@pytest.mark.parametrize(
    ("tool", "schema"),
    [
        pytest.param({"type": "web_search"}, {"type": "web_search"}, id="provider's-tool"),
        pytest.param(
            {"name": "f", "parameters": {}},
            {"type": "function", "function": {"name": "f", "parameters": {}}},
            id="bare-function",
        ),
        pytest.param(
            Tool("f", "Does.", {"type": "object"}),
            {
                "type": "function",
                "function": {"name": "f", "description": "Does.", "parameters": {"type": "object"}},
            },
            id="tool",
        ),
        pytest.param(
            Tool("f", parameters={"type": "object"}, strict=False),
            {
                "type": "function",
                "function": {"name": "f", "parameters": {"type": "object"}, "strict": False},
            },
            id="not-strict",
        ),
    ],
)
def test_schema_of_tools_and_dicts(tool, schema):
    assert tool_schema(tool) == schema


def test_strict_tool_closes_its_objects():
    def add(a: int, b: int = 0) -> int:
        return a + b

    function = tool_schema(Tool.from_function(add, strict=True))["function"]
    assert function["strict"] is True
    assert function["parameters"] == {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }


def test_strict_tool_that_has_no_strict_schema_names_the_place():
    refused = "tool 'get_weather': no strict schema is possible: extra: "
    with pytest.raises(LlmConfigError, match=refused):
        tool_schema(Tool.from_function(get_weather, strict=True))


def starred(*cities: str) -> None: ...
def keywords(**cities: str) -> None: ...
def positional(city: str, /) -> None: ...


class Thing:
    def find(self, name: str) -> None: ...


def callback(city: str, then: Callable[[int], int]) -> None: ...
def default_field(city: str = Field("x")) -> None: ...
def unknown_type(city: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        (starred, r"tool 'starred': parameter \*cities"),
        (keywords, r"tool 'keywords': parameter \*\*cities"),
        (Thing.find, r"tool 'find': parameter self: give the method of an object, as in thing.met"),
        (positional, r"tool 'positional': parameter city: it must be callable by keyword"),
        (callback, r"tool 'callback': parameter then: no JSON schema"),
        (default_field, r"tool 'default_field': parameter city: write Annotated"),
        (unknown_type, r"tool 'unknown_type': .*'Missing'"),
        (Number, r"tool 'Number': its schema is not a JSON object"),
        (lambda x: x, r"'<lambda>' is not a valid tool name; use Tool.from_function"),
        ({"a": 1}, r"a tool that is a dict needs `type`, `function`, or `name` and `parameters`"),
        (4, r"a tool must be a function, a Tool or a dict, not int"),
    ],
)
def test_what_cannot_be_a_tool_is_refused_by_name(tool, message):
    with pytest.raises(LlmConfigError, match=message):
        tool_schema(tool)


def test_a_parameter_whose_default_is_not_json_is_still_optional():
    def add(a: int, b: Any = NotImplemented) -> int:
        return a if b is NotImplemented else a + b

    assert tool_schema(add)["function"]["parameters"]["required"] == ["a"]
    assert call_tool(add, '{"a":1}') == 1


@pytest.mark.parametrize("number", [float("inf"), float("nan"), float("-inf")])
def test_a_default_that_json_does_not_have_is_not_shown(number: Any) -> None:
    def search(limit: Any = number) -> Any:
        return limit

    class Search(BaseModel):
        limit: Any = number

    for tool in (search, Search):
        assert parameters_of(tool)["properties"] == {"limit": {}}
    assert call_tool(search, "{}") is number


def test_a_method_of_no_object_is_refused() -> None:
    class Shop:
        def buy(self, count: int) -> int:
            return count

    with pytest.raises(LlmConfigError, match="parameter self: give the method of an object"):
        tool_schema(Shop.buy)

    def is_alone(self: int) -> int:
        return self

    assert call_tool(is_alone, '{"self": 1}') == 1
    assert call_tool(Shop().buy, '{"count": 2}') == 2


def test_an_object_without_a_hash_is_a_tool():
    class Adder:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, a: int) -> int:
            return a + 1

    assert call_tool(Adder(), '{"a":1}') == 2


def test_lambda_with_a_name_is_a_tool():
    assert Tool.from_function(lambda x: x, name="same").call('{"x":[1]}') == [1]


def test_call_checks_and_converts_arguments():
    arguments = '{"city":"Rome","unit":"f","days":"2"}'
    assert call_tool(get_weather, arguments) == ("Rome", Unit.F, 2, "short", None)


@pytest.mark.parametrize("arguments", ["", " ", "null", "null\n"])
def test_an_empty_string_and_null_mean_no_arguments(arguments: str) -> None:
    def now() -> str:
        return "12:00"

    assert call_tool(now, arguments) == "12:00"
    assert ToolCall("c", "now", arguments).parsed_arguments == {}
    assert ToolCallPart("c", "now", arguments).parsed_arguments == {}


def test_call_of_an_async_function_returns_its_coroutine():
    result: Any = Tool.from_function(wait_for).call('{"seconds":0.5}')
    assert asyncio.run(result) == 0.5


def test_call_of_a_model_builds_it():
    assert call_tool(Address, '{"street":"Main"}') == Address(street="Main")


def test_wrong_arguments_are_named_by_path():
    def deliver(to: Address, count: int) -> None: ...

    with pytest.raises(LlmValidationError) as caught:
        call_tool(deliver, '{"to":{"street":4},"when":1}')
    assert caught.value.problems == (
        "to.street: Input should be a valid string",
        "count: Field required",
        "when: Extra inputs are not permitted",
    )


def test_an_exception_of_the_function_is_not_changed():
    def fail() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match=r"^mine$") as caught:
        call_tool(fail, "{}")
    assert type(caught.value) is ValueError


def test_arguments_that_are_not_json_are_a_decode_error():
    with pytest.raises(LlmDecodeError, match="arguments of tool 'get_weather'"):
        call_tool(get_weather, '{"city"')


def test_arguments_that_are_not_text_are_the_caller_s_mistake():
    call = ToolCall("c", "get_weather", '{"city":"Paris"}')
    for given in (call, call.parsed_arguments, None):
        kind = type(given).__name__
        with pytest.raises(LlmConfigError, match=rf"^call_tool: give .*call.arguments, not {kind}"):
            call_tool(get_weather, given)  # type: ignore[arg-type]
    with pytest.raises(LlmConfigError, match=r"^call_tool: give a function or a Tool, not list"):
        call_tool([get_weather], "{}")  # type: ignore[arg-type]


def test_the_result_of_an_async_function_must_be_awaited_first():
    call = ToolCall("c", "wait_for", "{}")
    pending: Any = call_tool(wait_for, '{"seconds":0.5}')
    with pytest.raises(LlmConfigError, match="tool 'wait_for': the function is async; await what"):
        call.result(pending)
    pending.close()


def test_tool_without_function_cannot_be_called():
    with pytest.raises(LlmConfigError, match="tool 'f' has no function to call"):
        Tool("f").call("{}")


def test_misspelt_argument_of_a_tool_names_the_nearest():
    with pytest.raises(LlmConfigError, match=r"did you mean 'description'\?"):
        Tool("f", descripton="x")


def test_a_schema_is_made_once_per_function_and_per_method():
    first, second = Shop(), Shop()
    assert tools.parameters_of(get_weather) is tools.parameters_of(get_weather)
    assert tools.parameters_of(first.buy) is tools.parameters_of(second.buy)


def test_a_cached_schema_does_not_keep_the_function_alive():
    def short_lived(x: int) -> int:
        return x

    tool_schema(short_lived)
    gone = weakref.ref(short_lived)
    del short_lived
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("kind", [{}, {"type": None}])
def test_a_dict_without_a_type_is_a_function(kind: dict[str, None]) -> None:
    function = {"name": "get_image", "description": "", "parameters": {"type": "object"}}
    expected = {"type": "function", "function": function}
    assert tool_schema({**kind, "function": function}) == expected
    assert tool_schema({**kind, **function}) == expected
    bare = {"type": "function", "function": {"name": "now"}}
    assert tool_schema({**kind, "name": "now"}) == bare
    of_anthropic = {**kind, "name": "now", "input_schema": {"type": "object"}}
    assert tool_schema(of_anthropic) == of_anthropic
