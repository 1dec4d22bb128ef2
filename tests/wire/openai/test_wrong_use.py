"""Wrong use is refused in one line that names the fix. Nothing that is shown has the key."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import subprocess
import sys
import textwrap
import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

stock = pytest.importorskip("openai")
httpx2 = pytest.importorskip("httpx2")

import tokenwire as tw  # noqa: E402
import tokenwire.httpx2  # noqa: E402
import tokenwire.openai as ours  # noqa: E402
from tokenwire.errors import LlmError  # noqa: E402
from tokenwire.openai.failures import error_class  # noqa: E402
from tokenwire.testing import SimServer  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-canary-0123456789-0123456789"
MESSAGES: Any = [{"role": "user", "content": "Which colour?"}]
CUT = {"default": {"fault": {"kind": "close", "at": {"events": 3}}, "framing": "close"}}
LOST = {"default": {"fault": {"kind": "close", "at": {"events": 3}}}}
SILENT = {"default": {"fault": {"kind": "stall", "at": {"events": 3}}}}


@pytest.fixture
def sim() -> Iterator[SimServer]:
    with SimServer() as running:
        yield running


@pytest.fixture
def options(sim: SimServer) -> dict[str, Any]:
    return {"api_key": KEY, "base_url": sim.base_url, "max_retries": 0}


def ask(client: Any, **more: Any) -> Any:
    return client.chat.completions.create(model="m", messages=MESSAGES, **more)


def asked(make: Callable[[], Any], **more: Any) -> Any:
    """Ask a sync or an async client, and return the reply or the chunks."""
    client = make()
    if isinstance(client, stock.OpenAI):
        with client:
            found = ask(client, **more)
            return list(found) if "stream" in more else found

    async def play() -> Any:
        async with client:
            found = await ask(client, **more)
            return [chunk async for chunk in found] if "stream" in more else found

    return asyncio.run(play())


@pytest.fixture(params=["OpenAI", "AsyncOpenAI"])
def make(request: pytest.FixtureRequest, options: dict[str, Any]) -> Callable[..., Any]:
    def make(**more: Any) -> Any:
        return getattr(ours, request.param)(**{**options, **more})

    return make


def lines_of(error: BaseException) -> str:
    """The texts of an error and its causes, each of which is one line without the key."""
    texts = []
    shown: BaseException | None = error
    while shown is not None:
        assert "\n" not in str(shown)
        texts.append(str(shown))
        shown = shown.__cause__
    everything = "".join(traceback.format_exception(error)) + repr(error)
    assert KEY not in everything
    return " <- ".join(texts)


@pytest.mark.no_connection
@pytest.mark.parametrize(
    ("argument", "fix"),
    [
        ({"verify": False}, "give the path of the server's own certificate"),
        ({"http2": True}, "HTTP/1.1"),
        ({"local_address": "127.0.0.1"}, "local_address"),
        ({"retries": 3}, "retries"),
    ],
)
def test_an_option_that_the_transport_does_not_take(argument, fix, options):
    with pytest.raises((tw.LlmConfigError, TypeError)) as caught:
        ours.OpenAI(
            **options, http_client=httpx2.Client(transport=tokenwire.httpx2.Transport(**argument))
        )
    assert fix in lines_of(caught.value)


@pytest.mark.no_connection
def test_a_client_of_the_other_kind(options):
    wrong: Any = tokenwire.httpx2.AsyncClient()
    with pytest.raises(TypeError, match="Invalid `http_client`") as caught:
        ours.OpenAI(**options, http_client=wrong)
    lines_of(caught.value)


def test_the_async_transport_in_a_sync_client(options):
    http_client = httpx2.Client(transport=tokenwire.httpx2.AsyncTransport())
    with pytest.raises(tw.LlmConfigError, match=r"use tokenwire\.httpx2\.Transport$") as caught:
        asked(lambda: ours.OpenAI(**options, http_client=http_client))
    lines_of(caught.value)


def test_use_after_close(make):
    client = make()
    if isinstance(client, stock.OpenAI):
        client.close()
        with pytest.raises(RuntimeError, match="client has been closed") as caught:
            ask(client)
    else:

        async def play() -> None:
            await client.close()
            await ask(client)

        with pytest.raises(RuntimeError, match="client has been closed") as caught:
            asyncio.run(play())
    lines_of(caught.value)


@pytest.mark.parametrize("value", [f"a\r\nx-key: {KEY}", f"{KEY}\n"])
def test_a_header_with_a_line_break(value, make, sim):
    with pytest.raises(stock.APIConnectionError) as caught:
        asked(make, extra_headers={"x-a": value})
    assert "the value of the header x-a has a control character" in lines_of(caught.value)
    assert sim.requests() == []


def test_a_stream_that_two_tasks_read(options, sim):
    sim.set_script({"default": {"fault": {"kind": "stall", "at": {"events": 1}}}})

    async def play() -> None:
        async with ours.AsyncOpenAI(**options) as client, await ask(client, stream=True) as stream:
            await anext(stream)
            first = asyncio.ensure_future(anext(stream))
            # It waits after its first turn.
            await asyncio.sleep(0)
            with pytest.raises(
                RuntimeError, match="read by another task; a stream has one reader"
            ) as caught:
                await anext(stream)
            lines_of(caught.value)
            first.cancel()
            await asyncio.wait([first])

    asyncio.run(play())


def test_a_stream_that_two_threads_read(options, sim):
    sim.set_script({"default": {"fault": {"kind": "stall", "at": {"events": 1}}}})
    errors: list[BaseException] = []

    def read(stream: Any) -> None:
        try:
            next(stream)
        except (RuntimeError, stock.APIConnectionError) as error:
            errors.append(error)
            # The other one still waits.
            stream.close()

    with ours.OpenAI(**options) as client:
        stream = ask(client, stream=True)
        next(stream)
        threads = [threading.Thread(target=read, args=[stream]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
    second = next(error for error in errors if isinstance(error, RuntimeError))
    assert "one reader" in lines_of(second)


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (CUT, "StreamIncompleteError"),
        (LOST, "ConnectionLostError"),
        (SILENT, "ReadTimeoutError"),
    ],
)
def test_an_error_of_a_stream(script, kind, make, sim, caplog):
    caplog.set_level(logging.DEBUG)
    sim.set_script(script)
    with pytest.raises(stock.APIConnectionError) as caught:
        asked(lambda: make(timeout=httpx2.Timeout(10, read=0.2)), stream=True)
    error = caught.value
    assert type(error).__name__ == kind
    assert isinstance(error, LlmError)
    assert isinstance(error, stock.APITimeoutError) == (kind == "ReadTimeoutError")
    lines_of(error)
    assert KEY not in caplog.text
    # The request, whose headers have the key, stays behind.
    written = pickle.dumps(error)
    assert KEY.encode() not in written
    for twin in (pickle.loads(written), copy.copy(error)):
        assert type(twin) is type(error)
        assert (str(twin), twin.message, repr(twin)) == (str(error), error.message, repr(error))
        assert twin.partial == error.partial


@pytest.mark.no_connection
@pytest.mark.parametrize(
    "kind",
    [
        one
        for one in vars(tw.errors).values()
        if isinstance(one, type) and issubclass(one, LlmError)
    ],
)
def test_each_of_our_errors_has_a_class_that_is_openai_s_too(kind):
    request = httpx2.Request("POST", "http://x", headers={"authorization": KEY})
    error = error_class(kind)(message="what failed", request=request)
    assert isinstance(error, (kind, stock.APIConnectionError))
    assert (error.message, str(error), error.request) == ("what failed", "what failed", request)
    written = pickle.dumps(error)
    assert KEY.encode() not in written
    twin = pickle.loads(written)
    assert type(twin) is type(error)
    assert (str(twin), twin.message, twin.request) == ("what failed", "what failed", None)


def test_a_redirect_to_another_origin_is_not_followed(make, sim):
    with SimServer() as other:
        location = f"{other.base_url}/chat/completions"
        sim.set_script({"default": {"fault": {"kind": "redirect", "location": location}}})
        with pytest.raises(
            stock.APIConnectionError, match="set base_url to where the API is"
        ) as caught:
            asked(make)
        assert isinstance(caught.value, tw.LlmProtocolError)
        lines_of(caught.value)
        assert len(sim.requests()) == 1
        assert other.requests() == []


def redirected(make: Callable[[], Any], sim: SimServer, location: str, use: Any) -> Any:
    """Send a request that is redirected, by a sync or an async client."""
    sim.set_script({"default": {"fault": {"kind": "redirect", "location": location}}})
    client = make()
    if isinstance(client, stock.OpenAI):
        with client:
            return use(client)

    async def play() -> Any:
        async with client:
            return await use(client)

    return asyncio.run(play())


def test_a_file_is_fetched_from_another_origin(make, sim):
    """Without a body, a request takes no prompt there; and files often lie elsewhere."""
    with SimServer() as other:
        redirected(make, sim, f"{other.base_url}/models", lambda client: client.models.list())
        assert [one["path"] for one in other.requests()] == ["/v1/models"]


def test_a_redirect_to_no_address_is_the_error_that_it_is_with_openai(make, sim):
    with pytest.raises(stock.APIConnectionError) as caught:
        redirected(make, sim, "http://[::bad/", ask)
    assert isinstance(caught.value.__cause__, httpx2.RemoteProtocolError)


@pytest.mark.no_connection
def test_the_key_is_in_no_repr(make):
    client = make()
    shown = [client, client._client, client._client._transport, client.chat.completions]
    assert KEY not in "".join(map(repr, shown))


@pytest.mark.no_connection
def test_a_copy_keeps_the_class_and_the_transport(make):
    client = make()
    for twin in (client.copy(), client.with_options(timeout=3), copy.copy(client)):
        assert type(twin) is type(client)
        assert twin._client is client._client


MISSING = """
    import sys
    sys.modules[{name!r}] = None
    try:
        import tokenwire.openai
    except ImportError as error:
        print(error)
"""


@pytest.mark.chooses_transport
@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("openai", "tokenwire.openai needs openai: pip install openai"),
        ("httpx2", "pip install"),
    ],
)
def test_a_package_that_is_missing_is_named(name, fix):
    code = textwrap.dedent(MISSING.format(name=name))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert fix in done.stdout
    assert done.stdout.count("\n") == 1
