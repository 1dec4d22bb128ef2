"""`stream.partial` over the wire: it reads a stream as the other forms do."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.wire.asking import VIEWS

import tokenwire as tw

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

TOKENS = ['{"title": "', "Hel", "lo", '", "pages"', ": 12", "}"]
ANSWER = {"reply": {"tokens": TOKENS}}
# Sends the first two tokens, then nothing until the client disconnects.
STALLS = {**ANSWER, "fault": {"kind": "stall", "at": {"events": 3}}}


class Book(BaseModel):
    title: str
    pages: int


WHOLE = Book(title="Hello", pages=12)


def chat_on(sim: SimServer, behaviour: dict[str, Any], **settings: Any) -> tw.ChatClient:
    sim.set_script({"default": behaviour})
    return tw.ChatClient("m", base_url=sim.base_url, **settings)


def test_the_values_grow_to_the_parsed_one(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, ANSWER, response_format=Book)
    made, response = ask.read(chat, "-", view="partial")
    assert made[-1] == response.parsed == WHOLE
    titles = [value.title for value in made]
    assert all("Hello".startswith(title or "") for title in titles)
    assert all(one != two for one, two in itertools.pairwise(made))


def test_the_type_may_be_given_late(sim: SimServer) -> None:
    with chat_on(sim, ANSWER).stream("-") as stream:
        assert list(stream.partial(dict[str, Any]))[-1] == {"title": "Hello", "pages": 12}
    stream = chat_on(sim, ANSWER).stream("-")
    with pytest.raises(tw.LlmConfigError, match="partial: there is no type"):
        stream.partial()
    assert "not sent" in repr(stream)


def test_a_cut_stream_raises_with_its_partial_reply(sim: SimServer, ask: Asking) -> None:
    cut = {**ANSWER, "fault": {"kind": "reset", "at": {"events": 4}}}
    with pytest.raises(tw.LlmStreamingError) as raised:
        ask.read(chat_on(sim, cut, response_format=Book), "-", view="partial")
    assert raised.value.partial is not None
    assert raised.value.partial.text == '{"title": "Hello'


def test_what_arrived_before_an_error_is_yielded(sim: SimServer) -> None:
    cut = {**ANSWER, "fault": {"kind": "reset", "at": {"events": 4}}}
    made: list[Any] = []
    with chat_on(sim, cut).stream("-") as stream:
        values = stream.partial(Book)
        with pytest.raises(tw.LlmStreamingError):
            made.extend(iter(lambda: next(values).title, None))
    assert made[-1] == "Hello"


def test_it_may_follow_every_other_form(sim: SimServer) -> None:
    for view in VIEWS:
        with chat_on(sim, ANSWER).stream("-") as stream:
            read = stream.text_stream if view == "text" else stream
            next(iter(read if view in ("text", "chunks") else getattr(stream, view)()))
            assert list(stream.partial(Book))[-1] == WHOLE, view


async def test_a_step_that_is_cancelled_loses_nothing(sim: SimServer) -> None:
    async with chat_on(sim, STALLS).stream_async("-") as stream:
        made = stream.partial(Book)
        while (await anext(made)).title != "Hel":
            pass
        step = asyncio.ensure_future(anext(made))
        await asyncio.sleep(0)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        again = asyncio.ensure_future(anext(made))
        await asyncio.sleep(0)
        stream.close()
        with pytest.raises(tw.LlmClientClosedError):
            await again


def test_closing_it_ends_a_read(sim: SimServer) -> None:
    with chat_on(sim, STALLS).stream("-") as stream:
        made = stream.partial(Book)
        while next(made).title != "Hel":
            pass
        stream.close()
        with pytest.raises(tw.LlmClientClosedError):
            next(made)


def test_a_full_buffer_makes_few_values(sim: SimServer) -> None:
    class Essay(BaseModel):
        text: str

    text = "word " * 20_000
    body = {"reply": {"tokens": ['{"text": "', *([text[:500]] * 200), '"}']}}
    with chat_on(sim, body).stream("-") as stream:
        made = list(stream.partial(Essay))
    assert made[-1] == Essay(text=text)
    # At most 32 KiB a value if all has arrived, and one for each read of the socket if not.
    assert len(made) < 100
