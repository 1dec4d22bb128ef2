"""The API of a call: the client shows it, and so do its replies, errors and events."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.answering import Answering
from tests.wire.origins import response

import tokenwire as tw
from tokenwire.testing import fake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


def body_of(status: str = "completed", **more: Any) -> dict[str, Any]:
    """The body of a reply of Responses."""
    text = {"type": "output_text", "text": "It is blue.", "annotations": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}
    output = [message] if status == "completed" else []
    return {"id": "resp_1", "object": "response", "status": status, "output": output, **more}


def whole(body: dict[str, Any]) -> bytes:
    """The HTTP response with that body."""
    return response(200, json.dumps(body).encode(), "content-type: application/json")


def streamed(*events: dict[str, Any]) -> bytes:
    """The HTTP response of a stream of these events."""
    body = b"".join(b"data: %s\n\n" % json.dumps(event).encode() for event in events)
    return response(200, body, "content-type: text/event-stream")


RUNS: dict[str, Callable[[Asking, tw.LlmClientInterface], object]] = {
    "run": lambda ask, client: ask.run(client, "-"),
    "parse": lambda ask, client: ask.parse(client, int, "-"),
}


@pytest.fixture
def server() -> Iterator[Answering]:
    end = {"type": "response.completed", "response": body_of()}
    bodies = {"whole": whole(body_of()), "streamed": streamed(end)}
    with Answering(lambda path: [bodies[path]]) as server:
        yield server


@pytest.mark.no_connection
def test_a_client_shows_its_api() -> None:
    base_url = "http://127.0.0.1:9/v1"
    chat = tw.ChatClient("m", base_url=base_url)
    assert chat.api == "chat"
    assert tw.CompletionClient("m", base_url=base_url).api == "completions"
    responses = tw.ChatClient("m", base_url=base_url, api="responses")
    assert responses.api == "responses"
    assert chat.with_options(api="responses").api == "responses"
    assert responses.with_options(model="n").api == "responses"
    assert responses.with_options(api=None).api == "chat"
    assert pickle.loads(pickle.dumps(responses)).api == "responses"


def test_a_reply_shows_the_api_of_its_call(sim: SimServer, ask: Asking) -> None:
    chat = tw.ChatClient("m", base_url=sim.base_url)
    assert ask.complete(chat, "-").api == "chat"
    assert ask.read(chat, "-")[1].api == "chat"
    completion = tw.CompletionClient("m", base_url=sim.base_url)
    assert ask.complete(completion, "-").api == "completions"
    assert [row.result().api for row in ask.map(chat, ["-"], concurrency=1)] == ["chat"]


def test_a_reply_of_responses_shows_its_api_and_status(server: Answering, ask: Asking) -> None:
    def client(path: str) -> tw.ChatClient:
        return tw.ChatClient("m", base_url=server.base_url(path), api="responses")

    for reply in (ask.complete(client("whole"), "-"), ask.read(client("streamed"), "-")[1]):
        assert (reply.api, reply.status, reply.id) == ("responses", "completed", "resp_1")
        for kept in (pickle.loads(pickle.dumps(reply)), tw.LlmResponse.from_dict(reply.to_dict())):
            assert (kept, kept.api, kept.status) == (reply, "responses", "completed")
    assert reply.to_dict()["status"] == "completed"


def test_the_partial_reply_of_an_error_shows_the_api(sim: SimServer, ask: Asking) -> None:
    cut = {"reply": {"text": "It is blue."}, "fault": {"kind": "reset", "at": {"events": 3}}}
    sim.set_script({"default": cut})
    with pytest.raises(tw.LlmStreamingError) as caught:
        ask.read(tw.ChatClient("m", base_url=sim.base_url), "-")
    assert caught.value.partial is not None
    assert caught.value.partial.api == "chat"


@pytest.mark.parametrize("view", ["events", "batches"])
def test_a_partial_reply_has_the_sources_that_came(view: str, ask: Asking) -> None:
    """The events are those of OpenAI; the stream ends cleanly before its terminal event."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    block = {"type": "output_text", "text": "", "annotations": []}
    source = {
        "type": "url_citation",
        "start_index": 3,
        "end_index": 7,
        "url": "https://a.example/",
        "title": "A",
    }
    sent = streamed(
        *(
            {"type": f"response.{name}", **fields}
            for name, fields in (
                ("output_item.added", {"output_index": 0, "item": item}),
                ("content_part.added", {**place, "part": block}),
                ("output_text.delta", {**place, "delta": "It is blue."}),
                (
                    "output_text.annotation.added",
                    {**place, "annotation_index": 0, "annotation": source},
                ),
            )
        )
    )
    with Answering(lambda _: [sent]) as server:
        client = tw.ChatClient("m", base_url=server.base_url("a"), api="responses", max_retries=0)
        with pytest.raises(tw.LlmStreamIncompleteError, match=r"response\.completed") as caught:
            ask.read(client, "-", view=view)
    partial = caught.value.partial
    assert partial is not None
    (cited,) = partial.citations
    assert (cited.start, cited.end, cited.text, cited.url) == (3, 7, "is b", "https://a.example/")
    assert cited.raw == source
    assert (partial.text, partial.api) == ("It is blue.", "responses")
    assert partial.finish_reason is None


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_what_the_provider_has_queued_is_not_an_answer(
    run: Callable[[Asking, tw.LlmClientInterface], object], status: str, ask: Asking
) -> None:
    body = whole(body_of(status, background=True, usage=None))
    with Answering(lambda _: [body]) as server:
        client = tw.ChatClient("m", base_url=server.base_url("a"), api="responses")
        with pytest.raises(tw.LlmModelError, match=f"its status is {status}; use complete"):
            run(ask, client)
        reply = ask.complete(client, "-", response_format=int)
    assert (reply.status, reply.id, reply.text) == (status, "resp_1", "")
    assert reply.finish_reason is None


def test_the_reply_to_a_call_of_another_model_shows_its_own_api(ask: Asking) -> None:
    with fake({"openai:*": ["a"] * 3}) as faked:
        client = tw.ChatClient("openai:gpt-4o-mini")
        replies = [ask.complete(client, "-", model=model) for model in (None, "gpt-5.6", None)]
        assert client.api == "chat"
        assert client.with_options(model="openai:gpt-5.6").api == "responses"
    assert [reply.api for reply in replies] == ["chat", "responses", "chat"]
    assert [request.api for request in faked.requests] == ["chat", "responses", "chat"]


def test_the_event_of_a_call_shows_the_api(sim: SimServer, ask: Asking) -> None:
    events: list[tw.CallEvent] = []
    remove = tw.on_call(events.append)
    try:
        ask.complete(tw.ChatClient("m", base_url=sim.base_url), "-")
        ask.read(tw.CompletionClient("m", base_url=sim.base_url), "-")
        sim.set_script({"default": {"error": {"status": 400}}})
        with pytest.raises(tw.LlmAPIError):
            ask.complete(tw.ChatClient("m", base_url=sim.base_url), "-")
    finally:
        remove()
    assert [event.api for event in events] == ["chat", "completions", "chat"]
    assert [pickle.loads(pickle.dumps(event)).api for event in events[:2]] == [
        "chat",
        "completions",
    ]


class Queued(tw.LlmClientInterface):
    """A custom client whose provider has not answered yet."""

    def __init__(self, status: str | None = "queued", **more: Any) -> None:
        super().__init__("m", provider="custom")
        self.reply: tw.LlmResponse = tw.LlmResponse(
            provider="custom", model="m", id="resp_1", api="responses", status=status, **more
        )

    def complete(self, request_or_prompt: Any, **params: Any) -> tw.LlmResponse:  # noqa: ARG002
        return self.reply


@pytest.mark.no_connection
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_reply_that_is_not_finished_is_not_an_answer(
    run: Callable[[Asking, tw.LlmClientInterface], object], status: str, ask: Asking
) -> None:
    client = Queued(status)
    with pytest.raises(tw.LlmModelError) as caught:
        run(ask, client)
    assert caught.value.response is client.reply
    assert caught.value.partial is client.reply
    said = str(caught.value)
    for word in (status, "complete()", "reply.status", "reply.id"):
        assert word in said
    assert "\n" not in said
    assert ask.complete(client, "-").status == status


@pytest.mark.no_connection
def test_a_reply_that_is_not_finished_has_no_parsed_value() -> None:
    reply = Queued(response_format=int).reply
    with pytest.raises(tw.LlmModelError, match="not an answer yet: its status is queued"):
        _ = reply.parsed


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("text", ["3", ""])
@pytest.mark.parametrize("word", ["pause_turn", "compaction"])
def test_a_reply_that_the_provider_paused_is_not_an_answer(
    run: Callable[[Asking, tw.LlmClientInterface], object],
    text: str,
    word: str,
    sim: SimServer,
    ask: Asking,
) -> None:
    sim.set_script({"default": {"reply": {"text": text, "finish_reason": word}}})
    client = tw.ChatClient("m", base_url=sim.base_url, api="messages")
    with pytest.raises(tw.LlmModelError) as caught:
        run(ask, client)
    paused = caught.value.response
    assert paused is not None
    assert (paused.text, paused.finish_reason) == (text, "other")
    for said in (word, "complete()", "[..., reply.message]"):
        assert said in str(caught.value)
    assert ask.complete(client, "-").text == text
    # What the message says to do.
    sim.set_script({})
    assert ask.run(client, [tw.LlmMessage("user", "-"), paused.message])


@pytest.mark.no_connection
@pytest.mark.parametrize(
    ("status", "finish_reason"), [("completed", "stop"), (None, None), ("queued", "stop")]
)
def test_any_other_reply_is_an_answer(status: Any, finish_reason: Any, ask: Asking) -> None:
    client = Queued(status, text="3", finish_reason=finish_reason)
    assert ask.run(client, "-") == "3"
    assert ask.parse(client, int, "-") == 3


@pytest.mark.no_connection
def test_a_custom_client_can_say_all_of_it() -> None:
    details = {"reason": "content_filter", "é": [1.5, None]}
    reply = Queued("incomplete", stop_details=details, finish_reason="content_filter").reply
    for kept in (reply, pickle.loads(pickle.dumps(reply)), reply.from_dict(reply.to_dict())):
        assert (kept.api, kept.status, kept.stop_details) == ("responses", "incomplete", details)
        assert kept.choices[0].stop_details == details
        assert kept == reply
    assert reply.to_dict()["stop_details"] == details
    assert reply.choices[0].to_dict()["stop_details"] == details
    assert "stop_details" not in Queued().reply.to_dict()


def test_a_custom_stream_keeps_the_parts_of_the_chunks_it_passes_on(ask: Asking) -> None:
    reply = {
        "text": "It is blue.",
        "reasoning": "Rayleigh.",
        "tool_calls": [{"name": "f", "arguments": "{}"}],
    }
    with fake({"openai:*": {"reply": reply}}):
        chunks, whole = ask.read(tw.ChatClient("openai:gpt-5.6"), "-")

    async def passed_on() -> Any:
        for chunk in chunks:
            yield chunk

    class Passing(tw.LlmClientInterface):
        def stream(self, *_: Any, **__: Any) -> tw.LlmStream:
            return tw.LlmStream.from_chunks(iter(chunks), **fields)

        def stream_async(self, *_: Any, **__: Any) -> tw.AsyncLlmStream:
            return tw.AsyncLlmStream.from_chunks(passed_on(), **fields)

    fields: dict[str, Any] = {
        "provider": "openai",
        "model": "gpt-5.6",
        "api": "responses",
        "status": "completed",
    }
    _, again = ask.read(Passing("gpt-5.6"), "-")
    assert again.message == whole.message
    assert (again.api, again.status, again.tool_calls) == (
        "responses",
        "completed",
        whole.tool_calls,
    )
    assert len(whole.message.content) == 3
