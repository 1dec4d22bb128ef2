"""Data types, the abstract client, the registry and the token counter of the older interface."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
from typing import Any

import pytest

import tokenwire
from tokenwire.legacy.base_llm_client import BaseLlmClient
from tokenwire.legacy.llm_data_types import (
    LlmMessage,
    LlmRequest,
    LlmResponse,
    LlmStreamChunk,
    MessageRole,
)
from tokenwire.legacy.llm_exceptions import LlmConfigError
from tokenwire.legacy.model_registry import LlmProvider, ModelConfig, ModelRegistry
from tokenwire.legacy.token_counter import TokenCounter

NONES = {"stop": None, "request_id": None}


def test_roles_have_lower_case_values():
    assert {role.name: role.value for role in MessageRole} == {
        "SYSTEM": "system",
        "USER": "user",
        "ASSISTANT": "assistant",
    }


def test_fields_come_in_order_with_their_defaults():
    assert dataclasses.asdict(LlmMessage(MessageRole.USER, "hi")) == {
        "role": MessageRole.USER,
        "content": "hi",
        "metadata": {},
    }
    request = dataclasses.asdict(LlmRequest("hi"))
    assert request == {
        "prompt": "hi",
        "messages": None,
        "model": None,
        "temperature": 0.7,
        "max_tokens": None,
        "top_p": 1.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "stop": None,
        "stream": False,
        "metadata": {},
        "request_id": None,
    }
    assert list(request)[:5] == ["prompt", "messages", "model", "temperature", "max_tokens"]
    response = dataclasses.asdict(LlmResponse("hi"))
    assert response == {
        "text": "hi",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "duration_ms": 0.0,
        "tokens_per_second": 0.0,
        "model": None,
        "provider": None,
        "stream_data": None,
        "estimated_cost_usd": None,
        "metadata": {},
        "request_id": None,
        "api_response_headers": {},
        "finish_reason": None,
    }
    assert list(response)[-3:] == ["request_id", "api_response_headers", "finish_reason"]
    assert dataclasses.astuple(LlmStreamChunk("")) == ("", False, 0, {})


def test_data_types_are_mutable_and_share_no_default():
    first, second = LlmMessage(MessageRole.USER, "a"), LlmMessage(MessageRole.USER, "a")
    first.metadata["x"] = 1
    first.content = ""
    assert second.metadata == {}


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (LlmMessage, {"role": MessageRole.USER, "content": ""}),
        (LlmMessage, {"role": MessageRole.USER, "content": " \n"}),
        (LlmRequest, {}),
        (LlmRequest, {"prompt": "", "messages": []}),
        (LlmRequest, {"prompt": "a", "messages": [LlmMessage(MessageRole.USER, "a")]}),
        (LlmRequest, {"prompt": "a", "temperature": 2.1}),
        (LlmRequest, {"prompt": "a", "temperature": float("nan")}),
        (LlmRequest, {"prompt": "a", "max_tokens": 0}),
        (LlmRequest, {"prompt": "a", "top_p": -0.1}),
        (LlmRequest, {"prompt": "a", "frequency_penalty": 2.5}),
        (LlmRequest, {"prompt": "a", "presence_penalty": -2.5}),
        (LlmResponse, {"text": "a", "prompt_tokens": -1}),
        (LlmResponse, {"text": "a", "completion_tokens": -1}),
        (LlmResponse, {"text": "a", "duration_ms": -1.0}),
        (LlmStreamChunk, {"text": "a", "chunk_index": -1}),
    ],
)
def test_a_violation_is_a_value_error(kind, arguments):
    with pytest.raises(ValueError, match=kind.__name__):
        kind(**arguments)


def test_limits_are_inclusive():
    LlmRequest("a", temperature=2, top_p=0, frequency_penalty=-2, presence_penalty=2, max_tokens=1)
    LlmRequest(messages=[LlmMessage(MessageRole.USER, "a")], prompt="")


def test_totals_and_rates_are_computed():
    counted = LlmResponse("a", 3, 5, duration_ms=250.0, tokens_per_second=1.0)
    assert (counted.total_tokens, counted.tokens_per_second) == (8, 20.0)
    kept = LlmResponse("a", 3, 5, 9, tokens_per_second=1.0)
    assert (kept.total_tokens, kept.tokens_per_second) == (9, 1.0)


class Echo(BaseLlmClient):
    """A client that answers with its prompt."""

    async def complete(self, request):
        await asyncio.sleep(0)
        if request.prompt == "fail":
            raise LlmConfigError("no")
        return LlmResponse(request.prompt or "")

    async def validate_config(self):
        return True

    def get_supported_parameters(self):
        return {"temperature"}


def test_the_abstract_client():
    assert BaseLlmClient.__abstractmethods__ == {
        "complete",
        "validate_config",
        "get_supported_parameters",
    }
    client = Echo("m", verbose=True)
    assert vars(client) == {"model": "m", "debug": False, "verbose": True, "_initialized": False}
    assert str(client) == "Echo(model=m)"
    assert repr(client) == "Echo(model='m', debug=False, verbose=True)"


def test_complete_sync_works_with_and_without_a_loop():
    client = Echo("m")
    assert client.complete_sync(LlmRequest("hi")).text == "hi"

    async def in_a_loop():
        return client.complete_sync(LlmRequest("hi")).text

    assert asyncio.run(in_a_loop()) == "hi"

    async def failing():
        return client.complete_sync(LlmRequest("fail"))

    with pytest.raises(LlmConfigError, match="no"):
        asyncio.run(failing())


MODELS = {
    "gpt-4": (LlmProvider.OPENAI, 8192, 0.03, 0.06),
    "gpt-4-turbo": (LlmProvider.OPENAI, 4096, 0.01, 0.03),
    "gpt-3.5-turbo": (LlmProvider.OPENAI, 4096, 0.0005, 0.0015),
    "claude-3-sonnet-20240229": (LlmProvider.ANTHROPIC, 4096, 0.003, 0.015),
    "claude-3-haiku-20240307": (LlmProvider.ANTHROPIC, 4096, 0.00025, 0.00125),
    "mixtral-8x7b-32768": (LlmProvider.GROQ, 32768, 0.00027, 0.00027),
    "llama2-70b-4096": (LlmProvider.GROQ, 4096, 0.0007, 0.0008),
    "gemini-1.5-pro": (LlmProvider.GOOGLE, 2048, 0.0035, 0.0105),
    "deepily-llama-7b": (LlmProvider.DEEPILY, 4096, 0, 0),
}


def test_a_new_registry_holds_nine_models():
    registry = ModelRegistry()
    assert registry.list_all_models() == sorted(MODELS)
    assert registry.get_providers() == set(LlmProvider)
    for name, (provider, max_tokens, cost_in, cost_out) in MODELS.items():
        config = registry.get_model_config(name)
        costs = (config.cost_per_1k_tokens_input, config.cost_per_1k_tokens_output)
        assert (config.name, config.provider, config.max_tokens) == (name, provider, max_tokens)
        assert costs == (cost_in, cost_out)
        assert config.supports_streaming
        assert config.supports_system_messages


def test_models_are_registered_replaced_and_found():
    registry = ModelRegistry()
    registry.register_model(ModelConfig("gpt-4", LlmProvider.GROQ, "a.B", 1))
    registry.register_model(ModelConfig("new", LlmProvider.GROQ, "no.such.module.B", 1))
    assert registry.get_model_config("gpt-4").max_tokens == 1
    assert [config.name for config in registry.get_models_by_provider(LlmProvider.GROQ)] == [
        "gpt-4",
        "mixtral-8x7b-32768",
        "llama2-70b-4096",
        "new",
    ]
    with pytest.raises(LlmConfigError, match=r"Unknown model: nope.*gpt-4-turbo") as caught:
        registry.get_model_config("nope")
    assert type(caught.value) is LlmConfigError
    assert "nope" not in ModelRegistry().list_all_models()


def test_a_model_configuration():
    config = ModelConfig("a", LlmProvider.OPENAI, "b.C", 5)
    assert dataclasses.astuple(config)[4:8] == (True, True, None, None)
    assert config.supported_parameters == {
        "temperature",
        "max_tokens",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "stop",
    }
    usual: dict[str, Any] = {"name": "a", "provider": LlmProvider.GROQ, "client_class": "c"}
    for wrong in ({"max_tokens": 0}, {"max_tokens": 1, "cost_per_1k_tokens_input": -1.0}):
        with pytest.raises(ValueError, match="ModelConfig"):
            ModelConfig(**usual, **wrong)


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("abc", 0), ("abcd", 1), ("a" * 41, 10), (None, 0), (5, 0)]
)
def test_without_a_vocabulary_four_characters_are_a_token(text, count):
    assert TokenCounter().count_tokens("no-such-model", text) == count
    assert TokenCounter({"m": "no-such-tokenizer"}).count_tokens("m", text) == count


def test_the_counter_keeps_its_map_and_never_raises():
    assert TokenCounter().model_tokenizer_map == {}
    tokenizers = {"m": "t"}
    assert TokenCounter(tokenizers).model_tokenizer_map is tokenizers
    no_map: Any = ["no", "map"]
    assert TokenCounter(no_map).count_tokens(no_map, "abcd") == 1


@pytest.mark.parametrize("named", ["its file", "its folder"])
def test_a_tokenizer_file_in_the_map_counts_exactly(tmp_path, named):
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    file = tmp_path / "tokenizer.json"
    words.save(str(file))
    counter = TokenCounter({"m": str(file if named == "its file" else tmp_path)})
    assert counter.count_tokens("m", "a b c d e") == 5
    assert counter.count_tokens("unknown:model", "a b c d e") == 2


@pytest.mark.parametrize("model", ["unheard-of", "gpt-2", "acme/m", "p50k_base"])
def test_an_unknown_vocabulary_is_not_downloaded(monkeypatch, model):
    monkeypatch.setattr(socket.socket, "connect", None)
    assert TokenCounter().count_tokens(model, "a b c d e") == 2
    assert TokenCounter({"m": model}).count_tokens("m", "a b c d e") == 2


@pytest.mark.parametrize("model", ["gpt-4o", "openai:gpt-4o", "mine", "named", "o200k_base"])
def test_the_vocabularies_of_the_extra_count_exactly(model):
    pytest.importorskip("bpe_openai")
    text = "Grüße, 世界! Hello world"
    exact = tokenwire.TokenCounter().count("openai:gpt-4o", text)
    assert exact.exact
    assert exact.tokens != len(text) // 4
    counter = TokenCounter({"mine": "gpt-4o", "named": "o200k_base"})
    assert counter.count_tokens(model, text) == exact.tokens
