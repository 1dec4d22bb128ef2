"""Streams that break: the promised error, after exactly the items that came before."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import gzip
import pickle
import signal
import traceback
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Peer, Scripted
from tests.wire.openai.playing import (
    CHUNKED,
    EVENT_STREAM,
    EVENTS,
    KEY,
    ask,
    client_of,
    one_chunk,
    read,
)

import tokenwire as tw

openai = pytest.importorskip("tokenwire.openai")

if TYPE_CHECKING:
    from tests.wire.httpx.scenes import Script

LOST = tw.LlmConnectionLostError
INCOMPLETE = tw.LlmStreamIncompleteError
SILENT = tw.LlmReadTimeoutError

# How a body ends after the bytes that were sent, and our class for that.
ENDINGS = {
    "FIN": LOST,
    "RST": LOST,
    "end of the body": INCOMPLETE,
    "short chunk": LOST,
    "length too long": LOST,
    "length too short": INCOMPLETE,
    "silence": SILENT,
}
# How many items come before, and whether half of an event does.
PHASES = {
    "before any event": (0, False),
    "in the first event": (0, True),
    "in an event": (1, True),
    "between events": (2, False),
    "before the end mark": (3, False),
}
# What openai reads itself.
_ENCODED = b"content-encoding: gzip\r\n"


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Both kinds of client, in turn."""
    return bool(request.param == "async")


def ending(written: bytes, how: str, *, waits: bool, head: bytes = b"") -> Script:
    """A script that writes a part of a body, and ends it once the client has read that."""

    def script(peer: Peer) -> None:
        peer.request()
        if how.startswith("length"):
            length = len(written) + (9 if how == "length too long" else 0)
            peer.send(EVENT_STREAM + head + b"content-length: %d\r\n\r\n" % length + written)
        else:
            start = EVENT_STREAM + head + b"transfer-encoding: chunked\r\n\r\n"
            peer.send(start + one_chunk(written))
        if waits:
            peer.wait_until_asked()
        if how == "RST":
            peer.reset()
        elif how == "end of the body":
            peer.send(b"0\r\n\r\n")
        elif how == "short chunk":
            peer.send(b"20\r\ndata: ")
        elif how == "silence":
            peer.wait_for_end()

    return script


def part_of(api: str, phase: str) -> bytes:
    """The bytes of a stream up to a phase."""
    count, has_half = PHASES[phase]
    events = EVENTS[api]
    half = events[count][: len(events[count]) // 2] if has_half else b""
    return b"".join(events[:count]) + half


def played(
    api: str, phase: str, how: str, *, is_async: bool, head: bytes = b"", **kind: Any
) -> tuple[list[Any], Any]:
    """Read a stream that ends so; the items and the error."""
    count, _ = PHASES[phase]
    options = kind.pop("options", dict)
    written = part_of(api, phase)
    if head == _ENCODED:
        written = gzip.compress(written)
    script = ending(written, how, waits=count > 0, head=head)
    with Scripted(script, **kind) as server:
        timeout = 0.2 if how == "silence" else 10
        client = client_of(server, is_async=is_async, timeout=timeout, **options())
        return read(client, api, lambda seen: server.asked.set() if seen == count else None)


def check(error: Any, ours: type[tw.LlmError], api: str, count: int) -> None:
    """Check the error at the end of a stream: openai's and ours, with the reply so far."""
    request = error.request
    assert isinstance(error, ours)
    assert isinstance(error, openai.APIConnectionError)
    assert isinstance(error, openai.APITimeoutError) == (ours is SILENT)
    assert type(error).__module__ == "tokenwire.openai"
    assert error.message == str(error) != ""
    assert error.phase == "body"
    assert "/v1/" in str(request.url)
    # The first event of Responses has no text.
    texts = EVENTS[api][:count] if api != "responses" else EVENTS[api][1:count]
    expected = ["One", "One two", "One two three."][len(texts) - 1] if texts else None
    assert (error.partial and error.partial.text) == expected


def cases() -> list[Any]:
    """Every ending at every phase of a chat, and at some of the others."""
    return [
        pytest.param(api, phase, how, id=f"{api}-{phase}-{how}")
        for api in EVENTS
        for phase in (PHASES if api == "chat" else ("in an event", "before the end mark"))
        for how in ENDINGS
    ]


@pytest.mark.parametrize(("api", "phase", "how"), cases())
def test_a_stream_that_breaks_raises_after_what_came_before(api, phase, how, is_async):
    items, error = played(api, phase, how, is_async=is_async)

    count, _ = PHASES[phase]
    assert len(items) == count
    check(error, ENDINGS[how], api, count)


@pytest.mark.parametrize("how", ENDINGS)
def test_a_stream_over_tls_raises_the_same(how, is_async, server_tls, roots, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))

    items, error = played("chat", "between events", how, is_async=is_async, tls=server_tls)

    assert len(items) == 2
    check(error, ENDINGS[how], "chat", 2)


@pytest.mark.parametrize("how", ENDINGS)
def test_a_compressed_stream_raises_the_same(how, is_async):
    # Its end is that of a whole file, so that what comes first can be unpacked.
    items, error = played("chat", "between events", how, is_async=is_async, head=_ENCODED)

    assert len(items) == 2
    check(error, ENDINGS[how], "chat", 2)


@pytest.mark.parametrize("how", ENDINGS)
def test_a_given_client_over_our_transport_raises_the_same(how, is_async):
    def options() -> dict[str, Any]:
        family = pytest.importorskip("tokenwire.httpx2")
        return {"http_client": family.AsyncClient() if is_async else family.Client()}

    items, error = played("chat", "in an event", how, is_async=is_async, options=options)

    assert len(items) == 1
    check(error, ENDINGS[how], "chat", 1)


@pytest.mark.parametrize("how", [how for how in ENDINGS if ENDINGS[how] is not INCOMPLETE])
def test_a_given_stock_client_raises_the_error_of_openai(how, is_async):
    def options() -> dict[str, Any]:
        import httpx2

        return {
            "http_client": httpx2.AsyncClient(trust_env=False, verify=False)
            if is_async
            else httpx2.Client(trust_env=False, verify=False)
        }

    items, error = played("chat", "in an event", how, is_async=is_async, options=options)

    assert len(items) == 1
    kind = openai.APITimeoutError if how == "silence" else openai.APIConnectionError
    assert type(error) is kind


@pytest.mark.parametrize("api", EVENTS)
def test_an_error_that_is_not_ended_is_not_lost(api, is_async):
    """openai drops an event without a blank line after it."""
    failure = b'{"error":{"message":"no"}}'
    if api == "responses":
        failure = b'{"type":"error","message":"no"}'
    written = b"".join(EVENTS[api][:2]) + b"data: " + failure + b"\n"
    with Scripted(ending(written, "end of the body", waits=False)) as server:
        items, error = read(client_of(server, is_async=is_async), api)

    assert len(items) == 2
    check(error, INCOMPLETE, api, 2)
    assert "error" in str(error)


@pytest.mark.parametrize(
    ("how", "kind"),
    [("FIN", "RemoteProtocolError"), ("RST", "ReadError"), ("silence", "ReadTimeout")],
)
def test_the_cause_is_the_error_of_the_library_below(how, kind, is_async):
    _, error = played("chat", "between events", how, is_async=is_async)

    assert type(error.__cause__).__name__ == kind
    assert isinstance(error.__cause__.__cause__, tw.LlmError)


@pytest.mark.parametrize("holds", [False, True])
def test_the_mark_of_chat_does_not_end_a_response(holds, is_async):
    written = b"".join(EVENTS["responses"][:2]) + b"data: [DONE]\n\n"

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + one_chunk(written))
        if holds:
            peer.wait_for_end()
        else:
            peer.send(b"0\r\n\r\n")

    with Scripted(script) as server:
        items, error = read(client_of(server, is_async=is_async), "responses")

    assert len(items) == 2
    check(error, INCOMPLETE, "responses", 2)
    assert "response.completed" in str(error)


@pytest.mark.parametrize(
    ("written", "how"),
    [(written, how) for written in (b"", b"HTTP/1.1 200 OK\r\ncont") for how in ("FIN", "RST")],
)
def test_a_connection_that_ends_before_the_head_raises_the_error_of_openai(written, how, is_async):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(written)
        if how == "RST":
            peer.reset()

    with Scripted(script) as server:
        items, error = read(client_of(server, is_async=is_async), "chat")

    assert items == []
    assert type(error) is openai.APIConnectionError
    assert isinstance(error.__cause__.__cause__, LOST)


@pytest.mark.parametrize("written", [b"", b"HTTP/1.1 200 OK\r\ncont"])
def test_silence_before_the_head_raises_the_error_of_openai(written, is_async):
    def script(peer: Peer) -> None:
        peer.request()
        peer.send(written)
        peer.wait_for_end()

    with Scripted(script) as server:
        items, error = read(client_of(server, is_async=is_async, timeout=0.2), "chat")

    assert items == []
    assert type(error) is openai.APITimeoutError
    assert isinstance(error.__cause__.__cause__, SILENT)


@pytest.mark.parametrize("api", ["chat", "completions"])
@pytest.mark.parametrize("how", ENDINGS)
def test_what_follows_the_end_mark_does_not_matter(api, how, is_async):
    script = ending(b"".join(EVENTS[api]), how, waits=False)
    with Scripted(script) as server:
        # Silence would be noticed after this time.
        items, error = read(client_of(server, is_async=is_async, timeout=30), api)

    assert error is None
    assert len(items) == 3


@pytest.mark.parametrize("how", ENDINGS)
def test_a_whole_stream_of_responses_raises_nothing(how, is_async):
    """It has no mark after its last event, so the reader waits for the end of the body."""
    script = ending(b"".join(EVENTS["responses"]), how, waits=False)
    with Scripted(script) as server:
        timeout = 0.2 if how == "silence" else 10
        items, error = read(client_of(server, is_async=is_async, timeout=timeout), "responses")

    assert error is None
    assert len(items) == 4


@pytest.mark.parametrize(
    ("limits", "comments", "ours"),
    [
        ({"idle": 0.2}, False, tw.LlmStallTimeoutError),
        ({"idle": 0.2}, True, tw.LlmContentTimeoutError),
        ({"first_token": 0.2}, True, tw.LlmContentTimeoutError),
    ],
)
def test_a_limit_that_knows_content_raises_a_timeout_of_both(limits, comments, ours, is_async):
    family = pytest.importorskip("tokenwire.httpx2")
    count = 0 if "first_token" in limits else 1

    def script(peer: Peer) -> None:
        peer.request()
        peer.send(CHUNKED + one_chunk(b"".join(EVENTS["chat"][:count])))
        # It stops when the client has closed the connection.
        while comments:
            peer.send(one_chunk(b": still here\n\n"))
            if peer.ends_within(0.02):
                return
        peer.wait_for_end()

    kind = family.AsyncClient if is_async else family.Client
    with Scripted(script) as server:
        http_client = kind(timeout=tw.Timeout(**limits))
        items, error = read(client_of(server, is_async=is_async, http_client=http_client), "chat")

    assert len(items) == count
    assert isinstance(error, openai.APITimeoutError)
    assert isinstance(error, ours)


def test_a_compressed_stream_that_broke_is_freed_without_the_collector(is_async):
    script = ending(gzip.compress(EVENTS["chat"][0]), "FIN", waits=False, head=_ENCODED)

    async def read_later() -> list[weakref.ref[Any]]:
        async with client_of(server, is_async=True) as client:
            stream = await ask(client, "chat")
            refs = [weakref.ref(stream), weakref.ref(stream.response)]
            with contextlib.suppress(LOST):
                [item async for item in stream]
            return refs

    def read_now() -> list[weakref.ref[Any]]:
        with client_of(server, is_async=False) as client:
            stream = ask(client, "chat")
            refs = [weakref.ref(stream), weakref.ref(stream.response)]
            with contextlib.suppress(LOST):
                list(stream)
            return refs

    with Scripted(script) as server:
        gc.collect()
        gc.disable()
        try:
            refs = asyncio.run(read_later()) if is_async else read_now()
            assert [ref() for ref in refs] == [None, None]
        finally:
            gc.enable()


def broken(is_async: bool) -> Any:
    """The error of a stream that lost its connection, with all that hangs on it."""
    _, error = played("chat", "between events", "FIN", is_async=is_async)
    assert error is not None
    return error


def test_the_error_of_a_stream_is_pickled_without_its_request(is_async):
    error = broken(is_async)

    pickled = pickle.dumps(error)
    again = pickle.loads(pickled)

    assert KEY.encode() not in pickled
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.message == error.message
    assert again.partial.text == error.partial.text
    assert again.request is None
    assert str(copy.copy(error)) == str(error)


def test_the_class_of_an_error_is_where_its_name_says(is_async):
    error = broken(is_async)

    assert type(error) is openai.ConnectionLostError
    assert not hasattr(openai, "NothingError")


def test_a_signal_handler_that_raises_ends_a_stream():
    """As Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with Scripted(ending(b"".join(EVENTS["chat"][:1]), "silence", waits=False)) as server:
            stream = ask(client_of(server, is_async=False, timeout=30), "chat")
            next(stream)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            with pytest.raises(KeyboardInterrupt):
                next(stream)
            assert stream.response.is_closed
            assert list(stream) == []
    finally:
        signal.signal(signal.SIGALRM, before)


def test_no_error_of_a_stream_shows_the_key(is_async):
    error = broken(is_async)

    shown = traceback.TracebackException.from_exception(error, capture_locals=True)

    assert KEY not in "".join(shown.format())
    assert KEY not in repr(error) + str(vars(error))


BROKEN_EVENTS = {
    "bad JSON": b"data: {oops\n\n",
    "bad UTF-8": b"data: \xff\n\n",
    "error": b'data: {"error": {"message": "no"}}\n\n',
}
PROMPT = "the prompt of this test"


@pytest.mark.parametrize("event", BROKEN_EVENTS.values(), ids=BROKEN_EVENTS.keys())
def test_no_error_of_an_event_shows_the_key_or_the_prompt(event, is_async):
    options: Any = {"api_key": KEY, "api_version": "1", "max_retries": 0}
    asked: Any = {
        "messages": [{"role": "user", "content": PROMPT}],
        "extra_headers": {"x-other": f"{KEY}-2"},
    }

    def read_all() -> None:
        with openai.AzureOpenAI(azure_endpoint=server.base_url, **options) as client:
            for _ in client.chat.completions.create(model="m", stream=True, **asked):
                pass

    async def read_later() -> None:
        async with openai.AsyncAzureOpenAI(azure_endpoint=server.base_url, **options) as client:
            async for _ in await client.chat.completions.create(model="m", stream=True, **asked):
                pass

    with (
        Scripted(ending(event, "FIN", waits=False)) as server,
        pytest.raises((ValueError, openai.APIError)) as raised,
    ):
        asyncio.run(read_later()) if is_async else read_all()
    found = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    # Those of this test have both.
    frames = [frame for frame in found.stack if frame.filename != __file__]
    assert any(frame.filename.endswith("streams.py") for frame in frames)
    shown = repr([frame.locals for frame in frames]) + repr(raised.value)
    assert KEY not in shown
    assert PROMPT not in shown


def test_a_stream_that_broke_stays_over(is_async):
    script = ending(b"".join(EVENTS["chat"][:1]), "FIN", waits=False)

    async def read_again() -> None:
        async with client_of(server, is_async=True) as client:
            stream = await ask(client, "chat")
            await anext(stream)
            with pytest.raises(LOST):
                await anext(stream)
            with pytest.raises(StopAsyncIteration):
                await anext(stream)

    with Scripted(script) as server:
        if is_async:
            asyncio.run(read_again())
            return
        with client_of(server, is_async=False) as client:
            stream = ask(client, "chat")
            next(stream)
            with pytest.raises(LOST):
                next(stream)
            with pytest.raises(StopIteration):
                next(stream)
