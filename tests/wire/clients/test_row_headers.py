"""The fixed headers of a custom provider: sent with each request, and hidden like any secret."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.origins import Origin, response

import tokenwire as tw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.asking import Asking

SECRET = "gate-canary-0123456789"
HEADERS = {"X-Gateway-Key": SECRET, "x-version": "2026-01-01"}


@pytest.fixture
def server() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


def acme(server: Origin, **fields: Any) -> tw.LlmProvider:
    return tw.LlmProvider("acme", **{"base_url": server.base_url, "headers": HEADERS, **fields})


def sent(server: Origin) -> list[list[str | None]]:
    names = ("x-gateway-key", "x-version", "authorization")
    return [[request.headers.get(name) for name in names] for request in server.requests]


def test_they_go_with_each_request(server: Origin, ask: Asking) -> None:
    chat = tw.ChatClient("m", provider=acme(server), api_key="sk-1")
    ask.complete(chat, "hi")
    ask.read(chat, "hi")
    ask.complete(chat.with_options(temperature=0), "hi")
    ask.complete(copy.copy(chat), "hi")
    assert sent(server) == [[SECRET, "2026-01-01", "Bearer sk-1"]] * 4


def test_the_callers_headers_win(server: Origin, ask: Asking) -> None:
    chat = tw.ChatClient("m", provider=acme(server), headers={"X-Version": "mine"})
    ask.complete(chat, "hi")
    ask.complete(chat, "hi", headers={"x-version": "of the call"})
    assert [versions[1] for versions in sent(server)] == ["mine", "of the call"]


def test_nothing_shows_their_values(server: Origin, ask: Asking) -> None:
    row = acme(server)
    error = json.dumps({"error": {"message": f"who is {SECRET}?"}}).encode()
    server.answer_next(response(401, error, "content-type: application/json"))
    chat = tw.ChatClient("m", provider=row)
    with pytest.raises(tw.LlmAuthenticationError) as caught:
        ask.complete(chat, "hi")
    shown = [row, row.model_dump(), row.model_dump_json(), chat, caught.value, vars(chat)]
    for value in (*shown, pickle.dumps(row), pickle.dumps(chat)):
        assert SECRET not in f"{value!r} {value!s}"
    assert "who is [key]?" in str(caught.value)


def test_a_pickle_leaves_them_out_and_says_so(server: Origin, ask: Asking) -> None:
    row = pickle.loads(pickle.dumps(acme(server)))
    chats = [
        tw.ChatClient("m", provider=row),
        pickle.loads(pickle.dumps(tw.ChatClient("m", provider=acme(server)))),
    ]
    for chat in chats:
        with pytest.raises(tw.LlmConfigError, match=r"provider \(headers x-gateway-key, x-"):
            ask.complete(chat, "hi")
        ask.complete(chat.with_options(provider=acme(server)), "hi")
    assert [values[0] for values in sent(server)] == [SECRET] * 2
    dump = acme(server).model_dump()
    with pytest.raises(tw.LlmValidationError, match=r"headers\['x-gateway-key'\]: a dump leaves"):
        tw.LlmProvider.model_validate(dump)
    assert tw.LlmProvider.model_validate({**dump, "headers": HEADERS}) == acme(server)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"authorization": SECRET}, "headers of provider acme: authorization carries the key"),
        ({"host": SECRET}, "the header host is set by the HTTP layer"),
        ({"x": f"{SECRET}\n"}, "the header x has a control character"),
        ({"x y": SECRET}, "headers"),
        ({"x": 5}, "the value of a header is a str"),
        ({"x": "\udcff"}, "a lone surrogate"),
        (5, "headers"),
    ],
)
def test_a_wrong_one_is_refused(server: Origin, headers: Any, reason: str) -> None:
    with pytest.raises(tw.LlmError) as caught:
        tw.ChatClient("m", provider=acme(server, headers=headers))
    assert reason in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value}"
    data = {"providers": {"acme": {"base_url": server.base_url, "headers": headers}}}
    with pytest.raises(tw.LlmConfigError) as caught:
        tw.LlmClientFactory(data)
    assert "providers.acme.headers" in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value}"


def test_a_model_string_does_not_choose_who_gets_them(server: Origin, ask: Asking) -> None:
    registry = tw.ModelRegistry(plugins=False)
    registry.register_provider(acme(server, base_url="https://llm.acme.example/v1"))
    registry.register_provider(tw.LlmProvider("own", headers=HEADERS))
    factory = tw.LlmClientFactory(registry=registry)
    place = server.base_url.removeprefix("http://")
    with pytest.raises(tw.LlmConfigError, match="the headers of provider acme are not sent to "):
        factory.get_client(f"acme://{place}@m")
    ask.complete(factory.get_client("acme:m", base_url=server.base_url), "hi")
    # A provider without an address of its own, as people run it themselves.
    ask.complete(factory.get_client(f"own://{place}@m"), "hi")
    assert [values[0] for values in sent(server)] == [SECRET] * 2


def test_a_row_in_a_configuration_has_them(server: Origin, ask: Asking) -> None:
    table = {"base_url": server.base_url, "headers": HEADERS}
    factory = tw.LlmClientFactory(
        {"providers": {"acme": table}, "models": {"x": {"model": "acme:m"}}}
    )
    ask.complete(factory.get_client("x"), "hi")
    assert sent(server) == [[SECRET, "2026-01-01", None]]
    table["headers"] = {**HEADERS, "x-version": "2"}
    other = tw.LlmClientFactory({"providers": {"acme": table}}).get_client("acme:m")
    ask.complete(other, "hi")
    assert sent(server)[1][1] == "2"
