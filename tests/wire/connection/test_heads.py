"""Heads of replies: how large they may be, and how many headers they may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import TEXT, WHOLE, Origin

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

KIB = 1024


def asked(server: Origin, transport: str, **limits: int) -> tw.LlmResponse[Any]:
    chat = tw.ChatClient(
        "m",
        base_url=server.base_url,
        transport=transport,  # type: ignore[arg-type]
        max_retries=0,
        limits=tw.Limits(**limits) if limits else None,
    )
    return chat.complete("hi")


def whole(*lines: bytes) -> bytes:
    """A whole reply with these headers, besides its own."""
    head, end, body = WHOLE.partition(b"\r\n\r\n")
    return b"\r\n".join([head, *lines]) + end + body


def of_size(size: int) -> bytes:
    """A whole reply whose head has so many bytes."""
    room = size - (len(whole(b"x-pad: ").partition(b"\r\n\r\n")[0]) + 4)
    reply = whole(b"x-pad: " + b"a" * room)
    assert len(reply.partition(b"\r\n\r\n")[0]) + 4 == size
    return reply


@pytest.mark.parametrize(
    ("size", "limits"),
    [
        (60 * KIB, {}),
        (64 * KIB, {}),
        (1000, {"max_head_bytes": 1000}),
        (300 * KIB, {"max_head_bytes": 300 * KIB}),
    ],
)
def test_a_head_up_to_the_limit_is_read(size: int, limits: dict[str, int], transport: str) -> None:
    with Origin(answers=[of_size(size)]) as server:
        reply = asked(server, transport, **limits)
        assert (reply.text, len(reply.headers["x-pad"]) > size - 200) == (TEXT, True)


@pytest.mark.parametrize(
    ("size", "limits", "most"),
    [
        (64 * KIB + 1, {}, 64 * KIB),
        (100 * KIB, {}, 64 * KIB),
        (1001, {"max_head_bytes": 1000}, 1000),
        (1 << 20, {"max_head_bytes": 100 * KIB}, 100 * KIB),
    ],
)
def test_a_larger_head_is_an_error_that_names_the_limit(
    size: int, limits: dict[str, int], most: int, transport: str
) -> None:
    with Origin(answers=[of_size(size)]) as server:
        with pytest.raises(tw.LlmProtocolError) as caught:
            asked(server, transport, **limits)
        assert str(caught.value) == (
            f"openai-compatible:m: the head of the reply is over {most} bytes or 1000 headers: "
            "raise Limits(max_head_bytes=…)"
        )
        # The next call has a connection.
        assert asked(server, transport).text == TEXT


def test_a_head_without_an_end_is_not_read_for_ever(transport: str) -> None:
    endless = b"HTTP/1.1 200 OK\r\n" + b"x-pad: aaaaaaaaaaaaaaaa\r\n" * 40_000
    with (
        Origin(answers=[endless]) as server,
        pytest.raises(tw.LlmProtocolError, match="max_head_bytes"),
    ):
        asked(server, transport)


def test_a_head_may_have_a_thousand_headers(transport: str) -> None:
    own = WHOLE.partition(b"\r\n\r\n")[0].count(b"\r\n")
    most = [b"x-%d: a" % number for number in range(1_000 - own)]
    with Origin(answers=[whole(*most), whole(*most, b"one: more")]) as server:
        reply = asked(server, transport)
        assert (reply.text, len(reply.headers)) == (TEXT, 1_000)
        with pytest.raises(tw.LlmProtocolError, match="or 1000 headers"):
            asked(server, transport)


@pytest.mark.chooses_transport
@pytest.mark.only_over("general", "Limits(max_head_bytes=…) above 408 KiB")
def test_the_general_transport_says_what_it_cannot_read() -> None:
    limit = {"max_head_bytes": 1 << 20}
    with Origin(answers=[of_size(1 << 19)] * 2) as server:
        assert asked(server, "direct", **limit).text == TEXT
        with pytest.raises(tw.LlmProtocolError) as caught:
            asked(server, "general", **limit)
        assert str(caught.value).endswith('headers: use transport="direct"')


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "64", None, 1 << 70])
def test_a_limit_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(tw.LlmConfigError, match=r"Limits\.max_head_bytes"):
        tw.Limits(max_head_bytes=wrong)


def test_the_limit_bounds_streams_too(call: Callable[[tw.ChatClient], str]) -> None:
    with Origin() as server:
        settings: dict[str, Any] = {"base_url": server.base_url, "max_retries": 0}
        with pytest.raises(tw.LlmProtocolError, match="over 20 bytes"):
            call(tw.ChatClient("m", limits=tw.Limits(max_head_bytes=20), **settings))
        assert call(tw.ChatClient("m", limits=tw.Limits(max_head_bytes=2**40), **settings)) == TEXT
