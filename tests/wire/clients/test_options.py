"""`with_options`, closing, pickling, and the text of a client."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from tests.wire.asking import sent, sent_headers

import tokenwire as tw
from tokenwire.settings.client_settings import CLIENT_SETTINGS

if TYPE_CHECKING:
    from tests.wire.asking import Asking

    from tokenwire.testing import SimServer

KEY = "sk-canary-7Gq2"


def chat_on(sim: SimServer, model: str = "m", **settings: Any) -> tw.ChatClient:
    return tw.ChatClient(model, base_url=sim.base_url, **settings)


def test_a_child_has_other_settings_than_its_parent(sim: SimServer, ask: Asking) -> None:
    parent = chat_on(sim, system="P", temperature=0.1, headers={"x-a": "1"})
    child = parent.with_options(model="other", system="C", temperature=0.9, headers={"x-a": "2"})
    for client in (child, parent):
        ask.complete(client, "hi")
    assert type(child) is tw.ChatClient
    assert [
        (body["model"], body["messages"][0]["content"], body["temperature"], headers["x-a"])
        for body, headers in zip(sent(sim), sent_headers(sim), strict=True)
    ] == [("other", "C", 0.9, "2"), ("m", "P", 0.1, "1")]
    assert sim.stats()["accepts"] == 1


def test_a_child_keeps_the_other_settings(sim: SimServer, ask: Asking) -> None:
    child = chat_on(sim, api_key=KEY, temperature=0.1, seed=3).with_options(temperature=None)
    ask.complete(child, "hi")
    assert sent(sim) == [{"model": "m", "messages": [{"role": "user", "content": "hi"}], "seed": 3}]
    assert "authorization" in sent_headers(sim)[0]


def test_a_child_has_its_own_retries(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"error": {"status": 500}}})
    parent = chat_on(sim, retry=tw.RetryPolicy(max_retries=1, first=0.001))
    for client, attempts in (
        (parent.with_options(max_retries=0), 1),
        (parent, 2),
        (parent.with_options(retry=tw.RetryPolicy(max_retries=2, first=0.001)), 3),
        (parent.with_options(timeout=5), 2),
    ):
        with pytest.raises(tw.LlmServerError) as caught:
            ask.complete(client, "-")
        assert len(caught.value.attempts) == attempts


def test_a_child_has_the_retry_budget_that_it_is_given(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"error": {"status": 500}}})
    parent = chat_on(sim, max_retries=1)
    for budget, attempts in ((0, 1), (500, 2)):
        policy = tw.RetryPolicy(max_retries=1, first=0.001, budget=budget)
        for child in (parent.with_options(retry=policy), chat_on(sim, retry=policy)):
            with pytest.raises(tw.LlmServerError) as caught:
                ask.complete(child, "-")
            assert len(caught.value.attempts) == attempts
            assert caught.value.retry_budget_exhausted is (budget == 0)


def test_a_child_spends_its_parents_retry_budget(sim: SimServer, ask: Asking) -> None:
    sim.set_script({"default": {"error": {"status": 500}}})
    parent = chat_on(sim, retry=tw.RetryPolicy(max_retries=2, first=0.001, budget=14))
    exhausted = []
    for client in (parent.with_options(seed=1), parent):
        with pytest.raises(tw.LlmServerError) as caught:
            ask.complete(client, "-")
        exhausted.append((len(caught.value.attempts), caught.value.retry_budget_exhausted))
    assert exhausted == [(2, True), (1, True)]


@pytest.mark.parametrize(
    "wrong", [{"no_such": 1}, {"timeout": -1}, {"max_retries": 1, "retry": tw.RetryPolicy()}]
)
def test_a_wrong_option_is_refused(sim: SimServer, wrong: dict[str, Any]) -> None:
    with pytest.raises(tw.LlmConfigError):
        chat_on(sim).with_options(**wrong)
    with pytest.raises(tw.LlmConfigError):
        chat_on(sim, **wrong)


# The others are also parameters of a call.
@pytest.mark.parametrize(
    "name", sorted(CLIENT_SETTINGS.keys() - {"timeout", "max_retries", "headers"})
)
def test_a_call_says_what_is_a_setting_of_the_client(sim: SimServer, name: str) -> None:
    given: dict[str, Any] = {name: "x"}
    with pytest.raises(tw.LlmConfigError, match=f"{name}: it is a setting of the client"):
        chat_on(sim).complete("-", **given)


def test_a_closed_client_refuses_calls(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim)
    child = chat.with_options(seed=1)
    chat.close()
    chat.close()
    for call in (ask.complete, ask.run, ask.read):
        with pytest.raises(tw.LlmClientClosedError):
            call(chat, "-")
    with pytest.raises(tw.LlmClientClosedError):
        ask.models(chat)
    assert ask.complete(child, "-").text


def test_a_with_block_closes_the_client(sim: SimServer) -> None:
    with chat_on(sim) as chat:
        assert chat.run("-")
    with pytest.raises(tw.LlmClientClosedError):
        chat.run("-")


async def test_an_async_with_block_closes_the_client(sim: SimServer) -> None:
    async with chat_on(sim) as chat:
        assert await chat.run_async("-")
    with pytest.raises(tw.LlmClientClosedError):
        await chat.run_async("-")
    await chat.aclose()


def test_a_pickle_contains_the_configuration_and_no_key(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(
        sim,
        "vllm:m",
        api_key=KEY,
        system="S",
        timeout=tw.Timeout(idle=5),
        retry=tw.RetryPolicy(max_retries=0),
        limits=tw.Limits(buffer_bytes=1000),
        temperature=0.5,
    )
    data = pickle.dumps(chat)
    assert KEY.encode() not in data
    again = pickle.loads(data)
    assert repr(again) == repr(chat)
    ask.complete(again.with_options(api_key=None), "hi")
    body, headers = sent(sim)[0], sent_headers(sim)[0]
    assert (body["temperature"], body["messages"][0]["content"]) == (0.5, "S")
    assert "authorization" not in headers


PROXY = "http://me:canary-7Gq2@127.0.0.1:9"
LEFT_OUT: dict[str, tuple[str, Any, str]] = {
    "api_key": ("api_key", KEY, "^api_key: "),
    "callable": ("api_key", str, "^api_key: "),
    "headers": ("headers", {"x-a": KEY, "x-b": "1"}, r"^headers \(x-a, x-b\): "),
    "extra_headers": ("extra_headers", {"x-a": KEY}, r"^extra_headers \(x-a\): "),
    "extra_query": ("extra_query", {"v": KEY}, r"^extra_query \(v\): "),
    "proxy": ("proxy", PROXY, r"^proxy \(user and password of the proxy http://127.0.0.1:9 \): "),
}


proxied = pytest.mark.only_over("general", "proxies")


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=proxied if case == "proxy" else ()) for case in LEFT_OUT]
)
def test_an_unpickled_client_names_what_the_pickle_left_out_and_sends_nothing(
    sim: SimServer, ask: Asking, case: str
) -> None:
    name, value, named = LEFT_OUT[case]
    client = chat_on(sim, **{name: value})
    data = pickle.dumps(client)
    assert b"canary" not in data
    again = pickle.loads(data)
    # A copy or a pickle of it lacks the same.
    for left in (again, again.with_options(seed=1), pickle.loads(pickle.dumps(again))):
        for call in (ask.complete, ask.run, ask.read):
            with pytest.raises(tw.LlmConfigError, match=named):
                call(left, "-")
        with pytest.raises(tw.LlmConfigError, match=named):
            ask.models(left)
        assert [type(row.error) for row in ask.map(left, ["-"], concurrency=1)] == [
            tw.LlmConfigError
        ]
    assert sim.requests() == []
    ask.complete(again.with_options(**{name: None}), "-")
    assert len(sim.requests()) == 1


def test_an_unpickled_client_names_a_base_url_that_lost_its_query(
    sim: SimServer, ask: Asking
) -> None:
    client = tw.ChatClient("m", base_url=f"{sim.base_url}?sig={KEY}")
    again = pickle.loads(pickle.dumps(client))
    with pytest.raises(tw.LlmConfigError, match=rf"^base_url \(the query of {sim.base_url} \): "):
        ask.complete(again, "-")
    ask.complete(again.with_options(base_url=sim.base_url), "-")
    assert len(sim.requests()) == 1


def test_a_key_of_the_environment_must_be_there_where_a_client_is_unpickled(
    sim: SimServer, ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    data = pickle.dumps(chat_on(sim, "vllm:m"))
    ask.complete(pickle.loads(data), "-")
    monkeypatch.delenv("VLLM_API_KEY")
    with pytest.raises(tw.LlmConfigError, match=r"^api_key: "):
        ask.complete(pickle.loads(data), "-")
    assert ["authorization" in headers for headers in sent_headers(sim)] == [True]


def test_a_copy_is_a_separate_client(sim: SimServer, ask: Asking) -> None:
    chat = chat_on(sim, seed=3)
    for again in (copy.copy(chat), copy.deepcopy(chat)):
        ask.complete(again, "-")
    assert [body["seed"] for body in sent(sim)] == [3, 3]


def test_a_client_never_shows_its_key(sim: SimServer, ask: Asking) -> None:
    chat = tw.ChatClient("openai:m", base_url=sim.base_url, api_key=KEY, max_retries=0)
    assert repr(chat) == f"ChatClient(openai:m, base_url='{sim.base_url}')"
    echo = {"status": 400, "body": f"bad key {KEY} in Bearer {KEY}"}
    sim.set_script({"default": {"error": echo}})
    with pytest.raises(tw.LlmAPIError) as caught:
        ask.complete(chat, "-")
    error = caught.value
    shown = f"{error} {error!r} {error.__dict__} {pickle.dumps(error)!r}"
    assert KEY not in shown


def test_all_public_names_exist() -> None:
    for name in tw.__all__:
        assert getattr(tw, name) is not None
        assert name in dir(tw)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = tw.no_such_name  # type: ignore[attr-defined]
