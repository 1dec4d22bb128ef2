"""Requests as values: what they accept, how they split, and the names of parameters."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

import tokenwire.types
from tokenwire import ChatClient, CompletionClient
from tokenwire.errors import LlmConfigError, LlmValidationError
from tokenwire.types import ImagePart, LlmMessage, LlmRequest, params


def get_weather(city: str) -> str:
    """Gives the weather."""
    return city


class Answer(BaseModel):
    text: str


def test_split_returns_what_was_set_unchanged():
    messages = [LlmMessage("user", "hi")]
    request = LlmRequest(messages, temperature=1, tools=[get_weather], response_format=Answer)
    assert request.split() == (
        messages,
        {"temperature": 1, "tools": [get_weather], "response_format": Answer},
    )


def test_none_counts_as_not_given_except_for_timeout():
    assert LlmRequest("hi", temperature=None, timeout=None).split() == ("hi", {"timeout": None})


@pytest.mark.parametrize("prompt", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_prompts_of_every_kind_split_as_they_are(prompt):
    assert LlmRequest(prompt).split() == (prompt, {})


def test_dump_and_load_loses_nothing():
    messages: list[LlmMessage | dict[str, object]] = [
        LlmMessage("user", ["look", ImagePart("https://x")], "ann", x=1),
        LlmMessage("assistant", "hi", x=None),
        {"role": "user", "content": [{"type": "text", "text": "as it is"}]},
        {"role": "critic", "content": "an unknown role"},
        {"role": "assistant", "content": None, "tool_calls": []},
    ]
    request = LlmRequest(messages, stop=["a"], logit_bias={"7": 1.5})
    assert LlmRequest.model_validate(request.model_dump()) == request
    assert LlmRequest.model_validate_json(request.model_dump_json()) == request


def test_dict_messages_are_sent_unchanged():
    dicts: list[dict[str, object]] = [
        {"role": "user", "content": "hi", "x": None},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]},
    ]
    asked, _ = LlmRequest(dicts).split()
    assert [getattr(m, "__tokenwire_json__", lambda m=m: m)() for m in asked] == dicts


def test_json_of_a_request_contains_the_schemas_of_functions_and_types():
    loaded = LlmRequest.model_validate_json(
        LlmRequest("hi", tools=[get_weather], response_format=Answer).model_dump_json()
    )
    assert loaded.tools is not None
    assert loaded.tools[0]["function"]["name"] == "get_weather"
    assert loaded.response_format["json_schema"]["name"] == "Answer"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param(
            {"prompt": "x", "temprature": 1},
            "LlmRequest has no argument 'temprature'; did you mean 'temperature'?",
            id="misspelt",
        ),
        pytest.param({}, "LlmRequest: give either prompt= or messages=, not both", id="neither"),
        pytest.param(
            {"prompt": "x", "messages": []},
            "LlmRequest: give either prompt= or messages=, not both",
            id="both",
        ),
    ],
)
def test_wrong_arguments_are_config_errors(fields, message):
    with pytest.raises(LlmConfigError) as caught:
        LlmRequest(**fields)
    assert str(caught.value) == message


def test_an_argument_unlike_any_known_one_lists_them_all():
    with pytest.raises(
        LlmConfigError, match=r"'zzz'; known: background, best_of, .*, user, verbosity"
    ):
        LlmRequest("x", zzz=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("field", "value", "path"),
    [
        ("temperature", "1", "temperature"),
        ("temperature", True, "temperature"),
        ("temperature", float("nan"), "temperature"),
        ("top_p", float("inf"), "top_p"),
        ("max_tokens", 1.5, "max_tokens"),
        ("max_tokens", True, "max_tokens"),
        ("n", "2", "n"),
        ("logprobs", 1.5, "logprobs"),
        ("stop", [1], "stop"),
        ("logit_bias", {1: "x"}, "logit_bias[1]"),
        ("echo", 1, "echo"),
        ("user", b"x", "user"),
        ("headers", {"a": 1}, "headers.a"),
        ("tools", [4], "tools[0]"),
        ("prompt", [1, 2, "x"], "prompt[2]"),
        ("prompt", [[1], [True]], "prompt[1][0]"),
        ("prompt", 4, "prompt"),
    ],
)
def test_values_of_a_wrong_type_are_named_by_path(field, value, path):
    with pytest.raises(LlmValidationError) as caught:
        LlmRequest(**{"prompt": "x", field: value})
    assert caught.value.problems[0].startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("message", "path"),
    [
        ({"content": "x"}, "messages[1]"),
        (4, "messages[1]"),
        ({"role": "user", "parts": [{"type": "text"}]}, "messages[1].parts[0].text"),
    ],
)
def test_wrong_messages_are_named_by_path(message, path):
    with pytest.raises(LlmValidationError) as caught:
        LlmRequest([{"role": "user", "content": "x"}, message])
    assert caught.value.problems[0].startswith(f"{path}: ")


def test_typed_dicts_and_request_agree():
    # `__annotations__` lists a class's own keys alone from Python 3.14 on.
    chat, completion = (
        kind.__optional_keys__ for kind in (params.ChatParams, params.CompletionParams)
    )
    not_sent = {"model", "timeout", "max_retries", "headers", "stream_usage", "output_mode"} | {
        "drop_unsupported",
        "think_tags",
        "extra_body",
        "extra_headers",
        "extra_query",
    }
    clients = [ChatClient("sim:chat", api=api) for api in ("chat", "responses")]
    of_chat = frozenset.union(*(client.get_supported_parameters() for client in clients))
    of_completion = CompletionClient("sim:chat").get_supported_parameters()
    assert chat == of_chat | not_sent
    assert completion == of_completion | not_sent
    assert chat | completion == params.AnyParams.__optional_keys__
    assert chat | completion == set(LlmRequest.model_fields) - {"prompt", "messages"}


def test_every_exported_name_exists():
    assert {name for name in tokenwire.types.__all__ if not hasattr(tokenwire.types, name)} == set()


def test_the_package_imports_no_pydantic():
    root = Path(tokenwire.types.__file__).parents[2]
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); before = set(sys.modules)\n"
        "import tokenwire.types\n"
        "heavy = {'pydantic', 'typing', 'asyncio', 'dataclasses', 'json', 'enum'}\n"
        "print(sorted((set(sys.modules) - before) & heavy))"
    )
    flags = ["-I", "-S", "-c", program]
    done = subprocess.run([sys.executable, *flags], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
