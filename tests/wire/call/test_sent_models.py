"""Messages that are pydantic models: what is sent is what the model holds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


class Function(BaseModel):
    name: str
    arguments: str = "{}"
    note: str | None = None


class Call(BaseModel):
    id: str = "call_1"
    type: Literal["function"] = "function"
    function: Function


class Message(BaseModel):
    role: str = "user"
    content: str | None = None
    name: str | None = "bob"
    tool_calls: list[Call] | None = None
    secret: str = Field(default="s", exclude=True)


class Hello(Message):
    content: str | None = "hello"
    tags: list[str] = ["a"]


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    role: str = "user"


class Root(RootModel[dict[str, Any]]):
    pass


@dataclasses.dataclass
class Data:
    content: str | None
    role: str = "user"
    name: str | None = None
    tool_calls: list[Call] = dataclasses.field(default_factory=list)
    # These two are not fields of a value.
    kind: ClassVar[str] = "data"
    source: dataclasses.InitVar[str] = "here"


@pytest.mark.parametrize(
    ("message", "sent"),
    [
        (Message(content="hi"), {"role": "user", "content": "hi", "name": "bob"}),
        (Hello(), {"role": "user", "content": "hello", "name": "bob", "tags": ["a"]}),
        (
            # None that was written is sent, a default of None is not.
            Message(role="assistant", content=None, tool_calls=[Call(function=Function(name="f"))]),
            {
                "role": "assistant",
                "content": None,
                "name": "bob",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                    }
                ],
            },
        ),
        (Message.model_construct(content="hi"), {"role": "user", "content": "hi", "name": "bob"}),
        (
            Message(content="hi").model_copy(update={"name": "eve"}),
            {"role": "user", "content": "hi", "name": "eve"},
        ),
        (Extra.model_validate({"content": "hi", "x": None}), {"role": "user", "content": "hi"}),
        (
            Data("hi", tool_calls=[Call(function=Function(name="f"))]),
            {
                "role": "user",
                "content": "hi",
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                    }
                ],
            },
        ),
        (Data(None), {"role": "user", "content": None, "tool_calls": []}),
        (Root({"role": "user", "content": "hi"}), {"role": "user", "content": "hi"}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_message_that_is_a_model_is_sent_with_its_defaults(
    sim: SimServer, ask: Asking, message: Any, sent: dict[str, Any]
) -> None:
    if isinstance(message, Extra):
        sent = {**sent, "x": None}
    ask.complete(tw.ChatClient("m", base_url=sim.base_url), [message])
    ask.read(tw.ChatClient("m", base_url=sim.base_url), [message])
    ask.complete(tw.ChatClient("m", base_url=sim.base_url), tw.LlmRequest([message]))
    ask.complete(tw.ChatClient("m", base_url=sim.base_url), tw.LlmRequest(messages=[message]))
    assert [request["body"]["messages"] for request in sim.requests()] == [[sent]] * 4


@pytest.mark.parametrize("kind", [Hello, Data])
def test_a_class_is_not_a_message(sim: SimServer, kind: Any) -> None:
    with pytest.raises(tw.LlmValidationError, match=r"^messages\[0\]: a value of type \w+ cannot"):
        tw.ChatClient("m", base_url=sim.base_url).run([kind])


def test_a_model_anywhere_in_a_request_is_sent_with_its_defaults(
    sim: SimServer, ask: Asking
) -> None:
    given: dict[str, Any] = {"extra_body": {"deep": [Call(function=Function(name="f"))]}}
    ask.complete(tw.ChatClient("m", base_url=sim.base_url), "hi", **given)
    (request,) = sim.requests()
    assert request["body"]["deep"] == [
        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    ]
