"""Secrets of clients and calls: no attribute, traceback, pickle or copy shows them."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import os
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw
from tokenwire.testing import fake

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-canary-8Yx41"
URL = "http://127.0.0.1:1/v1"
HEADERS = {"X-Gateway": f"Bearer {KEY}"}
ADDRESS = f"http://127.0.0.1:1/v1?sig={KEY}"
PROXY = f"http://me:{KEY}@127.0.0.1:1"


def shown_by(error: BaseException) -> str:
    """What a crash reporter would send home: the error, and our frames with their variables."""
    of_error = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [f for f in of_error.stack if f"{os.sep}tokenwire{os.sep}" in f.filename]
    printed = traceback.format_exception(error)
    return repr([(frame.locals, vars(error)) for frame in ours]) + str(error) + "".join(printed)


def error_of(call: Callable[[], object]) -> tw.LlmError:
    with pytest.raises(tw.LlmError) as caught:
        call()
    return caught.value


SETTINGS: list[dict[str, Any]] = [
    {"api_key": KEY},
    {"headers": HEADERS},
    {"extra_headers": HEADERS},
    {"extra_query": {"sig": KEY}},
    {"base_url": ADDRESS},
    {"proxy": PROXY},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_client_shows_none(settings: dict[str, Any]) -> None:
    client = tw.ChatClient("m", **{"base_url": URL, **settings})
    pooled = tw.LlmClientFactory().get_client("vllm:m", **{"base_url": URL, **settings})
    assert isinstance(pooled, tw.ChatClient)
    for one in (client, pooled, copy.deepcopy(client), client.with_options(seed=1)):
        shown = f"{one!r} {one} {vars(one)} {pickle.dumps(one)!r} {one._engine!r}"
        assert KEY not in shown


@dataclasses.dataclass
class Holder:
    """Returns a key that it holds and shows; it cannot be hashed."""

    key: str

    def __call__(self) -> str:
        return self.key


@pytest.mark.parametrize(
    "source",
    [functools.partial(str, KEY), Holder(KEY), Holder(KEY).__call__],
    ids=["partial", "object", "method"],
)
def test_a_callable_that_holds_a_key_is_not_shown(source: Callable[[], str]) -> None:
    client = tw.ChatClient("m", base_url=URL, api_key=source, max_retries=0)
    factory = tw.LlmClientFactory()
    pooled: Any = factory.get_client("vllm:m", base_url=URL, api_key=source)
    assert factory.get_client("vllm:m", base_url=URL, api_key=source) is pooled
    for one in (client, pooled, copy.deepcopy(client), client.with_options(seed=1)):
        assert KEY not in f"{one!r} {vars(one)} {pickle.dumps(one)!r}"
    assert KEY not in str(vars(factory.pool))
    wrong: dict[str, Any] = {"no_such": 1}
    for call in (
        lambda: client.run("-"),
        lambda: list(client.stream("-")),
        lambda: asyncio.run(client.complete_async("-")),
        client.models,
        lambda: client.with_options(**wrong),
        lambda: tw.ChatClient("m", base_url=URL, api_key=source, **wrong),
        lambda: factory.get_client("vllm:m", base_url=URL, api_key=source, **wrong),
    ):
        assert KEY not in shown_by(error_of(call))


def test_two_callables_that_return_keys_are_two_clients_of_a_pool() -> None:
    factory = tw.LlmClientFactory()
    first, second = Holder("key-1"), Holder("key-1")
    clients = [factory.get_client("vllm:m", base_url=URL, api_key=it) for it in (first, second)]
    # They are equal now, but their keys may change.
    assert clients[0] is not clients[1]


@pytest.mark.parametrize("name", ["extra_headers", "extra_query"])
def test_a_configuration_does_not_show_a_text_where_headers_belong(name: str) -> None:
    row = {"model": "vllm:m", "base_url": URL, "params": {name: "X-Key: hunter2"}}
    for config in ({"models": {"x": row}}, {"defaults": {"params": row["params"]}}):
        error = error_of(lambda config=config: tw.LlmClientFactory(config))  # type: ignore[misc]
        assert f"params.{name}: give a dict of str to str" in str(error)
        assert "hunter2" not in shown_by(error)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_configuration_shows_none(settings: dict[str, Any]) -> None:
    entry = {name: value for name, value in settings.items() if not name.startswith("extra")}
    if entry.pop("api_key", None):
        pytest.skip("a configuration has no keys")
    params = {name: value for name, value in settings.items() if name.startswith("extra")}
    rows = {"x": {"model": "vllm:m", "base_url": URL, **entry, "params": params}}
    factory = tw.LlmClientFactory({"models": rows})
    (held,) = factory._models.values()
    shown = f"{vars(factory)} {vars(held)} {pickle.dumps(factory)!r} {pickle.dumps(held)!r}"
    assert KEY not in shown
    rows["x"]["no_such"] = 1
    assert KEY not in shown_by(error_of(lambda: tw.LlmClientFactory({"models": rows})))
    assert KEY not in shown_by(error_of(lambda: tw.ModelRegistry().load({"models": rows})))


@pytest.mark.parametrize(
    "name",
    ["default_headers", "default_query", "openai_api_key", "azure_ad_token", "cookies", "auth"],
)
@pytest.mark.parametrize("value", [KEY, HEADERS], ids=["str", "dict"])
def test_an_error_about_a_name_of_another_library_does_not_show_its_value(
    name: str, value: Any
) -> None:
    given: dict[str, Any] = {name: value}
    client = tw.ChatClient("m", base_url=URL)
    for call in (
        lambda: tw.ChatClient("m", base_url=URL, **given),
        lambda: tw.client("vllm:m", base_url=URL, **given),
        lambda: client.with_options(**given),
        lambda: client.run("-", **given),
        lambda: client.stream("-", **given),
    ):
        error = error_of(call)
        assert KEY not in shown_by(error)
        assert f"params.{name}: " in str(error)


@pytest.mark.parametrize(
    "address",
    [
        f"http://me:{KEY}@h/v1",
        f"http://{KEY}@h/v1",
        f"http://me:{KEY}@h\ud800/v1",
        f"http://h:99999/v1?sig={KEY}",
        f"http://h/v1#{KEY}",
        f"ftp://me:{KEY}@h",
    ],
)
def test_an_address_that_is_refused_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    rows = {"x": {"model": "vllm:m", "base_url": address}}
    calls: list[Callable[[], object]] = [
        lambda: tw.ChatClient("m", base_url=address),
        lambda: tw.client("vllm:m", base_url=address),
        lambda: tw.LlmClientFactory({"models": rows}),
    ]
    if "\ud800" not in address:
        monkeypatch.setenv("OPENAI_BASE_URL", address)
        calls.append(lambda: tw.ChatClient("openai:m", api_key="k"))
    for call in calls:
        assert KEY not in shown_by(error_of(call))


def test_the_row_of_a_provider_takes_no_key_in_its_address() -> None:
    for address in (ADDRESS, f"http://h/v1?a=1&API-Key={KEY}"):
        with pytest.raises(tw.LlmError, match="name the key's variable in key_vars") as caught:
            tw.LlmProvider("acme", base_url=address)
        assert KEY not in "".join(traceback.format_exception(caught.value))
    tw.LlmProvider("acme", base_url="http://h/v1?api-version=2024-10-21")


def test_a_request_shows_its_headers_in_a_dump_only() -> None:
    request = tw.LlmRequest("-", headers=HEADERS, extra_headers=HEADERS, extra_query={"sig": KEY})
    assert KEY not in f"{request!r} {request}"
    assert request.model_dump()["headers"] == HEADERS
    client = tw.ChatClient("m", base_url=URL, max_retries=0)
    for call in (lambda: client.run(request), lambda: list(client.stream(request))):
        assert KEY not in shown_by(error_of(call))
    for name in ("headers", "extra_headers", "extra_query"):
        for value in ({1: KEY}, [("X-Gateway", KEY)], KEY):
            wrong: dict[str, Any] = {name: value}
            made: list[Callable[[], object]] = [
                lambda wrong=wrong: tw.LlmRequest("-", **wrong),  # type: ignore[misc]
                lambda wrong=wrong: tw.LlmRequest.model_validate({"prompt": "-", **wrong}),  # type: ignore[misc]
            ]
            for make in made:
                error = error_of(make)
                stack = traceback.TracebackException.from_exception(error, capture_locals=True)
                frames = [*stack.stack, *(stack.__cause__.stack if stack.__cause__ else ())]
                ours = [frame for frame in frames if frame.filename != __file__]
                assert KEY not in "".join(traceback.format_exception(error))
                assert KEY not in str([frame.locals for frame in ours])


def test_a_custom_client_gets_its_parameters_unsealed_and_our_frames_do_not_show_them() -> None:
    class Custom(tw.LlmClientInterface):
        def complete(self, request_or_prompt: Any, **params: Any) -> Any:  # noqa: ARG002
            assert params == {"headers": HEADERS, "extra_query": {"sig": KEY}, "seed": 1}
            params.clear()
            raise tw.LlmConfigError("asked")

    given: dict[str, Any] = {"headers": HEADERS, "extra_query": {"sig": KEY}, "seed": 1}
    client = Custom("m")
    for call in (
        lambda: client.run("-", **given),
        lambda: list(client.stream("-", **given)),
        lambda: [row.result() for row in client.map(["-"], concurrency=1, **given)],
    ):
        error = error_of(call)
        assert str(error) == "asked"
        assert KEY not in shown_by(error)


def test_a_fake_records_none() -> None:
    with fake({"*": "hi"}) as recorded:
        client = tw.ChatClient("m", base_url=ADDRESS, headers=HEADERS, extra_query={"sig": KEY})
        client.run("-", headers={"X-Call": KEY, "X-Short": "blue"}, extra_query={"more": KEY})
        client.run("-", stream=True, extra_headers={"X-Call": f"a {KEY} b"})
    assert KEY not in repr(recorded.requests) + repr(vars(recorded))
    first, second = recorded.requests
    assert (first.headers["x-gateway"], first.headers["x-call"]) == ("Bearer [key]", "[key]")
    assert (first.headers["x-short"], second.headers["x-call"]) == ("blue", "[key]")


@pytest.mark.parametrize("name", ["headers", "extra_headers", "extra_query"])
def test_a_value_that_utf8_cannot_carry_is_named_and_not_shown(name: str) -> None:
    given: dict[str, Any] = {name: {"x-a": f"{KEY}\ud800"}}
    client = tw.ChatClient("m", base_url=URL)
    for call in (
        lambda: tw.ChatClient("m", base_url=URL, **given),
        lambda: client.run("-", **given),
        lambda: client.stream("-", **given),
    ):
        error = error_of(call)
        assert 'the value of "x-a" holds a lone surrogate' in str(error)
        assert KEY not in shown_by(error)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ("\r\n", "api_key has a line break at position 15"),
        # It is checked before it is encoded.
        ("\ud800", "api_key: the text holds a lone surrogate at character 15"),
    ],
    ids=["line break", "surrogate"],
)
def test_a_key_from_a_callable_that_a_header_cannot_carry_is_not_shown(
    bad: str, problem: str
) -> None:
    client = tw.ChatClient("m", base_url=URL, api_key=lambda: f"{KEY}{bad}")
    for call in (
        lambda: client.run("-"),
        lambda: list(client.stream("-")),
        client.models,
        lambda: [row.result() for row in client.map(["-"], concurrency=1)],
    ):
        error = error_of(call)
        assert str(error).startswith(problem)
        assert KEY not in shown_by(error)
