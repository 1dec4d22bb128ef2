"""`sim:chat` without a script: sentences, tools and typed output work as with a model."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

import tokenwire as tw
from tokenwire.tools import call_tool


@pytest.fixture(params=["chat", "responses"])
def chat(request: pytest.FixtureRequest) -> tw.ChatClient:
    return tw.ChatClient("sim:chat", api=request.param)


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Node(BaseModel):
    value: int
    left: Optional["Node"]
    children: list["Node"]


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=2, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    weight: Annotated[float, Field(gt=0.5, lt=0.75)]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    born: dt.date
    at: dt.datetime
    colours: Annotated[set[Colour], Field(min_length=2)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}-\d{3,5}$")]
    initials: Annotated[str, Field(min_length=2, max_length=2)]
    price: Annotated[Decimal, Field(ge=3)]
    place: tuple[float, float]
    counts: Annotated[dict[str, int], Field(min_length=1)]
    seven: Annotated[int, Field(multiple_of=7, gt=21)]
    low: Annotated[int, Field(le=-4)]
    grid: Annotated[list[Annotated[list[int], Field(min_length=1)]], Field(min_length=2)]


class Row(TypedDict):
    name: str
    is_there: bool


@pytest.mark.parametrize(
    "kind",
    [Node, Owner, Row, Cat | Dog, list[Row], dict[str, int], Colour, int, str, Literal["a", 1]],
    ids=str,
)
def test_a_made_up_answer_fits_any_type(chat: tw.ChatClient, kind: Any):
    chat.parse(kind, "hi")


def test_a_made_up_call_fits_the_function(chat: tw.ChatClient):
    def book(pet: Cat, days: Annotated[int, Field(ge=3)], *, at: dt.time, note: str = "") -> str:
        return f"{pet.kind} {days} {at}{note}"

    messages: list[Any] = [{"role": "user", "content": "Book it."}]
    reply = chat.complete(messages, tools=[book], tool_choice="required")
    (call,) = reply.tool_calls
    result = call_tool(book, call.arguments)
    messages += [reply.message, call.result(result)]
    assert chat.run(messages, tools=[book]).startswith(f"The tool book returned: {result}.")
    assert chat.run("Book it.", tools=[book], tool_choice="none").startswith("You wrote: ")
    with chat.stream("Book it.", tools=[book], tool_choice="required") as stream:
        list(stream)
    assert stream.response.tool_calls == reply.tool_calls


def test_the_pieces_of_a_stream_are_the_sentences_of_a_whole_reply(chat: tw.ChatClient):
    whole = chat.complete("Why is the sky blue?")
    with chat.stream("Why is the sky blue?") as stream:
        pieces = list(stream.text_stream)
    assert len(pieces) > 10
    assert "".join(pieces) == whole.text
    assert whole.text.startswith('You asked: "Why is the sky blue?" ')
    assert (whole.finish_reason, whole.text[-1]) == ("stop", ".")
    cut = chat.complete("Why is the sky blue?", max_tokens=4)
    assert (cut.finish_reason, cut.text) == ("length", 'You asked: "Why is')
