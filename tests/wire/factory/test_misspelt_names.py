"""A name that the configuration lacks: the error has the nearest name and lists the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import tokenwire as tw

if TYPE_CHECKING:
    from pathlib import Path

MODELS: dict[str, Any] = {
    "models": {"gpt-4o": {"model": "sim:chat"}, "prod:fast": {"model": "sim:chat"}}
}


def error_of(factory: tw.LlmClientFactory, name: Any) -> str:
    with pytest.raises(tw.LlmConfigError) as caught:
        factory.get_client(name)
    return str(caught.value)


def test_the_nearest_name_is_proposed_and_all_are_listed() -> None:
    assert error_of(tw.LlmClientFactory(MODELS), "gpt4") == (
        'model: "gpt4" is not in the configuration; did you mean "gpt-4o"? '
        '(configured: gpt-4o, prod:fast; for another model write "provider:model")'
    )


def test_a_name_like_no_other_is_not_matched() -> None:
    assert error_of(tw.LlmClientFactory(MODELS), "zzz").startswith(
        'model: "zzz" is not in the configuration (configured: gpt-4o, prod:fast; '
    )


def test_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenwire.toml"
    path.write_text('[models.fast]\nmodel = "sim:chat"\n')
    factory = tw.LlmClientFactory(path)
    assert f'"fats" is not in {path}; did you mean "fast"?' in error_of(factory, "fats")


def test_a_name_with_a_colon_may_be_misspelt_too() -> None:
    factory = tw.LlmClientFactory(MODELS)
    assert 'did you mean "prod:fast"?' in error_of(factory, "prod:fats")
    # Most likely a provider, of which the configuration says nothing.
    assert error_of(factory, "opnai:x") == (
        'model: "opnai:x": provider opnai: unknown; did you mean openai?'
    )


@pytest.mark.parametrize("name", ["", " ", None, 5, ["gpt4"]])
def test_what_is_no_name_says_what_one_looks_like(name: Any) -> None:
    assert "give a string such as" in error_of(tw.LlmClientFactory(MODELS), name)


@pytest.mark.parametrize("config", [None, {"defaults": {"timeout": 60}}])
def test_without_names_the_form_of_a_model_is_shown(config: Any) -> None:
    message = error_of(tw.LlmClientFactory(config), "gpt4")
    assert message.startswith('model: "gpt4" names no provider; write "provider:model"')


def test_a_long_list_is_cut() -> None:
    names = {f"model-{number}": {"model": "sim:chat"} for number in range(25)}
    message = error_of(tw.LlmClientFactory({"models": names}), "other")
    assert "model-19, and 5 more; " in message
    assert "model-20" not in message


def test_an_id_on_a_server_is_no_name() -> None:
    client = tw.LlmClientFactory(MODELS).get_client("gpt4", base_url="http://127.0.0.1:9/v1")
    assert client.model == "gpt4"
