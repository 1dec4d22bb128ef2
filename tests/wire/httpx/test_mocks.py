"""Libraries that replace the family's own transport, to mock or to watch it, see our requests."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.httpx.scenes import Scripted, Side, answering, reply

from tokenwire import _engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOCKED = "http://mocked.example/v1/models"


@pytest.fixture
def side(family: str, is_async: bool) -> Side:
    return Side(family, is_async=is_async, is_ours=True)


@pytest.fixture
def server(side: Side) -> Iterator[Scripted]:
    with Scripted(answering(*[reply(b"real")] * 5)) as running:
        side.url = running.url
        yield running


def fetching(url: str) -> Any:
    async def scene(side: Side) -> Any:
        client = side.client()
        found = await side.send(client, "POST", "", url=url, json={"a": 1})
        body = await side.read(found)
        await side.close(client)
        return found.status_code, body

    return scene


def attempts() -> int:
    return sum(_engine._attempts())


@pytest.mark.parametrize("using", ["httpcore", "httpx"])
def test_respx_answers(using, side, server):
    respx = pytest.importorskip("respx", reason="respx is not installed")
    if side.family != "httpx":
        pytest.skip("respx is for httpx")
    before = attempts()
    with respx.mock(using=using, assert_all_called=False) as router:
        route = router.post(MOCKED).respond(201, content=b"mocked")
        router.route(host="127.0.0.1").pass_through()
        assert side.play(fetching(MOCKED)) == (201, b"mocked")
        assert route.calls.last.request.content == b'{"a":1}'
        assert attempts() == before
        assert side.play(fetching(server.url)) == (200, b"real")
    # It is over, so requests go over the engine again.
    before = attempts()
    assert side.play(fetching(server.url)) == (200, b"real")
    assert attempts() == before + 1


MOCK_FIXTURES = {
    "httpx": ("pytest_httpx", "httpx_mock"),
    "httpx2": ("pytest_httpx2", "httpx2_mock"),
}


@pytest.fixture
def mock(family: str, request: pytest.FixtureRequest) -> Any:
    module, fixture = MOCK_FIXTURES[family]
    pytest.importorskip(module, reason=f"{module} is not installed")
    return request.getfixturevalue(fixture)


@pytest.mark.no_connection
def test_the_fixture_of_a_plugin_answers(mock, side):
    mock.add_response(url=MOCKED, status_code=201, content=b"mocked")
    assert side.play(fetching(MOCKED)) == (201, b"mocked")
    assert mock.get_requests()[0].content == b'{"a":1}'


@pytest.mark.no_connection
def test_the_fixture_of_a_plugin_raises(mock, side):
    mock.add_exception(side.module.ReadTimeout("mocked"), url=MOCKED)
    assert side.play(fetching(MOCKED)) == f"{side.family}.ReadTimeout"


def test_a_cassette_is_recorded_and_played(side, server, tmp_path):
    vcr = pytest.importorskip("vcr", reason="vcrpy is not installed")
    if side.family not in getattr(vcr.patch, "PATCHER_NAMES", ("httpx",)):
        pytest.skip(f"this vcrpy does not know {side.family}")
    path = str(tmp_path / "cassette.yaml")
    before = attempts()
    with vcr.use_cassette(path) as recorded:
        assert side.play(fetching(server.url)) == (200, b"real")
        assert recorded.play_count == 0
    # What it records goes over the engine.
    assert attempts() == before + 1
    with vcr.use_cassette(path, record_mode="none") as played:
        assert side.play(fetching(server.url)) == (200, b"real")
        assert played.play_count == 1
    assert attempts() == before + 1
    assert len(server.seen) == 1


@pytest.fixture
def watched(side: Side, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that pass a wrapper around the family's own transport, as of OpenTelemetry."""
    paths: list[str] = []
    name, method = (
        ("AsyncHTTPTransport", "handle_async_request")
        if side.is_async
        else ("HTTPTransport", "handle_request")
    )
    kind = getattr(side.module, name)
    real: Callable[..., Any] = getattr(kind, method)

    @functools.wraps(real)
    def watching(transport: Any, request: Any) -> Any:
        paths.append(request.url.path)
        request.headers["traceparent"] = "00-1-2-01"
        return real(transport, request)

    monkeypatch.setattr(kind, method, watching)
    return paths


def test_what_a_wrapper_passes_on_goes_over_the_engine(side, server, watched):
    before = attempts()
    assert side.play(fetching(server.url + "/a?b=c")) == (200, b"real")
    assert attempts() == before + 1
    assert watched == ["/a"]


def test_pieces_pass_a_wrapper(side, server, watched):
    async def scene(side: Side) -> Any:
        client = side.client()
        found = await side.send(client, "POST", "/a", content=side.upload(b"One", b" two"))
        body = await side.read(found)
        await side.close(client)
        return body

    assert side.play(scene) == b"real"
    assert watched == ["/a"]


def test_errors_pass_a_wrapper(side, watched):
    assert side.play(fetching("http://127.0.0.1:1/a")) == f"{side.family}.ConnectError"
    assert watched == ["/a"]
