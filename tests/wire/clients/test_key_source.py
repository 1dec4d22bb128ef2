"""A key from a callable: no request is sent without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.fault.scenes import CtrlC, always
from tests.wire.asking import sent_headers

import tokenwire as tw

if TYPE_CHECKING:
    from tokenwire.testing import SimServer

KEY = "sk-from-the-vault"


class Vault:
    """Returns the key, from the second call on."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked == 1:
            raise OSError("the vault is shut")
        return KEY


@pytest.fixture
def chat(sim: SimServer) -> tw.ChatClient:
    sim.set_script({"require_key": KEY})
    return tw.ChatClient("m", base_url=sim.base_url, api_key=Vault())


def test_a_stream_whose_key_failed_asks_for_it_again(sim: SimServer, chat: tw.ChatClient) -> None:
    stream = chat.stream("-")
    with pytest.raises(OSError, match="vault"):
        next(stream)
    assert sim.requests() == []
    assert "".join(stream.text_stream) == stream.response.text != ""
    assert ["authorization" in headers for headers in sent_headers(sim)] == [True]


async def test_an_async_stream_whose_key_failed_asks_for_it_again(
    sim: SimServer, chat: tw.ChatClient
) -> None:
    stream = chat.stream_async("-")
    with pytest.raises(OSError, match="vault"):
        await anext(stream)
    assert sim.requests() == []
    text = "".join([piece async for piece in stream.text_stream])
    assert text == stream.response.text != ""
    assert ["authorization" in headers for headers in sent_headers(sim)] == [True]


def test_ctrl_c_ends_the_opening_of_a_stream_whose_key_is_a_callable(sim: SimServer) -> None:
    sim.set_script(always(fault={"kind": "no_head"}))
    stream = tw.ChatClient("m", base_url=sim.base_url, api_key=lambda: KEY).stream("-")
    with CtrlC(lambda: sim.wait_for("request")), pytest.raises(KeyboardInterrupt):
        stream.__enter__()


@pytest.mark.parametrize("key", ["k", lambda: "k"])
def test_the_address_comes_from_the_environment_wherever_the_key_comes_from(
    monkeypatch: pytest.MonkeyPatch, key: Any
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert tw.ChatClient("openai:m", api_key=key).base_url == "http://127.0.0.1:9/v1"
