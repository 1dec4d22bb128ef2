"""`block_network`: nothing leaves this machine, not even a DNS query."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.fault.scenes import always
from tests.wire.origins import Origin, response

import tokenwire as tw
from tokenwire.testing import block_network, fake

# RFC 6761: it never resolves, so a look-up would be another error.
STRANGER = "https://api.provider.invalid/v1"


def client(base_url, **settings):
    return tw.ChatClient("m", base_url=base_url, **settings)


def test_another_machine_is_refused_by_name_without_a_retry(call):
    with block_network(), pytest.raises(tw.LlmConnectionError) as raised:
        call(client(STRANGER))
    assert str(raised.value) == (
        "block_network() is on, and this call would go to api.provider.invalid:443: serve it from "
        'tokenwire.testing.fake(), or permit it by allow=["api.provider.invalid"]'
    )
    assert type(raised.value) is tw.LlmConnectionError
    assert not raised.value.retryable
    (attempt,) = raised.value.attempts
    assert not attempt.maybe_processed
    # The block has ended, so the name is looked up.
    with pytest.raises(tw.LlmDNSError):
        call(client(STRANGER))


of_an_interface = pytest.mark.only_over("direct", "addresses with an interface")


@pytest.mark.parametrize(
    "host",
    ["10.255.255.1", "[2001:db8::1]:8000", pytest.param("[fe80::1%25lo]", marks=of_an_interface)],
)
def test_an_address_is_refused_without_a_packet(call, host):
    start = time.monotonic()
    with block_network(), pytest.raises(tw.LlmConnectionError, match="block_network"):
        call(client(f"http://{host}/v1", timeout=30))
    assert time.monotonic() - start < 2


def test_loopback_is_allowed(sim, call):
    sim.set_script(always(reply={"text": "near"}))
    with block_network():
        assert call(client(sim.base_url)) == "near"
        for name in ("localhost", "a.localhost", "0.0.0.0"):
            assert call(client(sim.base_url.replace("127.0.0.1", name))) == "near"
        with fake({"openai:*": "faked"}):
            assert call(tw.ChatClient("openai:m")) == "faked"
        assert call(tw.ChatClient("sim:chat")) != ""


@pytest.mark.parametrize(
    "allow",
    [["api.provider.invalid"], "API.Provider.invalid.", ("x", "api.provider.invalid:443")],
)
def test_a_host_may_be_permitted(call, allow):
    with block_network(allow=allow), pytest.raises(tw.LlmDNSError):
        call(client(STRANGER))


def test_a_single_port_may_be_permitted(call):
    allow = ["api.provider.invalid:80"]
    with block_network(allow=allow), pytest.raises(tw.LlmConnectionError, match=":443"):
        call(client(STRANGER, max_retries=0))


@pytest.mark.parametrize("allow", [["https://api.openai.com"], ["*.openai.com"], [""], [None]])
def test_an_entry_that_is_not_a_host_is_refused(allow):
    with (
        pytest.raises(tw.LlmConfigError, match=r"allow: .* is not a host"),
        block_network(allow=allow),
    ):
        raise AssertionError("it was accepted")


@pytest.mark.only_over("general", "proxies")
def test_behind_a_proxy_both_must_be_permitted(call):
    with Origin() as proxy, block_network():
        near = proxy.base_url.removesuffix("/v1")
        with pytest.raises(tw.LlmConnectionError, match=r"to api\.provider\.invalid:443"):
            call(client(STRANGER, proxy=near))
        with pytest.raises(tw.LlmConnectionError, match=r"to proxy\.invalid:3128"):
            call(client("http://127.0.0.1:9/v1", proxy="http://proxy.invalid:3128"))


def test_the_innermost_block_decides(call):
    with block_network(allow=["api.provider.invalid"]):
        with block_network(), pytest.raises(tw.LlmConnectionError, match="block_network"):
            call(client(STRANGER))
        with pytest.raises(tw.LlmDNSError):
            call(client(STRANGER))


@pytest.mark.only_over("general", "proxies")
def test_a_later_retry_is_refused_too():
    with Origin(answers=[response(503, b"{}", "retry-after: 0.5")]) as proxy:
        stranger = client("http://stranger.invalid/v1", proxy=proxy.base_url.removesuffix("/v1"))

        async def main():
            call = asyncio.ensure_future(stranger.run_async("hi"))
            await asyncio.to_thread(proxy.wait_until, lambda: len(proxy.requests) == 1)
            with block_network():
                return await asyncio.gather(call, return_exceptions=True)

        (error,) = asyncio.run(main())
        assert "block_network" in str(error)
        assert [attempt.status for attempt in error.attempts] == [503, None]
        assert len(proxy.requests) == 1


@pytest.mark.only_over("general", "proxies")
def test_an_open_connection_is_refused_too(call):
    with Origin() as proxy:
        stranger = client("http://stranger.invalid/v1", proxy=proxy.base_url.removesuffix("/v1"))
        call(stranger)
        with (
            block_network(),
            pytest.raises(tw.LlmConnectionError, match=r"to stranger\.invalid:80"),
        ):
            call(stranger)
        call(stranger)
        assert len(proxy.requests) == 2


@pytest.mark.parametrize("allow", [None, 5, ["a\ud800"], ["a b"], [""], [None]])
def test_a_wrong_host_is_refused_and_blocks_nothing(allow):
    with pytest.raises(tw.LlmConfigError, match=r"^allow: "), block_network(allow=allow):
        pass
    with block_network():
        pass
    with Origin() as origin:
        assert tw.ChatClient("m", base_url=origin.base_url).run("-") != ""
