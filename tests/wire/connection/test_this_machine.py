"""Servers on this machine: no proxy of the environment is between, whatever they are called."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.wire.origins import TEXT, HttpProxy, Origin

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

    from tokenwire.testing import SimServer

of_an_interface = pytest.mark.only_over("direct", "addresses with an interface")

ROOT = Path(__file__).resolve().parents[3]
VARIABLES = [
    *("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
]
IPV4 = ["127.0.0.1", "127.1", "0.0.0.0", "[::ffff:127.0.0.1]"]
NAMES = ["localhost", "LOCALHOST", "localhost.", "model.localhost", "a.b.localhost"]
# Asks `sim:` and each address of the arguments, with and without asyncio.
PROGRAM = """
import asyncio, sys, tokenwire as tw
for settings in [{"model": "sim:chat"}] + [{"model": "m", "base_url": url} for url in sys.argv[1:]]:
    chat = tw.ChatClient(**settings, api_key="sk-canary", max_retries=0, timeout=30)
    assert chat.run("hi") and asyncio.run(chat.run_async("hi"))
    assert list(chat.stream("hi").text_stream)
"""


@pytest.fixture
def dead() -> str:
    """The URL of a port at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def ran(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these variables."""
    return subprocess.run(
        [sys.executable, *words],
        env={**os.environ, **variables},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def addresses(port: int) -> list[str]:
    """This address in every form that leads to an IPv4 listener."""
    return [f"http://{host}:{port}/v1" for host in (*IPV4, *NAMES)]


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_dead_proxy_of_the_environment_stops_no_call_to_this_machine(
    variable: str, sim: SimServer, dead: str
) -> None:
    done = ran("-c", PROGRAM, *addresses(sim.port), **{variable: dead})
    assert (done.returncode, done.stderr) == (0, "")
    assert len(sim.requests()) == 3 * len(addresses(0))


def test_a_live_proxy_of_the_environment_sees_nothing_of_a_call_to_this_machine(
    sim: SimServer,
) -> None:
    with HttpProxy() as proxy:
        variables = dict.fromkeys(VARIABLES, proxy.url)
        done = ran("-c", PROGRAM, *addresses(sim.port), **variables)
        assert (done.returncode, done.stderr) == (0, "")
        assert proxy.seen == []


def test_a_value_that_is_no_proxy_does_not_matter_to_this_machine(sim: SimServer) -> None:
    done = ran("-c", PROGRAM, *addresses(sim.port), ALL_PROXY='"http://p:1"', http_proxy="ftp://x")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_line_and_the_examples_work_behind_a_dead_proxy(dead: str) -> None:
    variables = dict.fromkeys(VARIABLES, dead)
    done = ran("-m", "tokenwire", "run", "-m", "sim:chat", "hi", **variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout
    for example in ("examples/demo.py", "examples/first_call.py"):
        done = ran(example, **variables)
        assert done.returncode == 0, done.stderr


@pytest.mark.only_over("general", "proxies")
def test_a_proxy_that_is_given_is_used_for_this_machine_too(sim: SimServer) -> None:
    with HttpProxy() as proxy:
        chat = tw.ChatClient("m", base_url=sim.base_url, api_key="k", proxy=proxy.url)
        assert chat.run("hi")
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("host", [*IPV4, *NAMES])
def test_a_key_to_this_machine_is_no_key_to_a_public_address(
    host: str, sim: SimServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "tokenwire"):
        chat = tw.ChatClient("m", base_url=f"http://{host}:{sim.port}/v1", api_key="k")
        assert chat.run("hi")
    assert caplog.text == ""


@pytest.fixture
def ipv6() -> Callable[[str], Origin]:
    """Starts a server at an IPv6 address, or skips the test where this machine has no IPv6."""

    def start(host: str) -> Origin:
        try:
            return Origin(family=socket.AF_INET6, host=host)
        except OSError as error:
            pytest.skip(f"no IPv6 at {host}: {error}")

    return start


@pytest.mark.parametrize("host", ["[::1]", "[::]", "[0:0::1]", "[::1%1]", "[::1%251]"])
def test_a_server_at_ipv6_loopback_is_reached_past_the_proxy(
    host: str, ipv6: Callable[[str], Origin], dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", dead)
    with ipv6("::1") as origin:
        chat = tw.ChatClient("m", base_url=f"http://{host}:{origin.port}/v1", api_key="k")
        assert chat.run("hi") == TEXT
        # A zone means something on this machine only (RFC 6874, section 4).
        assert origin.requests[0].headers["host"] == f"[::1]:{origin.port}"


def link_local() -> tuple[str, str] | None:
    """A link-local address of this machine and its interface."""
    table = Path("/proc/net/if_inet6")
    for line in table.read_text().splitlines() if table.exists() else ():
        digits, _, _, scope, _, interface = line.split()
        if scope == "20":
            return str(socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))), interface
    return None


@of_an_interface
@pytest.mark.parametrize("form", ["%", "%25"])
def test_a_link_local_address_is_reached_through_its_interface(form: str) -> None:
    found = link_local()
    if found is None:
        pytest.skip("no interface has a link-local address")
    address, interface = found
    with Origin(family=socket.AF_INET6, host=f"{address}%{interface}") as origin:
        base_url = f"http://[{address}{form}{interface}]:{origin.port}/v1"
        chat = tw.ChatClient("m", base_url=base_url, max_retries=0)
        assert [chat.run("hi"), chat.run("hi")] == [TEXT, TEXT]
        assert chat.base_url == f"http://[{address}%{interface}]:{origin.port}/v1"
        assert len(origin.seen) == 1, "the connection is used again"
        assert origin.requests[0].headers["host"] == f"[{address}]:{origin.port}"


@of_an_interface
def test_an_interface_that_is_not_there_is_named() -> None:
    chat = tw.ChatClient("m", base_url="http://[fe80::1%25nothing]:8000/v1", max_retries=0)
    with pytest.raises(tw.LlmDNSError, match="this machine has no network interface nothing"):
        chat.run("hi")


def test_a_link_local_address_without_an_interface_says_what_is_missing() -> None:
    chat = tw.ChatClient("m", base_url="http://[fe80::1]:8000/v1", max_retries=0)
    with pytest.raises(tw.LlmConnectError, match=r"needs its interface, as in \[fe80::1%eth0\]"):
        chat.run("hi")


def test_no_proxy_leads_to_an_interface_of_this_machine(dead: str) -> None:
    with pytest.raises(tw.LlmConfigError, match="proxy= cannot be used"):
        tw.ChatClient("m", base_url="http://[fe80::1%25lo]:8000/v1", proxy=dead)
