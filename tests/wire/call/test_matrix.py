"""Each parameter and each kind of part is at its place, or refused by name, or listed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.call import matrix, matrix_parts
from tests.wire.origins import WHOLE, Origin, response

import tokenwire as tw
from tokenwire.types import params

if TYPE_CHECKING:
    from tests.wire.asking import Asking


def _answer(body: object) -> bytes:
    return response(200, json.dumps(body).encode(), "content-type: application/json")


ANSWERS = {
    "chat": WHOLE,
    "completions": _answer({"choices": [{"index": 0, "text": "ok", "finish_reason": "stop"}]}),
    "responses": _answer(
        {"id": "resp_1", "object": "response", "status": "completed", "output": []}
    ),
    "messages": _answer(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m",
            "content": [{"type": "text", "text": "ok"}],
            "stop_reason": "end_turn",
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }
    ),
    "gemini": _answer(
        {"candidates": [{"content": {"parts": [{"text": "ok"}]}, "finishReason": "STOP"}]}
    ),
}


# The APIs of a ChatClient.
TALKING = set(matrix.APIS) - {"completions"}
# A model that takes all parameters of the API, at a provider that has all APIs.
MODELS = {
    "messages": "openrouter:anthropic/claude-opus-4-6",
    "gemini": "google:gemini-3-pro-preview",
}
# One that takes all kinds of parts.
OF_PARTS = {"responses": "gpt-5.6", "chat": "gpt-5.6"}


def client_of(api: str, server: Origin, **settings: Any) -> tw.ChatClient | tw.CompletionClient:
    kind = tw.CompletionClient if api == "completions" else tw.ChatClient
    model = MODELS.get(api, "openai:gpt-4.1")
    return kind(model, api=api, api_key="k", base_url=server.base_url, **settings)


class Sending:
    """What one API sends for some arguments."""

    def __init__(self, api: str, server: Origin, ask: Asking) -> None:
        self.api, self.server, self.ask = api, server, ask
        self.client = client_of(api, server)

    def body(self, asked: Any = "hi", **arguments: Any) -> tuple[Any, tuple[str, ...]]:
        """The body that is sent, and what was left out of it."""
        self.server.answer_next(ANSWERS[self.api])
        reply = self.ask.complete(self.client, asked, **arguments)
        return json.loads(self.server.requests[-1].body), tuple(reply.dropped)


@pytest.fixture(params=matrix.APIS)
def sending(request: pytest.FixtureRequest, ask: Asking) -> Any:
    with Origin() as server:
        yield Sending(request.param, server, ask)


def test_the_matrix_has_every_parameter() -> None:
    of_call = {"model", "timeout", "max_retries", "headers", "stream_usage", "output_mode"}
    of_call |= {"drop_unsupported", "think_tags", "extra_body", "extra_headers", "extra_query"}
    assert [row.name for row in matrix.PARAMETERS] == list(
        dict.fromkeys(row.name for row in matrix.PARAMETERS)
    )
    names = {row.name for row in matrix.PARAMETERS}
    assert names == params.AnyParams.__optional_keys__ - of_call


def test_each_parameter_is_at_its_place(sending: Sending) -> None:
    for row in matrix.PARAMETERS:
        where = row.where(sending.api)
        if where is not None:
            plain, _ = sending.body(**row.beside)
            body, dropped = sending.body(**{row.name: row.value}, **row.beside)
            assert (body, dropped) == (matrix.put(plain, where), ()), row.name


def test_a_parameter_without_a_place_is_refused_by_name_or_dropped_and_listed(
    sending: Sending,
) -> None:
    plain, _ = sending.body()
    rows = [row for row in matrix.PARAMETERS if row.where(sending.api) is None]
    assert rows
    for row in rows:
        # Every API gives one choice.
        value = 2 if row.name == "n" else row.value
        before = len(sending.server.requests)
        others = [api for api in matrix.APIS if row.where(api) is not None]
        is_twin = sending.api in TALKING and not TALKING.isdisjoint(others)
        kind = tw.LlmValidationError if is_twin else tw.LlmConfigError
        with pytest.raises(kind) as caught:
            sending.ask.complete(sending.client, "hi", **{row.name: value})
        text = str(caught.value)
        assert re.search(rf"params\.{row.name}: {sending.api} has no such parameter; ", text), text
        nearest = f'api="{others[0]}"' if is_twin else "takes it"
        if sending.api == "gemini" and others == ["completions"]:
            # Google has no text completions.
            nearest = "the provider may know it"
        if row.name == "n":
            nearest = "make a call for each answer, such as map([prompt] * 2)"
        assert nearest in text or row.name == "top_logprobs", text
        assert len(sending.server.requests) == before
        assert sending.body(**{row.name: value}, drop_unsupported=True) == (plain, (row.name,))


@pytest.mark.parametrize("sending", sorted(TALKING), indirect=True)
def test_each_kind_of_part_is_at_its_place_or_refused_or_listed(sending: Sending) -> None:
    for row in matrix_parts.KINDS:
        where = row.where(sending.api)
        if where is None:
            with pytest.raises(tw.LlmValidationError, match=rf"messages\[0\].*{sending.api}"):
                sending.ask.complete(sending.client, row.asked)
            continue
        body, dropped = sending.body(row.asked, model=OF_PARTS.get(sending.api))
        for path, value in where.items():
            assert matrix.at(body, path) == value, row.name
        assert dropped == row.drops.get(sending.api, ()), row.name


def test_drop_unsupported_is_a_setting_and_an_argument_everywhere(ask: Asking) -> None:
    with Origin(answers=[ANSWERS["responses"]] * 4) as server:
        plain = client_of("responses", server)
        with pytest.raises(tw.LlmConfigError, match="drop_unsupported: give True or False"):
            ask.complete(plain, "hi", drop_unsupported="yes")
        given: dict[str, Any] = {"stop": ["x"], "drop_unsupported": True}
        ask.complete(client_of("responses", server, **given), "hi")
        ask.complete(plain.with_options(drop_unsupported=True), "hi", stop=["x"])
        ask.complete(plain, tw.LlmRequest("hi", **given))
        reply = ask.complete(
            client_of("responses", server, drop_unsupported=True), "hi", stop=["x"]
        )
        assert reply.dropped == ("stop",)
        assert all(b"stop" not in request.body for request in server.requests)


def test_the_guide_has_the_tables_of_the_matrix() -> None:
    guide = matrix.GUIDE.read_text(encoding="utf-8")
    assert guide == matrix.with_tables(guide), "run python -m tests.wire.call.matrix"
