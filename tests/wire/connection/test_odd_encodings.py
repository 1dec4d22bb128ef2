"""Encoded bodies that are cut, changed, mislabelled or empty: never another text, never a part."""

from __future__ import annotations

import gzip
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.codings import CODINGS
from tests.wire.origins import Origin, delta, event

from tokenwire import (
    ChatClient,
    Limits,
    LlmAPIError,
    LlmError,
    LlmEventTooLargeError,
    LlmResponseTooLargeError,
    RetryPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

TEXT = "The quick brown fox jumps over the lazy dog; 0123456789 times."
STREAM_TEXTS = ["The quick ", "brown fox ", "jumps."]
JSON_TYPE, STREAM_TYPE = "content-type: application/json", "content-type: text/event-stream"
FLIPS = 150


def reply(text: str = TEXT) -> bytes:
    """Return the body of a whole reply."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "c1", "model": "m", "choices": [choice]}).encode()


STREAM = b"".join(map(delta, STREAM_TEXTS)) + delta(None, "stop") + event(b"[DONE]")


def http(body: bytes, *headers: str, status: int = 200, framing: str = "length") -> bytes:
    """Return a response whose body has a length, is chunked, or ends with the connection."""
    lines = [f"HTTP/1.1 {status} Text", *headers]
    if framing == "length":
        lines.append(f"content-length: {len(body)}")
    elif framing == "chunked":
        lines.append("transfer-encoding: chunked")
        body = (b"%x\r\n%s\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    else:
        lines.append("connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def encoded(coding: str, body: bytes, *headers: str, **form: Any) -> bytes:
    """Return a response in a coding."""
    chosen = CODINGS[coding]
    return http(chosen.whole(body), f"content-encoding: {chosen.header}", *headers, **form)


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as server:
        yield server


@pytest.fixture
def client(server: Origin) -> ChatClient:
    return ChatClient("m", base_url=server.base_url, max_retries=0)


@pytest.fixture(params=["complete", "stream"])
def run(request: pytest.FixtureRequest, server: Origin, client: ChatClient) -> Callable[..., str]:
    """Return the text of a call that gets this response; the call is whole or streamed."""

    def run(written: bytes) -> str:
        server.answer_next(written)
        return client.run("hi", stream=request.param == "stream")

    run.streams = request.param == "stream"  # type: ignore[attr-defined]
    return run


def body_of(run: Callable[..., str]) -> tuple[bytes, str, str]:
    """Return the body, its type and its text for this kind of call."""
    if run.streams:  # type: ignore[attr-defined]
        return STREAM, STREAM_TYPE, "".join(STREAM_TEXTS)
    return reply(), JSON_TYPE, TEXT


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_is_cut_anywhere_is_never_a_short_reply(
    run: Callable[..., str], coding: str, framing: str
) -> None:
    body, kind, text = body_of(run)
    chosen = CODINGS[coding]
    whole = chosen.whole(body)
    label = f"content-encoding: {chosen.header}"
    assert run(http(whole, label, kind, framing=framing)) == text
    short = {}
    for end in range(len(whole)):
        try:
            seen = run(http(whole[:end], label, kind, framing=framing))
        except LlmError:
            continue
        # The end mark of a stream shows that its text is whole, whatever follows.
        if not (run.streams and seen == text):  # type: ignore[attr-defined]
            short[end] = seen
    assert short == {}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_is_lost_in_the_middle_is_an_error(
    run: Callable[..., str], coding: str
) -> None:
    body, kind, _ = body_of(run)
    written = encoded(coding, body, kind)
    with pytest.raises(LlmError):
        run(written[: -len(written) // 6].replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))


@pytest.mark.parametrize("coding", [name for name, one in CODINGS.items() if one.checksum])
def test_a_changed_bit_is_never_another_text(
    server: Origin, client: ChatClient, coding: str
) -> None:
    chosen = CODINGS[coding]
    whole = chosen.whole(reply())
    rng = random.Random(5)
    other = {}
    for _ in range(FLIPS):
        bit = rng.randrange(len(whole) * 8)
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        server.answer_next(http(bytes(changed), f"content-encoding: {chosen.header}", JSON_TYPE))
        try:
            seen = client.run("hi")
        except LlmError:
            continue
        if seen != TEXT:
            other[bit] = seen
    assert other == {}


GZIP = CODINGS["gzip"]
# What the header says, and the body. None of them can be decoded as it says.
UNREADABLE: dict[str, tuple[list[str], Callable[[bytes], bytes]]] = {
    "nested": (["gzip, gzip"], lambda body: GZIP.whole(GZIP.whole(body))),
    "nested in two headers": (["gzip", "gzip"], lambda body: GZIP.whole(GZIP.whole(body))),
    "two codings": (["br, gzip"], lambda body: GZIP.whole(CODINGS["br"].whole(body))),
    "compress": (["compress"], lambda body: b"\x1f\x9d\x90" + body),
    "a charset": (["utf-8"], lambda body: body),
    "an unknown name": (["x-tomorrow"], lambda body: body[::-1]),
    "plain, not gzip": (["gzip"], lambda body: body),
    "plain, not deflate": (["deflate"], lambda body: body),
    "plain, not zstd": (["zstd"], lambda body: body),
    "plain, not br": (["br"], lambda body: body),
    "gzip, not zstd": (["zstd"], GZIP.whole),
    "zstd, not gzip": (["gzip"], CODINGS["zstd"].whole),
    "noise": (["gzip"], lambda body: random.Random(3).randbytes(len(body))),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_encoding_that_cannot_be_read_is_an_error_that_names_it(
    run: Callable[..., str], name: str
) -> None:
    labels, encode = UNREADABLE[name]
    body, kind, _ = body_of(run)
    headers = [f"content-encoding: {label}" for label in labels]
    with pytest.raises(LlmError) as raised:
        run(http(encode(body), *headers, kind))
    said = str(raised.value).lower()
    assert "content-encoding" in said
    assert labels[0] in said
    assert "\n" not in said


@pytest.mark.parametrize("name", ["compress", "nested", "plain, not gzip", "noise"])
@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_reply_that_cannot_be_read_keeps_its_status(
    run: Callable[..., str], name: str, status: int
) -> None:
    labels, encode = UNREADABLE[name]
    body = encode(b'{"error": {"message": "no such thing"}}')
    with pytest.raises(LlmAPIError) as raised:
        run(http(body, f"content-encoding: {labels[0]}", JSON_TYPE, status=status))
    assert raised.value.status_code == status
    assert "�" not in str(raised.value)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
@pytest.mark.parametrize("coding", CODINGS)
def test_the_message_of_an_encoded_error_is_read(
    run: Callable[..., str], coding: str, status: int
) -> None:
    body = b'{"error": {"message": "what the server says", "code": "its_code"}}'
    with pytest.raises(LlmAPIError, match="what the server says") as raised:
        run(encoded(coding, body, JSON_TYPE, status=status))
    assert (raised.value.status_code, raised.value.code) == (status, "its_code")
    assert raised.value.body == body


@pytest.mark.parametrize("label", ["GZIP", "Gzip", "x-gzip", " gzip ", "gzip,", "identity, gzip"])
def test_a_name_is_read_as_the_rfc_says(run: Callable[..., str], label: str) -> None:
    """Names have no case, `x-gzip` is `gzip`, and a list may have empty items (RFC 9110)."""
    body, kind, text = body_of(run)
    assert run(http(GZIP.whole(body), f"content-encoding: {label}", kind)) == text


@pytest.mark.parametrize("label", ["identity", "IDENTITY", "", "identity, identity"])
def test_identity_is_no_coding(run: Callable[..., str], label: str) -> None:
    body, kind, text = body_of(run)
    assert run(http(body, f"content-encoding: {label}", kind)) == text


def test_gzip_may_have_two_members(run: Callable[..., str]) -> None:
    """RFC 1952, section 2.2: members simply follow one another."""
    body, kind, text = body_of(run)
    for middle in (1, len(body) // 2, len(body) - 1):
        members = GZIP.whole(body[:middle]) + GZIP.whole(body[middle:])
        assert run(http(members, "content-encoding: gzip", kind)) == text


def test_a_gzip_header_may_have_a_name_a_comment_and_its_checksum(run: Callable[..., str]) -> None:
    body, kind, text = body_of(run)
    plain = gzip.compress(body, mtime=0)
    named = plain[:3] + b"\x18" + plain[4:10] + b"name\0comment\0" + plain[10:]
    assert run(http(named, "content-encoding: gzip", kind)) == text


@pytest.mark.parametrize("after", [b"\0", b"\0" * 512, b"trailing", b"\x1f\x8b"])
@pytest.mark.parametrize("coding", CODINGS)
def test_bytes_after_the_end_change_no_text(
    run: Callable[..., str], coding: str, after: bytes
) -> None:
    """Some receivers ignore them. An error is right too, another text is not."""
    body, kind, text = body_of(run)
    chosen = CODINGS[coding]
    try:
        seen = run(http(chosen.whole(body) + after, f"content-encoding: {chosen.header}", kind))
    except LlmError:
        return
    assert seen == text


# A reply of 204 or 304 has no body, and so no framing.
EMPTY = [(status, "length") for status in (200, 201, 204, 304, 400, 500)]
EMPTY += [(status, framing) for status in (200, 400) for framing in ("chunked", "close")]


@pytest.mark.parametrize(("status", "framing"), EMPTY)
@pytest.mark.parametrize("label", ["gzip", "deflate", "br", "zstd", "compress"])
def test_an_empty_body_is_what_it_is_without_a_coding(
    run: Callable[..., str], label: str, status: int, framing: str
) -> None:
    _, kind, _ = body_of(run)
    outcomes = []
    for headers in ([kind], [kind, f"content-encoding: {label}"]):
        with pytest.raises(LlmError) as raised:
            run(http(b"", *headers, status=status, framing=framing))
        error = raised.value
        outcomes.append((type(error), getattr(error, "status_code", None), error.retryable))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("coding", CODINGS)
def test_an_empty_text_in_a_coding_is_an_empty_body(run: Callable[..., str], coding: str) -> None:
    _, kind, _ = body_of(run)
    errors = []
    for written in (http(b"", kind), encoded(coding, b"", kind)):
        with pytest.raises(LlmError) as raised:
            run(written)
        errors.append(type(raised.value))
    assert errors[0] == errors[1]


@pytest.mark.parametrize("coding", CODINGS)
def test_the_size_limit_is_for_what_comes_out(server: Origin, coding: str, ask: Asking) -> None:
    body = reply("a" * 50_000)
    limits = Limits(max_reply_bytes=len(body))
    exact = ChatClient("m", base_url=server.base_url, max_retries=0, limits=limits)
    server.answer_next(encoded(coding, body, JSON_TYPE))
    assert ask.run(exact, "hi") == "a" * 50_000
    small = exact.with_options(limits=Limits(max_reply_bytes=len(body) - 1))
    server.answer_next(encoded(coding, body, JSON_TYPE))
    with pytest.raises(LlmResponseTooLargeError, match="max_reply_bytes"):
        ask.run(small, "hi")


@pytest.mark.parametrize("coding", CODINGS)
def test_the_limit_of_an_event_is_for_what_comes_out(
    server: Origin, coding: str, ask: Asking
) -> None:
    body = delta("a" * 50_000) + delta(None, "stop") + event(b"[DONE]")
    limits = Limits(max_event_bytes=40_000)
    client = ChatClient("m", base_url=server.base_url, max_retries=0, limits=limits)
    server.answer_next(encoded(coding, body, STREAM_TYPE))
    with pytest.raises(LlmEventTooLargeError, match="max_event_bytes"):
        ask.run(client, "hi", stream=True)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_text_that_compresses_well_is_no_bomb(run: Callable[..., str], coding: str) -> None:
    text = "a" * 8_000_000
    if run.streams:  # type: ignore[attr-defined]
        body, kind = delta(text) + delta(None, "stop") + event(b"[DONE]"), STREAM_TYPE
    else:
        body, kind = reply(text), JSON_TYPE
    assert run(encoded(coding, body, kind)) == text


@pytest.mark.parametrize("coding", CODINGS)
def test_a_connection_is_kept_after_an_encoded_reply(
    server: Origin, coding: str, ask: Asking
) -> None:
    client = ChatClient("m", base_url=server.base_url, max_retries=0)
    for framing in ("length", "chunked"):
        for _ in range(3):
            server.answer_next(encoded(coding, reply(), JSON_TYPE, framing=framing))
            assert client.run("hi") == TEXT
    assert (len(server.seen), len(server.requests)) == (1, 6)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_retry_after_an_encoded_error_reads_the_next_reply(
    server: Origin, coding: str, ask: Asking
) -> None:
    retry = RetryPolicy(first=0.001)
    client = ChatClient("m", base_url=server.base_url, retry=retry)
    server.answer_next(encoded(coding, b'{"error": {"message": "busy"}}', JSON_TYPE, status=503))
    server.answer_next(encoded(coding, reply(), JSON_TYPE))
    assert ask.run(client, "hi") == TEXT


@pytest.mark.parametrize("coding", CODINGS)
def test_the_list_of_models_may_be_encoded(server: Origin, coding: str, ask: Asking) -> None:
    client = ChatClient("m", base_url=server.base_url, max_retries=0)
    server.answer_next(encoded(coding, b'{"data": [{"id": "one"}, {"id": "two"}]}', JSON_TYPE))
    assert ask.models(client) == ["one", "two"]
