"""Names that other libraries have for our settings and parameters are answered with ours."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest

import tokenwire as tw
from tokenwire import _engine
from tokenwire.settings.client_settings import CLIENT_SETTINGS
from tokenwire.types import AnyParams

LOCAL = "http://127.0.0.1:1/v1"
ROWS = sorted(_engine._other_names())
PARAMETERS = AnyParams.__optional_keys__
# What is neither a setting nor a parameter.
OTHERS = {
    "parse": tw.ChatClient.parse,
    "stream": tw.ChatClient.stream,
    "prompt": inspect.signature(tw.ChatClient.run).parameters["prompt"],
    "on_call": tw.on_call,
    "LlmError": tw.LlmError,
    "LlmMessage": tw.LlmMessage,
    "fake": tw.testing.fake,
    "dropped": tw.LlmResponse.dropped,
    "docs/connections.md": Path(__file__).parents[3] / "docs" / "connections.md",
}


def refusal(act: Any) -> str:
    with pytest.raises(tw.LlmConfigError) as caught:
        act()
    assert "canary" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("name", "ours"), ROWS)
def test_each_name_is_refused_everywhere_with_ours(name: str, ours: str) -> None:
    signature = inspect.signature(tw.ChatClient.__init__).parameters
    assert ours in signature or ours in PARAMETERS or ours in OTHERS
    assert name not in signature
    # It is not one of our parameters.
    assert name not in PARAMETERS
    given: dict[str, Any] = {name: "canary"}
    chat = tw.ChatClient("m", base_url=LOCAL)
    entry = {"models": {"x": {"model": "sim:chat", **given}}}
    params = {"models": {"x": {"model": "sim:chat", "params": given}}}
    for act in (
        lambda: tw.ChatClient("m", base_url=LOCAL, **given),
        lambda: tw.CompletionClient("m", base_url=LOCAL, **given),
        lambda: chat.with_options(**given),
        lambda: chat.complete("-", **given),
        lambda: chat.stream("-", **given),
        lambda: chat.map(["-"], concurrency=1, **given).__next__().result(),
        lambda: tw.LlmClientFactory().get_client("sim:chat", **given),
    ):
        text = refusal(act)
        assert text.startswith(f"params.{name}: ")
        assert ours in text
        assert "extra_body" not in text or ours == "extra_body" or "server" in text
    # A configuration has a table `params`, and names of keys have a message of their own.
    if name == "params" or "key" in name or "token" in name:
        return
    for config in (entry, params):
        assert ours in refusal(lambda config=config: tw.LlmClientFactory(config))


def test_every_setting_is_in_the_signature() -> None:
    signature = inspect.signature(tw.ChatClient.__init__).parameters
    assert set(CLIENT_SETTINGS) <= set(signature)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("base_ulr", "base_url"),
        ("baseurl", "base_url"),
        ("ca_bundel", "ca_bundle"),
        ("header", "headers"),
        ("max_retry", "max_retries"),
        ("temprature", "temperature"),
        ("topP", "top_p"),
        ("topK", "top_k"),
        ("frequencyPenalty", "frequency_penalty"),
        ("max-tokens", "max_tokens"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(wrong: str, near: str) -> None:
    given: dict[str, Any] = {wrong: "x"}
    assert f"did you mean {near}?" in refusal(lambda: tw.ChatClient("sim:chat", **given))
    assert f"did you mean {near}?" in refusal(lambda: tw.ChatClient("sim:chat").run("-", **given))


def test_what_only_a_server_knows_is_still_for_extra_body() -> None:
    for name in (
        "num_ctx",
        "min_p",
        "repeat_penalty",
        "service_tier",
        "reasoning",
        "logits_processors",
    ):
        given: dict[str, Any] = {name: 1}
        text = refusal(lambda given=given: tw.ChatClient("sim:chat", **given))
        assert "extra_body" in text
        # presence_penalty or stop would be something else.
        assert "did you mean" not in text


def test_an_llm_request_gives_the_same_advice() -> None:
    for name, words in [
        ("max_output_tokens", "give max_tokens="),
        ("topP", "did you mean 'top_p'?"),
        ("min_p", "extra_body"),
    ]:
        given: dict[str, Any] = {name: 3}
        assert words in refusal(lambda given=given: tw.LlmRequest("-", **given))
        entry = {"model": "sim:chat", "params": given}
        in_file = refusal(lambda entry=entry: tw.LlmClientFactory({"models": {"x": entry}}))
        assert words.replace("'", "") in in_file


class OtherTimeout:
    """A timeout of another library, such as httpx.Timeout."""

    connect = read = 5.0


@pytest.mark.parametrize("timeout", [OtherTimeout(), (3, 10), {"connect": 3}, [5]])
def test_a_timeout_of_another_library_is_answered_with_ours(timeout: Any) -> None:
    for act in (
        lambda: tw.ChatClient("sim:chat", timeout=timeout),
        lambda: tw.ChatClient("sim:chat").run("-", timeout=timeout),
    ):
        assert "timeout: give seconds, a tokenwire.Timeout(connect=…" in refusal(act)
