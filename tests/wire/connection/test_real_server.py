"""Responses of real servers, uvicorn and hypercorn, that are unusual but right."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asgi_server import SERVERS, serving
from tests.wire.connection.odd_app import EARLY, TEXT
from tests.wire.connection.uploads import check_closed, outcome
from tests.wire.origins import Origin

from tokenwire import (
    ChatClient,
    Limits,
    LlmAPIError,
    LlmProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.wire.asking import Asking

HERE = Path(__file__).parent
MEGABYTE = 1_000_000


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a real server; the case follows."""
    with serving("odd_app:app", HERE, server=request.param) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(server: str) -> Callable[..., ChatClient]:
    """Return a client of one case."""

    def made(case: str, **settings: Any) -> ChatClient:
        settings = {"max_retries": 0, **settings}
        return ChatClient("m", base_url=f"{server}/{case}/v1", **settings)

    return made


CASES = ["plain", "head-of-60-kib", "200-headers", "connection-close", "latin-1", "early-hints"]


@pytest.mark.parametrize("case", CASES)
def test_an_unusual_head_changes_no_text(
    client: Callable[..., ChatClient], case: str, call: Callable[[ChatClient], str]
) -> None:
    chat = client(case)
    assert [call(chat) for _ in range(3)] == [TEXT] * 3


def test_all_headers_of_a_large_head_are_there(client: Callable[..., ChatClient]) -> None:
    assert client("head-of-60-kib").complete("hi").headers["x-large"] == "a" * 60 * 1024
    headers = client("200-headers").complete("hi").headers
    assert [headers[f"x-{number}"] for number in range(200)] == [f"value {n}" for n in range(200)]


def test_a_head_over_the_limit_names_the_limit(
    client: Callable[..., ChatClient], call: Callable[[ChatClient], str]
) -> None:
    with pytest.raises(LlmProtocolError, match="max_head_bytes"):
        call(client("head-of-150-kib"))
    with pytest.raises(LlmProtocolError, match="max_head_bytes"):
        call(client("head-of-60-kib", limits=Limits(max_head_bytes=16 << 10)))
    assert call(client("head-of-150-kib", limits=Limits(max_head_bytes=256 << 10))) == TEXT


@pytest.mark.parametrize("case", ["no-content", "not-modified"])
def test_a_reply_without_a_body_is_an_error_and_the_connection_goes_on(
    client: Callable[..., ChatClient], case: str, call: Callable[[ChatClient], str]
) -> None:
    status = {"no-content": "204", "not-modified": "304"}[case]
    with pytest.raises(LlmAPIError, match=status) as raised:
        call(client(case))
    assert len(raised.value.attempts) == 1
    assert call(client("plain")) == TEXT


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("case", "status"), EARLY.items())
def test_an_answer_that_comes_during_an_upload_is_delivered(
    client: Callable[..., ChatClient], case: str, status: int, transport: str
) -> None:
    chat, prompt = client(case), "x" * 8 * MEGABYTE
    check_closed([outcome(lambda: chat.run(prompt)) for _ in range(5)], status, transport)
    check_closed([outcome(lambda: chat.run("x" * 100 * MEGABYTE))], status, transport)
    assert client("plain").run("hi") == TEXT


@pytest.mark.parametrize("case", ["gzip", "gzip-unasked"])
@pytest.mark.parametrize("compression", [False, True])
def test_a_server_that_compresses_is_understood(
    client: Callable[..., ChatClient],
    case: str,
    compression: bool,
    call: Callable[[ChatClient], str],
) -> None:
    """Starlette's middleware compresses, one for who asks for it, the other for all."""
    assert call(client(case, compression=compression)) == TEXT


def test_a_whole_reply_is_asked_for_compressed_and_a_stream_is_not(
    ask: Asking,
) -> None:
    with Origin() as origin:
        for compression in (False, True):
            chat = ChatClient("m", base_url=origin.base_url, compression=compression)
            ask.run(chat, "hi")
            ask.run(chat, "hi", stream=True)
        asked = [request.headers["accept-encoding"] for request in origin.requests]
    assert asked[:2] == ["identity", "identity"]
    assert {name.strip() for name in asked[2].split(",")} == {"gzip", "br", "zstd"}
    assert asked[3] == "identity"
