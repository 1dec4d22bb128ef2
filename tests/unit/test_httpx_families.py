"""`tokenwire.httpx` and `tokenwire.httpx2`: what they import, and what their classes show."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Callable

PASSWORD = "hunter2"


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(params=["httpx", "httpx2"])
def family(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(request.param, reason=f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def ours(family: str) -> Any:
    return importlib.import_module(f"tokenwire.{family}")


@pytest.fixture
def theirs(family: str) -> Any:
    return importlib.import_module(family)


def test_the_package_imports_neither():
    loaded = "print(sorted({'httpx', 'httpx2', 'httpcore', 'httpcore2'} & set(sys.modules)))"
    assert run(f"import sys, tokenwire; tokenwire.ChatClient; {loaded}") == "[]"


def test_a_family_that_is_not_installed_names_the_command(family):
    program = f"""
import sys
sys.modules[{family!r}] = None
import tokenwire
tokenwire.{family}
try:
    tokenwire.{family}.Client
except ImportError as error:
    print(error)
try:
    from tokenwire.{family} import Transport
except ImportError as error:
    print(error)
print(hasattr(tokenwire.{family}, "_other"))
"""
    line = f"tokenwire.{family} needs {family}: pip install {family}"
    assert run(program).splitlines() == [line, line, "False"]


def test_httpx_may_be_another_name_of_httpx2():
    httpx2 = pytest.importorskip("httpx2", reason="httpx2 is not installed")
    if not hasattr(httpx2, "alias_httpx"):
        pytest.skip("this httpx2 has no alias")
    program = """
import httpx2
httpx2.alias_httpx()
import tokenwire.httpx, tokenwire.httpx2
for ours in (tokenwire.httpx, tokenwire.httpx2):
    client = ours.Client()
    assert type(client) is httpx2.Client
    methods = ours.Transport.family.methods
    assert not methods.is_transport_replaced() and not methods.is_pool_replaced()
    try:
        client.get("http://127.0.0.1:1/")
    except httpx2.ConnectError as error:
        print(type(error.__cause__).__name__)
"""
    assert run(program).split() == ["LlmConnectError"] * 2


def test_clients_and_transports_are_the_familys(ours, theirs):
    assert type(ours.Client()) is theirs.Client
    assert type(ours.AsyncClient()) is theirs.AsyncClient
    assert isinstance(ours.Transport(), theirs.BaseTransport)
    assert isinstance(ours.AsyncTransport(), theirs.AsyncBaseTransport)


def test_a_client_takes_the_arguments_of_the_familys(ours, theirs):
    client = ours.Client(
        headers={"X-A": "1"},
        timeout=theirs.Timeout(7),
        follow_redirects=True,
        limits=theirs.Limits(max_connections=3),
        http2=False,
        proxy="http://127.0.0.1:1",
        mounts={"http://a.example": None},
    )
    assert client.headers["x-a"] == "1"
    assert (client.timeout, client.follow_redirects) == (theirs.Timeout(7), True)
    # The proxy is the transport's, so it holds for every address.
    assert isinstance(client._transport, ours.Transport)
    assert [mount for mount in client._mounts.values() if mount is not None] == []
    with pytest.raises(TypeError, match="unknown"):
        ours.Client(unknown=1)


def test_the_familys_limits_leave_time_for_those_of_ours(ours, theirs):
    client = ours.Client(timeout=tw.Timeout(first_token=90, idle=3))
    assert client.timeout == theirs.Timeout(90, connect=10, pool=None)
    assert (client._transport._first_token, client._transport._idle) == (90, 3)
    client = ours.Client(timeout=tw.Timeout(first_token=None, idle=3))
    assert client.timeout.read is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"verify": False}, "verify: False would trust any server"),
        ({"http2": True}, "http2=True: "),
        ({"retries": 2}, "retries: "),
        ({"cert": "no-such.pem"}, "cert: there is no file no-such.pem"),
        ({"verify": "no-such.pem"}, "verify: there is no file no-such.pem"),
        ({"uds": 5}, "uds: give a path, not int"),
    ],
)
@pytest.mark.parametrize("kind", ["Client", "AsyncClient", "Transport", "AsyncTransport"])
def test_an_option_is_refused_when_the_transport_is_made(options, problem, kind, ours):
    with pytest.raises(tw.LlmConfigError, match=problem) as raised:
        getattr(ours, kind)(**options)
    assert "\n" not in str(raised.value)


def test_a_proxy_that_is_none_is_refused_by_the_first_request(ours, theirs):
    client = ours.Client(proxy=f"nonsense://me:{PASSWORD}@p:1")
    with pytest.raises(theirs.LocalProtocolError, match="proxy=") as raised:
        client.get("http://127.0.0.1:1/")
    assert PASSWORD not in str(raised.value)


def shown(transport: Any) -> str:
    return repr(transport) + repr(vars(transport)) + repr(transport._client)


@pytest.mark.parametrize("kind", ["Transport", "AsyncTransport"])
def test_nothing_shows_a_password(kind, ours, theirs):
    proxies: list[Callable[[], Any]] = [
        lambda: f"http://me:{PASSWORD}@127.0.0.1:1",
        lambda: theirs.URL(f"http://me:{PASSWORD}@127.0.0.1:1"),
        lambda: theirs.Proxy("http://127.0.0.1:1", auth=("me", PASSWORD)),
    ]
    for proxy in proxies:
        assert PASSWORD not in shown(getattr(ours, kind)(proxy=proxy()))


@pytest.mark.parametrize("kind", ["Transport", "AsyncTransport"])
def test_a_transport_cannot_be_pickled(kind, ours):
    with pytest.raises(TypeError, match=f"a {kind} has connections and cannot be pickled"):
        pickle.dumps(getattr(ours, kind)())


def test_without_an_event_loop_an_async_transport_says_so(ours, theirs):
    steps = ours.AsyncTransport().handle_async_request(theirs.Request("GET", "http://127.0.0.1:1"))
    with pytest.raises(tw.LlmConfigError, match="needs a running loop of asyncio or trio"):
        steps.send(None)


def test_a_request_that_cannot_be_sent_as_asked_is_refused(ours, theirs):
    for extensions in ({"sni_hostname": "a.example"}, {"target": b"*"}):
        request = theirs.Request("GET", "http://127.0.0.1:1", extensions=extensions)
        with pytest.raises(tw.LlmConfigError, match="is not supported; send this request with"):
            ours.Transport().handle_request(request)
