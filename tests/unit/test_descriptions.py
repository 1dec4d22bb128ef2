"""Where the descriptions of a tool, of its arguments and of typed output come from."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated, Any, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import Doc, NotRequired, TypedDict

from tokenwire.parsing import response_format_for
from tokenwire.tools import call_tool, tool_schema

if TYPE_CHECKING:
    from collections.abc import Callable


def fields_of(tool: Callable[..., object]) -> dict[str, Any]:
    return tool_schema(tool)["function"]["parameters"]["properties"]  # type: ignore[no-any-return]


def notes_of(tool: Callable[..., object]) -> dict[str, Any]:
    return {name: field.get("description") for name, field in fields_of(tool).items()}


class Place(TypedDict):
    city: Annotated[str, "In English"]
    zone: NotRequired[Annotated[str, Doc("As in tzdata")]]


@dataclasses.dataclass
class Point:
    x: Annotated[int, "To the right"]
    ys: list[Annotated[int, "Upwards"]]


class Trip(BaseModel):
    place: Annotated[Place, "Where to"]
    point: Annotated[Point, "Exactly where"] | None = None
    price: Annotated[int, "In cents"] = Field(alias="amount")
    named: Annotated[int, "not this", Field(description="this")]


def test_annotations_of_a_function_describe_its_arguments() -> None:
    def add(
        *,
        text: Annotated[int, "A text"],
        doc: Annotated[int, Doc("A doc")],
        field: Annotated[int, "not this", Field(description="A field")],
        several: Annotated[int, "One.", Field(ge=1), "Two."],
        nested: Annotated[Annotated[int, "Inner."], "Outer."],
        either: Annotated[int, "A number"] | Annotated[str, "A word"],
        lines: Annotated[str, "On two\n    lines"],
        optional: Annotated[int, "Perhaps"] | None = None,
        old: Optional[Annotated[int, "Perhaps too"]] = None,  # noqa: UP045
        both: Annotated[int, "The annotation"] = 1,
        other: Annotated[int, object()] = 1,
    ) -> None:
        """Add.

        Args:
            both: not this
            other: The docstring
        """

    assert notes_of(add) == {
        "text": "A text",
        "doc": "A doc",
        "field": "A field",
        "several": "One. Two.",
        "nested": "Inner. Outer.",
        "either": None,
        "lines": "On two lines",
        "optional": "Perhaps",
        "old": "Perhaps too",
        "both": "The annotation",
        "other": "The docstring",
    }
    assert [option["description"] for option in fields_of(add)["either"]["anyOf"]] == [
        "A number",
        "A word",
    ]


def test_annotations_inside_of_a_type_describe_its_parts() -> None:
    def use(
        items: list[Annotated[int, "An item"]], by: dict[str, Annotated[int, "A value"]]
    ) -> None:
        """Use."""

    fields = fields_of(use)
    assert fields["items"]["items"]["description"] == "An item"
    assert fields["by"]["additionalProperties"]["description"] == "A value"


def test_annotations_of_classes_describe_their_fields() -> None:
    schema = response_format_for(Trip)["json_schema"]["schema"]
    fields, classes = schema["properties"], schema["$defs"]
    assert {name: field.get("description") for name, field in fields.items()} == {
        "place": "Where to",
        "point": "Exactly where",
        "amount": "In cents",
        "named": "this",
    }
    places = fields["place"]["properties"]
    assert [place["description"] for place in places.values()] == ["In English", "As in tzdata"]
    assert classes["Point"]["properties"]["x"]["description"] == "To the right"
    assert classes["Point"]["properties"]["ys"]["items"]["description"] == "Upwards"


def test_a_class_as_a_tool_has_the_same_descriptions() -> None:
    assert notes_of(Point) == {"x": "To the right", "ys": None}


def test_a_type_itself_may_be_annotated() -> None:
    schema = response_format_for(Annotated[int, "How many"])["json_schema"]["schema"]
    assert schema["properties"]["value"]["description"] == "How many"


def test_a_function_is_called_with_what_its_annotations_allow() -> None:
    def double(n: Annotated[int, "A number"]) -> int:
        return 2 * n

    assert call_tool(double, '{"n": "21"}') == 42


def google(a: int, b: int, *, c: int) -> None:
    """Do it.

    With care.

    Args:
        a (int): The first,
            on two lines.
        b: The second.

    Keyword Args:
        c: The third.

    Returns:
        a: nothing
    """


def numpy(a: int, b: int, c: int) -> None:
    """Do it.

    With care.

    Parameters
    ----------
    a : int, optional
        The first,
        on two lines.
    b
        The second.

    Other Parameters
    ----------------
    c : {1, 2}
        The third.

    Returns
    -------
    a : int
        nothing
    """


def sphinx(a: int, b: int, c: int) -> None:
    """Do it.

    With care.

    :param a: The first,
        on two lines.
    :type a: int
    :param int b: The second.
    :keyword c: The third.
    :returns: nothing
    :raises ValueError: never
    """


@pytest.mark.parametrize("tool", [google, numpy, sphinx])
def test_the_docstring_of_each_style_is_read(tool: Callable[..., object]) -> None:
    assert tool_schema(tool)["function"]["description"] == "Do it.\n\nWith care."
    assert notes_of(tool) == {
        "a": "The first, on two lines.",
        "b": "The second.",
        "c": "The third.",
    }


def test_the_docstring_of_a_class_describes_its_fields() -> None:
    class Google(BaseModel):
        """A place.

        Attributes:
            city: In English.
        """

        city: str
        zone: Annotated[str, "As in tzdata"] = ""

    class Sphinx(BaseModel):
        """A place.

        :ivar city: In English.
        :param zone: not this
        """

        city: str
        zone: Annotated[str, "As in tzdata"] = ""

    for tool in (Google, Sphinx):
        assert tool_schema(tool)["function"]["description"] == "A place."
        assert notes_of(tool) == {"city": "In English.", "zone": "As in tzdata"}


def test_names_that_share_a_type_share_their_text() -> None:
    def scale(x: int, y: int) -> None:
        """Scale.

        Parameters
        ----------
        x, y : int
            A factor.

        Notes
        -----
        x : this is not about x
        """

    assert notes_of(scale) == {"x": "A factor.", "y": "A factor."}


def test_what_only_looks_like_a_section_is_text() -> None:
    def plain(a: int) -> None:
        """Do it: a is used.

        Parameters matter.
        :class:`int` is the type, and a: b is not an entry.
        """

    schema = tool_schema(plain)["function"]
    assert schema["description"].endswith("a: b is not an entry.")
    assert notes_of(plain) == {"a": None}


def test_long_lines_are_read_in_linear_time() -> None:
    began = time.process_time()
    blanks = " " * 40_000
    for text in (f"Args:\n    a{blanks}x", f":param {blanks}x", f":param a: b\n{blanks}x"):

        def plain(a: int) -> None: ...

        plain.__doc__ = text
        tool_schema(plain)
    assert time.process_time() - began < 10
