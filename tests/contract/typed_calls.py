"""What type checkers see of typed output. Nothing here is run: `test_static_types.py` checks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Optional

from pydantic import BaseModel
from typing_extensions import TypedDict, assert_type

import tokenwire as tw
from tokenwire.parsing import parse_reply, response_format_for
from tokenwire.testing import fake


class Cat(BaseModel):
    name: str


@dataclass
class Dog:
    name: str


class Bird(TypedDict):
    name: str


class Own(tw.LlmClientInterface):
    def complete(self, request_or_prompt: Any, **params: Any) -> tw.LlmResponse:
        return tw.LlmResponse(provider="own", model="m", text=str((request_or_prompt, params)))


def a_class_is_the_type_of_the_result(chat: tw.ChatClient, client: tw.LlmClientInterface) -> None:
    assert_type(chat.parse(Cat, "q"), Cat)
    assert_type(chat.parse(Dog, "q"), Dog)
    assert_type(chat.parse(Bird, "q"), Bird)
    assert_type(chat.parse(list[int], "q", reask=1, max_tokens=5), list[int])
    assert_type(client.parse(dict[str, Cat], "q"), dict[str, Cat])
    assert_type(Own("m").parse(Cat, "q"), Cat)
    assert_type(chat.complete("q", response_format=Cat).parsed, Cat)
    assert_type(parse_reply(Cat, "{}"), Cat)


def a_reply_and_its_parts_have_types(
    chat: tw.ChatClient, reply: tw.LlmResponse, event: tw.CallEvent
) -> None:
    assert_type(chat.api, str)
    assert_type(chat.with_options(api="responses").api, str)
    assert_type(reply.api, str | None)
    assert_type(event.api, str | None)
    assert_type(reply.status, str | None)
    assert_type(reply.stop_details, dict[str, Any] | None)
    assert_type(reply.choices[0].stop_details, dict[str, Any] | None)
    assert_type(reply.citations, tuple[tw.Citation, ...])
    assert_type(reply.choices[0].citations, tuple[tw.Citation, ...])
    assert_type(reply.citations[0].start, int | None)
    assert_type(reply.citations[0].text, str | None)
    assert_type(reply.citations[0].raw, dict[str, Any] | None)
    usage = tw.Usage(prompt_tokens=1, details={"a": 1})
    assert_type(usage.details, dict[str, Any] | None)
    made: tw.LlmResponse = tw.LlmResponse(
        provider="own", model="m", api="own", status="done", stop_details={"reason": "x"}
    )
    text = tw.TextPart("a", cache="1h", item={"id": "x"}, provider="openai", api="responses")
    assert_type(text.api, str | None)
    assert_type(text.item, Any)
    image = tw.ImagePart(file_id="f", cache=True)
    assert_type(image.file_id, str | None)
    _ = (made, tw.Tool("f", cache="1h"), tw.ReasoningPart("a", item={}, api="responses"))


async def async_twins_have_the_same_types(chat: tw.ChatClient) -> None:
    assert_type(await chat.parse_async(Cat, "q"), Cat)
    assert_type((await chat.complete_async("q", response_format=Cat)).parsed, Cat)
    either: Cat | Dog = await chat.parse_async(Cat | Dog, "q")
    word: Literal["x", "y"] = await chat.parse_async(Literal["x", "y"], "q")
    _ = (either, word)


def any_other_type_is_taken(chat: tw.ChatClient, client: tw.LlmClientInterface) -> None:
    either: Cat | Dog = chat.parse(Cat | Dog, "q")
    perhaps: Cat | None = chat.parse(Optional[Cat], "q")  # noqa: UP045, the old spelling
    word: Literal["x", "y"] = chat.parse(Literal["x", "y"], "q")
    number: int = client.parse(Annotated[int, "How many"], "q")
    some: list[Cat | Dog] = Own("m").parse(list[Cat | Dog], "q")
    schema: Any = chat.parse({"type": "object"}, "q")
    _ = (either, perhaps, word, number, some, schema)


def every_call_takes_any_type(chat: tw.ChatClient) -> None:
    reply = chat.complete("q", response_format=Cat | Dog)
    value: Cat | Dog = reply.parsed
    chat.run("q", response_format=Literal["x"], output_mode="prompt")
    with chat.stream("q", response_format=Cat | Dog) as stream:
        _ = (stream.response.parsed, value)
    for row in chat.map(["q"], concurrency=1, response_format=Cat | Dog):
        _ = row.result().parsed
    tw.LlmRequest("q", response_format=Cat | Dog, output_mode="json_object")
    tw.ChatClient("sim:chat", response_format=Cat | Dog)
    response_format_for(Cat | Dog)
    with fake({"openai:*": "{}"}):
        chat.parse(Cat | Dog, "q")


def growing_values_have_the_type(chat: tw.ChatClient) -> None:
    with chat.stream("q", response_format=Cat) as stream:
        assert_type(next(iter(stream.partial(Cat))), Cat)
        assert_type(next(iter(stream.partial(list[Dog]))), list[Dog])
        either: Cat | Dog = next(iter(stream.partial(Cat | Dog)))
        anything: Any = next(iter(stream.partial()))
        _ = (either, anything)


async def growing_values_have_the_type_async(chat: tw.ChatClient) -> None:
    async with chat.stream_async("q") as stream:
        async for cat in stream.partial(Cat):
            assert_type(cat, Cat)


def tools_may_be_chosen_by_name(chat: tw.ChatClient, tool: tw.Tool) -> None:
    def add(a: Annotated[int, "First"], b: int) -> int:
        return a + b

    chat.run("q", tools=[add, tool], tool_choice="add")
    chat.run("q", tools=[add, tool], tool_choice=tool)
    chat.run("q", tools=[add, tool], tool_choice=add)
    chat.run("q", tools=[add], tool_choice={"type": "function", "function": {"name": "add"}})


def a_misspelt_name_is_an_error_and_a_module_is_known() -> None:
    _ = tw.ChatCleint  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    assert_type(tw.tools.call_tool(len, '{"obj": "abc"}'), object)
