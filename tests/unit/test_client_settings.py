"""The settings of a client: what copies keep, what is hidden, and what is refused."""

from __future__ import annotations

import copy
from types import MappingProxyType
from typing import Any

import pytest

import tokenwire as tw
from tokenwire.settings.client_settings import CLIENT_SETTINGS

KEY = "sk-never-shown"
URL = "http://127.0.0.1:9/v1"


def test_the_attributes_of_a_client_do_not_show_its_key() -> None:
    chat = tw.ChatClient("m", base_url=URL, api_key=KEY)
    assert KEY not in repr(vars(chat))
    assert KEY not in repr(vars(chat.with_options(max_retries=1)))


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, tw.ChatClient.with_options])
def test_a_copy_keeps_the_key_and_is_closed_separately(sim: Any, make: Any) -> None:
    sim.set_script({"require_key": KEY})
    chat = tw.ChatClient("m", base_url=sim.base_url, api_key=KEY)
    twin = make(chat)
    chat.close()
    assert twin.run("-") != ""
    twin.close()
    with pytest.raises(tw.LlmClientClosedError):
        twin.run("-")


def test_a_copy_with_more_retries_keeps_the_rest_of_its_policy() -> None:
    policy = tw.RetryPolicy(max_retries=1, retry_ambiguous=False, first=0.25)
    child = tw.ChatClient("m", base_url=URL, retry=policy).with_options(max_retries=4)
    assert child._settings["max_retries"] is None
    expected = tw.RetryPolicy(max_retries=4, retry_ambiguous=False, first=0.25)
    assert child._settings["retry"] == expected


def test_more_retries_of_an_entry_leave_the_policy_of_the_defaults_in_force() -> None:
    policy = {"max_retries": 1, "retry_ambiguous": False, "first": 0.25}
    models = {"x": {"model": "sim:chat", "max_retries": 4}}
    factory = tw.LlmClientFactory({"defaults": {"retry": policy}, "models": models})
    expected = tw.RetryPolicy(max_retries=4, retry_ambiguous=False, first=0.25)
    for client in (factory.get_client("x"), factory.get_client("sim:chat", max_retries=4)):
        assert isinstance(client, tw.ChatClient)
        assert client._settings["retry"] == expected


def test_a_setting_of_the_client_is_not_a_parameter_of_a_call() -> None:
    chat = tw.ChatClient("m", base_url=URL)
    of_calls = chat.get_supported_parameters() | {"timeout", "max_retries", "headers"}
    names = set(CLIENT_SETTINGS) - of_calls
    assert len(names) >= 11
    for name in names:
        with pytest.raises(tw.LlmConfigError, match=f"params.{name}: it is a setting of the clie"):
            chat.complete("-", **dict[str, Any]({name: "x"}))


def test_headers_may_be_any_mapping() -> None:
    tw.ChatClient("m", base_url=URL, headers=MappingProxyType({"x-team": "a"}))


@pytest.mark.parametrize("name", ["_api_key", "_key_source", "_parse_as", "_system", "_"])
def test_an_internal_name_is_not_a_parameter(name: str) -> None:
    with pytest.raises(tw.LlmConfigError, match=f"^params.{name}: .* has no such parameter"):
        tw.ChatClient("m", base_url=URL, **dict[str, Any]({name: "x"}))
    chat = tw.ChatClient("m", base_url=URL)
    params: dict[str, Any] = {name: "x"}
    for ask in (chat.complete, chat.stream, chat.stream_async, chat.run):
        with pytest.raises(tw.LlmConfigError, match=f"^params.{name}: .* has no such parameter"):
            ask("-", **params)


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "openai:\ud800"},
        {"model": "\ud800:m"},
        {"provider": "\ud800"},
        {"base_url": "http://\ud800/v1"},
        {"proxy": "http://\ud800"},
        {"ca_bundle": "\ud800"},
        {"client_cert": ("a", "\ud800")},
        {"api_key": "sk-\ud800"},
    ],
)
def test_text_that_utf8_cannot_carry_is_refused_by_the_name_of_its_setting(
    settings: dict[str, Any],
) -> None:
    (name,) = settings
    with pytest.raises(tw.LlmValidationError, match=f"^{name}: the text holds a lone surrogate"):
        tw.ChatClient(**{"model": "m", "base_url": URL, **settings})


def test_a_number_that_is_too_large_for_a_float_is_not_a_timeout() -> None:
    with pytest.raises(tw.LlmConfigError, match=r"^timeout: .* is not a number of seconds"):
        tw.ChatClient("m", base_url=URL, timeout=10**400)


def test_a_text_is_not_the_type_of_a_reply() -> None:
    text: Any
    for text in ("", "  ", "Answer"):
        with pytest.raises(tw.LlmConfigError, match="is a string; pass the type itself"):
            tw.ChatClient("m", base_url=URL).complete("-", response_format=text)
