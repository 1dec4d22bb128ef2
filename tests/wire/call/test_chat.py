"""`ChatClient` with the simulator: what is sent, and what is returned."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent, sent_headers

import tokenwire as tw

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer


def chat_on(sim: SimServer, model: str = "m", **settings: Any) -> tw.ChatClient:
    return tw.ChatClient(model, base_url=sim.base_url, **settings)


def says(sim: SimServer, **reply: Any) -> None:
    sim.set_script({"default": {"reply": reply}})


def test_a_prompt_alone_is_all_that_is_sent(sim: SimServer, ask: Asking) -> None:
    says(sim, text="Blue.")
    assert ask.run(chat_on(sim), "Why?") == "Blue."
    assert sent(sim) == [{"model": "m", "messages": [{"role": "user", "content": "Why?"}]}]
    assert [request["path"] for request in sim.requests()] == ["/v1/chat/completions"]


def test_a_whole_reply_holds_what_the_server_said(sim: SimServer, ask: Asking) -> None:
    says(
        sim,
        text="It is blue.",
        reasoning="Rayleigh.",
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 12,
            "total_tokens": 21,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
        headers={"x-request-id": "req-1", "x-more": "a"},
    )
    reply = ask.complete(chat_on(sim, "openai:gpt-x", api_key="k"), "Why?")
    assert reply.text == "It is blue."
    assert reply.reasoning == "Rayleigh."
    assert reply.refusal is None
    assert reply.tool_calls == ()
    assert (reply.finish_reason, reply.provider_finish_reason) == ("stop", "stop")
    assert (reply.provider, reply.model, reply.request_id) == ("openai", "gpt-x", "req-1")
    assert reply.usage == tw.Usage(
        prompt_tokens=9,
        completion_tokens=12,
        total_tokens=21,
        cached_tokens=4,
        reasoning_tokens=5,
    )
    assert reply.headers["x-more"] == "a"
    assert [choice.text for choice in reply.choices] == ["It is blue."]
    assert reply.logprobs is None
    assert reply.parsed is None
    assert reply.id
    assert reply.raw is not None
    assert json.loads(reply.raw)["id"] == reply.id
    assert [(a.status, a.error, a.phase) for a in reply.attempts] == [(200, None, "body")]


def test_timing_of_a_whole_reply_says_when_and_how_fast(sim: SimServer, ask: Asking) -> None:
    says(sim, text="one two three")
    timing = ask.complete(chat_on(sim), "-").timing
    assert timing.first_byte is not None
    assert timing.total is not None
    assert 0 < timing.first_byte <= timing.total
    assert (timing.first_token, timing.last_token) == (None, None)
    assert timing.tokens_per_second == pytest.approx(3 / timing.total)


def test_messages_as_dicts_go_out_as_they_are(sim: SimServer, ask: Asking) -> None:
    messages = [
        {"role": "developer", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "y"}], "odd": {"kept": [1, None]}},
        {"role": "assistant", "content": None, "tool_calls": [], "prefix": True},
        {"role": "user", "content": "z", "name": "ann"},
    ]
    ask.complete(chat_on(sim), messages)
    assert sent(sim)[0]["messages"] == messages


def test_our_messages_and_dicts_mix(sim: SimServer, ask: Asking) -> None:
    ask.complete(
        chat_on(sim), [tw.LlmMessage("system", "Brief."), {"role": "user", "content": "x"}]
    )
    ask.complete(chat_on(sim), tw.LlmMessage("user", "alone", name="ann"))
    ask.complete(chat_on(sim), ({"role": "user", "content": "tuple"},))
    assert [body["messages"] for body in sent(sim)] == [
        [{"role": "system", "content": "Brief."}, {"role": "user", "content": "x"}],
        [{"role": "user", "content": "alone", "name": "ann"}],
        [{"role": "user", "content": "tuple"}],
    ]


@pytest.mark.parametrize("key", ["image_url", "video_url", "file"])
def test_no_path_of_this_machine_reaches_a_server(
    sim: SimServer, ask: Asking, tmp_path: Path, key: str
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    for url in (str(path), path.as_uri(), "~/cat.png"):
        inner = {"file_data" if key == "file" else "url": url}
        message = {"role": "user", "content": [{"type": key, key: inner}]}
        for call in (ask.complete, ask.read):
            with pytest.raises(tw.LlmConfigError, match=r"^messages\[0\]\.content\[0\]\..*path="):
                call(chat_on(sim), [message])
    assert sim.requests() == []


def test_parts_are_written_as_openai_wants_them(
    sim: SimServer, ask: Asking, tmp_path: Path
) -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(8)
    path = tmp_path / "report.pdf"
    path.write_bytes(b"%PDF-1.7 x")
    parts: list[Any] = [
        tw.TextPart("What is this?"),
        tw.ImagePart(url="https://example.org/a.png", detail="low"),
        tw.ImagePart(data=picture),
        tw.AudioPart.from_bytes(b"RIFF\x04\x00\x00\x00WAVE", format="wav"),
        tw.FilePart(path=path),
        "and this",
    ]
    ask.complete(chat_on(sim), [tw.LlmMessage("user", parts)])

    def encoded(data: bytes) -> str:
        return base64.b64encode(data).decode()

    assert sent(sim)[0]["messages"][0] == {
        "role": "user",
        "content": [
            {"type": "text", "text": "What is this?"},
            {
                "type": "image_url",
                "image_url": {"url": "https://example.org/a.png", "detail": "low"},
            },
            {
                "type": "image_url",
                "image_url": {"url": f"data:image/png;base64,{encoded(picture)}"},
            },
            {
                "type": "input_audio",
                "input_audio": {
                    "data": encoded(b"RIFF\x04\x00\x00\x00WAVE"),
                    "format": "wav",
                },
            },
            {
                "type": "file",
                "file": {
                    "filename": "report.pdf",
                    "file_data": f"data:application/pdf;base64,{encoded(b'%PDF-1.7 x')}",
                },
            },
            {"type": "text", "text": "and this"},
        ],
    }


# The system prompt.


def test_a_system_prompt_comes_first(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, system="Be brief.")
    ask.complete(chat, "hi")
    ask.complete(chat, [{"role": "user", "content": "hi"}])
    expected = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert [body["messages"] for body in sent(sim)] == [expected, expected]


@pytest.mark.parametrize("role", ["system", "developer"])
def test_two_system_prompts_are_refused(sim: SimServer, ask: Asking, role: str) -> None:
    chat = chat_on(sim, system="Be brief.")
    for message in ({"role": role, "content": "x"}, tw.LlmMessage(role, "x")):  # type: ignore[arg-type]
        with pytest.raises(tw.LlmConfigError, match="system"):
            ask.complete(chat, [message, {"role": "user", "content": "hi"}])
    assert sim.requests() == []


# Several choices, log probabilities, reasoning, refusals.


def test_each_of_several_choices_is_there(sim: SimServer, ask: Asking) -> None:
    whole = ask.complete(chat_on(sim), "-", n=3, max_tokens=4)
    _, streamed = ask.read(chat_on(sim), "-", n=3, max_tokens=4)
    assert [choice.index for choice in whole.choices] == [0, 1, 2]
    assert len({choice.text for choice in whole.choices}) == 3
    assert [choice.finish_reason for choice in whole.choices] == ["length"] * 3
    assert whole.text == whole.choices[0].text
    assert streamed.choices == whole.choices
    assert [body["n"] for body in sent(sim)] == [3, 3]


@pytest.mark.parametrize(
    ("wanted", "top", "flags"),
    [(True, 0, {"logprobs": True}), (2, 2, {"logprobs": True, "top_logprobs": 2})],
)
def test_logprobs_come_for_each_token(
    sim: SimServer, ask: Asking, wanted: bool | int, top: int, flags: dict[str, Any]
) -> None:
    says(sim, tokens=["Hel", "lo"])
    whole = ask.complete(chat_on(sim), "-", logprobs=wanted)
    chunks, streamed = ask.read(chat_on(sim), "-", logprobs=wanted)
    assert whole.logprobs is not None
    assert [token.token for token in whole.logprobs] == ["Hel", "lo"]
    assert [token.bytes for token in whole.logprobs] == [b"Hel", b"lo"]
    assert all(token.logprob is not None and token.logprob <= 0 for token in whole.logprobs)
    assert [len(token.top) for token in whole.logprobs] == [top, top]
    assert {token.text_offset for token in whole.logprobs} == {None}
    assert streamed.logprobs == whole.logprobs
    assert [c.logprobs for c in chunks if c.text] == [(token,) for token in whole.logprobs]
    assert {name: sent(sim)[0].get(name) for name in flags} == flags
    assert sent(sim)[0].keys() - {"model", "messages"} == flags.keys()


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_whatever_its_name(sim: SimServer, ask: Asking, field: str) -> None:
    says(sim, text="Blue.", reasoning="Light is scattered.", reasoning_field=field)
    whole = ask.complete(chat_on(sim), "-")
    chunks, streamed = ask.read(chat_on(sim), "-")
    assert whole.reasoning == streamed.reasoning == "Light is scattered."
    assert whole.text == streamed.text == "Blue."
    assert "".join(chunk.reasoning or "" for chunk in chunks) == "Light is scattered."
    assert whole.message == streamed.message
    assert whole.message.content == [
        tw.ReasoningPart(
            "Light is scattered.", provider="openai-compatible", field=field, model="m"
        ),
        tw.TextPart("Blue."),
    ]


def test_a_refusal_is_a_refusal(sim: SimServer, ask: Asking) -> None:
    says(sim, refusal="I will not.")
    whole = ask.complete(chat_on(sim), "-")
    chunks, streamed = ask.read(chat_on(sim), "-")
    for reply in (whole, streamed):
        assert (reply.refusal, reply.text) == ("I will not.", "")
        assert (reply.finish_reason, reply.provider_finish_reason) == ("refusal", "stop")
        assert reply.message.content == [tw.RefusalPart("I will not.")]
    assert "".join(chunk.refusal or "" for chunk in chunks) == "I will not."


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("model_length", "length"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("a_word_of_tomorrow", "other"),
    ],
)
def test_a_finish_reason_has_our_word_and_keeps_theirs(
    sim: SimServer, ask: Asking, word: str, reason: str
) -> None:
    says(sim, text="x", finish_reason=word)
    whole = ask.complete(chat_on(sim), "-")
    _, streamed = ask.read(chat_on(sim), "-")
    assert (whole.finish_reason, whole.provider_finish_reason) == (reason, word)
    assert (streamed.finish_reason, streamed.provider_finish_reason) == (reason, word)


# What `run` returns, and what it does not hide.


def test_run_streams_where_asked_and_hands_on_each_piece(
    sim: SimServer, ask: Asking, capsys: pytest.CaptureFixture[str]
) -> None:
    says(sim, tokens=["Hel", "lo", " there"])
    pieces: list[str] = []
    assert ask.run(chat_on(sim), "-", on_text=pieces.append) == "Hello there"
    assert ask.run(chat_on(sim), "-", stream=True) == "Hello there"
    assert pieces == ["Hel", "lo", " there"]
    assert [body.get("stream") for body in sent(sim)] == [True, True]
    assert capsys.readouterr() == ("", "")


async def test_run_async_awaits_a_coroutine_for_each_piece(sim: SimServer) -> None:
    says(sim, tokens=["a", "b"])
    pieces: list[str] = []

    async def take(piece: str) -> None:
        pieces.append(piece)

    assert await chat_on(sim).run_async("-", on_text=take) == "ab"
    assert pieces == ["a", "b"]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"refusal": "I will not."}, "refused: I will not."),
        ({"text": "so", "finish_reason": "content_filter"}, "filter"),
        ({"tool_calls": [{"name": "get_weather", "arguments": {}}]}, "get_weather"),
        ({"text": "", "finish_reason": "length"}, "max_tokens"),
    ],
)
def test_run_raises_where_the_model_did_not_serve(
    sim: SimServer, ask: Asking, stream: bool, reply: dict[str, Any], problem: str
) -> None:
    says(sim, **reply)
    with pytest.raises(tw.LlmModelError, match=problem) as caught:
        ask.run(chat_on(sim), "-", stream=stream)
    response = caught.value.response
    assert response is not None
    assert response is caught.value.partial
    assert (response.refusal or response.text) == reply.get("refusal", reply.get("text", ""))
    assert caught.value.model == "m"


def test_run_gives_an_empty_text_that_the_model_meant(sim: SimServer, ask: Asking) -> None:
    says(sim, text="")
    assert ask.run(chat_on(sim), "-") == ""


def test_run_takes_one_choice_only(sim: SimServer, ask: Asking) -> None:
    with pytest.raises(tw.LlmConfigError, match=r"complete\(\)"):
        ask.run(chat_on(sim), "-", n=2)
    with pytest.raises(tw.LlmConfigError, match=r"complete\(\)"):
        ask.run(chat_on(sim, n=2), "-")
    with pytest.raises(tw.LlmConfigError, match=r"complete\(\)"):
        ask.run(chat_on(sim), tw.LlmRequest("-", n=2))
    assert sim.requests() == []


# Headers and unusual requests.


def test_a_stream_and_a_call_say_what_they_accept(sim: SimServer, ask: Asking) -> None:
    ask.complete(chat_on(sim, api_key="k"), "-")
    ask.read(chat_on(sim, api_key="k"), "-")
    whole, streamed = sent_headers(sim)
    assert whole["accept"] == "application/json"
    assert streamed["accept"] == "text/event-stream"
    assert streamed["accept-encoding"] == "identity"
    for headers in (whole, streamed):
        assert headers["content-type"] == "application/json"
        assert headers["user-agent"].startswith("tokenwire/")
        assert headers["authorization"].startswith("hash:")
        assert "cookie" not in headers
        assert "referer" not in headers
